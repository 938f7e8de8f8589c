#include "base/error.h"
#include "base/json.h"
#include "base/strings.h"
#include "fuzz/fuzz.h"
#include "model/chat_template.h"

namespace retort {
namespace {

const Json& Variables() {
  static const Json variables = ParseJson(
      R"({"messages": [{"role": "system", "content": "be brief"},
                       {"role": "user", "content": [{"type": "text", "text": "caf\u00e9 <b>"}]},
                       {"role": "assistant", "content": null, "tool_calls":
                        [{"function": {"name": "f", "arguments": {"x": [1, 2.5, true]}}}]}],
          "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
          "add_generation_prompt": true, "bos_token": "<s>", "n": -3, "x": "a,b\n c"})",
      "variables");
  return variables;
}

}  // namespace

void FuzzChatTemplate(std::string_view text) {
  try {
    const model::JinjaTemplate parsed(std::string(text), "where");
    const auto rendered = parsed.Render(Variables(), std::tm{});
    size_t end = 0;
    for (const auto& [first, last] : rendered.generations) {
      Require(end <= first && first <= last, "generations are not in order");
      end = last;
    }
    Require(end <= rendered.text.size(), "a generation is beyond the text");
    Require(!IsUtf8(text) || IsUtf8(rendered.text), "characters were torn");
  } catch (const Error& error) {
    Require(std::string_view(error.what()).starts_with("where: line "), "no place is named");
  }
}

}  // namespace retort
