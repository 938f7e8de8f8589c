#pragma once
// The rows that a long command writes with --out, item by item (a prompt, a problem).

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/output_file.h"

namespace CLI {
class App;
}

namespace retort::cli {

/// OUT appears whole, when all items are there. Until then they are kept in OUT.partial, each as
/// soon as it is done, where an interrupted or killed command leaves them for --resume. A pipe or a
/// device ("-" is standard output) gets the rows at the end and has no such file. Used by one
/// thread at a time.
class PartialOutput {
 public:
  /// `inputs` as for OutputTarget; `identity` is what the rows depend on: OUT.partial of another
  /// one is refused. Without `resume` an OUT.partial that exists is an error, as is `resume`
  /// without one. An empty `out` only keeps the rows in memory.
  /// `command` ("retort eval") is told to others that would write the same, for whom it is an
  /// error.
  PartialOutput(const std::string& command, const std::string& out,
                const std::vector<std::filesystem::path>& inputs, const Json& identity,
                bool resume);

  bool is_standard_output() const { return target_ && target_->is_standard_output(); }

  const std::map<int64_t, std::vector<std::string>>& items() const { return items_; }
  bool Has(int64_t item) const { return items_.contains(item); }
  void Add(int64_t item, std::vector<std::string> rows);
  /// Writes OUT, in the order of the items, and removes OUT.partial.
  void Finish();
  /// How to go on after an interruption, as a sentence; `kept` says what, as in "3 of 8 prompts".
  std::string AfterInterruption(const std::string& kept) const;

 private:
  bool Journals() const { return target_ && !target_->is_stream(); }
  void TakeOver();

  std::optional<OutputTarget> target_;
  std::optional<WriterLock> lock_;
  std::filesystem::path partial_;
  std::string header_;  ///< first line of OUT.partial: whose rows they are
  std::map<int64_t, std::vector<std::string>> items_;
  std::unique_ptr<AppendFile> journal_;
};

/// --out FILE and --resume.
void AddPartialOutputFlags(CLI::App& app, std::string& out, bool& resume, const std::string& help);

}  // namespace retort::cli
