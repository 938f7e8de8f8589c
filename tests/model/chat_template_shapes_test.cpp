// Templates in the shapes of published families; they are the fuzzer's seeds, too. Expected texts
// are what transformers 5.24 with Jinja2 3.1.6 renders.

#include <gtest/gtest.h>

#include "base/file.h"
#include "model/chat_template.h"

namespace retort::model::chat_template_shapes_test {
namespace {

std::tm Noon() {
  std::tm time{};
  time.tm_year = 124;
  time.tm_mon = 6;
  time.tm_mday = 26;
  time.tm_wday = 5;
  time.tm_yday = 207;
  time.tm_hour = 12;
  return time;
}

constexpr const char* kTalk = R"json({
  "bos_token": "<s>", "eos_token": "</s>", "tools": null, "add_generation_prompt": true, "messages": [
    {"role": "system", "content": "Be brief."}, {"role": "user", "content": " Hi, 你好 "},
    {"role": "assistant", "content": "<think>\nhm\n</think>\n\nHello!"},
    {"role": "user", "content": "Bye"}]})json";

constexpr const char* kTools = R"json({
  "bos_token": "<s>", "eos_token": "</s>", "add_generation_prompt": true, "tools": [
    {"type": "function", "function": {"name": "get_weather", "description": "Weather\nof a city",
     "parameters": {"type": "object", "properties": {"city": {"type": "string"},
      "days": {"type": ["integer", "null"]}, "unit": {"enum": ["C", "F"]}}, "required": ["city"]}}}],
  "messages": [
    {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather?"},
    {"role": "assistant", "content": "", "reasoning_content": "look", "thinking": "look",
     "tool_calls": [{"id": "abcdef123", "type": "function",
                     "function": {"name": "get_weather", "arguments": {"city": "Köln", "days": 2}}}]},
    {"role": "tool", "name": "get_weather", "tool_call_id": "abcdef123", "content": "20 °C"}]})json";

JinjaTemplate Seed(const std::string& name) {
  const std::string path = RETORT_SOURCE_DIR "/tests/fuzz/seeds/chat_template/" + name + ".jinja";
  return JinjaTemplate(ReadFile(path), name);
}

TEST(ChatTemplateShapes, ChatMl) {
  const JinjaTemplate chat = Seed("chatml");
  EXPECT_EQ(chat.Render(ParseJson(kTalk, "v"), Noon()).text,
            "<|im_start|>system\n"
            "Be brief.<|im_end|>\n"
            "<|im_start|>user\n"
            " Hi, 你好 <|im_end|>\n"
            "<|im_start|>assistant\n"
            "<think>\n"
            "hm\n"
            "</think>\n"
            "\n"
            "Hello!<|im_end|>\n"
            "<|im_start|>user\n"
            "Bye<|im_end|>\n"
            "<|im_start|>assistant\n");
  EXPECT_EQ(chat.Render(ParseJson(kTalk, "v")).generations,
            (std::vector<std::pair<size_t, size_t>>{{101, 138}}));
  EXPECT_EQ(chat.Render(ParseJson(kTools, "v"), Noon()).text,
            "<|im_start|>system\n"
            "Be brief.<|im_end|>\n"
            "<|im_start|>user\n"
            "Weather?<|im_end|>\n"
            "<|im_start|>assistant\n"
            "<|im_end|>\n"
            "<|im_start|>tool\n"
            "20 °C<|im_end|>\n"
            "<|im_start|>assistant\n");
  EXPECT_EQ(chat.Render(ParseJson(kTools, "v")).generations,
            (std::vector<std::pair<size_t, size_t>>{{97, 107}}));
}

