// Which variable each name means.
//
// Two walks, as in Jinja's compiler: Survey looks over a scope, stopping at the scopes inside, for
// the names it reads and sets; Resolver then gives each name its place.

#include <map>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/excerpt.h"
#include "model/internal/jinja_builtins.h"
#include "model/internal/jinja_tree.h"

namespace retort::model::jinja {
namespace {

// A variable before it is known from where it will be reached: functions count from the outside.
struct Spot {
  int function;
  size_t slot;
  bool operator<(const Spot& other) const {
    return std::pair(function, slot) < std::pair(other.function, other.slot);
  }
};

// The functions around what is looked at, the innermost last.
struct Functions {
  struct Open {
    Function* function;
    std::map<std::pair<int, std::string>, size_t> slots = {};  // by level and name
  };
  std::vector<Open> open;

  Spot SlotFor(int level, const std::string& name) {
    Open& inner = open.back();
    const auto [at, added] = inner.slots.emplace(std::pair(level, name), inner.function->slots);
    if (added) ++inner.function->slots;
    return {static_cast<int>(open.size()) - 1, at->second};
  }
};

using Load = Scope::Load;

// What is known of a scope's names; in the branches of an If, what is known besides.
class Names {
 public:
  Names(Functions& functions, const Names* outer, int level)
      : functions_(&functions), outer_(outer), level_(level) {}

  int level() const { return level_; }

  Names Branch() const {
    Names branch(*functions_, outer_, level_);
    branch.before_ = this;
    return branch;
  }

  const Spot* Find(const std::string& name) const {
    const Spot* own = FindHere(name);
    return own != nullptr || outer_ == nullptr ? own : outer_->Find(name);
  }

  void Read(const std::string& name) {
    if (Find(name) == nullptr) Define(name, {Load::kVariable, 0, name});
  }
  void Set(const std::string& name) {
    set_.insert(name);
    if (FindHere(name) == nullptr) Define(name, Inherited(name, Load::kNothing));
  }
  Spot Give(const std::string& name) {
    set_.insert(name);
    return Define(name, {Load::kGiven, 0});
  }

  // What the branches of an If have found. A name that only they set is, until then, what it is
  // outside.
  void Merge(const std::vector<Names>& branches) {
    std::set<std::string> only;
    for (const Names& branch : branches) {
      for (const std::string& name : branch.set_) {
        if (!IsSet(name)) only.insert(name);
      }
    }
    for (const Names& branch : branches) {
      for (const auto& [name, spot] : branch.spots_) spots_.insert_or_assign(name, spot);
      for (const auto& [spot, load] : branch.loads_) loads_.insert_or_assign(spot, load);
      set_.insert(branch.set_.begin(), branch.set_.end());
    }
    for (const std::string& name : only) {
      const Spot spot = *Find(name);
      Load load = Inherited(name, Load::kVariable);
      load.slot = spot.slot;
      loads_.insert_or_assign(spot, load);
    }
  }

  Scope Loads() const {
    Scope scope;
    for (const auto& [spot, load] : loads_) scope.loads.push_back(load);
    return scope;
  }

 private:
  const Spot* FindHere(const std::string& name) const {
    for (const Names* names = this; names != nullptr; names = names->before_) {
      const auto at = names->spots_.find(name);
      if (at != names->spots_.end()) return &at->second;
    }
    return nullptr;
  }
  bool IsSet(const std::string& name) const {
    return set_.contains(name) || (before_ != nullptr && before_->IsSet(name));
  }

  Load Inherited(const std::string& name, Load::Kind otherwise) const {
    const Spot* outer = outer_ == nullptr ? nullptr : outer_->Find(name);
    if (outer == nullptr) return {otherwise, 0, name};
    const int here = static_cast<int>(functions_->open.size()) - 1;
    return {Load::kAlias, 0, "", {here - outer->function, outer->slot}};
  }

  Spot Define(const std::string& name, Load load) {
    const Spot spot = functions_->SlotFor(level_, name);
    load.slot = spot.slot;
    spots_.insert_or_assign(name, spot);
    loads_.insert_or_assign(spot, load);
    return spot;
  }

