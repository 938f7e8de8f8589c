// Statements; expressions are in jinja_expressions.cpp.

#include "model/internal/jinja_interpreter.h"

#include "base/error.h"
#include "model/internal/jinja_interpreter-inl.h"

namespace retort::model::jinja {

std::string Interpreter::Run(const Node& root) {
  activations_.push_back({std::vector<Value>(root.function->slots), nullptr});
  here_ = &activations_.back();
  out_ = &text_;
  Enter(root.scope);
  ExecuteAll(root);
  return std::move(text_);
}

Interpreter::Flow Interpreter::Execute(const Node* node) {
  if (node == nullptr) return Flow::kOn;
  const Deeper deeper(*this, *node);
  const auto kid = [&](size_t i) -> const Node& { return *node->kids[i]; };
  switch (node->kind) {
    case Kind::kBody:
      return ExecuteAll(*node);
    case Kind::kOutput:
      Output(*node);
      return Flow::kOn;
    case Kind::kFor:
      return For(*node);
    case Kind::kIf:
      return If(*node);
    case Kind::kSet:
      RequireNamespaces(kid(0));
      Assign(kid(0), Evaluate(kid(1)));
      return Flow::kOn;
    case Kind::kSetBlock:
      return SetBlock(*node);
    case Kind::kFilterBlock:
      return FilterBlock(*node);
    case Kind::kWith:
      return With(*node);
    case Kind::kMacro:
      At(node->place) = MacroOf(*node);
      return Flow::kOn;
    case Kind::kCallBlock: {
      const Value caller = MacroOf(*node);
      Write(AsText(Called(kid(0), &caller), "a call block"));
      return Flow::kOn;
    }
    case Kind::kGeneration:
      Generation(*node);
      return Flow::kOn;
    case Kind::kBreak:
      return Flow::kBreak;
    case Kind::kContinue:
      return Flow::kContinue;
    default:
      Fail("a statement of kind ", static_cast<int>(node->kind));
  }
}

Interpreter::Flow Interpreter::ExecuteAll(const Node& body) {
  for (const NodePtr& statement : body.kids) {
    if (const Flow flow = Execute(statement.get()); flow != Flow::kOn) return flow;
  }
  return Flow::kOn;
}

void Interpreter::Write(const std::string& text) {
  budget_.Spend(text.size() / 64);
  *out_ += text;
  RETORT_CHECK(out_->size() <= Budget::kTextBytes, "a text of more than ", Budget::kTextBytes,
               " bytes");
}

void Interpreter::Output(const Node& node) {
  for (const NodePtr& kid : node.kids) {
    const Value value = Evaluate(*kid);
    if (value.text()) {
      Write(value.text()->bytes);
    } else {
      Write(ToText(value, budget_));
    }
  }
}

Interpreter::Flow Interpreter::For(const Node& node) {
  const Node &target = *node.kids[0], &body = *node.kids[2];
  const Node* test = node.kids[4].get();
  const Value iterable = Evaluate(*node.kids[1]);
  const auto items = ToIterator(iterable, budget_);
  const auto loop = std::make_shared<Loop>();
  if (test == nullptr && !iterable.iterator()) loop->length = items->sequence->items.size();
  if (test != nullptr) Enter(node.scope3);
  Activation* const home = here_;
  loop->source = [&, home]() -> std::optional<Value> {
    Activation* const asking = std::exchange(here_, home);
    std::optional<Value> found;
    while (!found && !items->done()) {
      budget_.Spend(1);
      Value item = items->sequence->items[items->next++];
      if (test != nullptr) {
        Assign(*node.kids[5], item);
        if (!Truthy(Evaluate(*test))) continue;
      }
      found = std::move(item);
    }
    here_ = asking;
    return found;
  };

  bool completed = false;  // an iteration, to its end: what is left early counts for 'else'
  while (loop->Next()) {
    Enter(node.scope);
    if (node.scope.loop) here_->slots[*node.scope.loop] = loop;
    Assign(target, loop->current);
    const Flow flow = Execute(&body);
    if (flow == Flow::kBreak) break;
    if (flow == Flow::kOn) completed = true;
  }
  loop->source = nullptr;  // the loop may be kept, what its source refers to not
  Leave(node.scope);
  if (completed || !node.kids[3]) return Flow::kOn;
  Enter(node.scope2);
  const Flow flow = Execute(node.kids[3].get());
  Leave(node.scope2);
  return flow;
}

Interpreter::Flow Interpreter::If(const Node& node) {
  const auto holds = [&](const Node& branch) { return Truthy(Evaluate(*branch.kids[0])); };
  if (holds(node)) return Execute(node.kids[1].get());
  for (const NodePtr& other : node.kids[2]->kids) {
    line_ = other->line;
    if (holds(*other)) return Execute(other->kids[1].get());
  }
  return Execute(node.kids[3].get());
}

Interpreter::Flow Interpreter::FilterBlock(const Node& node) {
  Enter(node.scope);
  Captured captured(*this);
  const Flow flow = Execute(node.kids[0].get());
  if (flow != Flow::kOn) return flow;  // what was captured is lost
  const Value text = captured.Take();
  Write(AsText(Filtered(*node.kids[1], text), "a filter block"));
  Leave(node.scope);
  return Flow::kOn;
}

Interpreter::Flow Interpreter::SetBlock(const Node& node) {
  Enter(node.scope);
  Captured captured(*this);
  const Flow flow = Execute(node.kids[2].get());
  if (flow != Flow::kOn) return flow;
  Value value = captured.Take();
  if (node.kids[1]) value = Filtered(*node.kids[1], value);
  Assign(*node.kids[0], value);
  Leave(node.scope);
  return Flow::kOn;
}

Interpreter::Flow Interpreter::With(const Node& node) {
  Enter(node.scope);
  for (size_t i = 0; i < node.kids[0]->kids.size(); ++i) {
    Assign(*node.kids[0]->kids[i], Evaluate(*node.kids[1]->kids[i]));
  }
  const Flow flow = Execute(node.kids[2].get());
  if (flow == Flow::kOn) Leave(node.scope);
  return flow;
}

void Interpreter::Generation(const Node& node) {
  RETORT_CHECK(out_ == &text_,
               "a generation block inside of text that is captured, as in a macro, ",
               "is not implemented");
  const Value text = Call(MacroOf(node), {});
  const size_t begin = text_.size();
  Write(text.text()->bytes);
  generations_.emplace_back(begin, text_.size());
}

// set a.b = … where a is none: an error before the value is computed.
void Interpreter::RequireNamespaces(const Node& target) {
  for (const NodePtr& kid : target.kids) RequireNamespaces(*kid);
  RETORT_CHECK(target.kind != Kind::kMemberTarget || At(target.place).space(), "'", target.text,
               "' is no namespace, the only thing whose attributes can be set");
}

void Interpreter::Assign(const Node& target, const Value& value) {
  if (target.kind == Kind::kMemberTarget) {
    const std::string& name = target.value.text()->bytes;
    RETORT_CHECK(!name.starts_with('_'), "a namespace cannot have an attribute '", name, "'");
    Namespace* space = At(target.place).space();
    RETORT_CHECK(space != nullptr, "'", target.text, "' is no namespace");
    space->members.insert_or_assign(name, value);
  } else if (target.kind == Kind::kTuple) {
    const Items items = ToItems(value, budget_);
    RETORT_CHECK(items.size() == target.kids.size(), "got ", items.size(),
                 " values to unpack, expected ", target.kids.size());
    for (size_t i = 0; i < items.size(); ++i) Assign(*target.kids[i], items[i]);
  } else {
    At(target.place) = value;
  }
}

void Interpreter::Enter(const Scope& scope) {
  for (const Scope::Load& load : scope.loads) {
    switch (load.kind) {
      case Scope::Load::kGiven:
        break;
      case Scope::Load::kVariable:
        here_->slots[load.slot] = Variable(load.variable);
        break;
      case Scope::Load::kAlias:
        here_->slots[load.slot] = At(load.alias);
        break;
      case Scope::Load::kNothing:
        here_->slots[load.slot] = Value();
    }
  }
}

void Interpreter::Leave(const Scope& scope) {
  for (const Scope::Load& load : scope.loads) here_->slots[load.slot] = Value();
}

Value& Interpreter::At(const Place& place) {
  Activation* at = here_;
  for (int out = place.out; out > 0; --out) at = at->outer;
  return at->slots[place.slot];
}

Value Interpreter::MacroOf(const Node& node) {
  return std::make_shared<const Callable>(Callable{node.text, {}, &node, here_});
}

Value Interpreter::Variable(const std::string& name) {
  const auto known = converted_.find(name);
  if (known != converted_.end()) return known->second;
  Value value;
  if (const auto given = variables_.find(name); given != variables_.end()) {
    value = FromJson(*given, budget_);
  } else if (IsGlobal(name)) {
    value = std::make_shared<const Callable>(Callable{name});
  } else {
    RETORT_CHECK(name != "cycler" && name != "joiner" && name != "lipsum", "'", name,
                 "' is not implemented");
  }
  return converted_.emplace(name, value).first->second;
}

}  // namespace retort::model::jinja
