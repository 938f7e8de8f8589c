#include "verifiers/text/verifier.h"

#include "base/error.h"
#include "base/strings.h"

namespace retort::verifiers {
namespace {

constexpr size_t kShown = 200;

}  // namespace

std::string Verifier::CannotJudge(const Problem&) const { return ""; }

std::string Verifier::Evidence(const Response&) const { return ""; }

std::string Verifier::Feedback(const Problem&, const Verdict& verdict) const {
  switch (verdict.status) {
    case VerdictStatus::kRight:
      return "That is right.";
    case VerdictStatus::kUnjudged:
      return "";
    case VerdictStatus::kWrong:
      break;
  }
  if (verdict.reason == "no-answer") return "There is no answer.";
  if (verdict.extracted.empty()) return StrCat("That is not accepted: ", verdict.reason, ".");
  const std::string_view shown = std::string_view(verdict.extracted).substr(0, kShown);
  return StrCat(ToValidUtf8(shown), " is wrong.");
}

}  // namespace retort::verifiers