  Functions* functions_;
  const Names* outer_;
  int level_;
  const Names* before_ = nullptr;
  std::map<std::string, Spot> spots_;
  std::map<Spot, Load> loads_;
  std::set<std::string> set_;
};

void Survey(const Node* node, Names& names);

void SurveyAll(const Node& node, Names& names) {
  for (const NodePtr& kid : node.kids) Survey(kid.get(), names);
}

void Survey(const Node* node, Names& names) {
  if (node == nullptr) return;
  const auto kid = [&](size_t i) { return node->kids[i].get(); };
  switch (node->kind) {
    case Kind::kName:
    case Kind::kMemberTarget:
      return names.Read(node->text);
    case Kind::kTarget:
      return names.Set(node->text);
    case Kind::kParameter:
      names.Give(node->text);
      return;
    case Kind::kIf: {
      Survey(kid(0), names);
      std::vector<Names> branches(3, names.Branch());
      for (size_t i = 0; i < 3; ++i) Survey(kid(i + 1), branches[i]);
      return names.Merge(branches);
    }
    case Kind::kSet:
      Survey(kid(1), names);
      return Survey(kid(0), names);
    // Scopes of their own, from which only this is read here.
    case Kind::kMacro:
      return names.Set(node->text);
    case Kind::kFor:
    case Kind::kFilterBlock:
    case Kind::kWith:
      return Survey(kid(1), names);
    case Kind::kCallBlock:
    case Kind::kSetBlock:
      return Survey(kid(0), names);
    case Kind::kGeneration:
      return;
    default:
      return SurveyAll(*node, names);
  }
}

// The target of a loop, whose names the loop gives.
void SurveyTarget(const Node& target, Names& names) {
  if (target.kind == Kind::kTarget) names.Give(target.text);
  for (const NodePtr& kid : target.kids) SurveyTarget(*kid, names);
}

// Takes out of `wanted` what is set and returns what is read before that, anywhere below.
void FindUndeclared(const Node* node, std::set<std::string>& wanted, std::set<std::string>& found) {
  if (node == nullptr) return;
  if (node->kind == Kind::kName && wanted.contains(node->text)) {
    found.insert(node->text);
  } else if (node->kind == Kind::kTarget || node->kind == Kind::kParameter) {
    wanted.erase(node->text);
  }
  for (const NodePtr& kid : node->kids) FindUndeclared(kid.get(), wanted, found);
}
std::set<std::string> Undeclared(const Node& node, std::set<std::string> wanted) {
  std::set<std::string> found;
  FindUndeclared(&node, wanted, found);
  return found;
}

class Resolver {
 public:
  explicit Resolver(const std::string& where) : where_(where) {}

  void Run(Node& root) {
    functions_.open.push_back({root.function.get()});
    Names names(functions_, nullptr, 0);
    if (Undeclared(root, {"self"}).contains("self")) Fail(root, "'self' is not implemented");
    SurveyAll(root, names);
    root.scope = names.Loads();
    All(root, {&names});
  }

 private:
  struct Here {
    const Names* names;
    bool loop = false;   // 'break' has something to leave
    bool maybe = false;  // inside of what a condition may skip: unknown filters are met when run
  };

  template <class... Args>
  [[noreturn]] void Fail(const Node& node, const Args&... what) const {
    retort::Fail(where_, ": line ", node.line, ": ", what...);
  }

  void All(Node& node, const Here& here) {
    for (const NodePtr& kid : node.kids) One(kid.get(), here);
  }

  void One(Node* node, const Here& here) {
    if (node == nullptr) return;
    const auto kid = [&](size_t i) { return node->kids[i].get(); };
    Here inner = here;
    switch (node->kind) {
      case Kind::kName:
      case Kind::kTarget:
      case Kind::kParameter:
      case Kind::kMemberTarget:
        return Locate(*node, *here.names);
      case Kind::kFilter:
      case Kind::kTest: {
        const bool known = node->kind == Kind::kFilter ? IsFilter(node->text) : IsTest(node->text);
        if (!known && !here.maybe) FailUnknown(*node);
        return All(*node, here);
      }
      case Kind::kIf:
        inner.maybe = true;
        return All(*node, inner);
      case Kind::kCondition:
        inner.maybe = true;
        return All(*node, inner);
      case Kind::kFor:
        return For(*node, here);
      case Kind::kMacro:
        Locate(*node, *here.names);
        return Macro(*node, here);
      case Kind::kGeneration:
        return Macro(*node, here);
      case Kind::kCallBlock:
        Macro(*node, here);
        return One(kid(0), here);
      case Kind::kFilterBlock:
      case Kind::kWith:
      case Kind::kSetBlock:
        return Block(*node, here);
      case Kind::kBreak:
      case Kind::kContinue:
        if (!here.loop) Fail(*node, "a 'break' or 'continue' outside of a loop");
        return;
      default:
        return All(*node, here);
    }
  }

  void Locate(Node& node, const Names& names) const {
    const Spot* spot = names.Find(node.text);
    if (spot == nullptr) Fail(node, "the name '", Excerpt(node.text), "' is unknown here");
    node.place = {static_cast<int>(functions_.open.size()) - 1 - spot->function, spot->slot};
  }

