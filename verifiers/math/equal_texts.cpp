// Answers that are words.

#include <algorithm>
#include <array>

#include "verifiers/math/internal/judge-inl.h"
#include "verifiers/math/internal/parse.h"
#include "verifiers/math/internal/units.h"
#include "verifiers/math/internal/words.h"

namespace retort::verifiers {

// "all real numbers" is a set, "no solution" the empty one.
NodeId Judge::Meant(NodeId id) {
  if (OpOf(id) != Op::kText) return id;
  constexpr std::array<std::string_view, 6> kAll{"allrealnumbers",      "allreals",
                                                 "realnumbers",         "thesetofallrealnumbers",
                                                 "thesetofrealnumbers", "anyrealnumber"};
  constexpr std::array<std::string_view, 5> kIntegers{"integers", "allintegers", "theintegers",
                                                      "thesetofintegers", "thesetofallintegers"};
  constexpr std::array<std::string_view, 8> kEmpty{
      "nosolution", "nosolutions", "norealsolution",   "norealsolutions",
      "emptyset",   "theemptyset", "nosolutionexists", "nosolutionsexist"};
  std::string key = TextKey(tree_[id].text);
  if (std::ranges::find(kAll, key) != kAll.end()) return tree_.Add(Op::kSymbol, "R");
  if (std::ranges::find(kIntegers, key) != kIntegers.end()) return tree_.Add(Op::kSymbol, "Z");
  for (const std::string_view all : {"allrealnumbersexcept", "allrealsexcept"}) {
    if (!key.starts_with(all)) continue;
    const auto excluded = ParseAnswer(std::string_view(key).substr(all.size()), tree_);
    if (!excluded || OpOf(*excluded) == Op::kText) return id;
    Nodes items = OpOf(*excluded) == Op::kList ? ChildrenOf(*excluded) : Nodes{*excluded};
    for (NodeId& item : items) {
      if (OpOf(item) != Op::kRelation) continue;
      if (tree_[item].text != "=" && tree_[item].text != "!") return id;  // except x > 2
      item = tree_.Children(item).back();
    }
    const NodeId without = tree_.Add(Op::kSet, {}, items);
    return tree_.Add(Op::kSetMinus, {tree_.Add(Op::kSymbol, "R"), without});
  }
  for (const std::string_view there : {"thereis", "thereare", "ithas"}) {
    if (key.starts_with(there)) key.erase(0, there.size());
  }
  if (std::ranges::find(kEmpty, key) != kEmpty.end()) return tree_.Add(Op::kEmptySet, {});
  return id;
}

// Beside the empty set: φ for ∅, "none".
bool Judge::MeansNothing(NodeId id) const {
  return IsSymbol(id, "phi") || (OpOf(id) == Op::kText && TextKey(tree_[id].text) == "none");
}

// "twelve dogs" is 12, "three quarters" 3/4; kNoNode for texts that are no numbers.
NodeId Judge::Counted(NodeId id) {
  if (OpOf(id) != Op::kText || tree_[id].text.size() > 200) return kNoNode;
  const std::string_view text = tree_[id].text;
  constexpr std::array<std::string_view, 9> kParts{"half",    "third",  "quarter", "fifth", "sixth",
                                                   "seventh", "eighth", "ninth",   "tenth"};
  for (size_t end = text.size(); end > 0; end = text.find_last_of(" -", end - 1)) {
    if (end == std::string_view::npos) break;
    const auto number = NumberInWords(text.substr(0, end));
    if (!number) continue;
    std::string rest(text.substr(std::min(text.size(), end + 1)));
    if (rest.empty() || (text[end] == ' ' && IsUnit(rest, true))) return tree_.Number(*number);
    if (rest == "halves") rest = "half";
    if (rest.starts_with("fourth")) rest.replace(0, 6, "quarter");
    if (rest.ends_with('s')) rest.pop_back();
    const auto part = std::ranges::find(kParts, rest);
    if (part == kParts.end()) return kNoNode;
    return tree_.Add(Op::kDivide, {tree_.Number(*number), tree_.Number(part - kParts.begin() + 2)});
  }
  return kNoNode;
}

// Words, or a letter that stands for a choice. kUnknown: these are no texts.
Sameness Judge::Texts(NodeId g, NodeId a) {
  if (OpOf(g) != Op::kText && OpOf(a) != Op::kText) return Sameness::kUnknown;
  const auto key = [&](NodeId id) {
    const Node& node = tree_[id];
    if (node.op == Op::kText || node.op == Op::kSymbol) {
      std::string text = node.op == Op::kText ? AnswerKey(node.text) : TextKey(node.text);
      return text == "dne" ? "doesnotexist" : text;
    }
    // "odd" may have been read as o·d·d.
    std::string letters;
    if (node.op == Op::kMul) {
      for (const NodeId child : tree_.Children(id)) {
        const Node& letter = tree_[child];
        letters += letter.op == Op::kE ? "e" : letter.op == Op::kI ? "i" : std::string(letter.text);
      }
    }
    return letters;
  };
  if (IsList(g) || IsList(a) || OpOf(g) == Op::kRelation || OpOf(a) == Op::kRelation) {
    return Sameness::kUnknown;
  }
  if (Constant(g) || Constant(a) || tree_[g].op == tree_[a].op) {
    const NodeId x = Constant(g) ? g : Counted(g), y = Constant(a) ? a : Counted(a);
    if (x != kNoNode && y != kNoNode) return Scalars(x, y);
  }
  return key(g) == key(a) && !key(g).empty() ? Sameness::kSame : Sameness::kDifferent;
}

}  // namespace retort::verifiers
