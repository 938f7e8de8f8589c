// retort score --explain: one pair, every step.

#include <iostream>

#include "base/options.h"
#include "cli/commands.h"
#include "cli/parts/table.h"
#include "cli/score_modes.h"
#include "verifiers/registry.h"
#include "verifiers/text/extract.h"

namespace retort::cli {
namespace {

using verifiers::ExtractedAnswer;
using verifiers::Extraction;

// How the verifier extracts: its option, or that option's default; empty when it has none.
std::optional<Extraction> ExtractionOf(const VerifierFlags& flags) {
  Json name = flags.Options().value("extraction", Json());
  for (const verifiers::VerifierEntry& entry : verifiers::Verifiers()) {
    if (entry.name != flags.name) continue;
    const Json defaults = entry.defaults();
    if (!defaults.contains("extraction")) return std::nullopt;
    if (name.is_null()) name = defaults["extraction"];
  }
  for (const auto& [value, known] : EnumNames(Extraction{})) {
    if (name == known) return value;
  }
  return std::nullopt;
}

Json ToJson(const std::optional<ExtractedAnswer>& answer) {
  if (!answer) return nullptr;
  return {{"rule", EnumName(answer->rule)}, {"text", answer->text}, {"joined", answer->joined}};
}

}  // namespace

int ExplainScore(const ScoreCommand& command) {
  const VerifierFlags& flags = command.judges.verifier;
  const auto verifier = verifiers::MakeVerifier(flags.name, flags.Options(), "--verifier");
  Problem problem;
  problem.answer = *command.gold;
  const Verdict verdict = verifier->Judge({.text = *command.response_text, .problem = problem});
  Json json{{"verifier", flags.name}};
  if (const auto extraction = ExtractionOf(flags)) {
    json["extraction"] = EnumName(*extraction);
    json["answer"] = ToJson(verifiers::ExtractAnswer(*command.response_text, *extraction));
    json["gold"] = ToJson(verifiers::ExtractAnswer(*command.gold, Extraction::kAnnounced));
    if (json["gold"].is_null()) {
      json["gold"] = {{"rule", "whole"}, {"text", *command.gold}, {"joined", false}};
    }
  }
  json["extracted"] = verdict.extracted;
  json["normal_form"] = verdict.normal_form;
  json["gold_normal_form"] = verdict.gold_normal_form;
  json["verdict"] = EnumName(verdict.status);
  json["score"] = verdict.status == VerdictStatus::kUnjudged ? Json(nullptr) : Json(verdict.score);
  json["reason"] = verdict.reason;
  json["evidence"] = verifier->Evidence({.text = *command.response_text, .problem = problem});
  if (command.json) {
    std::cout << ToJsonLine(json) << "\n";
    return kSuccess;
  }
  const auto line = [](std::string_view label, const std::string& text) {
    if (!text.empty())
      std::cout << label << std::string(12 - label.size(), ' ') << OneLine(text) << "\n";
  };
  const auto place = [&](std::string_view label, const char* key) {
    if (!json.contains(key)) return;
    const Json& answer = json[key];
    line(label,
         answer.is_null()
             ? "nothing found"
             : StrCat(answer["text"].get<std::string>(), "  (", answer["rule"].get<std::string>(),
                      answer["joined"].get<bool>() ? ", several places joined)" : ")"));
  };
  line("verifier", flags.name);
  place("gold", "gold");
  line("  reads as", verdict.gold_normal_form);
  place("answer", "answer");
  line("  reads as", verdict.normal_form);
  line("verdict", EnumName(verdict.status));
  line("score", json["score"].is_null() ? "-" : Fixed(verdict.score, 4));
  line("reason", verdict.reason);
  line("evidence", json["evidence"].get<std::string>());
  return kSuccess;
}

}  // namespace retort::cli
