#include <algorithm>
#include <array>
#include <unordered_map>

#include "base/fingerprint.h"
#include "verifiers/math/internal/evaluate.h"
#include "verifiers/math/internal/scalar-inl.h"

namespace retort::verifiers {

namespace {

uint64_t Hash(std::string_view text) { return Mix(Fnv1a(text)); }  // the same on every machine

// Adds the distinct nodes below `id` to `found`, not those inside atoms.
bool Collect(const Tree& tree, NodeId id, std::vector<NodeId>& found) {
  tree.Spend(id / 32);
  std::vector<bool> seen(static_cast<size_t>(id) + 1);
  std::vector<NodeId> open{id};
  while (!open.empty()) {
    const NodeId next = open.back();
    open.pop_back();
    found.push_back(next);
    if (static_cast<int64_t>(found.size()) > 2 * kMaxNodes) return false;
    tree.Spend(20 + 10 * tree[next].count);
    if (tree[next].IsAtom()) continue;
    for (const NodeId child : tree.Children(next)) {
      auto known = seen[static_cast<size_t>(child)];
      if (!known) open.push_back(child);
      known = true;
    }
  }
  return true;
}

void SortUnique(std::vector<NodeId>& nodes) {
  std::sort(nodes.begin(), nodes.end());
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
}

size_t IndexOf(const std::vector<NodeId>& sorted, NodeId id) {
  return static_cast<size_t>(std::ranges::lower_bound(sorted, id) - sorted.begin());
}

bool HasPieces(const Step& step) {
  constexpr std::array kFunctions{Function::kAbs,  Function::kFloor, Function::kCeil,
                                  Function::kSign, Function::kMax,   Function::kMin,
                                  Function::kMod,  Function::kGcd,   Function::kLcm};
  return std::ranges::any_of(kFunctions, [&](Function function) { return step.Is(function); });
}

class Builder {
 public:
  // `nodes` are sorted: children come first in the tree.
  Builder(const Tree& tree, const std::vector<NodeId>& nodes, Program& program)
      : tree_(tree), nodes_(nodes), program_(program) {
    for (const NodeId id : nodes) step_of_.push_back(Add(id));
  }
  int32_t StepOf(NodeId id) const { return step_of_[IndexOf(nodes_, id)]; }

 private:
  int32_t Add(NodeId id) {
    const Node& node = tree_[id];
    tree_.Spend(200 + 50 * node.count);
    Step step{.node = id, .op = node.op, .detail = node.detail, .atom = node.IsAtom()};
    step.varying = step.atom || node.op == Op::kSymbol || node.op == Op::kApply;
    program_.constant = program_.constant && !step.varying;
    step.first = static_cast<int32_t>(program_.arguments.size());
    if (step.atom) {
      step.name = Hash(NormalForm(tree_, id));
    } else {
      if (step.varying) step.name = Hash(node.text);
      for (const NodeId child : tree_.Children(id)) {
        const int32_t argument = StepOf(child);
        program_.arguments.push_back(argument);
        step.varying = step.varying || program_[argument].varying;
      }
      step.count = node.count;
    }
    if (step.op == Op::kNumber && node.text.find('.') != std::string_view::npos) {
      program_.decimal = true;
    }
    program_.log = program_.log || step.Is(Function::kLog);
    if (step.op == Op::kRoot && step.count == 2) {
      const Op radicand = program_[program_.Arguments(step)[0]].op;
      (radicand == Op::kAdd ? sums_ : products_) = true;
    }
    products_ = products_ || step.Is(Function::kAbs) || step.Is(Function::kSign);
    program_.roots = sums_ && !products_;
    program_.complex = program_.complex || step.op == Op::kI;
    program_.pieces = program_.pieces || step.op == Op::kRoot || HasPieces(step);

    uint64_t key = Mix(static_cast<uint64_t>(step.op) << 8 | step.detail) ^ step.name;
    if (step.op == Op::kNumber) key ^= Hash(node.text);
    for (const int32_t argument : program_.Arguments(step)) {
      key = Mix(key + static_cast<uint64_t>(argument));
    }
    const auto [place, fresh] =
        known_.try_emplace(key, static_cast<int32_t>(program_.steps.size()));
    if (!fresh && IsSame(program_[place->second], step)) {
      program_.arguments.resize(static_cast<size_t>(step.first));
      return place->second;
    }
    program_.steps.push_back(step);
    return static_cast<int32_t>(program_.steps.size()) - 1;
  }

  bool IsSame(const Step& a, const Step& b) const {
    return a.op == b.op && a.detail == b.detail && a.name == b.name &&
           tree_[a.node].text == tree_[b.node].text &&
           std::ranges::equal(program_.Arguments(a), program_.Arguments(b));
  }

  const Tree& tree_;
  const std::vector<NodeId>& nodes_;
  Program& program_;
  std::vector<int32_t> step_of_;
  std::unordered_map<uint64_t, int32_t> known_;
  bool sums_ = false, products_ = false;  // under roots
};

}  // namespace

uint64_t Mix(uint64_t bits) {
  bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ bits >> 27) * 0x94d049bb133111eb;
  return bits ^ bits >> 31;
}

bool IsConstant(const Tree& tree, NodeId id) { return tree[id].constant; }

bool IsScalar(const Tree& tree, NodeId id) { return tree[id].scalar; }

std::optional<Program> Program::Make(const Tree& tree, NodeId a, NodeId b) {
  for (const NodeId id : {a, b}) {
    if (!tree[id].scalar || tree[id].depth > kMaxDepth) return std::nullopt;
  }
  std::vector<NodeId> nodes;
  if (!Collect(tree, a, nodes) || !Collect(tree, b, nodes)) return std::nullopt;
  SortUnique(nodes);
  std::optional<Program> program(std::in_place);
  const Builder builder(tree, nodes, *program);
  program->a = builder.StepOf(a);
  program->b = builder.StepOf(b);
  return program;
}

}  // namespace retort::verifiers
