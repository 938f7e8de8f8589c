#pragma once
// The rows that a long command writes with --out, item by item (a prompt, a problem).

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json.h"

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
  /// `identity` is what the rows depend on: OUT.partial of another one is refused. Without `resume`
  /// an OUT.partial that exists is an error, as is `resume` without one. An empty `out` only keeps
  /// the rows in memory.
  PartialOutput(std::string out, const Json& identity, bool resume);

  const std::map<int64_t, std::vector<std::string>>& items() const { return items_; }
  bool Has(int64_t item) const { return items_.contains(item); }
  void Add(int64_t item, std::vector<std::string> rows);
  /// Writes OUT, in the order of the items, and removes OUT.partial.
  void Finish();
  /// How to go on after an interruption, as a sentence; `kept` says what, as in "3 of 8 prompts".
  std::string AfterInterruption(const std::string& kept) const;

 private:
  bool Journals() const { return !out_.empty() && !stream_; }
  void TakeOver();

  std::filesystem::path out_, partial_;
  std::string header_;   ///< first line of OUT.partial: whose rows they are
  bool stream_ = false;  ///< a pipe, a device, standard output
  std::map<int64_t, std::vector<std::string>> items_;
  std::unique_ptr<AppendFile> journal_;
};

/// Throws Error where `out` would replace the input file or a file of the model folder.
void CheckNotAnInput(const std::string& out, const std::string& input,
                     const std::filesystem::path& model);

/// --out FILE and --resume.
void AddPartialOutputFlags(CLI::App& app, std::string& out, bool& resume, const std::string& help);

/// Hash of what is in a model folder: configuration, tokenizer, weights.
std::string ModelHash(const std::filesystem::path& folder);

}  // namespace retort::cli
