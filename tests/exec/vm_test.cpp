#include "exec/vm.h"

#include <gtest/gtest.h>

#include <map>
#include <thread>

#include "base/error.h"
#include "tests/support/error_of.h"
#include "tests/support/random_mini.h"
#include "tests/support/vm_twin.h"

namespace retort::exec::vm_test {
namespace {

VmResult RunText(const std::string& program, const Json& input = Json::object(),
                 const VmLimits& limits = {}) {
  return VmProgram(program).Run(input, limits);
}

// The value of an expression over a=7, l=[3,1,2], s="abc".
std::string Value(const std::string& expression) {
  const VmResult result =
      RunText("def main(a,l,s): return " + expression, {{"a", 7}, {"l", {3, 1, 2}}, {"s", "abc"}});
  return result.ending == VmEnding::kReturned ? result.output.dump() : result.message;
}

TEST(Vm, EvaluatesExpressionsAsPythonDoes) {
  const std::pair<const char*, const char*> cases[] = {
      {"1+2*3-4", "3"},
      {"(1+2)*3", "9"},
      {"-7//2", "-4"},
      {"-7%3", "2"},
      {"7%-3", "-2"},
      {"7//-2", "-4"},
      {"--3", "3"},
      {"2-3-4", "-5"},
      {"a<8 and not a==6", "true"},
      {"a<7 or a>=7", "true"},
      {"True==1", "true"},
      {"[2,1]==[2,True]", "true"},
      {"'1'==1", "false"},
      {"a>7 and 1//0==0", "false"},
      {"a==7 or 1//0==0", "true"},
      {"2 in l and 5 not in l", "true"},
      {"'bc' in s", "true"},
      {"l[0]+l[-1]", "5"},
      {"l[1:]+l[:-2]", "[1,2,3]"},
      {"l[5:]", "[]"},
      {"l[2:1]", "[]"},
      {"s[1]+s[-1:]*2", "\"bcc\""},
      {"[0]*3", "[0,0,0]"},
      {"[1]*-1", "[]"},
      {"len(s)+len(l)+abs(-2)", "8"},
      {"[min(l),max(l),sum(l),min(3,2)]", "[1,3,6,2]"},
      {"sorted(l)", "[1,2,3]"},
      {"sorted(['b','a'])", "[\"a\",\"b\"]"},
      {"'a'<'b'", "true"},
      {"'it\\'s'+\"\\\"\\n\"", "\"it's\\\"\\n\""},
      {"[[1],[l,[]]]", "[[1],[[3,1,2],[]]]"},
      // What goes wrong.
      {"a//0", "line 1: division by zero"},
      {"a%0", "line 1: division by zero"},
      {"l[3]", "line 1: index 3 of 3 elements"},
      {"l[-4]", "line 1: index -4 of 3 elements"},
      {"a+s", "line 1: expected a number, got a text"},
      {"True+1", "line 1: expected a number, got a boolean"},
      {"a and True", "line 1: expected True or False, got a number"},
      {"not a", "line 1: expected True or False, got a number"},
      {"x", "line 1: x has no value yet"},
      {"len(a)", "line 1: expected a list, got a number"},
      {"max([])", "line 1: max of an empty list"},
      {"sorted([1,'a'])", "line 1: sorted takes numbers or texts, not both"},
      {"999999999999999+2", "line 1: a number went beyond 1000000000000000"},
      {"999999999999999*999999999999999", "line 1: a number went beyond 1000000000000000"},
      {"1 in s", "line 1: expected a text, got a number"},
  };
  for (const auto& [expression, expected] : cases)
    EXPECT_EQ(Value(expression), expected) << expression;
}

TEST(Vm, RunsStatements) {
  const VmResult result = RunText(
      "# a comment\n"
      "def main(n):\n"
      "\n"
      "  r=[]  # kept\n"
      "  for i in range(2,n):\n"
      "    prime=True; d=2\n"
      "    while d*d<=i:\n"
      "      if i%d==0:\n"
      "        prime=False\n"
      "        break\n"
      "      d+=1\n"
      "    if not prime: continue\n"
      "    elif i==7: r.append(-7)\n"
      "    else:\n"
      "      r.append(i)\n"
      "  r[0]*=10\n"
      "  return r\n",
      {{"n", 12}});
  EXPECT_EQ(result.message, "");
  EXPECT_EQ(result.output.dump(), "[20,3,5,-7,11]");
}

TEST(Vm, ListsAreSharedAsInPython) {
  EXPECT_EQ(
      RunText("def main():\n a=[1]\n b=a\n b.append(2)\n c=a+[]\n c.append(3)\n return [a,b,c]")
          .output.dump(),
      "[[1,2],[1,2],[1,2,3]]");
  EXPECT_EQ(RunText("def main():\n a=[1,2]\n for v in a:\n  if v<4: a.append(v+2)\n return a")
                .output.dump(),
            "[1,2,3,4,5]");
  // Python would change b as well.
  EXPECT_EQ(RunText("def main():\n a=[1]\n b=a\n b+=[2]\n return a").message,
            "line 4: += on a list; use append, or x=x+…");
  EXPECT_EQ(RunText("def main():\n a=[]\n a.append(a)\n return a").message,
            "line 4: lists nest deeper than 32");
  EXPECT_EQ(RunText("def main():\n a=[]\n a.append(a)\n return a==a").message,
            "line 4: lists nest deeper than 32");
}

TEST(Vm, TheTraceTellsWhatHappened) {
  const VmProgram program(
      "def main(a,l):\n x=a*2+1\n r=[]\n for v in l:\n  if v>x: x+=v\n  r.append(x)\n y=x\n return "
      "y+max(l)");
  std::vector<VmStep> trace;
  const VmResult result = program.Run({{"a", 2}, {"l", {3, 9}}}, {}, &trace);
  std::vector<std::string> texts;
  for (const VmStep& step : trace) texts.push_back(step.Text());
  EXPECT_EQ(Join(texts, ";"),
            "2*2=4;x=4+1=5;r=[];v=3;3>5=false;r=[5];v=9;9>5=true;x=5+9=14;r=[5,14];y=14;"
            "max([3,9])=9;14+9=23");
  EXPECT_EQ(result.output, 23);
  EXPECT_EQ(trace[1].target, "x");
  EXPECT_EQ(trace[1].left + trace[1].op + trace[1].right, "4+1");
  EXPECT_EQ(trace[1].value, "5");
  EXPECT_EQ(program.Run({{"a", 2}, {"l", {3, 9}}}).output, 23);
}

TEST(Vm, InputsAreChecked) {
  const VmProgram program("def main(a,b): return [a,b]");
  EXPECT_EQ(program.parameters(), (std::vector<std::string>{"a", "b"}));
  const std::pair<const char*, const char*> cases[] = {
      {"[1,2]", "input: expected an object with the arguments of main"},
      {"{\"a\":1}", "input: there is no argument b"},
      {"{\"a\":1,\"b\":2,\"c\":3}", "input: got 3 arguments, expected 2"},
      {"{\"a\":1.5,\"b\":2}",
       "input: expected a whole number, a boolean, a text or a list, got number"},
      {"{\"a\":null,\"b\":2}",
       "input: expected a whole number, a boolean, a text or a list, got null"},
      {"{\"a\":{},\"b\":2}",
       "input: expected a whole number, a boolean, a text or a list, got object"},
      {"{\"a\":\"\\u00e9\",\"b\":2}", "input: expected printable ASCII in text"},
      {"{\"a\":18446744073709551615,\"b\":2}", "input: a number went beyond 1000000000000000"},
      {"{\"a\":-9223372036854775808,\"b\":2}", "input: a number went beyond 1000000000000000"},
  };
  for (const auto& [input, message] : cases) {
    const VmResult result = program.Run(Json::parse(input));
    EXPECT_EQ(result.ending, VmEnding::kError);
    EXPECT_EQ(result.message, message);
  }
  Json deep = 1;
  for (int i = 0; i < 40; ++i) deep = Json::array({deep});
  EXPECT_EQ(program.Run({{"a", deep}, {"b", 1}}).message, "input: lists nest deeper than 32");
  for (const char* same : {"{\"a\":-3,\"b\":[true,\"x\\ty\",[]]}", "{\"a\":[[[1]]],\"b\":\"\"}"}) {
    const Json input = Json::parse(same);
    EXPECT_EQ(program.Run(input).output, Json::array({input["a"], input["b"]}));
  }
}

TEST(Vm, MalformedProgramsNameTheLine) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "line 1: expected 'def', got 'end of program'"},
      {"x=1", "line 1: expected 'def', got 'x'"},
      {"def f(): return 1", "line 1: expected 'main', got 'f'"},
      {"def main(a,a): return 1", "line 1: the parameter a is there twice"},
      {"def main(if): return 1", "line 1: expected a name, got 'if'"},
      {"def main(): return 1\nreturn 2", "line 2: expected nothing after main, got 'return'"},
      {"def main():\n", "line 2: expected an indented block, got 'end of program'"},
      {"def main():\n  x=1\n return 1", "line 3: indented by 1, which fits no block around it"},
      {"def main():\n\treturn 1", "line 2: expected printable ASCII, and spaces for indentation"},
      {"def main(): return 1.5", "line 1: whole numbers only, got '1.'"},
      {"def main(): return 1234567890123456",
       "line 1: the number 1234567890123456 has more than 15 digits"},
      {"def main(): return 'x", "line 1: the text has no closing '"},
      {"def main(): return '\\x'", "line 1: known escapes in text are \\n \\t \\\\ \\\" \\'"},
      {"def main(): return 1<2<3", "line 1: join two comparisons by 'and'"},
      {"def main(): return 1/2", "line 1: '/' means nothing here"},
      {"def main(): return", "line 1: expected a name, got 'end of line'"},
      {"def main(): break", "line 1: break outside of a loop"},
      {"def main(): x=range(3)", "line 1: expected a name, got 'range'"},
      {"def main(): len=3", "line 1: expected a name, got 'len'"},
      {"def main(): return len(1,2)", "line 1: len got 2 arguments"},
      {"def main(): return (1", "line 1: expected ')', got 'end of line'"},
      {"def main(): x==1", "line 1: expected '=', got '=='"},
      {"def main(): a.sort()", "line 1: expected 'append', got 'sort'"},
      {"def main():\n for i in range(): pass", "line 2: range takes 1 to 3 numbers"},
  };
  for (const auto& [program, message] : cases) {
    EXPECT_EQ(ErrorOf([&] { VmProgram read(program); }), message) << program;
  }
}

