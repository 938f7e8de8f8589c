#include "cli/partial_output.h"

#include <CLI/CLI.hpp>

#include "base/error.h"
#include "base/fingerprint.h"
#include "base/safe_open.h"
#include "base/strings.h"

namespace retort::cli {
namespace fs = std::filesystem;
namespace {

constexpr const char* kIdentity = "rows_of";

std::string ItemLine(int64_t item, const std::vector<std::string>& rows) {
  return ToJsonLine({{"item", item}, {"rows", rows}}) + "\n";
}

}  // namespace

PartialOutput::PartialOutput(const std::string& command, const std::string& out,
                             const std::vector<fs::path>& inputs, const Json& identity,
                             bool resume) {
  if (out.empty()) {
    RETORT_CHECK(!resume, "--resume goes on with what --out FILE kept; name that file");
    return;
  }
  target_.emplace(out, inputs);
  if (target_->is_stream()) {
    RETORT_CHECK(!resume, out, ": is no file, nothing was kept to go on with");
    return;
  }
  lock_.emplace(OutputFile::LockOf(*target_), out, command);
  partial_ = OutputFile::PartialOf(*target_);
  RequireOwnFile(partial_);
  const bool exists = fs::exists(partial_);
  RETORT_CHECK(exists || !resume, partial_.string(),
               ": there is no such file, so nothing to go on with; run without --resume");
  RETORT_CHECK(!exists || resume, partial_.string(),
               ": holds what an interrupted command had done. Go on with it by --resume, or remove "
               "it to start again");
  // Rows of other flags or inputs would not fit together.
  header_ = ToJsonLine({{kIdentity, FingerprintOf(ToJsonLine(identity))}}) + "\n";
  if (exists) TakeOver();
}

// A line that a killed process left unfinished is cut off.
void PartialOutput::TakeOver() {
  std::string text = ReadFile(partial_);
  text.erase(text.rfind('\n') + 1);
  RETORT_CHECK(text.starts_with(header_), partial_.string(),
               ": was begun with another model, other input or other flags. Use the same ones, or "
               "remove the file to start again");
  int64_t number = 0;
  for (const std::string& line : Split(text, '\n')) {
    ++number;
    if (number == 1 || line.empty()) continue;
    const std::string where = StrCat(partial_.string(), ":", number);
    const Json row = ParseJson(line, where);
    RETORT_CHECK(row.is_object() && row.contains("item") && row["item"].is_number_integer() &&
                     row.contains("rows") && row["rows"].is_array(),
                 where, ": expected an item and its rows; the file is damaged, remove it");
    std::vector<std::string> rows;
    for (const Json& text_row : row["rows"]) {
      RETORT_CHECK(text_row.is_string(), where,
                   ": a row is no text; the file is damaged, remove it");
      rows.push_back(text_row.get<std::string>());
    }
    items_[row["item"].get<int64_t>()] = std::move(rows);
  }
  WriteFileAtomic(partial_, text);
}

void PartialOutput::Add(int64_t item, std::vector<std::string> rows) {
  if (Journals()) {
    if (!journal_) {  // nothing done leaves no file
      if (items_.empty()) WriteFileAtomic(partial_, header_);
      journal_ = std::make_unique<AppendFile>(partial_);
    }
    journal_->Write(ItemLine(item, rows));
  }
  items_[item] = std::move(rows);
}

void PartialOutput::Finish() {
  if (!target_) return;
  OutputFile file(*target_);
  for (const auto& [item, rows] : items_) {
    for (const std::string& row : rows) file.Write(row + "\n");
  }
  file.Commit();
  journal_.reset();
  if (Journals()) fs::remove(partial_);
}

std::string PartialOutput::AfterInterruption(const std::string& kept) const {
  if (Journals() && !items_.empty()) {
    return kept + " are kept in " + partial_.string() +
           ". Go on with the same command and --resume.";
  }
  return kept + (Journals() ? " were done; there is nothing to go on with."
                            : " were done. With --out FILE they would be kept for --resume.");
}

void AddPartialOutputFlags(CLI::App& app, std::string& out, bool& resume, const std::string& help) {
  app.add_option("--out", out, help + " Until all are there, they are in FILE.partial.")
      ->type_name("FILE");
  app.add_flag("--resume", resume,
               "Go on with what an interrupted command with the same flags left in FILE.partial.");
}

}  // namespace retort::cli
