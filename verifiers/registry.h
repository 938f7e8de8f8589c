#pragma once
// The table of verifiers: by name, with their options.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/options.h"
#include "verifiers/text/verifier.h"

namespace retort::verifiers {

/// One row of the table of verifiers (registry.cpp): how to make it and what its options are.
struct VerifierEntry {
  std::string name;
  std::string help;
  /// Throws Error on unknown or malformed options; `where` starts the message.
  std::unique_ptr<Verifier> (*make)(const Json& options, const std::string& where);
  Json (*defaults)();
  /// Shows the fields of default options, which live during the call.
  void (*describe)(const std::function<void(const std::vector<Field>&)>& show);
  /// Judges against Problem::answer. Without, a problem needs none, and a row may hold its response
  /// in a column `program`.
  bool needs_answer = true;
};

/// The table, in alphabetical order. To add a verifier: one .h/.cpp pair, one row here.
const std::vector<VerifierEntry>& Verifiers();

/// Throws Error naming the nearest known verifier when `name` is unknown.
std::unique_ptr<Verifier> MakeVerifier(const std::string& name, const Json& options,
                                       const std::string& where);

}  // namespace retort::verifiers
