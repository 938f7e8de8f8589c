#include "cli/arguments.h"

#include <gtest/gtest.h>

#include "base/strings.h"

namespace retort::cli::arguments_test {
namespace {

/// `tool run RECIPE` with a switch, a value, a list and pairs.
CommandInfo Tool() {
  const auto flag = [](const char* name, const char* negation, const char* value, bool list) {
    ArgumentInfo info;
    info.name = name;
    info.negation = negation;
    info.value = value;
    info.list = list;
    return info;
  };
  CommandInfo run;
  run.name = "run";
  ArgumentInfo system = flag("--system", "", "TEXT", false);
  system.aliases = {"--sys"};
  ArgumentInfo prompt = flag("--prompt", "", "TEXT", true);
  prompt.short_name = "-p";
  run.flags = {system,
               prompt,
               flag("--fast", "--no-fast", "", false),
               flag("--max-length", "", "N", false),
               flag("--names", "", "VALUE", true),
               flag("--set", "", "KEY=VALUE", true)};
  ArgumentInfo recipe;
  recipe.name = "RECIPE";
  recipe.required = true;
  run.positionals = {recipe};
  CommandInfo tool;
  tool.name = "tool";
  tool.commands = {run};
  return tool;
}

std::string Regular(const std::string& line) {
  return Join(RegularArguments(Split(line, ' '), Tool()), " ");
}

TEST(Arguments, FlagsAreSpelledAndNegated) {
  EXPECT_EQ(Regular("run x --max_length=5_0 --max_length a_b"),
            "run x --max-length=5_0 --max-length a_b");
  EXPECT_EQ(Regular("run --no-fast x"), "run --fast=false x");
  EXPECT_EQ(Regular("run x --no-max-length"), "run x --no-max-length");  // not a switch
  EXPECT_EQ(Regular("run -- --no-fast"), "run -- --no-fast");
  EXPECT_EQ(Regular("help run"), "run --help");
  EXPECT_EQ(Regular("help run x"), "run x --help");
  EXPECT_EQ(Regular("help rnu"), "rnu");  // for the parser to complain of
}

TEST(Arguments, AListTakesWhatTheArgumentsLeave) {
  EXPECT_EQ(Regular("run x --names a b c"), "run x --names a --names b --names c");
  EXPECT_EQ(Regular("run --names a b x"), "run --names a --names b x");
  EXPECT_EQ(Regular("run --names a x --fast"), "run --names a x --fast");
  EXPECT_EQ(Regular("run --names=a b x --max-length 3"),
            "run --names=a --names b x --max-length 3");
  EXPECT_EQ(Regular("run --names a b -- x"), "run --names a --names b -- x");
  EXPECT_EQ(Regular("run x --names -1 -2"), "run x --names -1 --names -2");
  EXPECT_EQ(Regular("run x --max-length 3 y"), "run x --max-length 3 y");
}

TEST(Arguments, OtherNamesAreNamesToo) {
  EXPECT_EQ(Regular("run x -sys a"), "run x --sys a");
  EXPECT_EQ(Regular("run x -sys=a -system b"), "run x --sys=a --system b");
  EXPECT_EQ(Regular("run x -p -sys"), "run x -p -sys");  // a value
  EXPECT_EQ(Regular("run x -syst a"), "run x -syst a");  // for the parser to complain of
  EXPECT_EQ(Regular("run x -p a b"), "run x -p a --prompt b");
}

TEST(Arguments, PairsAreToldByTheirSign) {
  EXPECT_EQ(Regular("run --set a=1 b=2 x --set c=3 d=4"),
            "run --set a=1 --set b=2 x --set c=3 --set d=4");
  EXPECT_EQ(Regular("run --set a=1 x y"), "run --set a=1 x y");
}

}  // namespace
}  // namespace retort::cli::arguments_test