  [[noreturn]] void FailUnknown(const Node& node) const {
    Fail(node, "the ", node.kind == Kind::kFilter ? "filter '" : "test '", Excerpt(node.text),
         "' is unknown or not implemented");
  }

  void For(Node& node, const Here& here) {
    Node *target = node.kids[0].get(), *body = node.kids[2].get(), *otherwise = node.kids[3].get(),
         *test = node.kids[4].get();
    RefuseLoopTarget(node);
    const int level = here.names->level() + 1;
    Names names(functions_, here.names, level);
    std::optional<size_t> loop;
    if (Undeclared(*body, {"loop"}).contains("loop")) {
      loop = names.Give("loop").slot;
    }
    SurveyTarget(*target, names);
    SurveyAll(*body, names);
    node.scope = names.Loads();
    node.scope.loop = loop;

    One(node.kids[1].get(), here);
    if (test != nullptr) Test(node, *test, here);
    One(target, {&names});
    One(body, {&names, true});
    if (otherwise != nullptr) {
      Names others(functions_, here.names, level);
      SurveyAll(*otherwise, others);
      node.scope2 = others.Loads();
      One(otherwise, {&others, here.loop});
    }
  }

  void RefuseLoopTarget(const Node& node) const {
    if (node.kind == Kind::kTarget && node.text == "loop") Fail(node, "'loop' is assigned to");
    for (const NodePtr& kid : node.kids) {
      if (kid) RefuseLoopTarget(*kid);
    }
  }

  // The condition of a loop sees its own copy of the target: it looks ahead of the body.
  void Test(Node& node, Node& test, const Here& here) {
    Names names(functions_, here.names, --condition_level_);
    SurveyTarget(*node.kids[0], names);
    Survey(&test, names);
    node.scope3 = names.Loads();
    One(&test, {&names});
    auto target = std::make_unique<Node>(Copy(*node.kids[0]));
    One(target.get(), {&names});
    node.kids.push_back(std::move(target));
  }

  static Node Copy(const Node& node) {
    Node copy{node.kind, node.line, node.text, node.value};
    for (const NodePtr& kid : node.kids) copy.kids.push_back(std::make_unique<Node>(Copy(*kid)));
    return copy;
  }

  void Macro(Node& node, const Here& here) {
    Function& function = *node.function;
    functions_.open.push_back({&function});
    Names names(functions_, here.names, here.names->level() + 1);
    const auto survey = [&] {
      for (size_t i = 1; i < 4; ++i) Survey(node.kids[i].get(), names);
    };
    survey();
    std::set<std::string> special = Undeclared(*node.kids[3], {"caller", "kwargs", "varargs"});
    const Node &parameters = *node.kids[1], &defaults = *node.kids[2];
    for (size_t i = 0; i < parameters.kids.size(); ++i) {
      const std::string& name = parameters.kids[i]->text;
      const bool has_default = i + defaults.kids.size() >= parameters.kids.size();
      if (name == "caller" && special.contains(name) && !has_default) {
        Fail(node, "the parameter 'caller' needs a default");
      }
      special.erase(name);
    }
    if (special.contains("caller")) function.caller = names.Give("caller").slot;
    if (special.contains("kwargs")) function.named = names.Give("kwargs").slot;
    if (special.contains("varargs")) function.rest = names.Give("varargs").slot;
    survey();
    node.scope = names.Loads();
    for (size_t i = 1; i < 4; ++i) One(node.kids[i].get(), {&names});
    functions_.open.pop_back();
  }

  void Block(Node& node, const Here& here) {
    Names names(functions_, here.names, here.names->level() + 1);
    const auto kid = [&](size_t i) { return node.kids[i].get(); };
    const Here inside{&names, here.loop};
    if (node.kind == Kind::kFilterBlock) {
      SurveyAll(node, names);
    } else if (node.kind == Kind::kWith) {
      Survey(kid(0), names);
      Survey(kid(2), names);
    } else {
      Survey(kid(2), names);
    }
    node.scope = names.Loads();
    if (node.kind == Kind::kFilterBlock) return All(node, inside);
    // A With's values and a set block's target belong to what is around.
    const bool with = node.kind == Kind::kWith;
    One(kid(0), with ? inside : here);
    One(kid(1), with ? here : inside);
    One(kid(2), inside);
  }

  const std::string& where_;
  Functions functions_;
  int condition_level_ = 0;
};

}  // namespace

void Resolve(Node& root, const std::string& where) { Resolver(where).Run(root); }

}  // namespace retort::model::jinja
