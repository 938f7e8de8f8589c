#include "base/options.h"
#include "base/strings.h"
#include "fuzz/fuzz.h"
#include "verifiers/registry.h"
#include "verifiers/text/verifier.h"

namespace retort {

using namespace verifiers;
namespace {

std::unique_ptr<Verifier> Make(const Json& options) {
  return MakeVerifier("math", options, "fuzz");
}

}  // namespace

void FuzzEqual(std::string_view text) {
  static const std::unique_ptr<Verifier> verifiers[] = {Make(Json::object()),
                                                        Make({{"relation_for_set", true},
                                                              {"rename_variables", true},
                                                              {"percent_as_number", true},
                                                              {"literal_fractions", true}})};
  const size_t end = std::min(text.find('\n'), text.size());
  Problem problem;
  problem.answer = text.substr(0, end);
  const std::string tagged =
      "<answer>" + std::string(text.substr(std::min(end + 1, text.size()))) + "</answer>";
  for (const auto& verifier : verifiers) {
    const Verdict verdict = verifier->Judge({.text = tagged, .problem = problem});
    Require(!verdict.reason.empty(), "a verdict without a reason");
    Require(IsUtf8(verdict.extracted), "an extracted answer is not UTF-8");
    Require(verdict.score == (verdict.status == VerdictStatus::kRight ? 1 : 0),
            "score and status differ");
    const Verdict again = verifier->Judge({.text = tagged, .problem = problem});
    Require(again.status == verdict.status && again.reason == verdict.reason &&
                again.extracted == verdict.extracted,
            "a second verdict differs");
  }
}

}  // namespace retort
