#include "verifiers/math.h"

#include <algorithm>

#include "base/options.h"
#include "base/strings.h"
#include "verifiers/normal_form.h"

namespace retort::verifiers {

namespace {

Verdict Unjudged(std::string reason, std::string extracted) {
  return {VerdictStatus::kUnjudged, 0, std::move(reason), std::move(extracted)};
}

// A right fraction that is not written like the gold answer: 12/3 for 4, 2/4 for 1/2.
bool IsUnreduced(const NormalForm& gold, const NormalForm& answer) {
  if (gold.kind != FormKind::kNumber || answer.kind != FormKind::kNumber) return false;
  if (!answer.number.is_fraction || gold.number.is_decimal || gold.number.is_percent) return false;
  return !(gold.number.numerator == answer.number.numerator &&
           gold.number.denominator == answer.number.denominator);
}

// One answer boxed in several ways (15\frac{39}{40}, \frac{639}{40}) is one answer.
void Collapse(NormalForm& form) {
  const bool same = std::all_of(form.items.begin(), form.items.end(), [&](const NormalForm& item) {
    return SameAnswer(form.items[0], item, {});
  });
  if (form.kind == FormKind::kList && same) form = NormalForm(form.items[0]);
}

class MathVerifier final : public Verifier {
 public:
  explicit MathVerifier(const MathOptions& options) : options_(options) {}

  Verdict Judge(const Response& response) const override {
    const auto marked_gold = ExtractAnswer(response.problem.answer, Extraction::kAny, false);
    const NormalForm gold =
        ReadNormalForm(marked_gold ? marked_gold->text : response.problem.answer);
    const auto answer = ExtractAnswer(response.text, options_.extraction, options_.last_number);
    std::string extracted =
        answer ? ToValidUtf8(std::string_view(answer->text).substr(0, kMaxAnswerBytes)) : "";
    if (gold.kind == FormKind::kTooLarge || gold.text.empty()) {
      return Unjudged("bad-gold", std::move(extracted));
    }
    if (!answer) return {VerdictStatus::kWrong, 0, "no-answer", ""};
    NormalForm form = ReadNormalForm(answer->text);
    if (answer->joined) Collapse(form);
    if (form.kind == FormKind::kTooLarge) return Unjudged("too-large", std::move(extracted));

    const bool same = SameAnswer(gold, form, {options_.percent_as_number});
    const bool refused = same && options_.literal_fractions && IsUnreduced(gold, form);
    const bool right = same && !refused;
    return {right ? VerdictStatus::kRight : VerdictStatus::kWrong, right ? 1.0 : 0.0,
            StrCat(refused ? "unreduced"
                   : right ? "equal"
                           : "different",
                   "/", EnumName(gold.kind), "/", EnumName(answer->rule)),
            std::move(extracted)};
  }

 private:
  MathOptions options_;
};

}  // namespace

std::unique_ptr<Verifier> MakeMathVerifier(const MathOptions& options) {
  return std::make_unique<MathVerifier>(options);
}

}  // namespace retort::verifiers
