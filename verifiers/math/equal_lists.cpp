// Lists, tuples and sets of real numbers.

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "verifiers/math/internal/judge-inl.h"
#include "verifiers/math/internal/real_set.h"
#include "verifiers/math/internal/relation.h"
#include "verifiers/math/internal/rewrite.h"
#include "verifiers/text/ascii.h"

namespace retort::verifiers {

Sameness Judge::InOrder(NodeId g, NodeId a) { return InOrder(ChildrenOf(g), ChildrenOf(a)); }

Sameness Judge::InOrder(const Nodes& x, const Nodes& y) {
  if (x.size() != y.size()) return Sameness::kDifferent;
  Sameness all = Sameness::kSame;
  for (size_t i = 0; i < x.size() && all != Sameness::kDifferent; ++i) {
    all = Both(all, Same(x[i], y[i]));
  }
  return all;
}

// "n = 1, 2, 3": the name belongs to all. "x = 1, y = 2": each has its own.
NodeId Judge::DropCommonName(Nodes& items) {
  if (items.size() < 2) return kNoNode;
  const auto first = ReadAssignment(tree_, items[0]);
  if (!first || first->name == kNoNode || tree_[items[0]].count != 2) return kNoNode;
  const auto bare = [&](NodeId id) { return OpOf(id) != Op::kRelation; };
  if (!std::all_of(items.begin() + 1, items.end(), bare)) return kNoNode;
  items[0] = first->value;
  return first->name;
}

// What names the items give their values: nothing unless every one does.
std::optional<Judge::NamedItems> Judge::ReadNames(const Nodes& items) const {
  NamedItems named;
  for (const NodeId item : items) {
    const auto assignment = ReadAssignment(tree_, item);
    if (!assignment || assignment->name == kNoNode || tree_[item].text == "e") return std::nullopt;
    named.names.push_back(NormalForm(tree_, assignment->name));
    named.values.push_back(assignment->value);
  }
  std::vector<std::string> names = named.names;
  std::ranges::sort(names);
  named.distinct = std::ranges::adjacent_find(names) == names.end();
  named.one = names.front() == names.back();
  return named;
}

namespace {

// "x", "y" and "z" have an order of their own, whatever order they are written in; "m" and "b" have
// none but that.
bool HaveOrder(const std::vector<std::string>& names) {
  constexpr std::array<std::string_view, 8> kRuns{"abcde", "fgh", "ijk", "lmn",
                                                  "opqr",  "st",  "uvw", "xyz"};
  const auto run = [&](const std::string& name) {
    const size_t plain = std::min(name.find('_'), name.size());
    if (plain != 1) return std::pair<size_t, bool>(kRuns.size(), false);
    const bool upper = IsUpper(name[0]);
    const auto holds = [&](std::string_view letters) {
      return letters.find(Lower(name[0])) != std::string_view::npos;
    };
    return std::pair<size_t, bool>(std::ranges::find_if(kRuns, holds) - kRuns.begin(), upper);
  };
  return std::ranges::all_of(names, [&](const std::string& name) {
    return run(name).first < kRuns.size() && run(name) == run(names[0]);
  });
}

}  // namespace

// The values in the order of their names.
Nodes Judge::InNameOrder(const NamedItems& items) const {
  if (!items.distinct || !HaveOrder(items.names)) return items.values;
  std::vector<std::pair<std::string, NodeId>> pairs;
  for (size_t i = 0; i < items.names.size(); ++i)
    pairs.emplace_back(items.names[i], items.values[i]);
  // x_2 before x_10
  std::ranges::sort(pairs, [](const auto& x, const auto& y) {
    return std::pair(x.first.size(), x.first) < std::pair(y.first.size(), y.first);
  });
  Nodes values;
  for (const auto& [name, value] : pairs) values.push_back(value);
  return values;
}

// The items, and the name that belongs to all.
Nodes Judge::Items(NodeId id, NodeId& name) {
  name = kNoNode;
  if (!IsList(id)) return {id};
  Nodes items = ChildrenOf(id);
  if (OpOf(id) == Op::kList) name = DropCommonName(items);
  return items;
}

// 1,22 read as a number.
NodeId Judge::DecimalComma(NodeId id) {
  if (OpOf(id) != Op::kList || tree_[id].detail != 1) return kNoNode;
  const NodeId whole = tree_.Child(id, 0), part = tree_.Child(id, 1);
  const bool negative = OpOf(whole) == Op::kNegate;
  const NodeId digits = negative ? tree_.Child(whole, 0) : whole;
  const NodeId number =
      tree_.Add(Op::kNumber, std::string(tree_[digits].text) + "." + std::string(tree_[part].text));
  return negative ? tree_.Add(Op::kNegate, {number}) : number;
}

// Inequalities, all of which hold or some of which do.
bool Judge::Conditions(NodeId id) const {
  return OpOf(id) == Op::kList && std::ranges::all_of(tree_.Children(id), [&](NodeId child) {
           return OpOf(child) == Op::kRelation && !ReadAssignment(tree_, child);
         });
}

// "x = kπ, k ∈ ℤ": takes statements about variables off both; false where there are none. Where
// both have one about an integer, it is called the same afterwards.
bool Judge::WithoutDomains(NodeId& g, NodeId& a, bool& differ) {
  const auto is_domain = [&](NodeId id) {
    if (OpOf(id) != Op::kRelation || tree_[id].text != "e") return false;
    const NodeId set = tree_.Child(id, 1);
    const NodeId named = OpOf(set) == Op::kPower ? tree_.Child(set, 0) : set;
    if (OpOf(named) != Op::kSymbol || OpOf(tree_.Child(id, 0)) != Op::kSymbol) return false;
    return std::string_view("RZNQC").find(tree_[named].text[0]) != std::string_view::npos;
  };
  const auto split = [&](NodeId& id) {
    Nodes rest, domains;
    if (OpOf(id) != Op::kList) return domains;
    for (const NodeId item : ChildrenOf(id)) (is_domain(item) ? domains : rest).push_back(item);
    // Of "x = 3k, d ∈ ℤ" the last is about another.
    for (const NodeId domain : domains) {
      const std::string_view name = tree_[tree_.Child(domain, 0)].text;
      if (std::ranges::none_of(rest, [&](NodeId item) { return Mentions(tree_, item, name); })) {
        return Nodes();
      }
    }
    if (rest.empty()) return Nodes();
    if (!domains.empty()) {
      id = rest.size() == 1 ? rest[0] : tree_.Add(Op::kList, {}, rest, tree_[id].detail);
    }
    return domains;
  };
  const Nodes gold = split(g), answer = split(a);
  if (gold.empty() && answer.empty()) return false;
  if (!gold.empty() && !answer.empty() && (gold.size() > 1 || answer.size() > 1)) {
    const auto written = [&](const Nodes& domains) {
      std::vector<std::string> forms;
      for (const NodeId domain : domains) forms.push_back(NormalForm(tree_, domain));
      std::ranges::sort(forms);
      return forms;
    };
    differ = written(gold) != written(answer);
  }
  if (gold.size() != 1 || answer.size() != 1) return true;
  const NodeId to = tree_.Child(gold[0], 0), from = tree_.Child(answer[0], 0);
  const bool same_set =
      NormalForm(tree_, tree_.Child(gold[0], 1)) == NormalForm(tree_, tree_.Child(answer[0], 1));
  const std::string_view name = tree_[from].text;
  differ = !same_set;
  if (same_set && name != tree_[to].text) {
    a = Rewrite(tree_, a, [&](NodeId node) { return IsSymbol(node, name) ? to : kNoNode; });
  }
  return true;
}

// "(-∞, 1) or (2, ∞)" and "[1, 2], [3, 4]" beside a union are unions. Of gold answers only where no
// points can be meant.
NodeId Judge::AsUnion(NodeId list, NodeId other, bool gold) {
  const Op kind = OpOf(other);
  const bool beside = kind == Op::kUnion || kind == Op::kSetMinus || kind == Op::kIntersection;
  if (OpOf(list) != Op::kList || !beside) return list;
  bool interval = false;
  for (const NodeId item : tree_.Children(list)) {
    const Op op = OpOf(item);
    if (op != Op::kInterval && op != Op::kTuple && op != Op::kUnion) return list;
    if (!MayBeRealSet(tree_, item)) return list;
    const auto ends = tree_.Children(item);
    const auto infinite = [&](NodeId end) {
      while (OpOf(end) == Op::kNegate) end = tree_.Child(end, 0);
      return OpOf(end) == Op::kInfinity;
    };
    interval = interval || op != Op::kTuple || std::ranges::any_of(ends, infinite);
  }
  return interval || !gold ? tree_.Add(Op::kUnion, {}, ChildrenOf(list)) : list;
}

Sameness Judge::Lists(NodeId g, NodeId a) {
  if (tree_[g].detail != tree_[a].detail && Conditions(g) && Conditions(a)) {
    return Sets(g, a);
  }
  if (!IsList(g)) {
    if (const NodeId number = DecimalComma(a); number != kNoNode && IsScalar(tree_, g)) {
      return Same(g, number);
    }
    // (1, 3) and "1, 3"; but not {1, 3}.
    if (OpOf(g) == Op::kTuple && OpOf(a) == Op::kList) {
      const auto named = ReadNames(ChildrenOf(a));
      return named ? InOrder(ChildrenOf(g), InNameOrder(*named)) : InOrder(g, a);
    }
    if (OpOf(g) == Op::kMatrix && OpOf(a) == Op::kList) return Matrices(g, a);
    if (OpOf(g) == Op::kRelation && Yes(Sets(g, a))) return Sameness::kSame;
    if (MayBeRealSet(tree_, g) && OpOf(a) == Op::kSet) return Sets(g, a);
  }
  // The choices ABD and A, B, D.
  const auto choices = [&](NodeId symbol, NodeId list) {
    if (OpOf(symbol) != Op::kSymbol || OpOf(list) != Op::kList || tree_[symbol].text.size() > 6) {
      return false;
    }
    std::string letters, written(tree_[symbol].text);
    for (const NodeId item : tree_.Children(list)) {
      if (OpOf(item) != Op::kSymbol || tree_[item].text.size() != 1) return false;
      letters += tree_[item].text;
    }
    std::ranges::sort(letters);
    return letters == written &&
           std::ranges::all_of(letters, [](char c) { return c >= 'A' && c <= 'H'; });
  };
  if (choices(g, a) || choices(a, g)) return Sameness::kSame;
  if (!IsList(a)) {
    // A comma in a gold answer separates, but for 0,75.
    if (const NodeId number = DecimalComma(g); number != kNoNode && IsScalar(tree_, a)) {
      const bool decimal = tree_[number].text.starts_with("0.") && tree_[number].text.size() > 3;
      return decimal ? Same(number, a) : Sameness::kDifferent;
    }
    if (OpOf(g) == Op::kList && OpOf(a) == Op::kTuple) {
      const auto named = ReadNames(ChildrenOf(g));
      return named ? InOrder(InNameOrder(*named), ChildrenOf(a)) : InOrder(g, a);
    }
    if (MayBeRealSet(tree_, a)) return Sets(g, a);
  }
  NodeId gold_name = kNoNode, answer_name = kNoNode;
  const Nodes x = Items(g, gold_name), y = Items(a, answer_name);
  if (gold_name != kNoNode && answer_name != kNoNode && !SameName(gold_name, answer_name)) {
    return Sameness::kDifferent;
  }
  // x = 1, 2 beside x = 1, y = 2.
  const auto others = [&](NodeId name, const Nodes& items) {
    const auto named = name == kNoNode ? std::nullopt : ReadNames(items);
    return named && !(named->one && named->names[0] == NormalForm(tree_, name));
  };
  if (others(gold_name, y) || others(answer_name, x)) return Sameness::kDifferent;
  // A(1, 2), B(3, 4): labels give an order, too.
  const auto labelled = [&](NodeId item) {
    return OpOf(item) == Op::kApply && tree_[item].count > 1;
  };
  if (std::ranges::all_of(x, labelled) && std::ranges::none_of(y, labelled)) return InOrder(x, y);
  // p and q beside p or q.
  const auto symbols = [&](const Nodes& items) {
    return std::ranges::all_of(items, [&](NodeId item) { return OpOf(item) == Op::kSymbol; });
  };
  if (tree_[g].detail + tree_[a].detail == 5 && IsList(g) && IsList(a) && symbols(x) &&
      symbols(y)) {
    return Sameness::kDifferent;
  }
  const auto dots = [&](NodeId item) {
    return OpOf(item) == Op::kText && tree_[item].text == "...";
  };
  if (std::ranges::any_of(x, dots) || std::ranges::any_of(y, dots)) {
    return InOrder(WithoutDots(x), WithoutDots(y));
  }
  // Blanks are filled in their order; "red and blue" has none.
  const auto texts = [&](const Nodes& items) {
    return std::ranges::all_of(items, [&](NodeId item) { return OpOf(item) == Op::kText; });
  };
  if (tree_[g].detail < 2 && tree_[a].detail < 2 && texts(x) && texts(y)) return InOrder(x, y);
  if (x.size() > 1 && x.size() == y.size()) {
    const auto gold = ReadNames(x), answer = ReadNames(y);
    // "x = 1 and y = 2" is one solution, "x = 1 or y = 2" is none of it.
    const int joined = tree_[g].detail, other = tree_[a].detail;
    if (gold && answer && gold->distinct && joined + other == 5 && joined != other) {
      return Sameness::kDifferent;
    }
    // x = 1, x = 2 against x_1 = 1, x_2 = 2.
    const auto indexed = [](const NamedItems& one, const NamedItems& many) {
      return one.one && many.distinct &&
             std::ranges::all_of(many.names, [&](const std::string& name) {
               return name.starts_with(one.names[0] + "_");
             });
    };
    if (gold && answer && (indexed(*gold, *answer) || indexed(*answer, *gold))) {
      return Unordered(gold->values, answer->values);
    }
    // x = 1, y = 2 against 1, 2: names give an order, x = 1, x = 2 do not.
    if (gold && !answer && NothingNamed(y)) {
      if (gold->one) return Unordered(gold->values, y);
      return InOrder(InNameOrder(*gold), y);
    }
    if (answer && !gold && NothingNamed(x)) {
      if (answer->one) return Unordered(x, answer->values);
      return InOrder(x, InNameOrder(*answer));
    }
  }
  return Unordered(x, y, OpOf(g) == Op::kSet || OpOf(a) == Op::kSet);
}

bool Judge::NothingNamed(const Nodes& items) const {
  return std::ranges::none_of(items, [&](NodeId id) { return OpOf(id) == Op::kRelation; });
}

// 1, 2, …, 10 written out; as it is where the dots stand for no whole numbers of one step.
Nodes Judge::WithoutDots(const Nodes& items) {
  constexpr int64_t kMost = 1000;
  const size_t n = items.size();
  if (n < 4 || OpOf(items[n - 2]) != Op::kText) return items;
  const auto first = SmallInteger(tree_, items[0]), second = SmallInteger(tree_, items[1]);
  const auto last = SmallInteger(tree_, items[n - 1]);
  const int64_t step = first && second ? *second - *first : 0;
  if (!last || step == 0 || (*last - *first) % step != 0) return items;
  const int64_t count = (*last - *first) / step + 1;
  if (count < static_cast<int64_t>(n) - 1 || count > kMost) return items;
  for (size_t i = 2; i + 2 < n; ++i) {
    if (SmallInteger(tree_, items[i]) != *first + static_cast<int64_t>(i) * step) return items;
  }
  Nodes all;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t value = *first + i * step;
    const NodeId number = tree_.Number(value < 0 ? -value : value);
    all.push_back(value < 0 ? tree_.Add(Op::kNegate, {number}) : number);
  }
  return all;
}

