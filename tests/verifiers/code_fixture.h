#pragma once
// A row of a code problem and the verdict on a program, for the tests of the code verifier.

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/json.h"
#include "verifiers/registry.h"
#include "verifiers/text/verifier.h"

namespace retort::verifiers {

inline Problem CodeProblem(Json columns) {
  Problem problem;
  problem.extra = std::move(columns);
  return problem;
}

/// The reason without its test, "accepted", "wrong-answer", "bad-tests".
inline std::string ReasonOf(const Verdict& verdict) {
  return verdict.reason.substr(0, verdict.reason.find_first_of("/:"));
}

/// Skips where nothing holds a program, or where there is no Python.
class CodeTest : public testing::Test {
 protected:
  void SetUp() override {
    const Verdict verdict = Judge("print(1)", {{"tests", {{{"stdin", ""}, {"stdout", "1"}}}}});
    const std::string reason = ReasonOf(verdict);
    if (reason == "no-sandbox" || reason == "no-python") GTEST_SKIP() << verdict.reason;
    ASSERT_EQ(reason, "accepted") << verdict.normal_form;
  }

  /// What every test of the fixture starts from.
  virtual Json Options() const { return Json::object(); }

  Verdict Judge(const std::string& response, Json columns) const {
    if (!verifier_) verifier_ = MakeVerifier("code", Options(), "test");
    return Judge(*verifier_, response, std::move(columns));
  }
  static Verdict Judge(const Verifier& verifier, const std::string& response, Json columns) {
    const Problem problem = CodeProblem(std::move(columns));
    return verifier.Judge({.text = response, .problem = problem});
  }
  static Verdict JudgeWith(const Json& options, const std::string& response, Json columns) {
    return Judge(*MakeVerifier("code", options, "test"), response, std::move(columns));
  }

 private:
  mutable std::unique_ptr<Verifier> verifier_;
};

/// The verdict has this reason; what else it says is in the failure's message.
inline testing::AssertionResult Is(const Verdict& verdict, const std::string& reason) {
  const VerdictStatus status = reason == "accepted" ? VerdictStatus::kRight : verdict.status;
  if (ReasonOf(verdict) == reason && verdict.status == status) return testing::AssertionSuccess();
  return testing::AssertionFailure() << EnumName(verdict.status) << " " << verdict.reason << " | "
                                     << verdict.normal_form << " | " << verdict.extracted;
}

}  // namespace retort::verifiers
