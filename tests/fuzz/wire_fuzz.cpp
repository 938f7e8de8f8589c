#include <string>

#include "base/error.h"
#include "base/json.h"
#include "fuzz/fuzz.h"
#include "verifiers/code/internal/compare.h"
#include "verifiers/code/internal/wire.h"

namespace retort {

// The first line is what was expected, in JSON; the rest is what a program answered.
void FuzzWire(std::string_view text) {
  using verifiers::ResultRule;
  using verifiers::WireReader;
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view answer = text.substr(std::min(end + 1, text.size()));

  WireReader whole(answer);
  if (const auto value = whole.Whole()) {
    Require(answer.starts_with(*value) && !value->empty(), "a value is not where it was read");
    WireReader again(*value);
    Require(again.Whole() == value && again.AtEnd(), "a value has another end when read alone");
  }
  size_t heads = 0;
  for (WireReader reader(answer); reader.Next(); ++heads) {
    Require(heads <= answer.size(), "a head takes no bytes");
  }

  const auto expected = TryParseJson(text.substr(0, end));
  if (!expected) return;
  const ResultRule exact{}, near{.tolerance = 1e-6}, any{.tolerance = 1e-6, .unordered = true};
  const bool same = SameResult(answer, *expected, exact);
  Require(!same || SameResult(answer, *expected, near), "a tolerance makes a right answer wrong");
  Require(!same || SameResult(answer, *expected, any), "any order makes a right answer wrong");
  const std::string sent = verifiers::ToWire(*expected);
  for (const ResultRule& rule : {exact, near, any}) {
    Require(SameResult(sent, *expected, rule), "what was expected is wrong");
    Require(!SameResult(sent + "N", *expected, exact), "more than what was expected is right");
  }
  const std::string written = ToJsonLine(*expected);
  for (const auto rule : {verifiers::OutputRule::kText, verifiers::OutputRule::kTokens,
                          verifiers::OutputRule::kJson}) {
    Require(SameOutput(written, written, rule, std::nullopt), "an output is not itself");
    SameOutput(answer, written, rule, 1e-6);
  }
}

}  // namespace retort
