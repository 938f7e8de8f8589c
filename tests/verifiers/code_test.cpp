// Verdicts on Python programs: every kind of test, every option, what a script sees of a program.

#include "verifiers/code/code.h"

#include "tests/verifiers/code_fixture.h"
#include "verifiers/registry.h"

namespace retort::verifiers::code_test {
namespace {

const char* const kIdentity = "def f(x): return x";

Json Calls(Json tests) { return {{"entry_point", "f"}, {"tests", std::move(tests)}}; }
Json Script(const std::string& script) { return {{"entry_point", "f"}, {"tests", script}}; }
Json Stdio(const std::string& input, const std::string& output) {
  return {{"tests", {{{"stdin", input}, {"stdout", output}}}}};
}

TEST_F(CodeTest, StandardInput) {
  const Json columns{{"tests",
                      {{{"stdin", "3\n4\n"}, {"stdout", "7\n"}},
                       {{"stdin", "5 6"}, {"stdout", {"nothing", "11"}}}}}};
  for (const char* program :
       {"import sys\nprint(sum(map(int, sys.stdin.read().split())))",
        "s = 0\ntry:\n  while True: s += sum(map(int, input().split()))\nexcept EOFError: print(s)",
        "import os\nprint(sum(map(int, os.read(0, 1000).split())))",
        "import sys\nd = sys.stdin.buffer.read()\n"
        "sys.stdout.buffer.write(b'%d\\n' % sum(map(int, d.split())))",
        "import sys\ndef main():\n  print(sum(map(int, sys.stdin.read().split())))\n"
        "if __name__ == '__main__': main()\nsys.exit(0)",
        "import sys, threading\n"
        "threading.Thread(target=lambda: print(sum(map(int, "
        "sys.stdin.read().split())))).start()"}) {
    EXPECT_TRUE(Is(Judge(program, columns), "accepted")) << program;
  }
  EXPECT_EQ(Judge("print(7)", columns).reason, "wrong-answer/1");
  EXPECT_EQ(Judge("print(7); print(8)", columns).reason, "wrong-answer/0");
  EXPECT_EQ(Judge("print(7); exit(1)", columns).reason, "runtime-error/0");
  EXPECT_EQ(Judge("print(7", columns).reason, "compile-error");
}

TEST_F(CodeTest, InputMayStayUnreadOrBeLarge) {
  EXPECT_TRUE(Is(Judge("print(1)", Stdio(std::string(3'000'000, 'x'), "1")), "accepted"));
  EXPECT_TRUE(
      Is(Judge("print(len(input()))", Stdio(std::string(3'000'000, 'x'), "3000000")), "accepted"));
  EXPECT_TRUE(Is(Judge("import os\nos.close(0)\nprint(1)", Stdio("x", "1")), "accepted"));
}

TEST_F(CodeTest, FunctionCalls) {
  const Json columns =
      Calls({{{"args", {1}}, {"expected", {1, {2, 0.5}, nullptr, true, "é"}}},
             {{"kwargs", {{"x", 3}}}, {"expected", {3, {2, 0.5}, nullptr, true, "é"}}}});
  EXPECT_TRUE(Is(Judge("def f(x): return [x, (2, 0.5), None, True, 'é']", columns), "accepted"));
  EXPECT_EQ(Judge("def f(x): return [1, (2, 0.5), None, True, 'é']", columns).reason,
            "wrong-answer/1");
  EXPECT_EQ(Judge("def f(x): return [x, (2, 0.5), None, 1, 'é']", columns).reason,
            "wrong-answer/0");
  EXPECT_TRUE(Is(Judge("def f(x): return 1 / 0", columns), "runtime-error"));
  EXPECT_TRUE(Is(Judge("def g(x): return 1", columns), "runtime-error"));
  EXPECT_TRUE(Is(Judge("f = 3", columns), "runtime-error"));
  EXPECT_TRUE(Is(Judge("f = int", Calls({{{"args", {"-3"}}, {"expected", -3}}})), "accepted"));
  EXPECT_TRUE(Is(Judge("def f(x) return 1", columns), "compile-error"));
  EXPECT_TRUE(Is(Judge(kIdentity, Calls({{{"args", {2}}, {"any_of", {1, 2}}}})), "accepted"));
  EXPECT_TRUE(Is(Judge(kIdentity, Calls({{{"args", {3}}, {"any_of", {1, 2}}}})), "wrong-answer"));
  EXPECT_TRUE(Is(Judge("import collections\ndef f(x): return collections.Counter(x)",
                       Calls({{{"args", {"aab"}}, {"expected", {{"a", 2}, {"b", 1}}}}})),
                 "accepted"));
}

TEST_F(CodeTest, ArgumentsMayNestAsDeepAsJson) {
  Json nested = 1;
  for (int i = 0; i < kMaxJsonDepth - 4; ++i) nested = Json::array({nested});
  EXPECT_TRUE(
      Is(Judge(kIdentity, Calls({{{"args", {nested}}, {"expected", nested}}})), "accepted"));
}

TEST_F(CodeTest, MethodsOfSolution) {
  const std::string program = "class Solution:\n  def f(self, x): return x + 1";
  EXPECT_TRUE(Is(Judge(program, Calls({{{"args", {1}}, {"expected", 2}}})), "accepted"));
}

TEST_F(CodeTest, HumanEval) {
  const Json columns{{"prompt",
                      "import math\n\ndef half(x):\n    return x / 2\n\n"
                      "def f(x: float) -> float:\n    \"\"\" Half the root. \"\"\"\n"},
                     {"entry_point", "f"},
                     {"test",
                      "def check(candidate):\n"
                      "    for i in range(5):\n"
                      "        assert candidate(i * i) == half(i)\n"
                      "    assert math.fabs(candidate(2) - 0.7071) < 1e-3\n"}};
  EXPECT_TRUE(Is(Judge("    return half(math.sqrt(x))\n", columns), "accepted"));
  EXPECT_TRUE(
      Is(Judge("```python\ndef f(x):\n  return math.sqrt(x) / 2\n```", columns), "accepted"));
  // The script's half() is the prompt's, whatever the program makes of it.
  EXPECT_TRUE(Is(Judge("def half(x): return 0\ndef f(x): return 0", columns), "wrong-answer"));
  EXPECT_TRUE(Is(Judge("    return x", columns), "wrong-answer"));
  EXPECT_TRUE(Is(Judge("    return None", columns), "wrong-answer"));
  EXPECT_EQ(Judge("    return x", columns).extracted,
            columns["prompt"].get<std::string>() + "    return x");
}

TEST_F(CodeTest, MbppWithObjectsOfTheProgram) {
  const Json columns{
      {"test_setup_code", "root = Node(1)\nroot.left = Node(2)\nroot.left.left = Node(3)"},
      {"test_list",
       {"assert height(root) == 3", "assert height(root.left) == 2",
        "assert (height(None)) == 0"}}};
  const std::string program =
      "class Node:\n  def __init__(self, value):\n    self.value = value\n"
      "    self.left = self.right = None\n"
      "def height(n): return 0 if n is None else 1 + max(height(n.left), height(n.right))";
  EXPECT_TRUE(Is(Judge(program, columns), "accepted"));
  EXPECT_EQ(Judge(program + " + 1", columns).reason, "wrong-answer/0");
  EXPECT_TRUE(Is(Judge("def height(n): return 3", columns), "runtime-error"));
  // What only the program knows is no evidence.
  Json asks = columns;
  asks["test_list"].push_back("assert root.left.value == 2");
  EXPECT_TRUE(Is(Judge(program, asks), "bad-tests"));
  EXPECT_TRUE(
      Is(Judge("def sum(a, b): return a * b", {{"test_list", {"assert sum(10, 15) == 150"}}}),
         "accepted"));
}

TEST_F(CodeTest, PlainDataTravelsExactly) {
  for (const char* value :
       {"10**5000", "-(2**64)", "0.1", "float('inf')", "1+2j", "'\\ud800\\0é'", "b'\\xff\\0'",
        "bytearray(b'x')", "None", "[]", "()", "set()", "{}", "{1: [2, (3,)]}", "{(1, 2)}",
        "frozenset([1])", "int", "[True, 1, 1.0]"}) {
    const std::string script = StrCat("v = ", value,
                                      "\nassert f(v) == v and type(f(v)) is type(v)\n"
                                      "assert isinstance(v, int) or repr(f(v)) == repr(v)");
    EXPECT_TRUE(Is(Judge(kIdentity, Script(script)), "accepted")) << value;
  }
  // Equal sets may list their members in different orders.
  EXPECT_TRUE(Is(Judge(kIdentity, Script("assert f({(1, 2), 'a'}) == {(1, 2), 'a'}")), "accepted"));
  EXPECT_TRUE(
      Is(Judge(kIdentity, Script("assert f(float('nan')) != f(float('nan'))")), "accepted"));
  // Subclasses are sent as what they extend.
  EXPECT_TRUE(Is(Judge("from collections import *\nP = namedtuple('P', 'a b')\n"
                       "def f(x): return [P(1, 2), OrderedDict(a=1), defaultdict(int, b=2)]",
                       Script("assert f(0) == [(1, 2), {'a': 1}, {'b': 2}]")),
                 "accepted"));
}

TEST_F(CodeTest, ExceptionsTravel) {
  const Json columns = Script(
      "try:\n    f(1)\nexcept ValueError as error:\n    assert str(error) == 'no'\n"
      "else:\n    assert False");
  EXPECT_TRUE(Is(Judge("def f(x): raise ValueError('no')", columns), "accepted"));
  EXPECT_TRUE(Is(Judge("class E(ValueError): pass\ndef f(x): raise E('no')", columns), "accepted"));
  EXPECT_TRUE(Is(Judge("def f(x): raise KeyError('no')", columns), "runtime-error"));
  EXPECT_TRUE(Is(Judge(kIdentity, columns), "wrong-answer"));
}

TEST_F(CodeTest, WorkInPlaceIsSeenWhereTheTaskMeansIt) {
  const Json columns = Script("x = [3, 1, 2]\nf(x)\nassert x == [1, 2, 3]");
  EXPECT_TRUE(Is(Judge("def f(x): x.sort()", columns), "accepted"));
  EXPECT_TRUE(Is(Judge("def f(x): x.sort(); return x", columns), "wrong-answer"));
  EXPECT_TRUE(
      Is(Judge("def f(x): x.add(1)", Script("x = set()\nf(x)\nassert x == {1}")), "accepted"));
  const std::string both = "def f(x): x.sort(); return x[0]";
  Json task = Script("x = [2, 1]\nassert f(x) == 1 and x == [1, 2]");
  EXPECT_TRUE(Is(Judge(both, task), "wrong-answer"));
  for (const char* prompt : {"Sort x in place.", "Sort x in-place, return its least.", "INPLACE"}) {
    task["prompt"] = prompt;
    EXPECT_TRUE(Is(Judge(both, task), "accepted")) << prompt;
  }
  task["in_place"] = false;
  EXPECT_TRUE(Is(Judge(both, task), "wrong-answer"));
  task["prompt"] = "Use '_' in place of spaces.";
  task["in_place"] = true;
  EXPECT_TRUE(Is(Judge(both, task), "accepted"));
  task["in_place"] = 1;
  EXPECT_TRUE(Is(Judge(both, task), "bad-tests"));
}

TEST_F(CodeTest, ColumnUnordered) {
  Json columns = Calls({{{"args", {{3, 1}}}, {"expected", {1, 3}}}});
  EXPECT_TRUE(Is(Judge(kIdentity, columns), "wrong-answer"));
  EXPECT_TRUE(Is(Judge("def f(x): return set(x)", columns), "wrong-answer"));
  columns["unordered"] = true;
  EXPECT_TRUE(Is(Judge(kIdentity, columns), "accepted"));
  EXPECT_TRUE(Is(Judge("def f(x): return set(x)", columns), "accepted"));
}

TEST_F(CodeTest, HandlesServeAndNeverCompare) {
  const std::string generator = "def f(n):\n  for i in range(n): yield i";
  for (const char* script :
       {"assert list(f(3)) == [0, 1, 2]", "assert [x * 2 for x in f(2)] == [0, 2]",
        "assert sum(f(4)) == 6", "g = f(2)\nassert next(g) == 0 and next(g) == 1"}) {
    EXPECT_TRUE(Is(Judge(generator, Script(script)), "accepted")) << script;
  }
  const std::string liar =
      "class Liar:\n  value = 1\n  __eq__ = __ne__ = __lt__ = __le__ = __contains__ = "
      "lambda *_: True\n  __hash__ = lambda s: 1\n  __len__ = lambda s: 3\n"
      "def f(x): return Liar()";
  for (const char* script :
       {"assert f(1) == 1", "assert f(1) != 1", "assert 1 == f(1)", "assert f(1) < 1",
        "assert f(1)", "assert not f(1)", "assert f(1) == f(1)", "assert 1 in f(1)",
        "assert f(1) in [1, 2]", "assert [f(1)] == [1]", "assert {f(1): 1} == {1: 1}",
        "assert f(1).value == 2", "assert len(f(1)) == 2", "assert isinstance(f(1), int)",
        "assert f(1) is None", "assert str(f(1)) == 'x'"}) {
    EXPECT_TRUE(Is(Judge(liar, Script(script)), "wrong-answer")) << script;
  }
  EXPECT_TRUE(Is(Judge(liar, Script("assert f(1).value == 1 and len(f(1)) == 3")), "accepted"));
}

TEST_F(CodeTest, AScriptLeavesNothingToTheNext) {
  const std::string clean =
      "import math, random, sys\nassert f(1) == 1\nassert round(math.pi, 2) == 3.14\n"
      "assert random.random() != 0.13436424411240122\nassert abs(f(-1)) == 1\n"
      "assert sys.getrecursionlimit() == 1000\nassert 'y' not in globals()";
  for (const char* trace :
       {"import math\nmath.pi = 3", "import math\nsetattr(math, 'pi', 3)",
        "import math\nmath.__dict__['pi'] = 3", "import math\nvars(math)['pi'] = 3",
        "import random\nrandom.seed(1)", "import random as r\nr.seed(1)",
        "from random import seed\nseed(1)", "import sys\nsys.setrecursionlimit(500)",
        "import builtins\nbuiltins.abs = lambda x: 2", "__builtins__.abs = lambda x: 2",
        "exec('import math; math.pi = 3')", "def g():\n  import math\n  math.pi = 3\ng()",
        "class C:\n  import math\n  math.pi = 3", "y = 1"}) {
    EXPECT_TRUE(Is(Judge(kIdentity, Script("assert f(1) == 1\n" + std::string(trace))), "accepted"))
        << trace;
    EXPECT_TRUE(Is(Judge(kIdentity, Script(clean)), "accepted")) << trace;
  }
}

TEST_F(CodeTest, AScriptHasItsOwnTimeAfterOthers) {
  const auto verifier = MakeVerifier("code", {{"time_s", 0.1}}, "test");
  for (const auto& [script, reason] : {std::pair{"assert f(1)", "accepted"},
                                       std::pair{"while f(1): pass\nassert f(1)", "time-limit"},
                                       std::pair{"assert f(2)", "accepted"},
                                       std::pair{"x = f(1)\nwhile x: pass\nassert x", "time-limit"},
                                       std::pair{"assert f(3)", "accepted"}}) {
    EXPECT_TRUE(Is(Judge(*verifier, kIdentity, Script(script)), reason)) << script;
  }
}

TEST_F(CodeTest, BadTestsAreNobodysFault) {
  for (const char* script :
       {"assert f(1) ==", "assert 1", "x = 1", "import no_such_module\nassert f(1) == 1",
        "assert 1 / 0", "assert f(lambda: 1)",
        "def g():\n  return y\n  y = 1\nassert f(g()) == 1"}) {
    EXPECT_TRUE(Is(Judge(kIdentity, Script(script)), "bad-tests")) << script;
    EXPECT_EQ(Judge(kIdentity, Script(script)).status, VerdictStatus::kUnjudged);
  }
}

TEST_F(CodeTest, NothingToJudge) {
  EXPECT_EQ(Judge("", Script("assert f(1) == 1")).reason, "no-program");
  EXPECT_EQ(Judge("", Script("assert f(1) == 1")).status, VerdictStatus::kWrong);
  EXPECT_TRUE(Is(Judge(kIdentity, Json::object()), "no-tests"));
  EXPECT_TRUE(
      Is(Judge(kIdentity, {{"tests", "assert f(1)"}, {"language", "cobol"}}), "unknown-language"));
}

// --- options ---

TEST_F(CodeTest, OptionLanguage) {
  const Json columns{{"tests", {{{"stdin", ""}, {"stdout", "1"}}}}, {"language", "cpp"}};
  EXPECT_TRUE(Is(JudgeWith({{"language", "python"}}, "print(1)", columns), "accepted"));
}

TEST_F(CodeTest, OptionScore) {
  const Json fraction{{"score", "fraction"}};
  const Json script{
      {"tests", {"assert f(1) == 1", "assert f(2) == 3", "assert f(3) == 3", "assert f(4) == 4"}}};
  Verdict verdict = JudgeWith(fraction, kIdentity, script);
  EXPECT_EQ(verdict.score, 0.75);
  EXPECT_EQ(verdict.reason, "wrong-answer/1");
  EXPECT_EQ(verdict.status, VerdictStatus::kWrong);
  EXPECT_EQ(Judge(kIdentity, script).score, 0);
  EXPECT_EQ(JudgeWith(fraction, kIdentity, Script("assert f(1) == 2\nassert f(1) == 1")).score,
            0.5);

  const Json calls = Calls({{{"args", {1}}, {"expected", 1}},
                            {{"args", {2}}, {"expected", 1}},
                            {{"args", {3}}, {"expected", 3}}});
  EXPECT_EQ(JudgeWith(fraction, kIdentity, calls).score, 2.0 / 3);
  // Each call that ends the process costs its own test only.
  EXPECT_EQ(
      JudgeWith(fraction, "import os\ndef f(x): return x if x != 2 else os._exit(0)", calls).score,
      2.0 / 3);
  const Json stdio{
      {"tests", {{{"stdin", "1"}, {"stdout", "1"}}, {{"stdin", "2"}, {"stdout", "1"}}}}};
  EXPECT_EQ(JudgeWith(fraction, "print(input())", stdio).score, 0.5);
  EXPECT_EQ(JudgeWith(fraction, "print(1)", stdio).score, 1);
}

TEST_F(CodeTest, OptionOutput) {
  EXPECT_TRUE(Is(Judge("print('1  2')", Stdio("", "1 2")), "wrong-answer"));
  EXPECT_TRUE(Is(JudgeWith({{"output", "tokens"}}, "print('1  2')", Stdio("", "1 2")), "accepted"));
  EXPECT_TRUE(
      Is(JudgeWith({{"output", "json"}}, "print('[1,2]')", Stdio("", "[1, 2]")), "accepted"));
}

TEST_F(CodeTest, OptionFloatTolerance) {
  const Json options{{"float_tolerance", 0.01}};
  EXPECT_TRUE(Is(Judge("print(3.14)", Stdio("", "3.1416")), "wrong-answer"));
  EXPECT_TRUE(Is(JudgeWith(options, "print(3.14)", Stdio("", "3.1416")), "accepted"));
  const Json calls = Calls({{{"args", {3.14}}, {"expected", 3.1416}}});
  EXPECT_TRUE(Is(Judge(kIdentity, calls), "wrong-answer"));
  EXPECT_TRUE(Is(JudgeWith(options, kIdentity, calls), "accepted"));
}

TEST_F(CodeTest, OptionChallengeTests) {
  const Json columns{{"test_list", {"assert f(1) == 1"}},
                     {"challenge_test_list", {"assert f(2) == 1"}}};
  EXPECT_TRUE(Is(Judge(kIdentity, columns), "accepted"));
  EXPECT_TRUE(Is(JudgeWith({{"challenge_tests", true}}, kIdentity, columns), "wrong-answer"));
}

TEST_F(CodeTest, OptionLimits) {
  const Json columns = Stdio("", "1");
  const std::string slow = "x = 0\nwhile x < 10**11: x += 1";
  EXPECT_TRUE(Is(JudgeWith({{"time_s", 0.2}}, slow, columns), "time-limit"));
  EXPECT_TRUE(
      Is(JudgeWith({{"time_s", 0.2}}, "import time\ntime.sleep(1000)", columns), "time-limit"));
  const std::string large = "x = bytearray(200 << 20)\nprint(1)";
  EXPECT_TRUE(Is(Judge(large, columns), "accepted"));
  EXPECT_TRUE(Is(JudgeWith({{"memory_mib", 100}}, large, columns), "memory-limit"));
  const std::string loud = "print('x' * 2000000)";
  EXPECT_TRUE(Is(Judge(loud, columns), "wrong-answer"));
  EXPECT_TRUE(Is(JudgeWith({{"output_kib", 100}}, loud, columns), "output-limit"));
  const std::string file = "open('a', 'wb').write(b'x' * (3 << 20))\nprint(1)";
  EXPECT_TRUE(Is(Judge(file, columns), "accepted"));
  EXPECT_FALSE(Is(JudgeWith({{"file_size_mib", 1}}, file, columns), "accepted"));
  const std::string fork = "import os\nif os.fork() == 0: os._exit(0)\nos.wait()\nprint(1)";
  EXPECT_TRUE(Is(Judge(fork, columns), "process-limit"));
  const Verdict forked = JudgeWith({{"processes", 4}}, fork, columns);
  EXPECT_TRUE(Is(forked, "accepted") || Is(forked, "no-sandbox")) << forked.reason;
}

TEST_F(CodeTest, OptionSandbox) {
  const Json none{{"sandbox", {{"namespaces", false}, {"landlock", false}}}};
  const Verdict verdict = JudgeWith(none, "print(1)", Stdio("", "1"));
  EXPECT_TRUE(Is(verdict, "no-sandbox"));
  EXPECT_EQ(verdict.status, VerdictStatus::kUnjudged);
  // Without namespaces nothing would find the processes of a program again.
  const Json several{{"processes", 4}, {"sandbox", {{"namespaces", false}}}};
  EXPECT_TRUE(Is(JudgeWith(several, "print(1)", Stdio("", "1")), "no-sandbox"));
}

}  // namespace
}  // namespace retort::verifiers::code_test
