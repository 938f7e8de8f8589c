// The formats in which code problems are published, and what is wrong with others.

#include <gtest/gtest.h>

#include "tests/verifiers/code_fixture.h"
#include "verifiers/code/internal/task.h"

namespace retort::verifiers::code_task_test {
namespace {

CodeTask Read(const Json& columns, const CodeOptions& options = {}) {
  return ReadCodeTask(CodeProblem(columns), options);
}

std::string ErrorOf(const Json& columns) {
  try {
    Read(columns);
    return "no error";
  } catch (const TaskError& error) {
    return error.reason + ": " + error.what();
  }
}

TEST(CodeTask, StandardInputInAllItsSpellings) {
  const Json own{{{"stdin", "1\n"}, {"stdout", "2\n"}}};
  const Json nested{{{"input", {{"stdin", "1\n"}}}, {"output", {{"stdout", "2\n"}}}}};
  const Json plain{{{"input", "1\n"}, {"output", "2\n"}}};
  const Json lists{{"inputs", {"1\n"}}, {"outputs", {"2\n"}}};
  for (const Json& columns :
       {Json{{"tests", own}}, Json{{"tests", own.dump()}}, Json{{"test", nested.dump()}},
        Json{{"tests", plain}}, Json{{"tests", lists}}, Json{{"input_output", lists.dump()}},
        Json{{"tests", own[0]}}}) {
    const CodeTask task = Read(columns);
    ASSERT_EQ(task.stdio.size(), 1u) << columns;
    EXPECT_EQ(task.stdio[0].input, "1\n");
    EXPECT_EQ(task.stdio[0].expected, std::vector<std::string>{"2\n"});
  }
}

TEST(CodeTask, SeveralOutputsAreChoices) {
  const CodeTask task = Read({{"tests", {{{"stdin", ""}, {"stdout", {"a", "b"}}}}}});
  EXPECT_EQ(task.stdio[0].expected, (std::vector<std::string>{"a", "b"}));
}

TEST(CodeTask, Calls) {
  const CodeTask task = Read({{"entry_point", "f"},
                              {"tests",
                               {{{"args", {1, "x"}}, {"expected", nullptr}},
                                {{"kwargs", {{"k", 2}}}, {"any_of", {3, 4}}}}}});
  EXPECT_EQ(task.entry_point, "f");
  ASSERT_EQ(task.calls.size(), 2u);
  EXPECT_EQ(task.calls[0].args, (Json{1, "x"}));
  EXPECT_EQ(task.calls[0].expected, std::vector<Json>{nullptr});
  EXPECT_EQ(task.calls[1].named, (Json{{"k", 2}}));
  EXPECT_EQ(task.calls[1].expected, (std::vector<Json>{3, 4}));
  const CodeTask apps =
      Read({{"input_output", R"({"fn_name": "g", "inputs": [[1, 2]], "outputs": [[3]]})"}});
  EXPECT_EQ(apps.entry_point, "g");
  EXPECT_EQ(apps.calls[0].args, (Json{1, 2}));
  EXPECT_EQ(apps.calls[0].expected.back(), Json(3));
}

TEST(CodeTask, AssertScripts) {
  const std::vector<std::string> lines{"assert f(1) == 1", "assert f(\"a\") == 'b'"};
  for (const Json& columns :
       {Json{{"tests", lines}}, Json{{"test_list", lines}}, Json{{"tests", Json(lines).dump()}},
        Json{{"test_list", R"(['assert f(1) == 1', "assert f(\"a\") == 'b'"])"}}}) {
    const CodeTask task = Read(columns);
    EXPECT_EQ(task.scripts, lines) << columns;
    EXPECT_EQ(task.entry_point, "f");
    EXPECT_EQ(task.language, Language::kPython);
  }
  EXPECT_EQ(Read({{"tests", "assert abs(g(1)) == 1"}}).entry_point, "g");
  EXPECT_EQ(Read({{"tests", "assert sum(10, 15) == 6"}}).entry_point, "sum");
  EXPECT_EQ(Read({{"tests", "x = Node(1)\nassert math.floor(h(x)) == 1"}}).entry_point, "h");
}

TEST(CodeTask, HumanEvalsCheckIsCalledOnce) {
  const Json columns{{"entry_point", "f"}, {"test", "def check(candidate):\n  pass\n"}};
  EXPECT_TRUE(Read(columns).scripts[0].ends_with("\ncheck(f)\n"));
  Json called = columns;
  const std::string script = "def check(candidate):\n  pass\ncheck(f)\n";
  called["test"] = script;
  EXPECT_EQ(Read(called).scripts[0], script);
}

TEST(CodeTask, MultiPlE) {
  const CodeTask task = Read(
      {{"language", "cpp"},
       {"prompt", "long f(long x) {\n"},
       {"tests", "}\nint main() {\n    auto candidate = f;\n    assert(candidate(1) == 1);\n}\n"}});
  EXPECT_EQ(task.language, Language::kCpp);
  EXPECT_EQ(task.entry_point, "f");
}

TEST(CodeTask, ChallengeTestsByOptionOnly) {
  const Json columns{{"test_list", {"assert f(1) == 1"}},
                     {"challenge_test_list", {"assert f(2) == 2"}},
                     {"test_setup_code", "x = 1"}};
  EXPECT_EQ(Read(columns).scripts.size(), 1u);
  EXPECT_EQ(Read(columns).setup, "x = 1");
  CodeOptions options;
  options.challenge_tests = true;
  EXPECT_EQ(Read(columns, options).scripts.size(), 2u);
}

TEST(CodeTask, LimitsAndToleranceOfTheRowGoFirst) {
  CodeOptions options;
  options.float_tolerance = 0.5;
  options.limits.run.time_s = 7;
  const Json tests{{{"stdin", ""}, {"stdout", ""}}};
  EXPECT_EQ(Read({{"tests", tests}}, options).float_tolerance, 0.5);
  EXPECT_EQ(Read({{"tests", tests}}, options).limits.run.time_s, 7);
  const CodeTask task = Read({{"tests", tests},
                              {"float_tolerance", 0.25},
                              {"limits", {{"time_s", 1}, {"compile_time_s", 2}}}},
                             options);
  EXPECT_EQ(task.float_tolerance, 0.25);
  EXPECT_EQ(task.limits.run.time_s, 1);
  EXPECT_EQ(task.limits.compile_time_s, 2);
}

TEST(CodeTask, ErrorsNameThePlace) {
  const Json good{{{"stdin", ""}, {"stdout", ""}}};
  EXPECT_TRUE(ErrorOf(nullptr).starts_with("no-tests: "));
  for (const Json& columns : {Json::object(), Json{{"tests", nullptr}}, Json{{"tests", ""}},
                              Json{{"tests", Json::array()}}, Json{{"tests", "[]"}}}) {
    EXPECT_TRUE(ErrorOf(columns).starts_with("no-tests: ")) << columns;
  }
  const std::vector<std::pair<Json, std::string>> bad{
      {{{"tests", {{{"args", {1}}}}}, {"entry_point", "f"}}, "tests[0]: 'expected' is missing"},
      {{{"tests", {{{"args", 1}, {"expected", 1}}}}, {"entry_point", "f"}}, "tests[0].args"},
      {{{"tests", {{{"args", {1}}, {"expected", 1}}}}}, "'entry_point'"},
      {{{"tests", {{{"stdin", 1}, {"stdout", ""}}}}}, "tests[0].stdin: got number"},
      {{{"tests", {{{"stdin", ""}}}}}, "'stdout' is missing"},
      {{{"tests", {{{"stdin", ""}, {"stdout", Json::array()}}}}}, "tests[0].stdout"},
      {{{"tests", {{{"in", ""}}}}}, "neither 'stdin'"},
      {{{"tests", {1}}}, "tests[0]: got number"},
      {{{"tests", 1}}, "tests: got number"},
      {{{"tests", "[{\"stdin\": "}}, "tests"},
      {{{"tests", {{"inputs", {"1"}}, {"outputs", Json::array()}}}}, "of the same size"},
      {{{"tests", {"assert f(1)", {{"stdin", ""}, {"stdout", ""}}}}}, "different kinds"},
      {{{"test", "def check(candidate): pass"}}, "'entry_point' is missing"},
      {{{"tests", good}, {"limits", {{"time", 1}}}}, "Did you mean 'time_s'"},
      {{{"tests", good}, {"limits", {{"time_s", -1}}}}, "limits.time_s"},
      {{{"tests", good}, {"float_tolerance", "x"}}, "float_tolerance"},
      {{{"tests", good}, {"language", 3}}, "language: got number"}};
  for (const auto& [columns, place] : bad) {
    const std::string error = ErrorOf(columns);
    EXPECT_TRUE(error.starts_with("bad-tests: ")) << columns << error;
    EXPECT_NE(error.find(place), std::string::npos) << columns << error;
  }
  EXPECT_TRUE(ErrorOf({{"tests", good}, {"language", "java"}}).starts_with("unknown-language: "));
}

TEST(CodeTask, PythonTexts) {
  EXPECT_EQ(ReadPythonTexts("[]"), std::vector<std::string>{});
  EXPECT_EQ(ReadPythonTexts(R"( ['a\n\'', "b'",] )"), (std::vector<std::string>{"a\n'", "b'"}));
  for (const char* other : {"", "[", "[1]", "['a]", "['a' 'b']", "{'a'}", "['\\x41']"}) {
    EXPECT_FALSE(ReadPythonTexts(other)) << other;
  }
}

}  // namespace
}  // namespace retort::verifiers::code_task_test