TEST(ChatTemplateShapes, Qwen) {
  const JinjaTemplate chat = Seed("qwen");
  EXPECT_EQ(chat.Render(ParseJson(kTalk, "v"), Noon()).text,
            "<|im_start|>system\n"
            "Be brief.<|im_end|>\n"
            "<|im_start|>user\n"
            " Hi, 你好 <|im_end|>\n"
            "<|im_start|>assistant\n"
            "Hello!<|im_end|>\n"
            "<|im_start|>user\n"
            "Bye<|im_end|>\n"
            "<|im_start|>assistant\n");
  EXPECT_EQ(chat.Render(ParseJson(kTools, "v"), Noon()).text,
            "<|im_start|>system\n"
            "Be brief.\n"
            "\n"
            "<tools>\n"
            "{\"type\": \"function\", \"function\": {\"name\": \"get_weather\", \"description\":"
            " \"Weather\\nof a city\", \"parameters\": {\"type\": \"object\", \"properties\":"
            " {\"city\": {\"type\": \"string\"}, \"days\": {\"type\": [\"integer\", \"null\"]},"
            " \"unit\": {\"enum\": [\"C\", \"F\"]}}, \"required\": [\"city\"]}}}\n"
            "</tools><|im_end|>\n"
            "<|im_start|>user\n"
            "Weather?<|im_end|>\n"
            "<|im_start|>assistant\n"
            "<think>\n"
            "look\n"
            "</think>\n"
            "\n"
            "<tool_call>\n"
            "{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Köln\", \"days\": 2}}\n"
            "</tool_call><|im_end|>\n"
            "<|im_start|>user\n"
            "<tool_response>\n"
            "20 °C\n"
            "</tool_response><|im_end|>\n"
            "<|im_start|>assistant\n");
}

TEST(ChatTemplateShapes, Llama) {
  const JinjaTemplate chat = Seed("llama3");
  EXPECT_EQ(chat.Render(ParseJson(kTalk, "v"), Noon()).text,
            "<s><|start_header_id|>system<|end_header_id|>\n"
            "\n"
            "Today is 26 Jul 2024\n"
            "\n"
            "Be brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n"
            "\n"
            "Hi, 你好<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n"
            "\n"
            "<think>\n"
            "hm\n"
            "</think>\n"
            "\n"
            "Hello!<|eot_id|><|start_header_id|>user<|end_header_id|>\n"
            "\n"
            "Bye<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n"
            "\n");
  EXPECT_EQ(
      chat.Render(ParseJson(kTools, "v"), Noon()).text,
      "<s><|start_header_id|>system<|end_header_id|>\n"
      "\n"
      "Today is 26 Jul 2024\n"
      "Answer with a call where one helps:\n"
      "\n"
      "{\n"
      "    \"type\": \"function\",\n"
      "    \"function\": {\n"
      "        \"name\": \"get_weather\",\n"
      "        \"description\": \"Weather\\nof a city\",\n"
      "        \"parameters\": {\n"
      "            \"type\": \"object\",\n"
      "            \"properties\": {\n"
      "                \"city\": {\n"
      "                    \"type\": \"string\"\n"
      "                },\n"
      "                \"days\": {\n"
      "                    \"type\": [\n"
      "                        \"integer\",\n"
      "                        \"null\"\n"
      "                    ]\n"
      "                },\n"
      "                \"unit\": {\n"
      "                    \"enum\": [\n"
      "                        \"C\",\n"
      "                        \"F\"\n"
      "                    ]\n"
      "                }\n"
      "            },\n"
      "            \"required\": [\n"
      "                \"city\"\n"
      "            ]\n"
      "        }\n"
      "    }\n"
      "}\n"
      "\n"
      "Be brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n"
      "\n"
      "Weather?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n"
      "\n"
      "{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Köln\", \"days\": 2}}<|eot_id|>"
      "<|start_header_id|>ipython<|end_header_id|>\n"
      "\n"
      "20 °C<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n"
      "\n");
}

TEST(ChatTemplateShapes, Mistral) {
  const JinjaTemplate chat = Seed("mistral");
  EXPECT_EQ(chat.Render(ParseJson(kTalk, "v"), Noon()).text,
            "<s>[INST]  Hi, 你好 [/INST] <think>\n"
            "hm\n"
            "</think>\n"
            "\n"
            "Hello!</s>[INST] Be brief.\n"
            "\n"
            "Bye[/INST]");
  EXPECT_EQ(chat.Render(ParseJson(kTools, "v"), Noon()).text,
            "<s>[AVAILABLE_TOOLS] [{\"function\": {\"name\": \"get_weather\", \"description\":"
            " \"Weather\n"
            "of a city\", \"parameters\": {\"type\": \"object\", \"properties\": {\"city\":"
            " {\"type\": \"string\"}, \"days\": {\"type\": [\"integer\", \"null\"]}, \"unit\":"
            " {\"enum\": [\"C\", \"F\"]}}, \"required\": [\"city\"]}}}][/AVAILABLE_TOOLS][INST]"
            " Weather?[/INST][TOOL_CALLS] [{\"name\": \"get_weather\", \"arguments\":"
            " {\"city\": \"Köln\", \"days\": 2}, \"id\": \"abcdef123\"}]</s>[TOOL_RESULTS]"
            " {\"content\": 20 °C, \"call_id\": \"abcdef123\"}[/TOOL_RESULTS]");
}

