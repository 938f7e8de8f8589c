#include "base/error.h"
#include "fuzz/fuzz.h"
#include "fuzz/memory_bound.h"
#include "model/tokenizer.h"

namespace retort {
namespace {

void Use(const model::Tokenizer& tokenizer, std::string_view text) {
  for (const auto added : {model::AddedTokens::kMatch, model::AddedTokens::kAsText}) {
    const std::vector<int32_t> ids = tokenizer.Encode(text, added);
    for (const int32_t id : tokenizer.WithSpecialTokens(ids)) {
      Require(id >= 0 && id < tokenizer.vocab_size(), "an id is not in the vocabulary");
    }
    tokenizer.Decode(ids);
    const std::string kept = tokenizer.Decode(ids, model::SpecialTokens::kSkip);
    Require(kept.size() <= tokenizer.Decode(ids).size() + 1, "what was skipped grew");
  }
  const std::string broken = tokenizer.BreakAddedTokens(text, "\uFDD0");
  Require(broken.size() >= text.size() || text.find("\uFDD0") != std::string_view::npos,
          "text was lost");
}

}  // namespace

// The first line is a tokenizer.json, the rest a text.
void FuzzTokenizer(std::string_view input) {
  const size_t end = std::min(input.find('\n'), input.size());
  const std::string_view text = input.substr(std::min(end + 1, input.size()));
  const MemoryBound bound(input.size());
  std::optional<model::Tokenizer> tokenizer;
  try {
    tokenizer = model::Tokenizer::Parse(input.substr(0, end), "{}", "where");
    tokenizer->Describe();
  } catch (const Error& error) {
    const std::string_view what = error.what();
    Require(what.starts_with("where/tokenizer.json: "), "no place is named");
    return;
  }
  try {
    Use(*tokenizer, text);
  } catch (const Error&) {
    // A pattern that needs too many steps.
  }
}

}  // namespace retort
