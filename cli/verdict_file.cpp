#include "cli/verdict_file.h"

#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "base/safe_open.h"
#include "base/strings.h"

namespace retort::cli {

namespace fs = std::filesystem;

VerdictFile::VerdictFile(const OutputTarget& target, std::string settings, bool resume)
    : settings_(std::move(settings)) {
  if (target.is_stream()) {
    RETORT_CHECK(!resume, target.name().string(),
                 ": --resume needs a regular file; what a pipe or device got is gone");
    out_.emplace(target);
    return;
  }
  lock_.emplace(OutputFile::LockOf(target), target.name().string(), "retort score");
  partial_ = PlacesBeside(target).at(0);
  record_path_ = PlacesBeside(target).at(1);
  for (const fs::path& own : {partial_, record_path_}) RequireOwnFile(own);
  const bool there = fs::exists(partial_) && fs::file_size(partial_) > 0;
  RETORT_CHECK(!there || resume, partial_.string(),
               ": holds the verdicts of a run that was interrupted. Go on with it by --resume, or "
               "remove it and ",
               record_path_.string());
  if (there) {
    Resume(target);
  } else {
    Start(target);
  }
}

std::vector<fs::path> VerdictFile::PlacesBeside(const OutputTarget& target) {
  const fs::path partial = OutputFile::PartialOf(target);
  return {partial, partial.string() + ".rows"};
}

VerdictFile::~VerdictFile() {
  if (out_ && bytes_ == 0) Discard();
}

void VerdictFile::Start(const OutputTarget& target) {
  if (fs::exists(partial_)) {  // empty
    out_.emplace(target, int64_t{0});
  } else {
    out_.emplace(target, OutputFile::Growth::kPartial);
  }
  if (fs::exists(record_path_)) {  // of an empty one, or left by a kill at the end
    const std::string text = ReadFile(record_path_);
    const auto first = TryParseJson(text.substr(0, text.find('\n')));
    const bool ours = first && first->is_object() && first->contains("settings");
    if (!text.empty() && !ours) {
      out_->Discard();
      Fail(record_path_.string(),
           ": is in the way, and Retort has not written it. Move it, or "
           "choose another --out");
    }
    fs::remove(record_path_);
  }
  record_.emplace(record_path_);
  WriteRecord();  // there is never a verdict without a record
}

void VerdictFile::Resume(const OutputTarget& target) {
  RETORT_CHECK(fs::exists(record_path_), record_path_.string(), ": is missing, so nothing tells ",
               "which rows the verdicts in ", partial_.string(), " belong to; remove them");
  const auto size = static_cast<int64_t>(fs::file_size(partial_));
  Record last;
  for (const std::string& line : Split(ReadFile(record_path_), '\n')) {
    const auto json = TryParseJson(line);
    if (!json || !json->is_object()) continue;  // cut off
    Record record{json->value("rows", int64_t{0}), json->value("bytes", int64_t{0}),
                  json->value("inputs", ""), json->value("settings", "")};
    if (record.bytes <= size) last = std::move(record);
  }
  RETORT_CHECK(last.settings == settings_, partial_.string(),
               ": its verdicts were given with other columns, judges or another version; repeat "
               "the command as it was, or remove them");
  out_.emplace(target, last.bytes);
  WriteFileAtomic(record_path_, RecordLine(last));
  record_.emplace(record_path_);
  kept_rows_ = last.rows;
  kept_bytes_ = bytes_ = last.bytes;
  kept_inputs_ = last.inputs;
  kept_.emplace(partial_, datasets::RowFormat::kJsonl);
}

std::vector<verifiers::ScoredResponse> VerdictFile::Kept(int64_t number) {
  std::vector<verifiers::ScoredResponse> verdicts;
  for (;;) {
    if (next_ && next_->row != number) break;
    if (next_) verdicts.push_back(*std::exchange(next_, std::nullopt));
    if (kept_->bytes() >= kept_bytes_) break;  // what follows is being written
    datasets::JsonlLine line;
    RETORT_CHECK(kept_->Next(line), partial_.string(), ": ends too early; remove it");
    RETORT_CHECK(line.row, line.error);
    if (line.row->contains("error")) continue;
    next_ = verifiers::ScoredFromJson(*line.row, kept_->Where(line.number));
  }
  return verdicts;
}

void VerdictFile::Add(uint64_t row, std::string_view lines) {
  inputs_.Add(row);
  if (++rows_ > kept_rows_) {
    buffer_ += lines;
  } else if (rows_ == kept_rows_ && inputs_.Hex() != kept_inputs_) {
    FailOtherRows();
  }
}

void VerdictFile::FailOtherRows() const {
  Fail(partial_.string(),
       ": its verdicts belong to other rows than those given now; give it the "
       "same rows, or remove it and ",
       record_path_.string());
}

void VerdictFile::Flush() {
  if (buffer_.empty()) return;
  out_->Write(buffer_);
  bytes_ += static_cast<int64_t>(buffer_.size());
  buffer_.clear();
  if (record_) WriteRecord();
}

std::string VerdictFile::RecordLine(const Record& record) {
  return ToJsonLine({{"rows", record.rows},
                     {"bytes", record.bytes},
                     {"inputs", record.inputs},
                     {"settings", record.settings}}) +
         "\n";
}

void VerdictFile::WriteRecord() {
  record_->Write(RecordLine({rows_, bytes_, inputs_.Hex(), settings_}));
}

void VerdictFile::Commit() {
  if (rows_ < kept_rows_) FailOtherRows();
  Flush();
  out_->Commit();
  out_.reset();
  std::error_code ignored;
  if (record_) fs::remove(record_path_, ignored);
}

void VerdictFile::Discard() {
  out_->Discard();
  out_.reset();
  bytes_ = 0;
  std::error_code ignored;
  if (record_) fs::remove(record_path_, ignored);
}

std::string VerdictFile::HowToGoOn() const {
  if (partial_.empty() || bytes_ == 0) return "";
  return StrCat("the verdicts so far are in ", partial_.string(),
                ". Go on with the same command and --resume");
}

}  // namespace retort::cli
