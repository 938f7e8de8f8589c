#pragma once
// Who judges: `--verifier NAME --option KEY=VALUE`, or a whole panel as JSON.

#include <string>
#include <vector>

#include "base/json.h"
#include "train/panel.h"

namespace CLI {
class App;
}

namespace retort::cli {

/// One verifier and its options.
struct VerifierFlags {
  std::string name = "math";
  std::vector<std::string> settings;  ///< "KEY=VALUE"
  Json Options() const;
};
void AddVerifierFlags(CLI::App& app, VerifierFlags& flags);

/// One verifier, or `--panel JSON`.
struct JudgeFlags {
  VerifierFlags verifier;
  std::string panel;
  std::vector<train::JudgeSpec> Judges() const;
  std::string Where() const { return panel.empty() ? "--verifier" : "--panel"; }
};
void AddJudgeFlags(CLI::App& app, JudgeFlags& flags);

}  // namespace retort::cli
