#include "exec/vm.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "exec/internal/vm_heap.h"
#include "exec/internal/vm_tree.h"

namespace retort::exec {
namespace {

// One run.
class Machine {
 public:
  Machine(const VmTree& tree, const VmLimits& limits, std::vector<VmStep>* trace)
      : tree_(tree), heap_(limits), trace_(trace), variables_(tree.names.size()) {}

  VmResult Run(const Json& input) {
    VmResult result;
    try {
      Bind(input);
      if (Execute(tree_.body) != Flow::kReturn) heap_.Stop("main ended without return");
      result.output = heap_.ToJson(returned_);
      result.ending = VmEnding::kReturned;
    } catch (const Error& error) {
      result.ending = heap_.ending();
      result.message = error.what();
    }
    result.steps = heap_.steps();
    return result;
  }

 private:
  enum class Flow { kNext, kBreak, kContinue, kReturn };

  void Bind(const Json& input) {
    if (!input.is_object()) heap_.Stop("expected an object with the arguments of main");
    for (size_t i = 0; i < tree_.parameters.size(); ++i) {
      const auto found = input.find(tree_.parameters[i]);
      if (found == input.end()) heap_.Stop("there is no argument ", tree_.parameters[i]);
      variables_[i] = heap_.FromJson(*found);
    }
    if (input.size() != tree_.parameters.size()) {
      heap_.Stop("got ", input.size(), " arguments, expected ", tree_.parameters.size());
    }
  }

  // --- the trace ---

  size_t Traced() const { return trace_ ? trace_->size() : 0; }

  std::string Show(const VmValue& value) {
    std::string text = heap_.ToJson(value).dump();
    heap_.SpendCells(text.size());
    return text;
  }

  void Trace(std::string left, std::string op, std::string right, const VmValue& value) {
    trace_->push_back({{}, std::move(left), std::move(op), std::move(right), Show(value)});
  }

  // A variable has got a value; if a step since `before` made it, the last one did.
  void TraceAssignment(int slot, size_t before) {
    if (!trace_) return;
    if (Traced() == before) {
      trace_->push_back({{}, Show(*variables_[static_cast<size_t>(slot)]), {}, {}, {}});
    }
    trace_->back().target = tree_.names[static_cast<size_t>(slot)];
  }

  // --- statements ---

  const VmNode& At(int index) const { return tree_.nodes[static_cast<size_t>(index)]; }
  std::optional<VmValue>& Variable(const VmNode& node) {
    return variables_[static_cast<size_t>(node.slot)];
  }

  Flow Execute(int index) {
    const VmNode& node = At(index);
    heap_.SetLine(node.line);
    heap_.SpendSteps(1);
    switch (node.kind) {
      case VmKind::kBlock:
        for (const int statement : node.children) {
          if (const Flow flow = Execute(statement); flow != Flow::kNext) return flow;
        }
        return Flow::kNext;
      case VmKind::kIf:
        for (size_t i = 0; i + 1 < node.children.size(); i += 2) {
          if (heap_.Boolean(Evaluate(node.children[i]))) return Execute(node.children[i + 1]);
        }
        return node.children.size() % 2 == 1 ? Execute(node.children.back()) : Flow::kNext;
      case VmKind::kWhile:
        while (heap_.Boolean(Evaluate(node.children[0]))) {
          const Flow flow = Execute(node.children[1]);
          if (flow == Flow::kReturn) return flow;
          if (flow == Flow::kBreak) break;
        }
        return Flow::kNext;
      case VmKind::kFor:
        return ExecuteFor(node);
      case VmKind::kForRange:
        return ExecuteForRange(node);
      case VmKind::kReturn:
        returned_ = Evaluate(node.children[0]);
        return Flow::kReturn;
      case VmKind::kBreak:
        return Flow::kBreak;
      case VmKind::kContinue:
        return Flow::kContinue;
      case VmKind::kPass:
        return Flow::kNext;
      default:
        Assign(node);
        return Flow::kNext;
    }
  }

  void Assign(const VmNode& node) {
    size_t before = Traced();
    if (node.kind == VmKind::kAssign) {
      Variable(node) = Evaluate(node.children[0]);
    } else if (node.kind == VmKind::kAppend) {
      const VmValue value = Evaluate(node.children[0]);
      heap_.Append(heap_.List(Read(node)), value);
      before = Traced();
    } else {
      const VmValue value = Evaluate(node.children[2]);
      VmList* list = heap_.List(Evaluate(node.children[0]));
      const int64_t index = heap_.Number(Evaluate(node.children[1]));
      list->items[heap_.Place(index, list->items.size())] = value;
      before = Traced();
    }
    TraceAssignment(node.slot, before);
  }

  // One turn of a loop.
  Flow Turn(const VmNode& node, const VmValue& value) {
    Variable(node) = value;
    TraceAssignment(node.slot, Traced());
    const Flow flow = Execute(node.children.back());
    heap_.SetLine(node.line);
    return flow == Flow::kContinue ? Flow::kNext : flow;
  }

  Flow ExecuteFor(const VmNode& node) {
    const VmValue whole = Evaluate(node.children[0]);
    Flow flow = Flow::kNext;
    // The block may make the list longer.
    for (size_t i = 0; flow == Flow::kNext && i < heap_.Size(whole); ++i) {
      flow = Turn(node, heap_.Item(whole, static_cast<int64_t>(i)));
    }
    return flow == Flow::kReturn ? flow : Flow::kNext;
  }

