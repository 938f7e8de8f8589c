#include "cli/judge_flags.h"

#include <CLI/CLI.hpp>

#include "base/strings.h"
#include "cli/parts/option_flags.h"
#include "verifiers/registry.h"

namespace retort::cli {

Json VerifierFlags::Options() const {
  Json options = Json::object();
  for (const std::string& setting : settings) {
    const size_t equals = setting.find('=');
    const std::string name = setting.substr(0, equals);
    options[name] = JsonOrText(setting.substr(equals + 1), "--option " + name);
  }
  return options;
}

void AddVerifierFlags(CLI::App& app, VerifierFlags& flags) {
  std::vector<std::string> names;
  for (const verifiers::VerifierEntry& entry : verifiers::Verifiers()) names.push_back(entry.name);
  app.add_option("--verifier", flags.name, "Who judges: " + Join(names, ", ") + ".")
      ->type_name("NAME")
      ->capture_default_str();
  AddKeyValueFlag(app, "--option", flags.settings, "An option of the verifier (may be repeated).");
}

std::vector<train::JudgeSpec> JudgeFlags::Judges() const {
  if (!panel.empty()) return train::ReadPanel(ParseJson(panel, "--panel"), "--panel");
  train::JudgeSpec judge{.verifier = verifier.name, .options = verifier.Options()};
  verifiers::MakeVerifier(judge.verifier, judge.options, Where());  // its errors name the flag
  return {judge};
}

void AddJudgeFlags(CLI::App& app, JudgeFlags& flags) {
  AddVerifierFlags(app, flags.verifier);
  app.add_option("--panel", flags.panel,
                 "Several judges: JSON such as [{\"verifier\": \"math\", \"weight\": 1}].")
      ->type_name("JSON")
      ->excludes("--verifier")
      ->excludes("--option");
}

}  // namespace retort::cli
