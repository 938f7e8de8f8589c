#include "distill/text_file.h"

#include <algorithm>

#include "base/pipeline.h"
#include "base/plural.h"
#include "base/strings.h"
#include "datasets/trace_store.h"

namespace retort::distill {
namespace {

using Form = datasets::LearnRow::Form;

constexpr int64_t kDefaultMaxLength = 1024;
constexpr size_t kShown = 3;
constexpr int64_t kUnderWay = 256;  // rows

// A row on its way from a line to tokens.
struct Item {
  datasets::LearnLine line;
  std::string where;
  RowTokens tokens;
};

}  // namespace

void TextOptions::Validate(const std::string& where) const {
  const bool trains = !train_files.empty();
  RETORT_CHECK(trains || (weights.empty() && !packing && fim_rate == 0), where,
               ": weights, packing and fim_rate have no effect without train_files");
  RETORT_CHECK(packing || (packing_strategy == PackingStrategy::kBfd && document_mask), where,
               ": packing_strategy and document_mask have no effect without packing: set it to "
               "true");
  RETORT_CHECK(!eval_file.empty() || eval_steps == 0, where,
               ".eval_steps: has no effect without eval_file");
  for (const std::string& file : train_files) {
    RETORT_CHECK(!file.empty(), where, ".train_files: holds an empty name");
  }
  if (weights.empty()) return;
  RETORT_CHECK(weights.size() == train_files.size(), where, ".weights: got ",
               Counted(weights.size(), "weight"), " for ", Counted(train_files.size(), "file"),
               ", expected one for each");
  RETORT_CHECK(std::ranges::any_of(weights, [](double weight) { return weight > 0; }), where,
               ".weights: all are 0, expected at least one above");
}

int64_t TextOptions::MaxLength(int64_t positions) const {
  const int64_t length = max_length.value_or(std::min(kDefaultMaxLength, positions));
  RETORT_CHECK(length <= positions, "max_length: got ", length,
               ", but the model has max_position_embeddings = ", positions, "; lower it");
  return length;
}

std::vector<std::string> RowCounts::Remarks() const {
  std::vector<std::string> remarks;
  const auto of_rows = [&](int64_t count) { return PartIs(count, rows, "row"); };
  if (bad > 0) {
    remarks.push_back(StrCat(file, ": ", of_rows(bad), " bad and left out: ", Join(first_bad, "; "),
                             bad > std::ssize(first_bad) ? "; …" : ""));
  }
  if (too_long > 0) {
    remarks.push_back(StrCat(file, ": ", of_rows(too_long),
                             " longer than max_length = ", max_length, " and cut off there"));
  }
  if (nothing_to_learn > 0) {
    remarks.push_back(StrCat(file, ": ", of_rows(nothing_to_learn),
                             " left out, because no token of them is learned",
                             too_long > 0 ? " or the cut took it" : ""));
  }
  if (spanning > 0) {
    remarks.push_back(StrCat(file, ": in ", spanning, " of ", Counted(rows, "row"),
                             " a token spans the end of what is given and the beginning of what "
                             "is learned; it is learned"));
  }
  return remarks;
}

Json RowCounts::ToJson() const {
  return {{"file", file},
          {"rows", rows},
          {"bad", bad},
          {"too_long", too_long},
          {"nothing_to_learn", nothing_to_learn},
          {"spanning", spanning}};
}

RowCounts ReadRows(const RowReading& reading) {
  RowCounts counts{.file = reading.file, .max_length = reading.cut, .first_bad = {}, .first = {}};
  datasets::LearnRowReader reader(reading.file, reading.text_column);
  const auto read = [&](Item& item) {
    if (reading.stop && reading.stop()) throw datasets::Stopped("interrupted");
    if (!reader.Next(item.line)) return false;
    item.where = reader.Where(item.line);
    return true;
  };
  const auto work = [&](Item& item) {
    if (!item.line.row) return;
    try {
      item.tokens = reading.tokenize(*item.line.row, item.line.number);
    } catch (const Error& error) {
      item.line.error = StrCat(item.where, ": ", error.what());
    }
    item.line.row.reset();
  };
  const auto write = [&](Item& item) {
    ++counts.rows;
    if (!item.line.error.empty()) {
      ++counts.bad;
      if (counts.first_bad.size() < kShown) counts.first_bad.push_back(item.line.error);
      return;
    }
    RowTokens& row = item.tokens;
    const bool cut = reading.cut > 0 && (reading.cut_documents || row.form != Form::kText);
    if (cut && std::ssize(row.ids) > reading.cut) {
      ++counts.too_long;
      row.ids.resize(static_cast<size_t>(reading.cut));
      row.learned.resize(row.ids.size());
    }
    if (!TeachesAnything(row.learned)) {
      ++counts.nothing_to_learn;
      return;
    }
    counts.spanning += row.spanning ? 1 : 0;
    counts.conversations += row.form == Form::kMessages ? 1 : 0;
    if (counts.first.size() < kShown) counts.first.push_back({item.where, row.ids, row.learned});
    reading.take(std::move(row));
  };
  RunPipeline<Item>(reading.threads, kUnderWay, read, work, write);
  if (counts.used() > 0) return counts;
  const std::vector<std::string> remarks = counts.Remarks();
  Fail(reading.file, ": there is nothing to learn", counts.rows == 0 ? ", it holds no rows" : "",
       remarks.empty() ? "" : ". ", Join(remarks, ". "));
}

TextFile::TextFile(const TextOptions& options, size_t index, const RowTokenizer& tokenizer,
                   const train::RowsPlace& place)
    : document_mask_(options.document_mask) {
  const int64_t max_length = options.MaxLength(place.positions);
  const bool splits = options.packing && options.packing_strategy != PackingStrategy::kBfd;
  const std::string purpose = place.name + "/fim";
  std::vector<Piece> rows;
  counts_ = ReadRows(
      {.file = options.train_files[index],
       .text_column = options.dataset_text_field,
       .cut = splits ? 0 : max_length,
       .threads = place.threads,
       .stop = place.stop,
       .tokenize =
           [&](const datasets::LearnRow& row, int64_t line) {
             return tokenizer(row, {place.seed, purpose, index, static_cast<uint64_t>(line)});
           },
       .take =
           [&](RowTokens row) {
             const auto begin = std::ssize(ids_);
             ids_.insert(ids_.end(), row.ids.begin(), row.ids.end());
             learned_.insert(learned_.end(), row.learned.begin(), row.learned.end());
             rows.push_back({begin, std::ssize(ids_)});
           }});
  packing_ = options.packing ? Packing(rows, max_length, options.packing_strategy) : Packing(rows);
  for (int64_t s = 0; s < packing_->size(); ++s) {
    int64_t tokens = 0;
    for (const train::LearnGroup& group : GroupsOf(s)) tokens += group.Tokens();
    if (tokens == 0) continue;  // cut so that nothing in it is learned
    sequences_.push_back(s);
    tokens_ += tokens;
  }
}

std::vector<train::LearnGroup> TextFile::At(int64_t sequence) const {
  return GroupsOf(sequences_[static_cast<size_t>(sequence)]);
}

std::vector<train::LearnGroup> TextFile::GroupsOf(int64_t packed) const {
  std::vector<train::LearnGroup> groups;
  std::vector<int32_t> ids;
  std::vector<bool> learned;
  const auto add = [&] {
    if (TeachesAnything(learned)) groups.push_back(GroupOf(ids, learned));
    ids.clear();
    learned.clear();
  };
  for (const Piece& piece : (*packing_)[packed]) {
    ids.insert(ids.end(), ids_.begin() + piece.begin, ids_.begin() + piece.end);
    learned.insert(learned.end(), learned_.begin() + piece.begin, learned_.begin() + piece.end);
    if (document_mask_) add();
  }
  add();
  return groups;
}

Json TextFile::Report() const {
  Json report = counts_.ToJson();
  report["sequences"] = sequences();
  report["tokens"] = tokens_;
  return report;
}

}  // namespace retort::distill
