// Programs that want to be paid for less than an answer, and honest ones that look like them. Each
// row of code_hostile.jsonl is a kind, why, a program with the columns of its problem, and the
// verdict it has to get: with every layer of the sandbox and with the fallback alone. C++ is
// compiled, so its rows run once unless RETORT_HOSTILE_CPP asks for both.

#include <cstdlib>
#include <map>

#include "base/file.h"
#include "base/options.h"
#include "base/strings.h"
#include "tests/verifiers/code_fixture.h"

namespace retort::verifiers::code_hostile_test {
namespace {

struct HostileCase {
  std::string kind;
  bool namespaces;
};

class CodeHostile : public CodeTest, public testing::WithParamInterface<HostileCase> {
 protected:
  Json Options() const override {
    return {{"time_s", 2}, {"sandbox", {{"namespaces", GetParam().namespaces}}}};
  }
  bool Has(const std::string& needed) const {
    const Json columns{{"tests", {{{"stdin", ""}, {"stdout", "1"}}}}};
    return Judge("import " + needed + "\nprint(1)", columns).status == VerdictStatus::kRight;
  }
  bool HasCompiler() const {
    const Json columns{{"language", "cpp"}, {"tests", {{{"stdin", ""}, {"stdout", ""}}}}};
    return Judge("int main() {}", columns).status == VerdictStatus::kRight;
  }
};

std::vector<Json> Rows() {
  std::vector<Json> rows;
  const std::string text = ReadFile(RETORT_SOURCE_DIR "/tests/verifiers/code_hostile.jsonl");
  for (const std::string_view line : Split(text, '\n')) {
    if (!line.empty()) rows.push_back(ParseJson(line, "code_hostile.jsonl"));
  }
  return rows;
}

std::vector<HostileCase> Cases() {
  std::vector<HostileCase> cases;
  std::map<std::string, bool> known;
  for (const Json& row : Rows()) {
    if (!known.emplace(row["kind"].get<std::string>(), true).second) continue;
    for (const bool namespaces : {true, false}) cases.push_back({row["kind"], namespaces});
  }
  return cases;
}

TEST_P(CodeHostile, IsJudgedAsItShould) {
  if (GetParam().kind == "c++") {
    if (!HasCompiler()) GTEST_SKIP() << "no C++ compiler, or no sandbox for it";
    if (!GetParam().namespaces && std::getenv("RETORT_HOSTILE_CPP") == nullptr) {
      GTEST_SKIP() << "compiled programs run with namespaces only; RETORT_HOSTILE_CPP=1 runs them "
                      "without, too";
    }
  }
  std::map<std::string, bool> has;
  int64_t judged = 0;
  for (Json columns : Rows()) {
    if (columns["kind"] != GetParam().kind) continue;
    if (const auto needs = columns.find("needs"); needs != columns.end()) {
      const std::string module = needs->get<std::string>();
      if (!has.contains(module)) has[module] = Has(module);
      if (!has[module]) continue;
    }
    const std::string program = columns["program"].get<std::string>();
    columns.erase("program");  // it is a response, which may be completed
    const std::string why = columns["why"].get<std::string>();
    const std::string wanted = columns["verdict"].get<std::string>();
    Json options = Options();
    if (columns.contains("options")) options.update(columns["options"]);
    const Verdict verdict = columns.contains("options") ? JudgeWith(options, program, columns)
                                                        : Judge(program, columns);
    EXPECT_EQ(EnumName(verdict.status), wanted)
        << why << " | " << verdict.reason << " | " << verdict.normal_form;
    EXPECT_EQ(verdict.score, wanted == "right" ? 1 : 0) << why;
    ++judged;
  }
  EXPECT_GT(judged, 0);
}

INSTANTIATE_TEST_SUITE_P(All, CodeHostile, testing::ValuesIn(Cases()), [](const auto& info) {
  std::string name = info.param.namespaces ? "Namespaces_" : "Fallback_";
  for (const char c : info.param.kind) {
    if (std::isalnum(static_cast<unsigned char>(c))) name += c;
  }
  return name;
});

}  // namespace
}  // namespace retort::verifiers::code_hostile_test
