#include "model/chat_template.h"

#include "base/error.h"
#include "model/internal/jinja_interpreter.h"
#include "model/internal/jinja_tree.h"

namespace retort::model {
namespace {

// The message without members that are null. Reasoning, whichever name it has, is there as
// reasoning_content and thinking.
Json Prepared(const Json& message) {
  if (!message.is_object()) return message;
  Json prepared = Json::object();
  const Json* reasoning = nullptr;
  for (const char* name : {"reasoning_content", "thinking", "reasoning"}) {
    const auto found = message.find(name);
    if (reasoning == nullptr && found != message.end() && !found->is_null()) reasoning = &*found;
  }
  if (reasoning != nullptr) prepared["thinking"] = *reasoning;
  for (const auto& [key, value] : message.items()) {
    if (!value.is_null()) prepared[key] = value;
  }
  if (reasoning != nullptr) prepared["reasoning_content"] = *reasoning;
  return prepared;
}

}  // namespace

JinjaTemplate::JinjaTemplate(const std::string& source, std::string where)
    : source_(std::make_shared<const std::string>(source)), where_(std::move(where)) {
  jinja::NodePtr root = jinja::Parse(source, where_);
  jinja::Resolve(*root, where_);
  root_ = std::move(root);
}

JinjaTemplate::Rendered JinjaTemplate::Render(const Json& variables,
                                              const std::optional<std::tm>& now) const {
  RETORT_CHECK(variables.is_object(), where_, ": expected the variables as an object");
  jinja::Interpreter interpreter(variables, now);
  try {
    std::string text = interpreter.Run(*root_);
    return {std::move(text), interpreter.generations()};
  } catch (const Error& error) {
    Fail(where_, ": line ", interpreter.line(), ": ", error.what());
  }
}

Json ChatVariables(Json variables) {
  RETORT_CHECK(variables.is_object(), "expected a chat's variables as an object");
  if (const auto messages = variables.find("messages");
      messages != variables.end() && messages->is_array()) {
    for (Json& message : *messages) message = Prepared(message);
  }
  for (const char* name : {"tools", "documents"}) {
    if (!variables.contains(name)) variables[name] = nullptr;
  }
  if (!variables.contains("add_generation_prompt")) variables["add_generation_prompt"] = false;
  return variables;
}

}  // namespace retort::model
