#pragma once
// Runs a template's tree.

#include <ctime>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "model/internal/jinja_builtins.h"
#include "model/internal/jinja_tree.h"

namespace retort::model::jinja {

/// The variables of one call of a function.
struct Activation {
  std::vector<Value> slots;
  Activation* outer;  ///< of the function around it
};

class Interpreter {
 public:
  Interpreter(const Json& variables, const std::optional<std::tm>& now)
      : variables_(variables), now_(now) {}

  std::string Run(const Node& root);
  const std::vector<std::pair<size_t, size_t>>& generations() const { return generations_; }
  /// Of what was last run.
  int line() const { return line_; }

 private:
  enum class Flow { kOn, kBreak, kContinue };
  class Deeper;
  class Captured;

  // Statements.
  Flow Execute(const Node* node);
  Flow ExecuteAll(const Node& body);
  void Output(const Node& node);
  void Write(const std::string& text);
  Flow For(const Node& node);
  Flow If(const Node& node);
  Flow FilterBlock(const Node& node);
  Flow SetBlock(const Node& node);
  Flow With(const Node& node);
  void Generation(const Node& node);
  void RequireNamespaces(const Node& target);
  void Assign(const Node& target, const Value& value);
  void Enter(const Scope& scope);
  void Leave(const Scope& scope);
  Value& At(const Place& place);
  Value MacroOf(const Node& node);
  Value Variable(const std::string& name);

  // Expressions.
  Value Evaluate(const Node& node);
  Value Computed(const Node& node);
  Value Binary(const Node& node);
  Value Comparison(const Node& node);
  Value Slice(const Node& node);
  Arguments ArgumentsOf(const Node& node, size_t first);
  Value Filtered(const Node& node, const Value& text);
  Value Filter(const Node& node, const Value& input);
  Value Called(const Node& node, const Value* caller);
  Value Call(const Value& callee, Arguments arguments);
  Value CallMacro(const Callable& macro, Arguments arguments);
  Value CallGlobal(const std::string& name, const Arguments& arguments);
  Value Range(const Arguments& arguments);
  Value Dict(const Arguments& arguments);
  Value NewNamespace(const Arguments& arguments);
  std::string Time(const std::string& format) const;

  const Json& variables_;
  const std::optional<std::tm>& now_;
  Budget budget_;
  std::deque<Namespace> namespaces_;
  std::deque<Activation> activations_;  // a macro may outlive the call that defined it
  Activation* here_ = nullptr;
  std::map<std::string, Value> converted_;  // variables that were asked for
  std::string* out_ = nullptr;
  std::string text_;
  std::vector<std::pair<size_t, size_t>> generations_;
  int depth_ = 0;
  int line_ = 1;
};

}  // namespace retort::model::jinja
