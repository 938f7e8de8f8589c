// Programs that want the reward without the answer. Each has to end with another reason than
// "accepted", in every mode this machine offers, and never unjudged.

#include "tests/verifiers/code_fixture.h"

namespace retort::verifiers::code_attacks_test {
namespace {

class CodeAttack : public CodeTest, public testing::WithParamInterface<bool> {
 protected:
  Json Options() const override {
    return {{"time_s", 0.5}, {"output_kib", 512}, {"sandbox", {{"namespaces", GetParam()}}}};
  }

  // Once by calls, once by a script: the answers are 1 and 2 to 1 and 2.
  void Refused(const std::string& program) {
    const Json calls{
        {"entry_point", "f"},
        {"tests", {{{"args", {1}}, {"expected", 1}}, {{"args", {2}}, {"expected", 2}}}}};
    const Json script{
        {"entry_point", "f"},
        {"tests", "def check(candidate):\n  for i in (1, 2): assert candidate(i) == i\n"}};
    for (const Json& columns : {calls, script}) {
      const Verdict verdict = Judge(program, columns);
      EXPECT_EQ(verdict.status, VerdictStatus::kWrong) << program << verdict.reason;
      EXPECT_EQ(verdict.score, 0);
    }
  }
  void RefusedStdio(const std::string& program) {
    const Verdict verdict =
        Judge(program,
              {{"tests", {{{"stdin", "1"}, {"stdout", "1"}}, {{"stdin", "2"}, {"stdout", "2"}}}}});
    EXPECT_EQ(verdict.status, VerdictStatus::kWrong) << program << verdict.reason;
  }
};

TEST_P(CodeAttack, EndsEarly) {
  for (const char* program :
       {"import sys\nsys.exit(0)", "import os\nos._exit(0)", "raise SystemExit(0)",
        "import sys\ndef f(x): sys.exit(0)", "import os\ndef f(x): os._exit(0)",
        "def f(x): raise SystemExit", "def f(x): raise KeyboardInterrupt",
        "def f(x): raise StopIteration", "def f(x): raise GeneratorExit",
        "def f(x): raise AssertionError", "def f(x): raise type('E', (BaseException,), {})",
        "import os\ndef f(x): os.kill(os.getpid(), 9)", "def f(x): return f(x)",
        "import signal, os\ndef f(x): os.kill(os.getppid(), 9); return 3"}) {
    Refused(program);
  }
}

TEST_P(CodeAttack, ReturnsWhatAgrees) {
  const std::string agree =
      "  __eq__ = __ne__ = __lt__ = __gt__ = __le__ = __ge__ = lambda *_: True\n"
      "  __bool__ = lambda s: True\n  __hash__ = lambda s: 1\n";
  for (const char* base : {"object", "int", "float", "str", "list", "dict", "tuple", "Exception"}) {
    Refused(StrCat("class E(", base, "):\n", agree, "def f(x): return E()"));
  }
  Refused("class M(type):\n" + agree + "class E(metaclass=M): pass\ndef f(x): return E");
  Refused("from unittest.mock import ANY\ndef f(x): return ANY");
  Refused("class E(int):\n  __class__ = property(lambda s: int)\n" + agree +
          "def f(x): return E(7)");
}

TEST_P(CodeAttack, LooksForTheAnswers) {
  Refused(
      "import sys, gc\n"
      "def f(x):\n"
      "  frame, seen = sys._getframe(), []\n"
      "  while frame: seen.append(str(frame.f_locals)); frame = frame.f_back\n"
      "  names = [n for n in dir() if 'expected' in n]\n"
      "  return 9 if not names else x");
  Refused(
      "import os\n"
      "def f(x):\n"
      "  text = ''\n"
      "  for root, _, files in os.walk('.'):\n"
      "    for name in files:\n"
      "      try: text += open(os.path.join(root, name)).read()\n"
      "      except Exception: pass\n"
      "  return x if 'assert candidate' in text else 9");
  Refused(
      "import os\n"
      "def f(x):\n"
      "  try: return x if b'assert' in open('/proc/%d/mem' % os.getppid(), 'rb').read() else 9\n"
      "  except OSError: return 9");
}

TEST_P(CodeAttack, ReplacesWhatJudges) {
  Refused(
      "import builtins\nbuiltins.isinstance = lambda *a: True\nbuiltins.len = lambda *a: 0\n"
      "def f(x): return 9");
  Refused(
      "import sys\nfor m in list(sys.modules.values()):\n"
      "  for n in ('encode', 'decode', 'write_frame', 'perform'):\n"
      "    if hasattr(m, n): setattr(m, n, lambda *a: b'rt1;i1;')\ndef f(x): return 9");
  Refused(
      "import sys\ndef f(x):\n  g = sys._getframe(1).f_globals\n"
      "  g['write_frame'](1, b'd'); return 9");
  Refused("def check(candidate): pass\ndef f(x): return 9");
  Refused("import atexit, sys\natexit.register(lambda: print('accepted 1.0'))\ndef f(x): return 9");
  Refused(
      "class F:\n  def __del__(self): print('PASSED')\n  def __call__(self, x): return 9\nf = F()");
}

TEST_P(CodeAttack, ForgesMessages) {
  const std::string write =
      "import os\n"
      "def forge(*messages):\n"
      "  for fd in range(0, 64):\n"
      "    for m in messages:\n"
      "      try: os.write(fd, len(m).to_bytes(4, 'big') + m)\n"
      "      except OSError: pass\n";
  for (const char* messages :
       {"b'd'", "b'ni1;', b'tl2;s0:s0:', b'd'", "b'rt1;i1;'", "b'rt1;h1;', b'rt1;T'", "b''",
        "b'r' + b'l1;' * 100000", "b'xl1;'", "b'rt1;bint;'"}) {
    Refused(StrCat(write, "forge(", messages, ")\ndef f(x): return 9"));
    Refused(StrCat(write, "def f(x):\n  forge(", messages, ")\n  return 9"));
  }
  Refused(
      "import os\nfor fd in range(3, 64):\n"
      "  try: os.write(fd, b'\\xff\\xff\\xff\\xff')\n  except OSError: pass\ndef f(x): return 9");
  Refused("import os\nos.closerange(0, 64)\ndef f(x): return x");
}

TEST_P(CodeAttack, ReturnsWhatIsTooMuch) {
  for (const char* value :
       {"'x' * 20000000", "[0] * 5000000", "2 ** (1 << 26)", "bytearray(1 << 30)", "[[]] * 1000000",
        "(lambda a: [a := [a] * 2 for _ in range(140)][-1])([])"}) {
    Refused(StrCat("def f(x): return ", value));
  }
  Refused("def f(x):\n  a = []\n  a.append(a)\n  return a");
  Refused("def f(x):\n  a = []\n  for i in range(10000): a = [a]\n  return a");
  Refused("def f(x):\n  while True: print('x' * 1000)");
  Refused("def f(x):\n  while True: pass");
  Refused("import time\ndef f(x): time.sleep(1000)");
  Refused("def f(x):\n  a = []\n  while True: a.append(bytearray(1 << 20))");
}

TEST_P(CodeAttack, PrintsInsteadOfAnswering) {
  for (const char* program :
       {"print('PASSED')", "print('1'); print('2')", "print('{\"verdict\": \"accepted\"}')",
        "import sys\nsys.exit(0)", "import os\nos.write(1, b'1\\n')\nos._exit(1)",
        "import sys\nsys.stderr.write(input())", "print(input(), end='\\0')",
        "import os\nos.close(1)", "print(1)\nprint('x' * 10000000)",
        "print(open('/proc/self/environ').read())", "print('1')\nraise MemoryError",
        "import os\nos.system('echo 1')",
        "import subprocess\nprint(subprocess.check_output('cat'))",
        "import os\nos.fork()\nprint(input())",
        "import threading\nwhile True:\n"
        "  threading.Thread(target=input, daemon=True).start()",
        "import socket\ns = socket.create_connection(('127.0.0.1', 22))\nprint(1)"}) {
    RefusedStdio(program);
  }
}

TEST_P(CodeAttack, LeavesNothingForTheNextRun) {
  const Json columns{{"tests", {{{"stdin", ""}, {"stdout", "[]"}}}}};
  const std::string plant =
      "import os\nfor p in ('left', '/tmp/left', '/dev/shm/left', '/var/tmp/left'):\n"
      "  try: open(p, 'w').write('x')\n  except OSError: pass\nprint('[]')";
  const std::string look =
      "import os\nprint([p for p in ('left', '/tmp/left', '/dev/shm/left', '/var/tmp/left')"
      " if os.path.exists(p)])";
  EXPECT_TRUE(Is(Judge(plant, columns), "accepted"));
  EXPECT_TRUE(Is(Judge(look, columns), "accepted"));
}

INSTANTIATE_TEST_SUITE_P(Modes, CodeAttack, testing::Values(true, false),
                         [](const auto& info) { return info.param ? "Namespaces" : "Fallback"; });

}  // namespace
}  // namespace retort::verifiers::code_attacks_test
