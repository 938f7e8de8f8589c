#include "recipes/internal/run_state.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <set>

#include "base/file.h"
#include "base/folder.h"
#include "base/plural.h"
#include "base/strings.h"
#include "recipes/inputs.h"
#include "recipes/internal/revision.h"

namespace retort::recipes {
namespace fs = std::filesystem;
namespace {

// That the stages from `first` on write.
std::vector<std::string> ExportFolders(const Recipe& recipe, size_t first) {
  std::vector<std::string> folders;
  for (size_t k = first; k < recipe.stages.size(); ++k) {
    const auto folder = recipe.stages[k].Needs().folder;
    if (folder) folders.push_back(*folder);
  }
  return folders;
}

StageResult StageResultFromJson(const Json& json) {
  StageResult result{
      json.at("name"),   json.at("type"), json.at("model"), json.at("seconds"), {}, {}, {}, {},
      json.at("details")};
  if (json.contains("tokens_per_second")) result.tokens_per_second = json["tokens_per_second"];
  if (json.contains("accuracy")) result.accuracy = json["accuracy"];
  if (json.contains("problems")) result.problems = json["problems"];
  if (json.contains("mean_completion_length")) {
    result.mean_completion_length = json["mean_completion_length"];
  }
  return result;
}

}  // namespace

RunState::RunState(const Recipe& recipe, const RunOptions& options, Note note,
                   std::function<bool()> stop)
    : recipe_(recipe),
      options_(options),
      note_(std::move(note)),
      stop_(std::move(stop)),
      directory_(options.out) {}

void RunState::OpenStore() {
  store_ = std::make_unique<datasets::TraceStore>(out() / kDatabaseFile,
                                                  datasets::TraceStore::Mode::kWrite);
}

void RunState::Begin() {
  directory_.Begin(ExportFolders(recipe_, 0));
  directory_.CleanUp({});
  OpenStore();
  const std::optional<int64_t> known = store_->FindRunByUid(owner());
  RETORT_CHECK(!known || !store_->LastStep(*known, 0), out().string(),
               ": recipe.json is missing, but the run has begun. Put it back, or choose another "
               "--out");
  run_ = known ? *known : store_->CreateRun(recipe_.name, WriteRecipe(recipe_), owner());
  RecordInputs(-1);
  WriteFileAtomic(out() / kRecipeFile, WriteRecipe(recipe_).dump(2) + "\n");
}

void RunState::Open() {
  RETORT_CHECK(fs::exists(out() / kDatabaseFile), (out() / kDatabaseFile).string(),
               ": is missing: the run's traces and its progress are in it. Put it back, or begin "
               "anew in another --out");
  OpenStore();
  FindRun();
  directory_.CleanUp(ExportFolders(recipe_, 0));
  ReadFinishedStages();
  checkpoints_ = directory_.Checkpoints();
  for (const Checkpoint& checkpoint : checkpoints_) CheckEnvironment(checkpoint);
  Compare();
  directory_.CheckExports(ExportFolders(recipe_, current()));
  if (!IsComplete()) RequireCheckpoints(current(), CheckpointOf(current()));
}

// A stage that trains goes back to its checkpoint, and what it did since is reproduced. Others go
// on behind what they have stored.
void RunState::GoOn() {
  TakeRecipe();
  const size_t k = current();
  const Checkpoint* checkpoint = CheckpointOf(k);
  const bool trains = k < recipe_.stages.size() && StageAt(k).type->trains;
  int64_t last_step = std::numeric_limits<int64_t>::max();
  if (trains) {
    last_step = checkpoint ? checkpoint->state.step - 1 : -1;
  } else if (revision_.restart) {
    last_step = -1;
  } else if (!replays_) {  // what is stored of an unfinished step was asked of other problems
    last_step = store_->LastStep(run_, static_cast<int64_t>(k)).value_or(-1);
  }
  store_->CutBack({run_, static_cast<int64_t>(k), last_step},
                  replays_ ? datasets::CutReason::kResume : datasets::CutReason::kSuperseded);
  // The cut forgets the checkpoint behind its last step, and a kill may have come before one was
  // recorded.
  for (const Checkpoint& found : checkpoints_) Record(found);
}

void RunState::Saved(size_t k, Checkpoint checkpoint) {
  Record(checkpoint);
  std::erase_if(checkpoints_,
                [&](const Checkpoint& old) { return old.folder == checkpoint.folder; });
  checkpoints_.push_back(std::move(checkpoint));
  RemoveOldCheckpoints(k);
}

void RunState::Finish(StageResult result) {
  stages_.push_back(std::move(result));
  WriteStages();
}

// All stages are done and the final models are written: there is nothing to do.
bool RunState::IsComplete() const {
  if (stages_.size() != recipe_.stages.size()) return false;
  return std::ranges::all_of(FinalFolders(), [&](const auto& folder) {
    const fs::path path = out() / folder.first;
    return IsOwned(path, owner()) && ReadMarker(path).value("revision", int64_t{0}) == revision();
  });
}

// The run of this directory in its database. One from before runs had a uid gets one.
void RunState::FindRun() {
  const std::string database = (out() / kDatabaseFile).string();
  const std::vector<datasets::RunSummary> runs = store_->Runs();
  if (owner().empty()) {
    RETORT_CHECK(runs.size() == 1, database, ": holds ", runs.size(),
                 " runs, expected the one of this folder");
    std::vector<std::string> recorded;
    for (const std::vector<Json>& row : store_->Sql("SELECT path FROM checkpoints").rows) {
      recorded.push_back(row.at(0));
    }
    directory_.Adopt(NewOwner(), recorded);
  }
  std::optional<int64_t> run = store_->FindRunByUid(owner());
  if (!run && runs.size() == 1 && runs[0].uid.empty()) {
    store_->SetUid(runs[0].id, owner());
    run = runs[0].id;
  }
  RETORT_CHECK(run, database, ": is the database of another run than ", kMarkerFile,
               " beside it says. Put back the one that belongs here");
  run_ = *run;
}

void RunState::ReadFinishedStages() {
  if (!fs::exists(out() / kStagesFile)) return;
  const std::string file = (out() / kStagesFile).string();
  const Json document = ParseJson(ReadFile(file), file);
  try {
    for (const Json& stage : document.at("stages")) {
      stages_.push_back(StageResultFromJson(stage));
    }
  } catch (const Json::exception&) {
    Fail(file, ": does not hold the finished stages as Retort writes them. Put it back");
  }
}

// Compares the recipe with the one that the run has had so far. Changes nothing outside this
// object: what the changes need is done by TakeRecipe, when all else has been found in order.
void RunState::Compare() {
  const std::string file = (out() / kRecipeFile).string();
  const Recipe previous = ReadRecipe(ParseJson(ReadFile(file), file), file);
  const Json before = WriteRecipe(previous);
  Json stored = before;
  const Json wanted = WriteRecipe(recipe_);
  const size_t finished = stages_.size();
  RETORT_CHECK(stored["stages"].size() >= finished, file, ": has ",
               Counted(stored["stages"].size(), "stage"), ", but ", finished,
               " are done. Put back the file that belongs here");
  const Begun begun{finished, finished < previous.stages.size() && HasBegun(finished)};
  replays_ = CheckInputs(stored, wanted, begun);
  std::vector<bool> trains;
  for (size_t k = 0; k < finished + (begun.current ? 1 : 0); ++k) {
    trains.push_back(previous.stages[k].type->trains);
  }
  revision_ = CompareRecipes(stored, wanted, begun, trains);
  RETORT_CHECK(revision_.refused.empty(), file,
               ": the run was started with another recipe, and finished stages depend on what "
               "differs: ",
               Join(revision_.refused, "; "),
               ". Resume with what they had (what has not run yet may change), or start a new "
               "--out");
  recipe_changed_ = before != wanted;
  if (revision_.extended) {
    stages_.resize(*revision_.extended);
    replays_ = false;
  } else if (revision_.restart) {
    const auto is_old = [&](const Checkpoint& checkpoint) {
      return checkpoint.state.stage_index == static_cast<int64_t>(finished);
    };
    std::ranges::copy_if(checkpoints_, std::back_inserter(superseded_), is_old);
    std::erase_if(checkpoints_, is_old);
    replays_ = false;
  }
}

void RunState::TakeRecipe() {
  if (revision_.extended) {
    note_(StrCat("stage '", StageAt(current()).name, "' goes on from its end"));
    WriteStages();
  } else if (revision_.restart) {
    note_(StrCat("stage '", StageAt(current()).name,
                 "' begins anew; what it has done stays in the database as superseded"));
    for (const Checkpoint& checkpoint : superseded_) {
      store_->ForgetCheckpoint(run_, checkpoint.folder.filename().string());
      directory_.SetAside(checkpoint);
    }
  }
  for (const datasets::InputRecord& input : accepted_inputs_) store_->RecordInput(run_, input);
  if (!recipe_changed_) return;
  for (const std::string& change : revision_.changes) note_("recipe: " + change);
  store_->AddRevision(run_, WriteRecipe(recipe_), revision_.changes);
  WriteFileAtomic(out() / kRecipeFile, WriteRecipe(recipe_).dump(2) + "\n");
  recipe_changed_ = false;
}

// Whether the stage has left anything behind.
bool RunState::HasBegun(size_t k) const {
  const auto stage = static_cast<int64_t>(k);
  if (CheckpointOf(k) || store_->LastStep(run_, stage)) return true;
  return !store_->TracesOf({run_, stage, 0}).empty() ||
         !store_->ReplayTraces({run_, stage, 0}).empty();
}

// What begun stages read must be what it was. A path that has moved is followed. False when the
// current stage goes on with other bytes.
bool RunState::CheckInputs(Json& stored, Json wanted, const Begun& begun) {
  std::map<std::pair<int64_t, std::string>, std::string> hashes;
  for (const datasets::InputRecord& input : store_->Inputs(run_)) {
    hashes[{input.stage_index, input.path}] = input.hash;
  }
  std::map<std::string, std::string> now;
  ForEachInput(wanted, [&](Json& path, int64_t, const std::string& place) { now[place] = path; });
  bool same = true;
  ForEachInput(stored, [&](Json& path, int64_t k, const std::string& place) {
    const auto recorded = hashes.find({k, path.get<std::string>()});
    const bool is_begun = k < static_cast<int64_t>(begun.finished) ||
                          (k == static_cast<int64_t>(begun.finished) && begun.current);
    if (recorded == hashes.end() || !is_begun || !now.contains(place)) return;
    const std::string& current = now[place];
    const bool done = k >= 0 && k < static_cast<int64_t>(begun.finished);
    if (!fs::exists(current)) {
      RETORT_CHECK(done || k < 0, current, ": is missing, and stage '",
                   stored["stages"][static_cast<size_t>(k)]["name"].get<std::string>(),
                   "' has not finished with it. Put it back");
      return;
    }
    const std::string hash = HashOfInput(recipe_, k, current, stop_);
    if (path != current || hash != recorded->second) accepted_inputs_.push_back({k, current, hash});
    if (hash == recorded->second) {
      path = current;
      return;
    }
    RETORT_CHECK(options_.allow_changed_inputs, current, ": is not what ",
                 k < 0 ? "the run" : StrCat("stage '", StageAt(static_cast<size_t>(k)).name, "'"),
                 " has read (", recorded->second, ", now ", hash,
                 "). Put the old one back, or go on all the same with --allow-changed-inputs");
    note_(current + ": has changed since it was read; going on all the same");
    same = same && done;
    path = current;
  });
  return same;
}

void RunState::RecordInputs(int64_t k) {
  Json document = WriteRecipe(recipe_);
  ForEachInput(document, [&](Json& path, int64_t stage, const std::string&) {
    if (stage == k) store_->RecordInput(run_, {k, path, HashOfInput(recipe_, k, path, stop_)});
  });
}

void RunState::CheckEnvironment(const Checkpoint& checkpoint) {
  const Json now = train::Environment();
  if (checkpoint.state.environment == now) return;
  same_environment_ = false;
  if (options_.allow_environment_change) return;
  Fail(checkpoint.folder.string(), ": was made with ", ToJsonLine(checkpoint.state.environment),
       ", this is ", ToJsonLine(now),
       ". The same bits are not promised across that change; to go on all the same, add "
       "--allow-environment-change");
}

// As they are when stage k begins: a replay of what stages 0 … k-1 did to the models.
std::map<std::string, Weights> RunState::WeightsBefore(size_t k) const {
  std::map<std::string, Weights> weights;
  for (const ModelSpec& spec : recipe_.models) weights[spec.name] = {spec.name};
  for (size_t i = 0; i < k; ++i) {
    const Stage& stage = StageAt(i);
    Weights& own = weights[stage.model];
    if (!stage.start_from.empty()) own = weights[stage.start_from];
    if (!stage.type->trains) continue;
    if (const Checkpoint* checkpoint = CheckpointOf(i)) {
      own = {stage.model, checkpoint};
    } else if (stages_[i].details.value("steps", int64_t{0}) > 0) {
      own = {stage.model, nullptr, stage.name};
    }
  }
  return weights;
}

// What has been trained must still be there: nothing goes on from other weights unseen.
void RunState::RequireCheckpoints(size_t current, const Checkpoint* newest) const {
  for (const auto& [model, weights] : WeightsBefore(current)) {
    RETORT_CHECK(weights.missing.empty(), out().string(), ": the checkpoint of stage '",
                 weights.missing, "' is missing, which holds the weights of model '", model,
                 "'. Put it back, or begin anew in another --out");
  }
  for (const datasets::CheckpointRecord& kept : store_->KeptCheckpoints(run_)) {
    if (kept.key.stage_index != static_cast<int64_t>(current)) continue;
    if (fs::exists(out() / kept.path)) continue;
    RETORT_CHECK(newest, (out() / kept.path).string(), ": is missing, which stage '", kept.stage,
                 "' was saved in. Put it back, or begin anew in another --out");
    if (newest->state.step < kept.key.step) {
      note_(StrCat(kept.path, " is missing; going on from ", newest->folder.filename().string()));
    }
  }
}

// The newest checkpoint made inside stage k, or null.
const Checkpoint* RunState::CheckpointOf(size_t k) const {
  const Checkpoint* newest = nullptr;
  for (const Checkpoint& checkpoint : checkpoints_) {
    if (checkpoint.state.stage_index == static_cast<int64_t>(k)) newest = &checkpoint;
  }
  return newest;
}

void RunState::Record(const Checkpoint& checkpoint) {
  const train::TrainerState& state = checkpoint.state;
  store_->AddCheckpoint({{run_, state.stage_index, state.step},
                         state.stage,
                         checkpoint.folder.filename().string(),
                         state.model});
}

int64_t RunState::GlobalStep(int64_t step) const {
  for (const StageResult& done : stages_) {
    if (done.details.contains("operations")) step += done.details.value("steps", int64_t{0});
  }
  return step;
}

// Down to the stage's save_total_limit. What models were when the stage began stays: it, or one
// after it, may begin from there again.
void RunState::RemoveOldCheckpoints(size_t k) {
  const std::optional<int64_t> limit = StageAt(k).Needs().save_total_limit;
  if (!limit) return;
  std::set<fs::path> needed{CheckpointOf(k)->folder};
  for (const auto& [model, weights] : WeightsBefore(k)) {
    if (weights.checkpoint) needed.insert(weights.checkpoint->folder);
  }
  for (size_t i = 0; i < checkpoints_.size();) {
    const fs::path folder = checkpoints_[i].folder;
    if (static_cast<int64_t>(checkpoints_.size()) <= *limit) return;
    if (needed.contains(folder)) {
      ++i;
      continue;
    }
    store_->ForgetCheckpoint(run_, folder.filename().string());
    RemoveOwnedFolder(folder, owner());
    checkpoints_.erase(checkpoints_.begin() + static_cast<int64_t>(i));
  }
}

void RunState::WriteStages() const {
  Json stages = Json::array();
  for (const StageResult& done : stages_) stages.push_back(ToJson(done));
  WriteFileAtomic(out() / kStagesFile, Json{{"stages", stages}}.dump(2) + "\n");
}

// The model that was trained last is final/, every other one that was trained final-NAME/; with
// the stage that trained it last.
std::vector<std::pair<std::string, size_t>> RunState::FinalFolders() const {
  std::vector<std::pair<std::string, size_t>> folders;
  std::set<std::string> seen;
  for (size_t k = recipe_.stages.size(); k-- > 0;) {
    const Stage& stage = StageAt(k);
    if (!stage.type->trains || !seen.insert(stage.model).second) continue;
    folders.emplace_back(folders.empty() ? kFinalFolder : StrCat(kFinalFolder, "-", stage.model),
                         k);
  }
  return folders;
}

Json ToJson(const StageResult& result) {
  Json json = {{"name", result.name},
               {"type", result.type},
               {"model", result.model},
               {"seconds", result.seconds}};
  if (result.tokens_per_second) json["tokens_per_second"] = *result.tokens_per_second;
  if (result.accuracy) json["accuracy"] = *result.accuracy;
  if (result.problems) json["problems"] = *result.problems;
  if (result.mean_completion_length) {
    json["mean_completion_length"] = *result.mean_completion_length;
  }
  json["details"] = result.details;
  return json;
}

}  // namespace retort::recipes
