#include "distill/perplexity.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "datasets/trace_store.h"
#include "train/learner.h"

namespace retort::distill {
namespace {

using Form = datasets::LearnRow::Form;

// The text, behind a token that its first one is predicted from.
RowTokens MeasuredDocument(const model::Tokenizer& tokenizer, const std::string& text) {
  RowTokens row;
  const auto before = tokenizer.bos_id() ? tokenizer.bos_id() : tokenizer.eos_id();
  if (before) row.ids.push_back(*before);
  const std::vector<int32_t> ids = tokenizer.Encode(text, model::AddedTokens::kMatch);
  row.ids.insert(row.ids.end(), ids.begin(), ids.end());
  row.learned.assign(row.ids.size(), true);
  return row;
}

int64_t LearnedBytes(const model::Tokenizer& tokenizer, const RowTokens& row) {
  std::vector<int32_t> learned;
  for (size_t i = 1; i < row.ids.size(); ++i) {
    if (row.learned[i]) learned.push_back(row.ids[i]);
  }
  return static_cast<int64_t>(tokenizer.Decode(learned, model::SpecialTokens::kSkip).size());
}

}  // namespace

double TextScore::perplexity() const { return std::exp(loss()); }

double TextScore::bits_per_byte() const {
  return nats / std::numbers::ln2 / static_cast<double>(bytes);
}

EvalText::EvalText(const std::string& file, const TextOptions& options,
                   const train::RowsPlace& place) {
  const int64_t max_length = options.MaxLength(place.positions);
  const model::Tokenizer& tokenizer = place.tokenizer;
  RowTokenizerOptions tokenizing = options.Tokenizing();
  tokenizing.fim_rate = 0;
  const RowTokenizer rows(tokenizer, place.prompt_template, tokenizing);
  counts_ = ReadRows({.file = file,
                      .text_column = options.dataset_text_field,
                      .cut = max_length,
                      .cut_documents = false,
                      .threads = place.threads,
                      .stop = place.stop,
                      .tokenize =
                          [&](const datasets::LearnRow& row, int64_t) {
                            return row.form == Form::kText ? MeasuredDocument(tokenizer, row.text)
                                                           : rows(row, {});
                          },
                      .take =
                          [&](RowTokens row) {
                            bytes_ += LearnedBytes(tokenizer, row);
                            if (row.form == Form::kText) {
                              AddWindows(row, max_length);
                            } else {
                              groups_.push_back(GroupOf(row.ids, row.learned));
                            }
                          }});
}

void EvalText::AddWindows(const RowTokens& document, int64_t max_length) {
  const auto size = std::ssize(document.ids);
  for (int64_t begin = 1, end = 0; begin < size; begin = end) {
    end = std::min(begin + max_length, size);
    const int64_t start = std::max<int64_t>(0, end - max_length - 1);
    std::vector<bool> learned(static_cast<size_t>(end - start), true);
    std::fill_n(learned.begin(), begin - start, false);
    groups_.push_back(GroupOf(
        std::span(document.ids).subspan(static_cast<size_t>(start), learned.size()), learned));
  }
}

TextScore EvalText::Score(const model::PackedWeights& weights, model::Workspace& workspace,
                          int64_t micro_batch_tokens, const std::function<void(double)>& progress,
                          const std::function<bool()>& stop) const {
  TextScore score{.bytes = bytes_};
  const auto cuts = train::CutIntoMicroBatches(groups_, micro_batch_tokens);
  for (size_t i = 0; i < cuts.size(); ++i) {
    if (stop && stop()) throw datasets::Stopped("interrupted");
    train::MicroBatch batch;
    for (const train::GroupPiece& piece : cuts[i]) batch.Add(groups_, piece);
    for (const float logprob : train::ScoreWith(weights, workspace, batch).logprob) {
      score.nats -= logprob;
    }
    score.tokens += batch.predictions();
    if (progress) progress(static_cast<double>(i + 1) / static_cast<double>(cuts.size()));
  }
  return score;
}

}  // namespace retort::distill