// Of a list {1} is no 1.
Sameness Judge::SameItem(NodeId g, NodeId a) {
  const bool sets = OpOf(g) == Op::kSet || OpOf(a) == Op::kSet;
  if (sets && (IsScalar(tree_, g) || IsScalar(tree_, a))) return Sameness::kDifferent;
  return Same(g, a);
}

// Each of one has its like in the other. What is said twice counts twice, but in sets, and but for
// one value that is said again in other words, or a pair or equation that an answer repeats.
Sameness Judge::Unordered(const Nodes& x, const Nodes& y, bool sets) {
  const auto items_of = [&](const Nodes& nodes) {
    std::vector<std::pair<std::string, NodeId>> items;
    for (const NodeId node : nodes) items.emplace_back(NormalForm(tree_, node), node);
    if (!sets) return items;
    std::ranges::sort(items);
    const auto same = [](const auto& one, const auto& other) { return one.first == other.first; };
    items.erase(std::unique(items.begin(), items.end(), same), items.end());
    return items;
  };
  const auto gold = items_of(x), answer = items_of(y);
  // So much for so little says more than the gold answer, and would have every pair compared.
  if (answer.size() > 4 * gold.size() + 16) return Sameness::kDifferent;
  const bool counted = !sets && gold.size() > 1;
  const auto scalar = [&](const auto& item) { return IsScalar(tree_, item.second); };
  if (counted && gold.size() != answer.size() &&
      (gold.size() > answer.size() || std::ranges::any_of(answer, scalar))) {
    return Sameness::kDifferent;
  }
  std::vector<bool> found(answer.size());
  std::vector<size_t> rest;  // of gold, what is not written alike
  std::multimap<std::string_view, size_t> written;
  for (size_t i = 0; i < answer.size(); ++i) written.emplace(answer[i].first, i);
  for (size_t i = 0; i < gold.size(); ++i) {
    const auto like = written.find(gold[i].first);
    if (like == written.end()) {
      rest.push_back(i);
      continue;
    }
    found[like->second] = true;
    if (counted) written.erase(like);
  }
  Sameness all = Sameness::kSame;
  for (const size_t i : rest) {
    Sameness best = Sameness::kDifferent;
    for (size_t j = 0; j < answer.size(); ++j) {
      if (counted && found[j]) continue;
      const Sameness same = SameItem(gold[i].second, answer[j].second);
      if (Yes(same)) found[j] = true;
      if (Yes(same) || (same == Sameness::kUnknown && !Yes(best))) best = same;
      if (Yes(same) && counted) break;
    }
    all = Both(all, best);
    if (all == Sameness::kDifferent) return all;
  }
  for (size_t j = 0; j < answer.size(); ++j) {
    if (found[j]) continue;
    // Said in another way before: 1/2, 0.5.
    Sameness best = Sameness::kDifferent;
    for (const auto& [form, item] : gold) {
      const Sameness same = SameItem(item, answer[j].second);
      if (Yes(same) || same == Sameness::kUnknown) best = same;
      if (Yes(same)) break;
    }
    all = Both(all, best);
    if (all == Sameness::kDifferent) return all;
  }
  return all;
}