TEST(Vm, HostileNestingIsAnError) {
  const auto repeat = [](const std::string& part, int times) {
    std::string text;
    for (int i = 0; i < times; ++i) text += part;
    return text;
  };
  const std::string head = "def main(a): return ";
  for (const std::string& body :
       {repeat("(", 4000) + "1" + repeat(")", 4000), repeat("[", 4000) + repeat("]", 4000),
        repeat("-", 4000) + "1", repeat("not ", 2000) + "True", repeat("1+", 4000) + "1",
        repeat("len(", 2000), "a" + repeat("[0]", 3000), "a" + repeat("[a", 3000),
        repeat("True and ", 1000) + "True"}) {
    const std::string message = ErrorOf([&] { VmProgram read(head + body); });
    EXPECT_NE(message.find("nests deeper than 100"), std::string::npos) << message;
  }
  std::string blocks = "def main(a):\n";
  for (int i = 1; i < 120; ++i) blocks += std::string(static_cast<size_t>(i), ' ') + "if a>0:\n";
  EXPECT_NE(ErrorOf([&] { VmProgram read(blocks); }).find("nests deeper"), std::string::npos);
  EXPECT_NE(ErrorOf([&] { VmProgram read(std::string(20'000, ' ')); }).find("bytes"),
            std::string::npos);
}

TEST(Vm, EveryRunEnds) {
  for (const char* body :
       {"while True: pass", "while True: x=1\n return x", "l=[1]\n for v in l: l.append(v)",
        "x=[0]\n while True: x=x+x", "s='a'\n while True: s=s+s", "x=[1]*100000000000000",
        "x='ab'*100000000000000", "for i in range(100000000000000): pass",
        "x=[1]\n for i in range(30): x=[x,x]\n return x==x+[]",
        "s='a'*50000\n x=[s]*30000\n return x", "s='a'*50000\n while True: x=s in s+s",
        "s='a'*40000\n x=[s]*9000\n while True: y=sorted(x)"}) {
    const VmResult result = RunText(StrCat("def main():\n ", body, "\n return 1"));
    EXPECT_EQ(result.ending, VmEnding::kBudget) << body << ": " << result.message;
    EXPECT_LE(result.steps, VmLimits().steps);
  }
  // A trace counts too.
  std::vector<VmStep> trace;
  const VmProgram program("def main():\n x=[1]*900\n for i in range(900): x[i]=2\n return 1");
  EXPECT_EQ(program.Run(Json::object()).ending, VmEnding::kReturned);
  EXPECT_EQ(program.Run(Json::object(), {}, &trace).ending, VmEnding::kBudget);
}

TEST(Vm, EveryLimitHolds) {
  const std::string program = "def main():\n x=0\n for i in range(50): x=x+1\n return [x]*20";
  const VmResult free = RunText(program);
  EXPECT_EQ(free.ending, VmEnding::kReturned);
  EXPECT_EQ(RunText(program, Json::object(), {.steps = free.steps}).output, free.output);
  VmResult result = RunText(program, Json::object(), {.steps = free.steps - 1});
  EXPECT_EQ(result.ending, VmEnding::kBudget);
  EXPECT_NE(result.message.find("steps"), std::string::npos);
  result = RunText(program, Json::object(), {.cells = 15});
  EXPECT_EQ(result.ending, VmEnding::kBudget);
  EXPECT_NE(result.message.find("list elements"), std::string::npos);
  result = RunText(program, Json::object(), {.integer = 49});
  EXPECT_EQ(result.ending, VmEnding::kError);
  EXPECT_EQ(result.message, "line 3: a number went beyond 49");
}

// The twin reads the text anew at every step and shares no line with the program.
TEST(Vm, AgreesWithItsTwinOnRandomPrograms) {
  std::map<VmEnding, int> endings;
  for (uint64_t i = 0; i < 4000; ++i) {
    const auto [program, input] = RandomMini(i).Next();
    SCOPED_TRACE(program + input.dump());
    const VmProgram read(program);
    const VmResult result = read.Run(input);
    ++endings[result.ending];
    if (result.ending == VmEnding::kBudget) continue;
    const std::optional<Json> twin = VmTwin::Run(program, input);
    ASSERT_EQ(twin.has_value(), result.ending == VmEnding::kReturned) << result.message;
    if (twin) {
      ASSERT_EQ(*twin, result.output);
    }
    std::vector<VmStep> trace;
    const VmResult traced = read.Run(input, {.steps = 100'000'000, .cells = 100'000'000}, &trace);
    EXPECT_EQ(traced.output, result.output);
    EXPECT_EQ(traced.message, result.message);
  }
  EXPECT_GT(endings[VmEnding::kReturned], 1500);
  EXPECT_GT(endings[VmEnding::kError], 200);
}

TEST(Vm, ThreadsShareAProgram) {
  const VmProgram program("def main(n):\n r=[]\n for i in range(n): r.append(i*i)\n return r");
  const Json expected = program.Run({{"n", 50}}).output;
  std::vector<std::thread> threads;
  std::vector<Json> outputs(4);
  for (Json& output : outputs) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) output = program.Run({{"n", 50}}).output;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Json& output : outputs) EXPECT_EQ(output, expected);
}

// Nothing that is not Mini may do more than throw Error.
TEST(Vm, DamagedProgramsAreErrorsOrRun) {
  for (uint64_t i = 0; i < 1500; ++i) {
    auto [program, input] = RandomMini(i).Next();
    RandomStream random({.seed = 5, .purpose = "damage", .problem = i});
    for (uint64_t k = 0; k <= random.Below(3); ++k) {
      const size_t at = random.Below(program.size());
      if (random.Below(2)) program.erase(at, 1 + random.Below(4));
      if (random.Below(2))
        program.insert(std::min(at, program.size()), 1, "()[]:;=+-x1 \n'.#"[random.Below(16)]);
      if (program.empty()) program = " ";
    }
    try {
      const VmResult result = VmProgram(program).Run(input, {.steps = 10'000});
      EXPECT_EQ(result.message.empty(), result.ending == VmEnding::kReturned);
    } catch (const Error& error) {
      EXPECT_TRUE(std::string(error.what()).starts_with("line ")) << error.what();
    }
  }
}

}  // namespace
}  // namespace retort::exec::vm_test
