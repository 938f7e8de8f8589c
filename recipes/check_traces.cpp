// What is wrong with a distillation stage.

#include <algorithm>
#include <set>

#include "base/strings.h"
#include "datasets/trace_store.h"
#include "distill/distill.h"
#include "recipes/internal/check_parts.h"
#include "train/revision.h"
#include "train/run_places.h"

namespace retort::recipes {
namespace {

constexpr size_t kTracesCompared = 100;  // another tokenizer shows at once

std::vector<std::string> JudgeNames(const Stage& stage) {
  std::vector<train::JudgeSpec> judges = *stage.Needs().problems.front().judges;
  train::NameJudges(judges, stage.name + ".reward");
  std::vector<std::string> names;
  for (const train::JudgeSpec& judge : judges) names.push_back(judge.name);
  return names;
}

void CheckOwnTraces(const TracesCheck& check, Findings& findings) {
  const Stage& stage = check.recipe.stages[check.k];
  const ModelFacts& facts = check.models.at(stage.model);
  const datasets::TraceFilter& select = *check.traces.select;
  const std::string& wanted = select.stage;
  std::vector<std::string> names;
  std::vector<const Stage*> teachers;
  for (size_t i = 0; i < check.k; ++i) {
    const Stage& earlier = check.recipe.stages[i];
    const train::StageNeeds needs = earlier.Needs();
    if (!needs.stores_traces) continue;
    names.push_back(earlier.name);
    if (needs.second_turns) names.push_back(train::RevisionStage(earlier.name));
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
  if (!select.run.empty() && select.run != check.recipe.name) {
    findings.Add(true, stage.name + ".select.run",
                 StrCat("'", select.run, "' is not this run, which is named '", check.recipe.name,
                        "'; leave it empty or name a database"));
  }
  std::vector<std::string> judges;
  for (const Stage* teacher : teachers) {
    for (const std::string& name : JudgeNames(*teacher)) judges.push_back(name);
  }
  const std::string& verifier = select.verifier;
  if (!verifier.empty() && !teachers.empty() && !std::ranges::count(judges, verifier)) {
    findings.Add(true, stage.name + ".select.verifier",
                 StrCat("no judge there is named '", verifier, "'.", DidYouMean(verifier, judges)));
  }
  // Vocabularies of one size hide it: the student would learn other texts than were said.
  for (const Stage* teacher : teachers) {
    const ModelFacts& from = check.models.at(teacher->model);
    if (!from.known || !facts.known || from.tokenizer == facts.tokenizer) continue;
    findings.Add(true, stage.name + ".model",
                 StrCat("the student '", stage.model, "' has another tokenizer than '",
                        teacher->model, "', which samples in stage '", teacher->name,
                        "'; teacher and student must share one"));
  }
}

void CheckDatabase(const TracesCheck& check, Findings& findings) {
  const Stage& stage = check.recipe.stages[check.k];
  const ModelFacts& facts = check.models.at(stage.model);
  const std::string& database = check.traces.database;
  const datasets::TraceFilter& select = *check.traces.select;
  const datasets::TraceStore store(train::FindTraces(database), datasets::TraceStore::Mode::kRead,
                                   check.stop);
  std::vector<std::string> runs, stages;
  for (const datasets::StageStats& stats : store.Stats()) {
    runs.push_back(stats.run);
    stages.push_back(stats.stage);
  }
  const auto require = [&](const char* key, std::string wanted,
                           const std::vector<std::string>& known) {
    // "NAME/revision": the second turns of NAME.
    if (const size_t turn = wanted.find('/'); turn != std::string::npos) wanted.resize(turn);
    if (wanted.empty() || std::ranges::count(known, wanted)) return true;
    const std::set<std::string> once(known.begin(), known.end());
    findings.Add(true, StrCat(stage.name, ".select.", key),
                 StrCat("'", wanted, "' is not in ", database, ".", DidYouMean(wanted, known),
                        " There are: ", Join({once.begin(), once.end()}, ", ")));
    return false;
  };
  if (!require("run", select.run, runs) || !require("stage", select.stage, stages)) {
    return;
  }
  // A verifier that judged nothing there is named as such, not as an empty selection.
  datasets::TraceFilter judged;
  judged.verifier = select.verifier;
  store.CheckFilter(judged);
  std::vector<int64_t> ids = store.Select(select);
  if (ids.empty()) {
    findings.Add(true, stage.name + ".select",
                 StrCat("no trace in ", database, " passes the filter"));
    return;
  }
  if (!facts.known) return;
  ids.resize(std::min(ids.size(), kTracesCompared));
  bool same = true;
  store.ForEach(
      ids, [&](const Trace& trace) { same = same && distill::SameTokens(facts.tokenizer, trace); });
  if (!same) {
    findings.Add(true, stage.name + ".model",
                 StrCat("the tokens in ", database, " are other texts to the tokenizer of '",
                        stage.model, "'; teacher and student must share a tokenizer"));
  }
}

}  // namespace

void CheckTraces(const TracesCheck& check, Findings& findings) {
  if (check.traces.database.empty()) {
    CheckOwnTraces(check, findings);
  } else {
    const std::string place = check.recipe.stages[check.k].name + ".database";
    findings.Try(place, [&] { CheckDatabase(check, findings); });
  }
}

}  // namespace retort::recipes
