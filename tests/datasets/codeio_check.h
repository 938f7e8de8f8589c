#pragma once
// Holds a CODEI/O problem against its prompt, by another interpreter than the one that made it.

#include <gtest/gtest.h>

#include <regex>
#include <string>

#include "base/json.h"
#include "base/records.h"
#include "base/strings.h"
#include "tests/support/vm_twin.h"

namespace retort::datasets {

/// The program, the arguments and the output of a problem as its prompt and answer tell them.
struct CodeioParts {
  std::string program;
  Json input = Json::object();
  Json output;
};

inline CodeioParts ReadCodeio(const Problem& p) {
  CodeioParts parts;
  const size_t line = p.prompt.rfind('\n');
  const std::string question = p.prompt.substr(line + 1);
  parts.program = p.prompt.substr(0, line);
  const bool forward = question.ends_with("=?");
  const size_t equals = question.rfind(")=");
  const std::string arguments = forward ? question.substr(5, equals - 5) : p.answer;
  parts.output = Json::parse(forward ? p.answer : question.substr(equals + 2));
  const Json values = Json::parse("[" + arguments + "]");
  const size_t open = parts.program.find('('), close = parts.program.find(')');
  const auto names = retort::Split(parts.program.substr(open + 1, close - open - 1), ',');
  EXPECT_EQ(names.size(), values.size()) << p.prompt;
  for (size_t i = 0; i < names.size(); ++i) parts.input[names[i]] = values.at(i);
  return parts;
}

inline void CheckCodeioAnswer(const Problem& p) {
  const CodeioParts parts = ReadCodeio(p);
  EXPECT_EQ(VmTwin::Run(parts.program, parts.input), parts.output);
  EXPECT_EQ(p.extra["program"], parts.program);
  EXPECT_EQ(p.extra["input"], parts.input);
  EXPECT_EQ(p.extra["output"], parts.output);
  EXPECT_EQ(p.extra["language"], "mini");
  EXPECT_EQ("codeio-" + p.extra["direction"].get<std::string>(), p.family);
  EXPECT_EQ(p.canonical.substr(0, p.canonical.find('\t')), "codeio:" + parts.program);
}

/// Every step is true by itself: "x=20+3=23", "20<3=false", "24/2=12", "i=1".
inline void CheckCodeioSteps(const Problem& p) {
  const std::regex undone("(-?[0-9]+)/(-?[0-9]+)=(-?[0-9]+)"), given("[a-z]=-?[0-9]+");
  for (const std::string& step : retort::Split(p.solution, ';')) {
    if (std::regex_match(step, given)) continue;  // a loop's variable
    std::smatch parts;
    if (std::regex_match(step, parts, undone)) {
      EXPECT_EQ(std::stol(parts[2]) * std::stol(parts[3]), std::stol(parts[1])) << step;
      continue;
    }
    const size_t equals = step.rfind('=');
    ASSERT_NE(equals, std::string::npos) << step;
    std::string left = step.substr(0, equals);
    if (left.starts_with("x=")) left = left.substr(2);
    const auto value = VmTwin::Run("def main():\n return " + left, Json::object());
    ASSERT_TRUE(value.has_value()) << step;
    EXPECT_EQ(value->dump(), step.substr(equals + 1)) << step;
  }
}

}  // namespace retort::datasets