TEST(ChatTemplateShapes, Gemma) {
  const JinjaTemplate chat = Seed("gemma");
  EXPECT_EQ(chat.Render(ParseJson(kTalk, "v"), Noon()).text,
            "<s><start_of_turn>user\n"
            "Be brief.\n"
            "\n"
            "Hi, 你好<end_of_turn>\n"
            "<start_of_turn>model\n"
            "<think>\n"
            "hm\n"
            "</think>\n"
            "\n"
            "Hello!<end_of_turn>\n"
            "<start_of_turn>user\n"
            "Bye<end_of_turn>\n"
            "<start_of_turn>model\n");
  EXPECT_EQ(chat.Render(ParseJson(kTools, "v"), Noon()).text,
            "<s><start_of_turn>user\n"
            "Be brief.\n"
            "\n"
            "Weather?<end_of_turn>\n"
            "<start_of_turn>model\n"
            "<end_of_turn>\n"
            "<start_of_turn>tool\n"
            "20 °C<end_of_turn>\n"
            "<start_of_turn>model\n");
}

TEST(ChatTemplateShapes, Zephyr) {
  const JinjaTemplate chat = Seed("zephyr");
  EXPECT_EQ(chat.Render(ParseJson(kTalk, "v"), Noon()).text,
            "<|system|>\n"
            "Be brief.</s>\n"
            "<|user|>\n"
            " Hi, 你好 </s>\n"
            "<|assistant|>\n"
            "<think>\n"
            "hm\n"
            "</think>\n"
            "\n"
            "Hello!</s>\n"
            "<|user|>\n"
            "Bye</s>\n"
            "<|assistant|>\n");
  EXPECT_EQ(chat.Render(ParseJson(kTools, "v"), Noon()).text,
            "<|system|>\n"
            "Be brief.</s>\n"
            "<|user|>\n"
            "Weather?</s>\n"
            "<|assistant|>\n"
            "</s>\n"
            "<|assistant|>\n");
}

TEST(ChatTemplateShapes, DeepSeek) {
  const JinjaTemplate chat = Seed("deepseek");
  EXPECT_EQ(chat.Render(ParseJson(kTalk, "v"), Noon()).text,
            "<s>Be brief.<|User|> Hi, 你好 <|Assistant|>\n"
            "\n"
            "Hello!<|eos|><|User|>Bye<|Assistant|><think>\n");
  EXPECT_EQ(chat.Render(ParseJson(kTools, "v"), Noon()).text,
            "<s>Be brief.<|User|>Weather?<|Assistant|><|calls|><|call|>function<|sep|>get_weather\n"
            "```json\n"
            "{\"city\": \"Köln\", \"days\": 2}\n"
            "```<|calls_end|><|eos|><|outputs|><|output|>20 °C<|output_end|>");
}

TEST(ChatTemplateShapes, Harmony) {
  const JinjaTemplate chat = Seed("harmony");
  EXPECT_EQ(chat.Render(ParseJson(kTalk, "v"), Noon()).text,
            "<|start|>system<|message|>Reasoning: medium<|end|><|start|>system"
            "<|message|>Be brief.<|end|><|start|>user<|message|> Hi, 你好 <|end|>"
            "<|start|>assistant<|channel|>final<|message|><think>\n"
            "hm\n"
            "</think>\n"
            "\n"
            "Hello!<|end|><|start|>user<|message|>Bye<|end|><|start|>assistant");
  EXPECT_EQ(chat.Render(ParseJson(kTools, "v"), Noon()).text,
            "<|start|>system<|message|>Reasoning: medium\n"
            "namespace functions {// Weather\n"
            "// of a city\n"
            "type get_weather = (_: {\n"
            "city: string,\n"
            "days?: integer | null,\n"
            "unit?: \"C\" | \"F\"\n"
            "}) => any;}<|end|><|start|>system<|message|>Be brief.<|end|><|start|>user"
            "<|message|>Weather?<|end|><|start|>assistant<|channel|>analysis<|message|>look"
            "<|end|><|start|>assistant to=functions.get_weather<|channel|>commentary json"
            "<|message|>{\"city\": \"Köln\", \"days\": 2}<|call|>"
            "<|start|>functions.get_weather to=assistant<|channel|>commentary"
            "<|message|>\"20 °C\"<|end|><|start|>assistant");
}

}  // namespace
}  // namespace retort::model::chat_template_shapes_test
