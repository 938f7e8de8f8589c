// C++ programs: standard input, calls through the relay, MultiPL-E's scripts. Few, since each is
// compiled.

#include "tests/verifiers/code_fixture.h"
#include "verifiers/code/internal/cpp.h"

namespace retort::verifiers::code_cpp_test {
namespace {

class CodeCppTest : public CodeTest {
 protected:
  void SetUp() override {
    CodeTest::SetUp();
    const Verdict verdict =
        Judge("int main() {}", {{"language", "cpp"}, {"tests", {{{"stdin", ""}, {"stdout", ""}}}}});
    if (ReasonOf(verdict) == "no-compiler" || ReasonOf(verdict) == "no-sandbox") {
      GTEST_SKIP() << verdict.reason;
    }
    ASSERT_TRUE(Is(verdict, "accepted"));
  }
  Json Options() const override { return {{"score", "fraction"}}; }
};

TEST_F(CodeCppTest, StandardInput) {
  const Json columns{
      {"language", "c++"},
      {"tests", {{{"stdin", "3 4"}, {"stdout", "7"}}, {{"stdin", "1 5"}, {"stdout", "5"}}}}};
  const Verdict verdict = Judge(
      "```cpp\n#include <cstdio>\nint main() { int a, b; scanf(\"%d %d\", &a, &b);"
      " printf(\"%d\\n\", a + b); }\n```",
      columns);
  EXPECT_EQ(verdict.score, 0.5);
  EXPECT_EQ(verdict.reason, "wrong-answer/1");
  EXPECT_TRUE(Is(Judge("int main() { return 1; }", columns), "runtime-error"));
  EXPECT_TRUE(Is(Judge("int main() { *(volatile int*)0 = 1; }", columns), "runtime-error"));
  for (const char* program :
       {"int main( {}", "#include \"/etc/passwd\"\nint main() {}", "int f() { return 1; }",
        "asm(\".incbin \\\"/etc/hostname\\\"\");\nint main() {}"}) {
    EXPECT_EQ(Judge(program, columns).reason, "compile-error") << program;
  }
  Json quick = columns;
  quick["limits"] = {{"compile_time_s", 0.5}};
  EXPECT_EQ(Judge("#include </dev/zero>\nint main() {}", quick).status, VerdictStatus::kWrong);
  quick["limits"] = {{"compile_memory_mib", 32}};
  EXPECT_NE(Judge("#include <regex>\nstd::regex r(\"a\");\nint main() {}", quick).status,
            VerdictStatus::kRight);
}

TEST_F(CodeCppTest, CallsCarryTypes) {
  const Json columns{{"language", "cpp"}, {"entry_point", "unique"}, {"tests", R"([
        {"args": [[3, 1], "ab", 2.5, null], "expected": [[["ab", 3], ["ab", 1]], {"k": [2.5]}, true]},
        {"args": [[], "", 2, 1], "expected": [[], {"k": [2]}, true]},
        {"args": [[], "throw", 2, 1], "expected": 0}])"}};
  // Macros and a name of the standard library, as such programs have them.
  const Verdict verdict = Judge(
      "#include <map>\n#include <optional>\n#include <stdexcept>\n#include <string>\n"
      "#include <tuple>\n#include <vector>\n#include <algorithm>\n"
      "#define int long long\nusing namespace std;\n"
      "tuple<vector<pair<string, int>>, map<string, vector<double>>, bool>\n"
      "unique(const vector<int>& a, string s, double d, optional<int> o) {\n"
      "  if (s == \"throw\") throw runtime_error(\"boo\");\n"
      "  vector<pair<string, int>> r;\n  for (int x : a) r.push_back({s, x});\n"
      "  return {r, {{\"k\", {d}}}, o.has_value() == a.empty()};\n}\n"
      "signed main() { return 3; }\n",
      columns);
  EXPECT_EQ(verdict.score, 2.0 / 3) << verdict.reason << verdict.normal_form;
  EXPECT_EQ(verdict.reason, "runtime-error/2") << verdict.normal_form;
}

TEST_F(CodeCppTest, MultiPlE) {
  const Json columns{{"language", "cpp"},
                     {"prompt",
                      "#include <assert.h>\n#include <string>\n#include <vector>\n"
                      "union Union_std_string_long{\n    std::string f0;\n"
                      "    long f1;    Union_std_string_long(std::string _f0) : f0(_f0) {}\n"
                      "    Union_std_string_long(long _f1) : f1(_f1) {}\n"
                      "    ~Union_std_string_long() {}\n"
                      "    bool operator==(std::string f) {\n        return f0 == f ;\n"
                      "    }    bool operator==(long f) {\n        return f1 == f ;\n    }\n};\n"
                      "// The first, or -1.\n"
                      "Union_std_string_long first(std::vector<std::string> v, long n) {\n"},
                     {"tests",
                      "}\nint main() {\n    auto candidate = first;\n"
                      "    assert(candidate({\"a\", \"b\"}, 1) == \"a\");\n"
                      "    assert(candidate({}, 1) == -1);\n}\n"}};
  EXPECT_TRUE(Is(Judge("    if (v.empty()) return -n;\n    return v[0];\n", columns), "accepted"));
  EXPECT_EQ(Judge("    if (v.empty()) return n;\n    return v[0];\n", columns).reason,
            "wrong-answer/0");
  EXPECT_TRUE(Is(Judge("    std::exit(0);\n", columns), "runtime-error"));
  EXPECT_TRUE(Is(Judge("    throw 1;\n", columns), "runtime-error"));
  EXPECT_TRUE(Is(Judge("    return +;\n", columns), "compile-error"));
}

TEST_F(CodeCppTest, AssertsByName) {
  const Json columns{{"language", "cpp"},
                     {"tests", {"assert(twice(1) == 2);", "assert(twice(3) == 6);"}}};
  EXPECT_TRUE(Is(Judge("int twice(int x) { return 2 * x; }", columns), "accepted"));
  EXPECT_TRUE(Is(Judge("int twice(int x) { return x + 1; }", columns), "wrong-answer"));
  // Nothing of the program goes into the script: what it cannot send is its own fault.
  EXPECT_TRUE(Is(Judge("std::any twice(int x) { return 2; }", columns), "wrong-answer"));
  EXPECT_TRUE(Is(Judge("int twice(int x), y = 1;", columns), "compile-error"));
  EXPECT_TRUE(Is(Judge("    return 2 * x;", {{"language", "cpp"},
                                             {"prompt", "int twice(int x) {\n"},
                                             {"tests", "assert(twice(1) == nonsense);"}}),
                 "bad-tests"));
}

// Each of them would be looked for to the end of the text.
TEST_F(CodeCppTest, WhatNeverClosesIsReadOnce) {
  const Json columns{{"language", "cpp"}, {"entry_point", "f"}, {"tests", "assert(f(2) == 4);"}};
  const auto times = [](int n, const std::string& text) {
    std::string all;
    while (n-- > 0) all += text;
    return all;
  };
  const std::string heads = times(60'000, ";int f(") + times(60'000, ")") + "x";
  const std::string unions = times(50'000, "union Union_{\n") + "\n};\nint f(int x){return 1;}";
  for (const std::string& program : {heads, unions}) {
    EXPECT_EQ(Judge(program, columns).status, VerdictStatus::kWrong);
  }
}

TEST(CodeCpp, UnionsKnowWhatTheyHold) {
  const std::string source =
      "int a;\nunion Union_long_float{\n    long f0;\n    float f1;    Union_long_float(long _f0) "
      ": "
      "f0(_f0) {}\n    bool operator==(long f) {\n    }\n};\nint b;";
  const std::string tagged = WithTaggedUnions(source);
  EXPECT_EQ(tagged.find("union "), std::string::npos);
  EXPECT_NE(tagged.find("struct Union_long_float {"), std::string::npos);
  EXPECT_NE(tagged.find("return held == 1 && f1 == v;"), std::string::npos);
  EXPECT_TRUE(tagged.starts_with("int a;\n"));
  EXPECT_TRUE(tagged.ends_with("\nint b;"));
  EXPECT_EQ(WithTaggedUnions("union A { int x; };"), "union A { int x; };");
}

}  // namespace
}  // namespace retort::verifiers::code_cpp_test