  Flow ExecuteForRange(const VmNode& node) {
    std::array<int64_t, 3> numbers{0, 0, 1};
    const size_t count = node.children.size() - 1;
    for (size_t i = 0; i < count; ++i) {
      numbers[count == 1 ? 1 : i] = heap_.Number(Evaluate(node.children[i]));
    }
    const auto [begin, end, step] = numbers;
    if (step == 0) heap_.Stop("a range cannot go in steps of 0");
    Flow flow = Flow::kNext;
    for (int64_t i = begin; flow == Flow::kNext && (step > 0 ? i < end : i > end); i += step) {
      flow = Turn(node, i);
    }
    return flow == Flow::kReturn ? flow : Flow::kNext;
  }

  // --- expressions ---

  const VmValue& Read(const VmNode& node) {
    const auto& variable = Variable(node);
    if (!variable) heap_.Stop(tree_.names[static_cast<size_t>(node.slot)], " has no value yet");
    return *variable;
  }

  VmValue Evaluate(int index) {
    const VmNode& node = At(index);
    heap_.SetLine(node.line);
    heap_.SpendSteps(1);
    switch (node.kind) {
      case VmKind::kNumber:
        return heap_.Bounded(node.number);
      case VmKind::kBoolean:
        return node.number != 0;
      case VmKind::kText:
        return heap_.NewText(node.text);
      case VmKind::kName:
        return Read(node);
      case VmKind::kList:
        return heap_.NewList(EvaluateAll(node));
      case VmKind::kNegate:
        return -heap_.Number(Evaluate(node.children[0]));
      case VmKind::kNot:
        return !heap_.Boolean(Evaluate(node.children[0]));
      case VmKind::kAnd:
      case VmKind::kOr: {
        const bool left = heap_.Boolean(Evaluate(node.children[0]));
        if (left == (node.kind == VmKind::kOr)) return left;
        return heap_.Boolean(Evaluate(node.children[1]));
      }
      case VmKind::kBinary: {
        const VmValue left = Evaluate(node.children[0]), right = Evaluate(node.children[1]);
        const VmValue value = heap_.Binary(node.text, node.number == 1, left, right);
        if (trace_) {
          const bool word = node.text.back() == 'n';  // in, not in
          Trace(Show(left), word ? " " + node.text + " " : node.text, Show(right), value);
        }
        return value;
      }
      case VmKind::kIndex: {
        const VmValue whole = Evaluate(node.children[0]);
        const int64_t place = heap_.Number(Evaluate(node.children[1]));
        const VmValue value = heap_.Item(whole, place);
        if (trace_) Trace(StrCat(Show(whole), "[", place, "]"), "", "", value);
        return value;
      }
      case VmKind::kSlice:
        return Slice(node);
      case VmKind::kCall: {
        const std::vector<VmValue> arguments = EvaluateAll(node);
        const VmValue value = heap_.Call(node.text, arguments);
        if (trace_) {
          std::string shown;
          for (const VmValue& each : arguments) shown += (shown.empty() ? "" : ",") + Show(each);
          Trace(StrCat(node.text, "(", shown, ")"), "", "", value);
        }
        return value;
      }
      default:
        heap_.Stop("internal: a statement inside an expression");
    }
  }

  std::vector<VmValue> EvaluateAll(const VmNode& node) {
    std::vector<VmValue> values;
    for (const int child : node.children) values.push_back(Evaluate(child));
    heap_.SetLine(node.line);
    return values;
  }

  VmValue Slice(const VmNode& node) {
    const VmValue whole = Evaluate(node.children[0]);
    const auto size = static_cast<int64_t>(heap_.Size(whole));
    std::array<int64_t, 2> ends{0, size};
    std::string shown[2];
    for (size_t i = 0; i < 2; ++i) {
      const int child = node.children[i + 1];
      if (child == VmTree::kNone) continue;
      const int64_t end = heap_.Number(Evaluate(child));
      ends[i] = std::clamp<int64_t>(end < 0 ? end + size : end, 0, size);
      shown[i] = StrCat(end);
    }
    const VmValue value = heap_.Slice(whole, ends[0], ends[1]);
    if (trace_) Trace(StrCat(Show(whole), "[", shown[0], ":", shown[1], "]"), "", "", value);
    return value;
  }

  const VmTree& tree_;
  VmHeap heap_;
  std::vector<VmStep>* trace_;
  std::vector<std::optional<VmValue>> variables_;  // by slot
  VmValue returned_;
};

}  // namespace

std::string VmStep::Text() const {
  std::string text = target.empty() ? "" : target + "=";
  text += left + op + right;
  if (!value.empty()) text += "=" + value;
  return text;
}

VmProgram::VmProgram(std::string_view text) : tree_(new VmTree(ParseVm(text))) {}
VmProgram::~VmProgram() = default;
VmProgram::VmProgram(VmProgram&&) noexcept = default;
VmProgram& VmProgram::operator=(VmProgram&&) noexcept = default;

const std::vector<std::string>& VmProgram::parameters() const { return tree_->parameters; }

VmResult VmProgram::Run(const Json& input, const VmLimits& limits,
                        std::vector<VmStep>* trace) const {
  return Machine(*tree_, limits, trace).Run(input);
}

}  // namespace retort::exec
