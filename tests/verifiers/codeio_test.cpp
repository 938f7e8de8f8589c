#include "verifiers/code/codeio.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "base/error.h"
#include "base/options.h"
#include "base/strings.h"
#include "tests/support/random_mini.h"
#include "verifiers/code/internal/codeio_answer.h"
#include "verifiers/registry.h"

namespace retort::verifiers::codeio_test {
namespace {

constexpr const char* kProgram = "def main(a,l):\n x=a*2\n for v in l:\n  x+=v\n return x";

Problem OutputTask() {
  Problem problem;
  problem.extra = {{"direction", "output"},
                   {"language", "mini"},
                   {"program", kProgram},
                   {"input", {{"a", 4}, {"l", {1, 2}}}},
                   {"output", 11}};
  return problem;
}

Problem InputTask() {
  Problem problem = OutputTask();
  problem.extra["direction"] = "input";
  return problem;
}

Verdict Judge(const Problem& problem, const std::string& text, const CodeioOptions& options = {}) {
  return MakeCodeioVerifier(options)->Judge({.text = text, .problem = problem});
}

std::string Show(const Problem& problem, const std::string& text,
                 const CodeioOptions& options = {}) {
  const Verdict verdict = Judge(problem, text, options);
  EXPECT_EQ(verdict.score, verdict.status == VerdictStatus::kRight ? 1 : 0);
  return StrCat(EnumName(verdict.status), " ", verdict.reason, " ", verdict.extracted);
}

std::string Feedback(const Problem& problem, const std::string& text) {
  const auto verifier = MakeCodeioVerifier({});
  return verifier->Feedback(problem, verifier->Judge({.text = text, .problem = problem}));
}

TEST(Codeio, OutputsAreComparedWithTheStoredOne) {
  const std::pair<const char*, const char*> cases[] = {
      {"<think>4*2=8</think><answer>11</answer>", "right equal 11"},
      {"<answer>{\"output\": 11}</answer>", "right equal 11"},
      {"So it is {\"output\": 11}.", "right equal 11"},
      {"{\"why\": \"sum\", \"output\": 11}", "right equal 11"},
      {"{\"output\": 12} no, {\"output\": 11}", "right equal 11"},
      {"<answer>12</answer>", "wrong different 12"},
      {"<answer>11.0</answer>", "right equal 11.0"},
      {"<answer>\"11\"</answer>", "wrong different \"11\""},
      {"<answer>[11]</answer>", "wrong different [11]"},
      {"<answer>11 or 12</answer>", "wrong malformed 11 or 12"},
      {"<answer>{\"output\": 11</answer>", "wrong malformed {\"output\": 11"},
      {"{\"result\": 11}", "wrong malformed {\"result\": 11}"},
      {"11", "wrong no-answer "},
      {"", "wrong no-answer "},
      {"<think>{\"output\": 11}", "wrong no-answer "},
      {"<think>{\"output\": 11}</think>12", "wrong no-answer "},
      {"<answer>11</answer> {\"output\": 12}", "right equal 11"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(Show(OutputTask(), text), expected) << text;
}

TEST(Codeio, AnyFeasibleInputCounts) {
  const std::pair<const char*, const char*> cases[] = {
      {"<answer>4,[1,2]</answer>", "right feasible {\"a\":4,\"l\":[1,2]}"},
      {"<answer> 0, [11] </answer>", "right feasible {\"a\":0,\"l\":[11]}"},
      {"<answer>{\"l\": [1], \"a\": 5}</answer>", "right feasible {\"l\":[1],\"a\":5}"},
      {"{\"input\": {\"a\": 3, \"l\": [5,0]}}", "right feasible {\"a\":3,\"l\":[5,0]}"},
      {"<answer>{\"input\": {\"a\": 3, \"l\": [5]}}</answer>",
       "right feasible {\"a\":3,\"l\":[5]}"},
      {"<answer>4,[1]</answer>", "wrong other-output/9 {\"a\":4,\"l\":[1]}"},
      {"<answer>4</answer>", "wrong bad-arguments [4]"},
      {"<answer>4,[1],2</answer>", "wrong bad-arguments [4,[1],2]"},
      {"<answer>{\"a\": 4}</answer>", "wrong bad-arguments {\"a\":4}"},
      {"<answer>{\"a\": 4, \"b\": []}</answer>", "wrong bad-arguments {\"a\":4,\"b\":[]}"},
      {"<answer>4],[1,2</answer>", "wrong malformed 4],[1,2"},
      {"{\"input\": 4}", "wrong bad-arguments 4"},
      {"{\"output\": 11}", "wrong malformed {\"output\": 11}"},
      {"<answer>4,5</answer>",
       "wrong exception/line 3: expected a list, got a number {\"a\":4,\"l\":5}"},
      {"<answer>4.5,[2]</answer>",
       "wrong exception/input: expected a whole number, a boolean, a text or a list, got number "
       "{\"a\":4.5,\"l\":[2]}"},
      {"<answer>\"a\",[]</answer>", "wrong other-output/\"aa\" {\"a\":\"a\",\"l\":[]}"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(Show(InputTask(), text), expected) << text;
}

TEST(Codeio, AProgramThatDoesNotEndIsWrong) {
  Problem problem = InputTask();
  problem.extra["program"] = "def main(a):\n while a!=0: a-=1\n return a";
  problem.extra["input"] = {{"a", 3}};
  problem.extra["output"] = 0;
  EXPECT_EQ(Show(problem, "<answer>7</answer>"), "right feasible {\"a\":7}");
  EXPECT_EQ(Show(problem, "<answer>-1</answer>"),
            "wrong limit/line 2: more than 100000 steps {\"a\":-1}");
  CodeioOptions options;
  options.mini.steps = 20;
  EXPECT_EQ(Show(problem, "<answer>7</answer>", options),
            "wrong limit/line 2: more than 20 steps {\"a\":7}");
}

TEST(Codeio, WhereTheAnswerMayStand) {
  const std::string both = "{\"output\": 11} <answer>12</answer>", json = "{\"output\": 11}";
  CodeioOptions options;
  EXPECT_EQ(Show(OutputTask(), both, options), "wrong different 12");
  options.answer = CodeioAnswer::kJson;
  EXPECT_EQ(Show(OutputTask(), both, options), "right equal 11");
  EXPECT_EQ(Show(OutputTask(), "<answer>11</answer>", options), "wrong no-answer ");
  options.answer = CodeioAnswer::kTag;
  EXPECT_EQ(Show(OutputTask(), both, options), "wrong different 12");
  EXPECT_EQ(Show(OutputTask(), json, options), "wrong no-answer ");
}

TEST(Codeio, ABadTaskIsNotTheModelsFault) {
  const auto without = [](const char* key) {
    Problem problem = InputTask();
    problem.extra.erase(key);
    return problem;
  };
  const auto with = [](const char* key, Json value) {
    Problem problem = InputTask();
    problem.extra[key] = std::move(value);
    return problem;
  };
  const std::string answer = "<answer>4,[1,2]</answer>";
  EXPECT_EQ(Show(without("direction"), answer), "unjudged bad-task/direction is output or input ");
  EXPECT_EQ(Show(without("program"), answer), "unjudged bad-task/no program ");
  EXPECT_EQ(Show(without("output"), answer), "unjudged bad-task/no output ");
  EXPECT_EQ(Show(with("output", nullptr), answer), "unjudged bad-task/no output ");
  EXPECT_EQ(Show(with("language", "perl"), answer),
            "unjudged bad-task/language is mini or python ");
  EXPECT_EQ(Show(with("program", "def main(a,l): return a+"), answer),
            "unjudged bad-task/line 1: expected a name, got 'end of line' ");
  EXPECT_EQ(Show(with("entry", "f"), answer),
            "unjudged bad-task/a Mini program has no function but main ");
  EXPECT_EQ(Show(without("language"), answer), "right feasible {\"a\":4,\"l\":[1,2]}");
  EXPECT_EQ(Show(without("input"), answer), "right feasible {\"a\":4,\"l\":[1,2]}");
}

TEST(Codeio, FeedbackSaysWhatHappened) {
  const std::pair<const char*, const char*> outputs[] = {
      {"<answer>12</answer>", "main(4,[1,2]) is not 12."},
      {"<answer>twelve</answer>", "The answer is not JSON."},
      {"twelve", "There is no answer."},
      {"<answer>11</answer>", "That is right."},
  };
  for (const auto& [text, expected] : outputs) EXPECT_EQ(Feedback(OutputTask(), text), expected);
  const std::pair<const char*, const char*> inputs[] = {
      {"<answer>4,[1]</answer>", "main(4,[1]) is 9, not 11."},
      {"<answer>4,5</answer>", "main(4,5) fails: line 3: expected a list, got a number."},
      {"<answer>4</answer>", "The arguments [4] do not fit main."},
      {"<answer>0,[11]</answer>", "That is right."},
  };
  for (const auto& [text, expected] : inputs) EXPECT_EQ(Feedback(InputTask(), text), expected);
  Problem bad = InputTask();
  bad.extra.erase("program");
  EXPECT_EQ(Feedback(bad, "<answer>4</answer>"), "");
  Problem endless = InputTask();
  endless.extra["program"] = "def main(a):\n while a!=0: a-=1\n return a";
  EXPECT_EQ(Feedback(endless, "<answer>-1</answer>"),
            "main(-1) does not end: line 2: more than 100000 steps.");
  // Any verifier says something, and never throws on what it did not write itself.
  for (const VerifierEntry& entry : Verifiers()) {
    const auto verifier = entry.make(Json::object(), "test");
    Problem strange;
    strange.extra = nullptr;
    for (const char* reason : {"different", "other-output", "exception/x", "bad-arguments", ""}) {
      EXPECT_FALSE(
          verifier->Feedback(strange, {VerdictStatus::kWrong, 0, reason, "{\"a\""}).empty());
      EXPECT_FALSE(
          verifier->Feedback(OutputTask(), {VerdictStatus::kWrong, 0, reason, "{\"a\""}).empty());
    }
    EXPECT_EQ(verifier->Feedback(strange, {VerdictStatus::kUnjudged, 0, "", "1"}), "");
  }
}

TEST(Codeio, TheLastCompleteObjectIsFound) {
  const std::pair<std::string, std::string> cases[] = {
      {"{\"a\": {\"b\": 1}} then {\"c\": [{}]} end", "{\"c\": [{}]}"},
      {"{\"a\": \"}\"} {", "{\"a\": \"}\"}"},
      {"{\"a\": \"\\\"}\"}", "{\"a\": \"\\\"}\"}"},
      {"{ never closed {\"a\": 1}", "{\"a\": 1}"},
      {"{\"a\": 1} and the set {1, 2}", "{\"a\": 1}"},
      {"he said \" and {\"a\": 1}", "{\"a\": 1}"},
      {"{ an open \" quote\n {\"a\": 1}", "{\"a\": 1}"},
      {"```json\n{\n \"a\": 1\n}\n```", "{\n \"a\": 1\n}"},
      {"no object } here {", ""},
      {"", ""},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(LastJsonObject(text), expected) << text;
}

TEST(Codeio, HostileNestingIsNoAnswer) {
  const std::string deep = std::string(120000, '[') + std::string(120000, ']');
  EXPECT_FALSE(TryParseJson(deep));
  EXPECT_FALSE(TryParseJson(std::string(120000, '[')));
  EXPECT_EQ(LastJsonObject("{\"a\": " + deep + "}").size(), deep.size() + 7);
}

TEST(Codeio, CloseIsAsPublished) {
  const auto close = [](const char* answer, const char* expected) {
    return IsClose(Json::parse(answer), Json::parse(expected));
  };
  for (const auto& [a, b] : {std::pair{"3", "3"},
                             {"3.0", "3"},
                             {"3", "3.0"},
                             {"3.001", "3.0"},
                             {"1.2345", "1.235"},
                             {"[1,[2.0]]", "[1.0,[2]]"},
                             {"{}", "{}"},
                             {"{\"a\":1,\"b\":\"x\"}", "{\"b\":\"x\",\"a\":1}"},
                             {"null", "null"},
                             {"true", "true"},
                             {"\"x\"", "\"x\""},
                             {"0.0", "0"}}) {
    EXPECT_TRUE(close(a, b)) << a << " " << b;
  }
  for (const auto& [a, b] : {std::pair{"3", "4"},
                             {"3000", "3001"},
                             {"2.9999", "3.0"},
                             {"3.1", "3.0"},
                             {"1e-9", "0"},
                             {"[1]", "[1,2]"},
                             {"[1,2]", "[2,1]"},
                             {"{\"a\":1}", "{\"b\":1}"},
                             {"{\"a\":1}", "{\"a\":1,\"b\":1}"},
                             {"true", "1"},
                             {"1", "true"},
                             {"\"1\"", "1"},
                             {"null", "0"},
                             {"[]", "{}"},
                             {"\"x\"", "\"X\""}}) {
    EXPECT_FALSE(close(a, b)) << a << " " << b;
  }
  EXPECT_FALSE(IsClose(std::nan(""), std::nan("")));
  EXPECT_FALSE(IsClose(INFINITY, INFINITY));
}

TEST(Codeio, DeepAnswersAreMalformed) {
  const std::string deep = std::string(5000, '[') + std::string(5000, ']');
  EXPECT_EQ(Judge(OutputTask(), "<answer>" + deep + "</answer>").reason, "malformed");
  EXPECT_EQ(Judge(InputTask(), "<answer>1," + deep + "</answer>").reason, "malformed");
  const std::string huge = "[" + std::string(30'000, ' ') + "]";
  EXPECT_EQ(Judge(OutputTask(), "<answer>" + huge + "</answer>").reason, "malformed");
}

// Rows as published: main_solution takes keyword arguments.
Problem PythonTask(const std::string& program, Json input, Json output) {
  Problem problem;
  problem.extra = {{"direction", "input"},
                   {"language", "python"},
                   {"refcode", program},
                   {"input", std::move(input)},
                   {"output", std::move(output)}};
  return problem;
}

TEST(Codeio, PythonRunsInTheSandbox) {
  const std::string program =
      "import math\n"
      "def main_solution(a, word='x'):\n"
      "    print('noise')\n"
      "    if a < 0:\n"
      "        raise ValueError('negative')\n"
      "    while a > 1000: pass\n"
      "    return {'root': math.sqrt(a), 'words': (word,) * 2}\n";
  const Problem task =
      PythonTask(program, {{"a", 2}, {"word", "y"}}, {{"root", 1.4142}, {"words", {"y", "y"}}});
  CodeioOptions options;
  options.python.time_s = 1;
  const auto verifier = MakeCodeioVerifier(options);
  const auto show = [&](const Problem& problem, const std::string& text) {
    const Verdict verdict = verifier->Judge({.text = text, .problem = problem});
    return StrCat(EnumName(verdict.status), " ", verdict.reason);
  };
  const std::string first = show(task, "Thus {\"input\": {\"a\": 2, \"word\": \"y\"}}");
  if (first.starts_with("unjudged no-sandbox")) GTEST_SKIP() << first;
  EXPECT_EQ(first, "right feasible");
  EXPECT_EQ(show(task, "<answer>2,\"y\"</answer>"), "right feasible");
  EXPECT_EQ(show(task, "{\"input\": {\"a\": 2}}"),
            "wrong other-output/{\"root\":1.4142135623730951,\"words\":[\"x\",\"x\"]}");
  EXPECT_EQ(show(task, "{\"input\": {\"a\": -2}}"), "wrong exception/ValueError: negative");
  EXPECT_EQ(show(task, "{\"input\": {\"b\": 2}}").substr(0, 31), "wrong exception/TypeError: main");
  EXPECT_EQ(show(task, "{\"input\": {\"a\": 2000}}"), "wrong limit/time-limit");
  const auto said = [&](const std::string& body) {
    return show(PythonTask("def main_solution(a):\n " + body, {{"a", 1}}, 1), "<answer>1</answer>");
  };
  EXPECT_EQ(said("return 1"), "right feasible");
  EXPECT_EQ(said("return True"), "wrong other-output/true");
  EXPECT_EQ(said("return float('nan')").substr(0, 26), "wrong exception/ValueError");
  EXPECT_EQ(said("return {1, 2}").substr(0, 25), "wrong exception/TypeError");
  EXPECT_EQ(said("return main_solution(a)").substr(0, 30), "wrong exception/RecursionError");
  EXPECT_EQ(said("raise SystemExit").substr(0, 26), "wrong exception/SystemExit");
  EXPECT_EQ(said("import os; os._exit(0)"), "wrong exception/exited");
  EXPECT_EQ(said("import os; os.abort()"), "wrong exception/signalled");
  EXPECT_EQ(said("return a +").substr(0, 27), "wrong exception/SyntaxError");
  EXPECT_EQ(said("return 'x' * (1 << 21)"), "wrong limit/output-limit");
}

// Every Mini program is a Python program: the two must agree.
TEST(Codeio, MiniAndPythonAgree) {
  const auto verifier = MakeCodeioVerifier({});
  int returned = 0;
  for (uint64_t i = 0; i < 120; ++i) {
    const auto [program, input] = RandomMini(900 + i).Next();
    const exec::VmResult result = exec::VmProgram(program).Run(input);
    if (result.ending != exec::VmEnding::kReturned) continue;
    Problem problem = PythonTask(program, input, result.output);
    problem.extra["entry"] = "main";
    const Verdict verdict =
        verifier->Judge({.text = ToJsonLine({{"input", input}}), .problem = problem});
    if (verdict.reason.starts_with("no-sandbox")) GTEST_SKIP() << verdict.reason;
    EXPECT_EQ(verdict.reason, "feasible") << program << input.dump();
    ++returned;
  }
  EXPECT_GT(returned, 20);
}

}  // namespace
}  // namespace retort::verifiers::codeio_test
