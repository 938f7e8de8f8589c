// retort score --probe: a red team for a reward.

#include <iostream>

#include "cli/commands.h"
#include "cli/parts/table.h"
#include "cli/score_modes.h"
#include "train/panel.h"
#include "verifiers/probe.h"

namespace retort::cli {
namespace {

constexpr size_t kResponseWidth = 60;

// What the judges say of one response, "; " between them.
verifiers::Payment Pay(const train::RewardPanel& panel, const verifiers::Response& response) {
  const train::Judgement judgement = panel.Judge(response);
  verifiers::Payment payment{judgement.correct.value_or(false), judgement.reward.value_or(0), ""};
  for (const NamedVerdict& named : judgement.verdicts) {
    if (!payment.reason.empty()) payment.reason += "; ";
    payment.reason += named.verdict.reason;
  }
  return payment;
}

}  // namespace

int ProbeScore(const ScoreCommand& command) {
  const train::RewardPanel panel(command.judges.Judges(), command.judges.Where());
  const verifiers::ProbeReport report = verifiers::RunProbes(
      command.gold.value_or("42"),
      [&](const verifiers::Response& response) { return Pay(panel, response); });
  const bool sound = report.paid == 0 && !report.forms.empty();
  if (command.json) {
    Json probes = Json::array();
    for (const verifiers::ProbeResult& result : report.results) {
      probes.push_back({{"probe", result.probe->name},
                        {"paid", result.paid},
                        {"reward", result.payment.reward},
                        {"reason", result.payment.reason}});
      if (result.paid) probes.back()["response"] = Shorten(result.response, 1000);
    }
    std::cout << ToJsonLine({{"forms", report.forms}, {"paid", report.paid}, {"probes", probes}})
              << "\n";
    return sound ? kSuccess : kFailure;
  }
  if (report.forms.empty()) {
    std::cout << "No form of the right answer is paid, so no cheat was tried.\n";
    return kFailure;
  }
  Table table{{"probe", "paid", "reward", "reason", "response"}, {}};
  for (const verifiers::ProbeResult& result : report.results) {
    table.rows.push_back({result.probe->name, result.paid ? "PAID" : "no",
                          Fixed(result.payment.reward, 4), result.payment.reason,
                          result.paid ? Shorten(result.response, kResponseWidth) : ""});
  }
  std::cout << FormatTable(table) << "\n"
            << report.paid << " of " << report.results.size() << " cheats paid, in "
            << report.forms.size() << " of " << verifiers::AnswerForms().size()
            << " forms of an answer\n";
  return sound ? kSuccess : kFailure;
}

}  // namespace retort::cli
