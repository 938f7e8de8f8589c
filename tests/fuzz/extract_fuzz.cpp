#include "base/options.h"
#include "fuzz/fuzz.h"
#include "verifiers/text/extract.h"

namespace retort {

using namespace verifiers;

void FuzzExtract(std::string_view text) {
  for (const auto& [extraction, name] : EnumNames(Extraction{})) {
    const auto found = ExtractAnswer(text, extraction);
    if (!found) continue;
    Require(!found->text.empty(), "an extracted answer is empty");
    // Joined places get a comma and a space between them.
    Require(found->text.size() <= 2 * text.size(), "an extracted answer outgrows its text");
    const auto again = ExtractAnswer(text, extraction);
    Require(again && again->text == found->text && again->rule == found->rule,
            "a second extraction differs");
  }
}

}  // namespace retort
