// What is wrong with a distillation stage.

#include <algorithm>
#include <set>

#include "base/strings.h"
#include "datasets/trace_store.h"
#include "recipes/internal/check_parts.h"
#include "train/revision.h"
#include "train/run_places.h"

namespace retort::recipes {
namespace {

constexpr size_t kTracesCompared = 100;

bool Samples(StageType type) {
  return type == StageType::kGrpo || type == StageType::kCollect || type == StageType::kEval;
}

std::vector<std::string> JudgeNames(const Stage& stage) {
  std::vector<train::JudgeSpec> judges;
  std::visit(
      [&](const auto& options) {
        if constexpr (requires { options.reward; }) judges = options.reward;
      },
      stage.options);
  train::NameJudges(judges, stage.name + ".reward");
  std::vector<std::string> names;
  for (const train::JudgeSpec& judge : judges) names.push_back(judge.name);
  return names;
}

void CheckOwnTraces(const DistillCheck& check, Findings& findings) {
  const Stage& stage = check.recipe.stages[check.k];
  const ModelFacts& facts = check.models.at(stage.model);
  const distill::DistillOptions& options = check.options;
  const std::string& wanted = options.select.stage;
  std::vector<std::string> names;
  std::vector<const Stage*> teachers;
  for (size_t i = 0; i < check.k; ++i) {
    const Stage& earlier = check.recipe.stages[i];
    if (!Samples(earlier.type)) continue;
    names.push_back(earlier.name);
    const auto* collect = std::get_if<CollectOptions>(&earlier.options);
    if (collect && collect->revision) names.push_back(train::RevisionStage(earlier.name));
    if (wanted.empty() || wanted == names.back() || wanted == earlier.name) {
      teachers.push_back(&earlier);
    }
  }
  if (teachers.empty()) {
    findings.Add(
        true, stage.name + ".select.stage",
        wanted.empty()
            ? "no earlier stage samples, so there are no traces to learn from"
            : StrCat("'", wanted, "' is no earlier stage that samples.", DidYouMean(wanted, names),
                     " There are: ", names.empty() ? "none" : Join(names, ", ")));
  }
  if (!options.select.run.empty() && options.select.run != check.recipe.name) {
    findings.Add(true, stage.name + ".select.run",
                 StrCat("'", options.select.run, "' is not this run, which is named '",
                        check.recipe.name, "'; leave it empty or name a database"));
  }
  std::vector<std::string> judges;
  for (const Stage* teacher : teachers) {
    for (const std::string& name : JudgeNames(*teacher)) judges.push_back(name);
  }
  const std::string& verifier = options.select.verifier;
  if (!verifier.empty() && !teachers.empty() && !std::ranges::count(judges, verifier)) {
    findings.Add(true, stage.name + ".select.verifier",
                 StrCat("no judge there is named '", verifier, "'.", DidYouMean(verifier, judges)));
  }
  for (const Stage* teacher : teachers) {
    const ModelFacts& from = check.models.at(teacher->model);
    if (!from.known || !facts.known || from.tokenizer == facts.tokenizer) continue;
    findings.Add(true, stage.name + ".model",
                 StrCat("the student '", stage.model, "' has another tokenizer than '",
                        teacher->model, "', which samples in stage '", teacher->name,
                        "'; teacher and student must share one"));
  }
}

void CheckDatabase(const DistillCheck& check, Findings& findings) {
  const Stage& stage = check.recipe.stages[check.k];
  const ModelFacts& facts = check.models.at(stage.model);
  const distill::DistillOptions& options = check.options;
  const datasets::TraceStore store(train::FindTraces(options.database),
                                   datasets::TraceStore::Mode::kRead, check.stop);
  std::vector<std::string> runs, stages;
  for (const datasets::StageStats& stats : store.Stats()) {
    runs.push_back(stats.run);
    stages.push_back(stats.stage);
  }
  const auto require = [&](const char* key, std::string wanted,
                           const std::vector<std::string>& known) {
    if (const size_t turn = wanted.find('/'); turn != std::string::npos) wanted.resize(turn);
    if (wanted.empty() || std::ranges::count(known, wanted)) return true;
    const std::set<std::string> once(known.begin(), known.end());
    findings.Add(
        true, StrCat(stage.name, ".select.", key),
        StrCat("'", wanted, "' is not in ", options.database, ".", DidYouMean(wanted, known),
               " There are: ", Join({once.begin(), once.end()}, ", ")));
    return false;
  };
  if (!require("run", options.select.run, runs) ||
      !require("stage", options.select.stage, stages)) {
    return;
  }
  datasets::TraceFilter judged;
  judged.verifier = options.select.verifier;
  store.CheckFilter(judged);
  std::vector<int64_t> ids = store.Select(options.select);
  if (ids.empty()) {
    findings.Add(true, stage.name + ".select",
                 StrCat("no trace in ", options.database, " passes the filter"));
    return;
  }
  if (!facts.known) return;
  ids.resize(std::min(ids.size(), kTracesCompared));
  bool same = true;
  store.ForEach(
      ids, [&](const Trace& trace) { same = same && distill::SameTokens(facts.tokenizer, trace); });
  if (!same) {
    findings.Add(
        true, stage.name + ".model",
        StrCat("the tokens in ", options.database, " are other texts to the tokenizer of '",
               stage.model, "'; teacher and student must share a tokenizer"));
  }
}

}  // namespace

void CheckTraces(const DistillCheck& check, Findings& findings) {
  if (check.options.database.empty()) {
    CheckOwnTraces(check, findings);
  } else {
    const std::string place = check.recipe.stages[check.k].name + ".database";
    findings.Try(place, [&] { CheckDatabase(check, findings); });
  }
}

}  // namespace retort::recipes
