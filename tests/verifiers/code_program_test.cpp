#include <gtest/gtest.h>

#include "verifiers/code/internal/program.h"

namespace retort::verifiers::code_program_test {
namespace {

struct Found {
  std::string source, taken;
};

Found Extract(const std::string& response, const CodeTask& task = {}, const Json& columns = {}) {
  const auto program = ExtractProgram(response, task, columns);
  return program ? Found{program->source, program->taken} : Found{};
}

CodeTask Task(const std::string& entry_point, const std::string& prompt = "",
              Language language = Language::kPython) {
  CodeTask task;
  task.language = language;
  task.entry_point = entry_point;
  task.prompt = prompt;
  return task;
}

TEST(CodeProgram, Fences) {
  EXPECT_EQ(Extract("So:\n```python\nx = 1\n```\nDone.").source, "x = 1\n");
  EXPECT_EQ(Extract("```\nx = 1\n```").taken, "fence");
  EXPECT_EQ(Extract("```py\nx = 1\n").source, "x = 1\n");  // never closed
  EXPECT_EQ(Extract("```py\nx = 1```").source, "x = 1");   // closed in its last line
  EXPECT_EQ(Extract("~~~python\nx = 1\n~~~").source, "x = 1\n");
  EXPECT_EQ(Extract("````\n```\nx\n```\n````").source, "```\nx\n```\n");
  EXPECT_EQ(Extract("- a\n  ```python\n  if x:\n    y\n  ```").source, "if x:\n  y\n");
  EXPECT_EQ(Extract("```python\na\n```\n```python\nb\n```").source, "b\n");
  EXPECT_EQ(Extract("```python\na\n```\nprints\n```text\n7\n```").source, "a\n");
  EXPECT_EQ(Extract("```python\na\n```\nprints\n```\n7\n```").source, "a\n");
  EXPECT_EQ(Extract("```java\na\n```").source, "");
  EXPECT_EQ(
      Extract("```python\ndef f(x): pass\n```\n```python\nprint(f(1))\n```", Task("f")).source,
      "def f(x): pass\n");
  EXPECT_EQ(Extract("use ```f(x)``` as x = 1").taken, "text");
}

TEST(CodeProgram, LanguageOfTheFence) {
  const std::string both = "```python\np\n```\n```cpp\nc\n```";
  EXPECT_EQ(ExtractProgram(both, {}, {})->language, Language::kCpp);
  EXPECT_EQ(Extract(both, Task("", "", Language::kPython)).source, "p\n");
  EXPECT_EQ(Extract(both, Task("", "", Language::kCpp)).source, "c\n");
}

TEST(CodeProgram, TagsAndThinking) {
  EXPECT_EQ(Extract("<think>```python\na\n```</think><answer>b</answer>").source, "b");
  EXPECT_EQ(Extract("<answer>\n```python\nb\n```\n</answer>").source, "b\n");
  EXPECT_EQ(Extract("<answer>\n```python\nb\n```\n</answer>").taken, "fence");
  EXPECT_EQ(Extract("<think>x = 1").source, "");
  EXPECT_EQ(Extract("x = 1<|im_end|>\nbla").source, "x = 1");
  EXPECT_EQ(Extract(" \n").source, "");
}

TEST(CodeProgram, ColumnProgramStands) {
  const std::string program = "s = '''```python\nx\n```'''";
  EXPECT_EQ(Extract(program, {}, {{"program", program}}).source, program);
  EXPECT_EQ(Extract(program, {}, {{"program", program}}).taken, "program");
  // A reference solution in the row is not what the model said.
  EXPECT_EQ(Extract("", {}, {{"program", program}}).source, "");
  EXPECT_EQ(Extract("y", {}, {{"program", program}}).source, "y");
}

TEST(CodeProgram, PythonPrompts) {
  const std::string prompt = "import math\n\ndef f(x):\n    \"\"\" Doc. \"\"\"\n";
  const CodeTask task = Task("f", prompt);
  EXPECT_EQ(Extract("    return x\n", task).source, prompt + "    return x\n");
  EXPECT_EQ(Extract("    return x\n", task).taken, "text/body");
  EXPECT_EQ(Extract("```python\nreturn x\n```", task).source, prompt + "    return x\n");
  EXPECT_EQ(Extract("```python\n    return x\n```", task).source, prompt + "    return x\n");
  EXPECT_EQ(Extract("def f(x):\n  return 1", task).source, "import math\n\ndef f(x):\n  return 1");
  EXPECT_EQ(Extract("def f(x):\n  return 1", task).taken, "text/function");
  EXPECT_EQ(Extract("f = lambda x: x", task).taken, "text/function");
  EXPECT_EQ(Extract("def fg(x): pass", task).taken, "text/body");
  EXPECT_EQ(Extract("from __future__ import annotations\ndef f(x): pass", task).source,
            "from __future__ import annotations\ndef f(x): pass");
  EXPECT_EQ(Extract("def f(x): pass", Task("f", "Write a function f.")).taken, "text");
}

TEST(CodeProgram, CppPrompts) {
  const std::string prompt = "#include <string>\n// {\nlong f(std::string s) {\n";
  const CodeTask task = Task("f", prompt, Language::kCpp);
  EXPECT_EQ(Extract("    return 1;", task).source, prompt + "    return 1;\n}\n");
  EXPECT_EQ(Extract("    return '{';\n}\n", task).source, prompt + "    return '{';\n}\n");
  EXPECT_EQ(Extract("    return f(s);", task).taken, "text/body");
  EXPECT_EQ(Extract("long f(std::string s) { return 1; }", task).source,
            "#include <string>\n// {\nlong f(std::string s) { return 1; }");
}

TEST(CodeProgram, LargeTextsAreLinear) {
  std::string ticks;
  for (int i = 0; i < 200'000; ++i) ticks += "```\n";
  Extract(ticks);
  std::string names;
  for (int i = 0; i < 200'000; ++i) names += "f ";
  EXPECT_FALSE(DefinitionOf(names, "f", Language::kCpp));
  EXPECT_EQ(Extract(std::string(1'000'000, '`')).taken, "");  // an empty block
}

}  // namespace
}  // namespace retort::verifiers::code_program_test
