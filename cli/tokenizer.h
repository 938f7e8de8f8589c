#pragma once
// What the subcommands of `retort tokenizer` share.

#include <filesystem>
#include <string>
#include <string_view>

#include "cli/commands.h"
#include "datasets/byte_source.h"

namespace retort::cli {

/// A folder with a tokenizer.json, or else ModelFolder.
std::filesystem::path TokenizerFolder(const std::string& path);

/// The lines of a stream, compressed or not, each with its end.
class Lines {
 public:
  /// "-" is standard input. Throws Error when the file cannot be opened.
  explicit Lines(const std::string& path) : source_(path) {}
  const std::string& name() const { return source_.name(); }
  /// Read of the file itself so far.
  int64_t consumed() const { return source_.consumed(); }

  /// False at the end.
  bool Next(std::string& line);

 private:
  datasets::ByteSource source_;
  std::string_view rest_;
};

void AddTokenizerTrain(CLI::App& tokenizer, Action& action);

}  // namespace retort::cli
