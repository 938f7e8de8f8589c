#include "datasets/internal/codeio.h"

#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>

#include "datasets/generator.h"
#include "exec/vm.h"
#include "tests/datasets/codeio_check.h"

namespace retort::datasets::codeio_test {
namespace {

Problem Draw(const char* family, int64_t difficulty, uint64_t index) {
  RandomStream random({.seed = 3, .purpose = "draw", .problem = index});
  return Generate(FindGenerator(family), difficulty, random);
}

TEST(Codeio, TheSizeRulesAreThePublishedOnes) {
  const auto fits = [](const char* json) { return FitsIoRules(Json::parse(json)); };
  EXPECT_TRUE(fits("0"));
  EXPECT_TRUE(fits("{\"a\":[1,\"x\",{\"b\":[true,1.5]}]}"));
  EXPECT_FALSE(fits("null"));
  const Json many = std::vector<int>(20, 1), few = std::vector<int>(19, 1);
  EXPECT_TRUE(FitsIoRules(few));
  EXPECT_FALSE(FitsIoRules(many));
  EXPECT_FALSE(FitsIoRules({{"a", {{"b", many}}}}));
  EXPECT_TRUE(FitsIoRules(std::string(99, 'x')));
  EXPECT_FALSE(FitsIoRules(Json::array({std::string(100, 'x')})));
  EXPECT_TRUE(FitsIoRules(Json(std::vector<std::string>(10, std::string(90, 'x')))));
  EXPECT_FALSE(FitsIoRules(Json(std::vector<std::string>(12, std::string(90, 'x')))));
}

// What a program says is what its difficulty says, and no argument is there for nothing.
TEST(Codeio, ProgramsAreSmallAndUseTheirArguments) {
  std::map<int64_t, std::set<std::string>> programs;
  for (const char* family : {"codeio-output", "codeio-input"}) {
    for (int64_t d = 1; d <= 6; ++d) {
      for (uint64_t i = 0; i < 60; ++i) {
        const Problem p = Draw(family, d, i);
        SCOPED_TRACE(p.prompt);
        const CodeioParts parts = ReadCodeio(p);
        programs[d].insert(parts.program);
        EXPECT_TRUE(FitsIoRules(parts.input));
        EXPECT_TRUE(FitsIoRules(parts.output));
        EXPECT_LE(std::abs(parts.output.get<int64_t>()), 99);
        EXPECT_LE(p.prompt.size(), 60u + 50u * static_cast<size_t>(d));
        EXPECT_LE(retort::Split(p.solution, ';').size(), static_cast<size_t>(5 + 4 * d));
        const std::string body = parts.program.substr(parts.program.find('\n'));
        for (const auto& [name, value] : parts.input.items()) {
          EXPECT_TRUE(std::regex_search(body, std::regex("\\b" + name + "\\b"))) << name;
        }
        const exec::VmProgram program(parts.program);
        std::set<Json> outputs;
        for (int64_t a = 1; a <= 12; ++a) {
          for (int64_t other = 1; other <= 12; ++other) {
            Json input = parts.input;
            input["a"] = a;
            if (input.contains("b")) input["b"] = other;
            if (input.contains("l")) input["l"] = {other, a};
            outputs.insert(program.Run(input).output);
          }
        }
        EXPECT_GE(outputs.size(), 4u);
      }
    }
  }
  for (const auto& [d, texts] : programs) EXPECT_GT(texts.size(), 50u) << d;
}

TEST(Codeio, BothDirectionsOfAProgramAreOnOneSide) {
  for (const char* family : {"codeio-output", "codeio-input"}) {
    for (uint64_t i = 0; i < 20; ++i) {
      const Problem p = Draw(family, 2, i);
      const std::string program = p.extra["program"];
      EXPECT_EQ(SplitOf(p.canonical), SplitOf("codeio:" + program));
    }
  }
  GeneratorOptions options;
  options.count = 300;
  std::map<std::string, Split> sides;
  for (const auto& [split, name] : EnumNames(Split{})) {
    options.families = {"codeio-output:1", "codeio-input:1"};
    options.distinct = false;
    for (const Problem& p : GenerateProblems(options, split)) {
      const auto [it, fresh] = sides.emplace(p.extra["program"], split);
      EXPECT_EQ(it->second, split) << p.prompt;
    }
  }
}

TEST(Codeio, WorkedStepsReadLikeThis) {
  for (uint64_t i = 0; i < 5000; ++i) {
    const Problem p = Draw("codeio-input", 1, i);
    if (p.extra["program"] != "def main(a):\n x=a*3\n x+=5\n return x") continue;
    const int64_t a = p.extra["input"]["a"];
    EXPECT_EQ(p.prompt, StrCat("def main(a):\n x=a*3\n x+=5\n return x\nmain(?)=", 3 * a + 5));
    EXPECT_EQ(p.solution, StrCat(3 * a + 5, "-5=", 3 * a, ";", 3 * a, "/3=", a));
    EXPECT_EQ(p.answer, StrCat(a));
    return;
  }
  FAIL() << "the program was never drawn";
}

}  // namespace
}  // namespace retort::datasets::codeio_test
