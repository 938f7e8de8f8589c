#include "verifiers/simple/format.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/strings.h"
#include "verifiers/text/boxes.h"

namespace retort::verifiers {

namespace {

constexpr std::array<std::string_view, 4> kTags{"<think>", "</think>", "<answer>", "</answer>"};

class FormatVerifier final : public Verifier {
 public:
  explicit FormatVerifier(const FormatOptions& options) : options_(options) {}

  Verdict Judge(const Response& response) const override {
    const std::string fault = Fault(response.text);
    if (fault.empty()) return {VerdictStatus::kRight, 1, "well-formed", ""};
    return {VerdictStatus::kWrong, 0, fault, ""};
  }

 private:
  std::string Fault(std::string_view text) const {
    std::array<size_t, 4> at;
    for (size_t i = 0; i < kTags.size(); ++i) {
      at[i] = text.find(kTags[i]);
      if (at[i] != std::string_view::npos &&
          text.find(kTags[i], at[i] + 1) != std::string_view::npos) {
        return "repeated-tag";
      }
    }
    const auto has = [&](size_t tag) { return at[tag] != std::string_view::npos; };
    if (has(0) != has(1) || has(2) != has(3)) return "unclosed-tag";
    if (options_.require_think && !has(0)) return "no-think";
    if (options_.require_answer && !has(2)) return "no-answer";
    // A missing block is a pair of npos: equal to each other, after everything.
    const bool in_order = at[0] <= at[1] && at[2] <= at[3] && (!has(0) || at[1] <= at[2]);
    if (!in_order) return "tag-order";

    std::string_view rest = text;
    if (has(0)) {
      const std::string_view thought = Between(text, at[0] + kTags[0].size(), at[1]);
      if (!Trim(text.substr(0, at[0])).empty()) return "text-outside";
      if (!options_.allow_empty_think && Trim(thought).empty()) return "empty-think";
      rest = text.substr(at[1] + kTags[1].size());
    }
    if (has(2)) {
      const size_t offset = text.size() - rest.size();
      const std::string_view answer = Between(text, at[2] + kTags[2].size(), at[3]);
      const bool before = !Trim(Between(text, offset, at[2])).empty();
      if (before || !Trim(text.substr(at[3] + kTags[3].size())).empty()) return "text-outside";
      if (Trim(answer).empty()) return "empty-answer";
      rest = answer;
    } else if (Trim(rest).empty()) {
      return "empty-answer";
    }
    return options_.require_boxed && LastBoxes(rest).parts.empty() ? "no-box" : "";
  }

  static std::string_view Between(std::string_view text, size_t begin, size_t end) {
    return text.substr(begin, end - begin);
  }

  FormatOptions options_;
};

}  // namespace

std::unique_ptr<Verifier> MakeFormatVerifier(const FormatOptions& options) {
  return std::make_unique<FormatVerifier>(options);
}

}  // namespace retort::verifiers