Sameness Judge::Sets(NodeId g, NodeId a) {
  if (OpOf(g) == Op::kRelation && OpOf(a) == Op::kRelation) {
    const NodeId x = BoundName(tree_, g), y = BoundName(tree_, a);
    if (x == kNoNode || y == kNoNode) return Sameness::kUnknown;
    const bool same = NormalForm(tree_, x) == NormalForm(tree_, y);
    if (!same && !options_.rename_variables) return Sameness::kDifferent;
  }
  const auto is_interval = [&](NodeId id) {
    return OpOf(id) == Op::kInterval || (OpOf(id) == Op::kTuple && tree_[id].count == 2);
  };
  // (15, -11) is a point, [15, -11) is nothing.
  if (is_interval(g) && is_interval(a)) {
    const auto closed = [&](NodeId id, int end) {
      NodeId value = tree_.Child(id, end);
      while (OpOf(value) == Op::kNegate) value = tree_.Child(value, 0);
      return OpOf(value) != Op::kInfinity && (tree_[id].detail & (1 << end)) != 0;
    };
    const bool same = closed(g, 0) == closed(a, 0) && closed(g, 1) == closed(a, 1);
    return same ? InOrder(g, a) : Sameness::kDifferent;
  }
  const auto gold = ReadRealSet(tree_, g);
  const auto answer = gold ? ReadRealSet(tree_, a) : std::nullopt;
  if (!gold || !answer) {
    if (OpOf(g) == Op::kTuple && OpOf(a) == Op::kTuple) return InOrder(g, a);
    if (OpOf(g) != OpOf(a)) return Sameness::kDifferent;
    if (OpOf(g) == Op::kInterval) {
      return tree_[g].detail == tree_[a].detail ? InOrder(g, a) : Sameness::kDifferent;
    }
    if (OpOf(g) == Op::kUnion || OpOf(g) == Op::kIntersection || OpOf(g) == Op::kSet) {
      return Unordered(ChildrenOf(g), ChildrenOf(a), true);
    }
    if (OpOf(g) == Op::kSetMinus) return InOrder(g, a);
    return Sameness::kDifferent;
  }
  // (3, 1) is a point and no interval without numbers.
  const auto point = [&](NodeId id, const std::vector<Piece>& pieces) {
    return OpOf(id) == Op::kTuple && pieces.empty();
  };
  if (point(g, *gold) || point(a, *answer)) {
    return OpOf(g) == Op::kTuple && OpOf(a) == Op::kTuple ? InOrder(g, a) : Sameness::kDifferent;
  }
  // A pair is a point as well.
  if (OpOf(g) == Op::kTuple && OpOf(a) == Op::kTuple) return InOrder(g, a);
  if (gold->size() != answer->size()) return Sameness::kDifferent;
  Sameness all = Sameness::kSame;
  for (size_t i = 0; i < gold->size() && all != Sameness::kDifferent; ++i) {
    const Piece &x = (*gold)[i], &y = (*answer)[i];
    if (x.low_in != y.low_in || x.high_in != y.high_in) return Sameness::kDifferent;
    all = Both(all, Both(Same(x.low, y.low), Same(x.high, y.high)));
  }
  return all;
}

}  // namespace retort::verifiers
