#include "distill/text_data.h"

#include <algorithm>

#include "base/strings.h"
#include "model/template.h"

namespace retort::distill {

TextData::TextData(const TextOptions& options, const train::RowsPlace& place) : place_(place) {
  const RowTokenizer tokenizer(place.tokenizer, place.prompt_template, options.Tokenizing());
  const std::string purpose = place.name + "/examples";
  double chance = 0;
  for (size_t i = 0; i < options.train_files.size(); ++i) {
    const TextFile& file = files_.emplace_back(options, i, tokenizer, place);
    begin_.push_back(begin_.back() + file.sequences());
    if (options.weights.empty()) continue;
    chance += options.weights[i] * static_cast<double>(file.sequences()) /
              static_cast<double>(file.tokens());
    chances_.push_back(chance);
    orders_.emplace_back(file.sequences(), place.seed, StrCat(purpose, "/", i));
  }
  if (chances_.empty()) orders_.emplace_back(examples(), place.seed, purpose);
  counts_.resize(files_.size());
}

std::vector<train::LearnGroup> TextData::Example(int64_t n) {
  if (!chances_.empty()) {
    const auto [file, draw] = Draw(n);
    return files_[file].At(orders_[file].At(draw));
  }
  const int64_t sequence = orders_[0].At(n);
  const auto file = std::ranges::upper_bound(begin_, sequence) - begin_.begin() - 1;
  return files_[static_cast<size_t>(file)].At(sequence - begin_[static_cast<size_t>(file)]);
}

// Those before it are drawn once, so that a resumed run counts them alike.
std::pair<size_t, int64_t> TextData::Draw(int64_t n) {
  const std::string purpose = place_.name + "/mixture";
  while (std::ssize(drawn_) <= n) {
    RandomStream random({place_.seed, purpose, 0, static_cast<uint64_t>(drawn_.size())});
    const double at = random.Uniform() * chances_.back();
    const auto file = static_cast<size_t>(std::min(
        std::ranges::upper_bound(chances_, at) - chances_.begin(), std::ssize(chances_) - 1));
    drawn_.emplace_back(file, counts_[file]++);
  }
  return drawn_[static_cast<size_t>(n)];
}

std::vector<std::string> TextData::Remarks() const {
  std::vector<std::string> remarks;
  for (const TextFile& file : files_) {
    for (const std::string& remark : file.counts().Remarks()) remarks.push_back(remark);
  }
  return remarks;
}

Json TextData::Report() const {
  Json report = Json::array();
  for (const TextFile& file : files_) report.push_back(file.Report());
  return report;
}

std::string OtherTemplate(const TextData& data, const train::RowsPlace& place) {
  const bool conversations = std::ranges::any_of(
      data.files(), [](const TextFile& file) { return file.counts().conversations > 0; });
  if (!conversations || !place.tokenizer.has_chat_template() || place.prompt_template.chat)
    return "";
  const std::string own = model::ChatTemplate(place.tokenizer, place.prompt_template);
  if (place.tokenizer.chat_template().source() == own) return "";
  return StrCat(
      "conversations are rendered by the tokenizer's chat template, but the recipe's "
      "prompt_template is '",
      EnumName(place.prompt_template),
      "', with which later stages ask and the model is saved: set it to \"chat\"");
}

}  // namespace retort::distill
