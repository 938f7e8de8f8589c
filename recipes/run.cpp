#include "recipes/run.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/file.h"
#include "base/folder.h"
#include "base/stopwatch.h"
#include "base/strings.h"
#include "recipes/check.h"
#include "recipes/inputs.h"
#include "recipes/revision.h"
#include "recipes/run_directory.h"
#include "train/run_places.h"

namespace retort::recipes {
namespace fs = std::filesystem;
namespace {

constexpr const char* kSecondsKey = "seconds";  // in the stage state of a checkpoint

bool Trains(StageType type) {
  return type == StageType::kPretrain || type == StageType::kSft || type == StageType::kGrpo ||
         type == StageType::kDistill;
}

std::vector<std::string> ExportFolders(const Recipe& recipe) {
  std::vector<std::string> folders;
  for (const Stage& stage : recipe.stages) {
    const auto* options = std::get_if<ExportOptions>(&stage.options);
    if (options) folders.push_back(options->path);
  }
  return folders;
}

std::optional<int64_t> SaveTotalLimit(const Stage& stage) {
  return std::visit(
      [](const auto& options) -> std::optional<int64_t> {
        if constexpr (requires { options.save_total_limit; }) return options.save_total_limit;
        if constexpr (requires { options.training.save_total_limit; }) {
          return options.training.save_total_limit;
        }
        return std::nullopt;
      },
      stage.options);
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

class Runner {
 public:
  Runner(const Recipe& recipe, const RunOptions& options, const RunEvents& events)
      : recipe_(recipe),
        options_(options),
        events_(events),
        out_(options.out),
        directory_(out_),
        hash_(RecipeHash(recipe)),
        executor_(options.threads),
        compute_(executor_, recipe.precision) {
    for (const auto& stage : recipe.stages) {  // before hours have gone into other stages
      const auto* grpo = std::get_if<rl::GrpoOptions>(&stage.options);
      if (grpo && grpo->rollout_dtype) nn::Compute(executor_, {.products = *grpo->rollout_dtype});
    }
    if (!options.profile.empty()) compute_.profile = &profile_.emplace(executor_.threads());
  }

  RunOutcome Run() {
    RunStages();
    if (profile_) profile_->WriteChromeTrace(options_.profile);
    return outcome_;
  }

 private:
  void RunStages() {
    Prepare();
    if (IsComplete()) return;
    for (size_t k = outcome_.stages.size(); k < recipe_.stages.size(); ++k) {
      if (events_.stage_started) {
        events_.stage_started(k, recipe_.stages.size(), recipe_.stages[k]);
      }
      RecordInputs(static_cast<int64_t>(k));
      if (!RunStage(k)) {
        outcome_.interrupted = true;
        return;
      }
    }
    WriteFinal();
  }

  struct LoadedModel {
    std::unique_ptr<model::LanguageModel> model;
    model::Tokenizer tokenizer;
  };

  void Note(const std::string& text) const {
    if (events_.note) events_.note(text);
  }

  const Stage& StageAt(size_t k) const { return recipe_.stages[k]; }

  // Everything that the stages from k on will need.
  void Check(size_t k) const {
    RequireSound(CheckRecipe(recipe_, k), [&](const std::string& text) { Note(text); });
  }

  // All stages are done and the final models are written: there is nothing to do.
  bool IsComplete() const {
    if (outcome_.stages.size() != recipe_.stages.size()) return false;
    const auto folders = FinalFolders();
    return std::ranges::all_of(folders, [&](const auto& folder) {
      return IsOwned(out_ / folder.first, directory_.owner());
    });
  }

  // Opens or creates the run directory, the database and the models.
  void Prepare() {
    const bool exists = directory_.HoldsRun();
    RETORT_CHECK(!exists || options_.resume, out_.string(),
                 ": holds a run already. Continue it with --resume, or choose another --out");
    RETORT_CHECK(exists || !options_.resume, out_.string(),
                 ": nothing to resume, recipe.json is missing");
    if (exists) {
      PrepareToGoOn();
    } else {
      PrepareToBegin();
    }
    if (IsComplete()) return;
    recorder_ = std::make_unique<train::Recorder>(out_, *store_, run_);
  }

  void PrepareToBegin() {
    // Before anything is written, so that what cannot run leaves no run behind.
    Check(0);
    LoadModels({});
    directory_.Begin(ExportFolders(recipe_));
    directory_.CleanUp({});
    OpenStore();
    const std::optional<int64_t> known = store_->FindRunByUid(directory_.owner());
    RETORT_CHECK(!known || !store_->LastStep(*known, 0), out_.string(),
                 ": recipe.json is missing, but the run has begun. Put it back, or choose another "
                 "--out");
    run_ =
        known ? *known : store_->CreateRun(recipe_.name, WriteRecipe(recipe_), directory_.owner());
    RecordInputs(-1);
    WriteFileAtomic(out_ / kRecipeFile, WriteRecipe(recipe_).dump(2) + "\n");
  }

  void OpenStore() {
    store_ = std::make_unique<datasets::TraceStore>(out_ / kDatabaseFile,
                                                    datasets::TraceStore::Mode::kWrite);
  }

  void PrepareToGoOn() {
    RETORT_CHECK(fs::exists(out_ / kDatabaseFile), (out_ / kDatabaseFile).string(),
                 ": is missing: the run's traces and its progress are in it. Put it back, or begin "
                 "anew in another --out");
    OpenStore();
    FindRun();
    directory_.CheckExports(ExportFolders(recipe_));
    directory_.CleanUp(ExportFolders(recipe_));
    ReadFinishedStages();
    checkpoints_ = directory_.Checkpoints();
    for (const Checkpoint& checkpoint : checkpoints_) CheckEnvironment(checkpoint);
    const bool replays = TakeRecipe();
    if (IsComplete()) return;

    const size_t current = outcome_.stages.size();
    const Checkpoint* checkpoint = CheckpointOf(current);
    RequireCheckpoints(current, checkpoint);
    Check(current);
    LoadModels(WeightsBefore(current));
    if (checkpoint) {
      const LoadedModel& loaded = models_.at(checkpoint->state.model);
      model::LoadWeights(*loaded.model, checkpoint->folder, compute_);
    }
    // A stage that trains goes back to its checkpoint, and what it did since is reproduced. Others
    // go on behind what they have stored.
    const bool trains = current < recipe_.stages.size() && Trains(StageAt(current).type);
    const int64_t last_step = trains ? (checkpoint ? checkpoint->state.step - 1 : -1)
                                     : std::numeric_limits<int64_t>::max();
    store_->CutBack({run_, static_cast<int64_t>(current), last_step},
                    replays ? datasets::CutReason::kResume : datasets::CutReason::kSuperseded);
    // The cut forgets the checkpoint behind its last step, and a kill may have come before one
    // was recorded.
    for (const Checkpoint& found : checkpoints_) Record(found);
  }

  // The run of this directory in its database. One from before runs had a uid gets one.
  void FindRun() {
    const std::string database = (out_ / kDatabaseFile).string();
    const std::vector<datasets::RunSummary> runs = store_->Runs();
    if (directory_.owner().empty()) {
      RETORT_CHECK(runs.size() == 1, database, ": holds ", runs.size(),
                   " runs, expected the one of this folder");
      std::vector<std::string> recorded;
      for (const std::vector<Json>& row : store_->Sql("SELECT path FROM checkpoints").rows) {
        recorded.push_back(row.at(0));
      }
      directory_.Adopt(NewOwner(), recorded);
    }
    std::optional<int64_t> run = store_->FindRunByUid(directory_.owner());
    if (!run && runs.size() == 1 && runs[0].uid.empty()) {
      store_->SetUid(runs[0].id, directory_.owner());
      run = runs[0].id;
    }
    RETORT_CHECK(run, database, ": is the database of another run than ", kMarkerFile,
                 " beside it says. Put back the one that belongs here");
    run_ = *run;
  }

  void ReadFinishedStages() {
    if (!fs::exists(out_ / kStagesFile)) return;
    const std::string file = (out_ / kStagesFile).string();
    const Json document = ParseJson(ReadFile(file), file);
    try {
      for (const Json& stage : document.at("stages")) {
        outcome_.stages.push_back(StageResultFromJson(stage));
      }
    } catch (const Json::exception&) {
      Fail(file, ": does not hold the finished stages as Retort writes them. Put it back");
    }
  }

  // Compares the recipe with the one that the run has had so far and goes on with it. False when
  // what the current stage has stored is not to be reproduced.
  bool TakeRecipe() {
    const std::string file = (out_ / kRecipeFile).string();
    const Recipe previous = ReadRecipe(ParseJson(ReadFile(file), file), file);
    const Json before = WriteRecipe(previous);
    Json stored = before;
    const Json wanted = WriteRecipe(recipe_);
    const size_t finished = outcome_.stages.size();
    RETORT_CHECK(stored["stages"].size() >= finished, file, ": has ", stored["stages"].size(),
                 " stages, but ", finished, " are done. Put back the file that belongs here");
    const Begun begun{finished, finished < previous.stages.size() && HasBegun(finished)};
    bool replays = CheckInputs(stored, wanted, begun);
    std::vector<bool> trains;
    for (size_t k = 0; k < finished + (begun.current ? 1 : 0); ++k) {
      trains.push_back(Trains(previous.stages[k].type));
    }
    const Revision revision = CompareRecipes(stored, wanted, begun, trains);
    RETORT_CHECK(revision.refused.empty(), file,
                 ": the run was started with another recipe, and finished stages depend on what "
                 "differs: ",
                 Join(revision.refused, "; "),
                 ". Resume with what they had (what has not run yet may change), or start a new "
                 "--out");
    if (revision.extended) {
      Note(StrCat("stage '", StageAt(*revision.extended).name, "' goes on from its end"));
      outcome_.stages.resize(*revision.extended);
      WriteStages();
      replays = false;
    } else if (revision.restart) {
      Note(StrCat("stage '", StageAt(finished).name,
                  "' begins anew; what it has done stays in the database as superseded"));
      for (const Checkpoint& checkpoint : checkpoints_) {
        if (checkpoint.state.stage_index != static_cast<int64_t>(finished)) continue;
        store_->ForgetCheckpoint(run_, checkpoint.folder.filename().string());
        directory_.SetAside(checkpoint);
      }
      checkpoints_ = directory_.Checkpoints();
      store_->CutBack({run_, static_cast<int64_t>(finished), -1}, datasets::CutReason::kSuperseded);
    }
    if (before != wanted) {
      for (const std::string& change : revision.changes) Note("recipe: " + change);
      store_->AddRevision(run_, wanted, revision.changes);
      WriteFileAtomic(file, wanted.dump(2) + "\n");
    }
    return replays;
  }

  // Whether the stage has left anything behind.
  bool HasBegun(size_t k) const {
    const auto stage = static_cast<int64_t>(k);
    if (CheckpointOf(k) || store_->LastStep(run_, stage)) return true;
    return !store_->TracesOf({run_, stage, 0}).empty() ||
           !store_->ReplayTraces({run_, stage, 0}).empty();
  }

  // What begun stages read must be what it was. A path that has moved is followed. False when the
  // current stage goes on with other bytes.
  bool CheckInputs(Json& stored, Json wanted, const Begun& begun) {
    std::map<std::pair<int64_t, std::string>, std::string> hashes;
    for (const datasets::InputRecord& input : store_->Inputs(run_)) {
      hashes[{input.stage_index, input.path}] = input.hash;
    }
    std::vector<std::pair<int64_t, std::string>> now;
    ForEachInput(wanted, [&](Json& path, int64_t k) { now.emplace_back(k, path); });
    size_t next = 0;
    bool same = true;
    ForEachInput(stored, [&](Json& path, int64_t k) {
      const size_t place = next++;
      const auto recorded = hashes.find({k, path.get<std::string>()});
      const bool is_begun = k < static_cast<int64_t>(begun.finished) ||
                            (k == static_cast<int64_t>(begun.finished) && begun.current);
      if (recorded == hashes.end() || !is_begun || place >= now.size() || now[place].first != k) {
        return;
      }
      const std::string& current = now[place].second;
      const bool done = k >= 0 && k < static_cast<int64_t>(begun.finished);
      if (!fs::exists(current)) {
        RETORT_CHECK(done || k < 0, current, ": is missing, and stage '",
                     stored["stages"][static_cast<size_t>(k)]["name"].get<std::string>(),
                     "' has not finished with it. Put it back");
        return;
      }
      const std::string hash = HashOfInput(recipe_, k, current);
      if (path != current) store_->RecordInput(run_, {k, current, hash});
      if (hash == recorded->second) {
        path = current;
        return;
      }
      RETORT_CHECK(options_.allow_changed_inputs, current, ": is not what ",
                   k < 0 ? "the run" : StrCat("stage '", StageAt(static_cast<size_t>(k)).name, "'"),
                   " has read (", recorded->second, ", now ", hash,
                   "). Put the old one back, or go on all the same with --allow-changed-inputs");
      Note(current + ": has changed since it was read; going on all the same");
      same = same && done;
      path = current;
    });
    return same;
  }

  void RecordInputs(int64_t k) {
    Json document = WriteRecipe(recipe_);
    ForEachInput(document, [&](Json& path, int64_t stage) {
      if (stage == k) store_->RecordInput(run_, {k, path, HashOfInput(recipe_, k, path)});
    });
  }

  void CheckEnvironment(const Checkpoint& checkpoint) {
    const Json now = train::Environment();
    if (checkpoint.state.environment == now) return;
    same_environment_ = false;
    if (options_.allow_environment_change) return;
    Fail(checkpoint.folder.string(), ": was made with ", ToJsonLine(checkpoint.state.environment),
         ", this is ", ToJsonLine(now),
         ". The same bits are not promised across that change; to go on all the same, add "
         "--allow-environment-change");
  }

  // Where the weights of a model come from: those that `initial` begins with, unless a finished
  // stage left them in a checkpoint.
  struct Weights {
    std::string initial;
    const Checkpoint* checkpoint = nullptr;
    std::string missing = {};  // the stage that trained them, when its checkpoint is not there
  };

  // As they are when stage k begins: a replay of what stages 0 … k-1 did to the models.
  std::map<std::string, Weights> WeightsBefore(size_t k) const {
    std::map<std::string, Weights> weights;
    for (const ModelSpec& spec : recipe_.models) weights[spec.name] = {spec.name};
    for (size_t i = 0; i < k; ++i) {
      const Stage& stage = StageAt(i);
      Weights& own = weights[stage.model];
      if (!stage.start_from.empty()) own = weights[stage.start_from];
      if (!Trains(stage.type)) continue;
      if (const Checkpoint* checkpoint = CheckpointOf(i)) {
        own = {stage.model, checkpoint};
      } else if (outcome_.stages[i].details.value("steps", int64_t{0}) > 0) {
        own = {stage.model, nullptr, stage.name};
      }
    }
    return weights;
  }

  // What has been trained must still be there: nothing goes on from other weights unseen.
  void RequireCheckpoints(size_t current, const Checkpoint* newest) const {
    for (const auto& [model, weights] : WeightsBefore(current)) {
      RETORT_CHECK(weights.missing.empty(), out_.string(), ": the checkpoint of stage '",
                   weights.missing, "' is missing, which holds the weights of model '", model,
                   "'. Put it back, or begin anew in another --out");
    }
    for (const datasets::CheckpointRecord& kept : store_->KeptCheckpoints(run_)) {
      if (kept.key.stage_index != static_cast<int64_t>(current)) continue;
      if (fs::exists(out_ / kept.path)) continue;
      RETORT_CHECK(newest, (out_ / kept.path).string(), ": is missing, which stage '", kept.stage,
                   "' was saved in. Put it back, or begin anew in another --out");
      if (newest->state.step < kept.key.step) {
        Note(StrCat(kept.path, " is missing; going on from ", newest->folder.filename().string()));
      }
    }
  }

  void LoadModels(const std::map<std::string, Weights>& weights) {
    for (const ModelSpec& spec : recipe_.models) {
      LoadedModel loaded = LoadInitial(spec);
      const auto from = weights.find(spec.name);
      if (from != weights.end() && from->second.checkpoint) {
        model::LoadWeights(*loaded.model, from->second.checkpoint->folder, compute_);
      } else if (from != weights.end() && from->second.initial != spec.name) {
        const LoadedModel other =
            LoadInitial(*std::ranges::find(recipe_.models, from->second.initial, &ModelSpec::name));
        model::CopyWeights(*other.model, *loaded.model, compute_);
      }
      models_.emplace(spec.name, std::move(loaded));
    }
  }

  LoadedModel LoadInitial(const ModelSpec& spec) {
    const ModelSpec* origin = &spec;
    while (!origin->same_start_as.empty()) {
      origin = &*std::ranges::find(recipe_.models, origin->same_start_as, &ModelSpec::name);
    }
    LoadedModel loaded{nullptr, model::Tokenizer::ByteLevel()};
    if (!origin->path.empty()) {
      RETORT_CHECK(fs::exists(origin->path), "models.", origin->name, ".path: there is no folder ",
                   origin->path, ". Name a Hugging Face folder or a run directory by --set models.",
                   origin->name, ".path=FOLDER");
      model::Pretrained pretrained =
          model::LoadPretrained(train::FindModel(origin->path).folder, compute_);
      loaded = {std::move(pretrained.model), std::move(pretrained.tokenizer)};
    } else {
      loaded.model = model::NewModel(origin->config, static_cast<uint64_t>(recipe_.seed), compute_);
    }
    RETORT_CHECK(loaded.tokenizer.vocab_size() <= loaded.model->vocab_size(), "model '", spec.name,
                 "': vocab_size ", loaded.model->vocab_size(), " is smaller than the tokenizer's ",
                 loaded.tokenizer.vocab_size());
    return loaded;
  }

  // The newest checkpoint made inside stage k, or null.
  const Checkpoint* CheckpointOf(size_t k) const {
    const Checkpoint* newest = nullptr;
    for (const Checkpoint& checkpoint : checkpoints_) {
      if (checkpoint.state.stage_index == static_cast<int64_t>(k)) newest = &checkpoint;
    }
    return newest;
  }

  void Record(const Checkpoint& checkpoint) {
    const train::TrainerState& state = checkpoint.state;
    store_->AddCheckpoint({{run_, state.stage_index, state.step},
                           state.stage,
                           checkpoint.folder.filename().string(),
                           state.model});
  }

  int64_t GlobalStep(int64_t step) const {
    for (const StageResult& done : outcome_.stages) {
      if (done.details.contains("operations")) step += done.details.value("steps", int64_t{0});
    }
    return step;
  }

  void Save(size_t k, const train::StageProgress& progress, double seconds) {
    if (progress.step == 0) return;  // nothing new to keep
    const Stage& stage = recipe_.stages[k];
    const LoadedModel& loaded = models_.at(stage.model);
    const int64_t global_step = GlobalStep(progress.step);
    Checkpoint checkpoint{directory_.CheckpointFolder(global_step),
                          {.recipe_hash = hash_,
                           .model = stage.model,
                           .stage = stage.name,
                           .stage_index = static_cast<int64_t>(k),
                           .step = progress.step,
                           .global_step = global_step,
                           .stage_state = progress.state,
                           .environment = train::Environment()}};
    checkpoint.state.stage_state[kSecondsKey] = seconds;
    train::SaveCheckpoint(checkpoint.folder, directory_.owner(),
                          {.model = loaded.model.get(),
                           .tokenizer = &loaded.tokenizer,
                           .generation = GenerationOf(loaded.tokenizer),
                           .prompt_template = recipe_.prompt_template,
                           .optimizer = progress.optimizer,
                           .reference = progress.reference},
                          checkpoint.state);
    Record(checkpoint);
    std::erase_if(checkpoints_,
                  [&](const Checkpoint& old) { return old.folder == checkpoint.folder; });
    checkpoints_.push_back(std::move(checkpoint));
    RemoveOldCheckpoints(k);
  }

  // Down to the stage's save_total_limit. What models were when the stage began stays: it, or one
  // after it, may begin from there again.
  void RemoveOldCheckpoints(size_t k) {
    const std::optional<int64_t> limit = SaveTotalLimit(StageAt(k));
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
      RemoveOwnedFolder(folder, directory_.owner());
      checkpoints_.erase(checkpoints_.begin() + static_cast<int64_t>(i));
    }
  }

  // False when interrupted.
  bool RunStage(size_t k) {
    const Stage& stage = recipe_.stages[k];
    const LoadedModel& loaded = models_.at(stage.model);
    const ProfileScope scope(compute_.profile, 0,
                             profile_ ? profile_->Intern(stage.name) : nullptr);
    const Stopwatch watch;
    double earlier = 0;
    train::StageContext context{.compute = compute_,
                                .model = *loaded.model,
                                .tokenizer = loaded.tokenizer,
                                .prompt_template = recipe_.prompt_template,
                                .recorder = *recorder_,
                                .seed = static_cast<uint64_t>(recipe_.seed),
                                .owner = directory_.owner(),
                                .name = stage.name,
                                .stage_index = static_cast<int64_t>(k),
                                .checkpoint = {},
                                .same_environment = same_environment_,
                                .judge_threads = options_.judge_threads,
                                .progress = events_.progress,
                                .stop_requested = events_.stop_requested,
                                .save = {},
                                .warn = [&](const std::string& text) { Note("warning: " + text); }};
    const auto elapsed = [&] { return earlier + watch.seconds(); };
    if (const Checkpoint* checkpoint = CheckpointOf(k); checkpoint && Trains(stage.type)) {
      context.first_step = checkpoint->state.step;
      context.state = checkpoint->state.stage_state;
      context.checkpoint = checkpoint->folder;
      earlier = context.state.value(kSecondsKey, 0.0);
      Note(StrCat("resuming stage '", stage.name, "' after step ", context.first_step));
    } else if (const auto last = store_->LastStep(run_, context.stage_index);
               last && !Trains(stage.type)) {
      context.first_step = *last + 1;
      for (const auto& point : store_->Metric(run_, "step_time")) {
        if (point.stage_index == context.stage_index) earlier += point.value;
      }
      Note(StrCat("stage '", stage.name, "' goes on after step ", *last));
    }
    if (!stage.start_from.empty() && context.checkpoint.empty()) {
      model::CopyWeights(*models_.at(stage.start_from).model, *loaded.model, compute_);
    }
    context.save = [&](const train::StageProgress& progress) { Save(k, progress, elapsed()); };

    const train::StageReport report = std::visit(
        [&](const auto& options) {
          using T = std::decay_t<decltype(options)>;
          if constexpr (std::is_same_v<T, distill::SupervisedOptions>) {
            return distill::RunSupervised(context, options);
          } else if constexpr (std::is_same_v<T, rl::GrpoOptions>) {
            return rl::RunGrpo(context, options);
          } else if constexpr (std::is_same_v<T, CollectOptions>) {
            return RunCollect(context, options);
          } else if constexpr (std::is_same_v<T, distill::DistillOptions>) {
            return distill::RunDistill(context, options);
          } else if constexpr (std::is_same_v<T, EvalOptions>) {
            return RunEval(context, options);
          } else {
            return RunExport(context, options, out_);
          }
        },
        stage.options);
    if (report.interrupted) return false;
    Finish(stage, report, elapsed());
    return true;
  }

  void Finish(const Stage& stage, const train::StageReport& report, double seconds) {
    StageResult result{.name = stage.name,
                       .type = EnumName(stage.type),
                       .model = stage.model,
                       .seconds = seconds,
                       .tokens_per_second = {},
                       .accuracy = {},
                       .problems = {},
                       .mean_completion_length = {},
                       .details = report.details};
    if (report.tokens > 0) result.tokens_per_second = static_cast<double>(report.tokens) / seconds;
    if (const Json accuracy = report.details.value("accuracy", Json()); accuracy.is_number()) {
      result.accuracy = accuracy;  // null when nothing was judged
    }
    if (report.details.contains("problems")) result.problems = report.details["problems"];
    if (report.details.contains("mean_completion_length")) {
      result.mean_completion_length = report.details["mean_completion_length"];
    }
    if (Trains(stage.type)) {
      result.details["steps"] = report.steps;
      result.details["tokens"] = report.tokens;
      result.details["operations"] = report.operations;
    }
    if (report.sampling_operations > 0) {
      result.details["sampling_operations"] = report.sampling_operations;
    }
    outcome_.stages.push_back(result);
    WriteStages();
    if (events_.stage_finished) events_.stage_finished(result);
  }

  void WriteStages() const {
    Json stages = Json::array();
    for (const StageResult& done : outcome_.stages) stages.push_back(ToJson(done));
    WriteFileAtomic(out_ / kStagesFile, Json{{"stages", stages}}.dump(2) + "\n");
  }

  // The model that was trained last is final/, every other one that was trained final-NAME/; with
  // the stage that trained it last.
  std::vector<std::pair<std::string, size_t>> FinalFolders() const {
    std::vector<std::pair<std::string, size_t>> folders;
    std::set<std::string> seen;
    for (size_t k = recipe_.stages.size(); k-- > 0;) {
      const Stage& stage = StageAt(k);
      if (!Trains(stage.type) || !seen.insert(stage.model).second) continue;
      folders.emplace_back(folders.empty() ? kFinalFolder : StrCat(kFinalFolder, "-", stage.model),
                           k);
    }
    return folders;
  }

  void WriteFinal() {
    for (const auto& [name, k] : FinalFolders()) {
      const Stage& stage = StageAt(k);
      const LoadedModel& loaded = models_.at(stage.model);
      WriteModelFolder(*loaded.model, loaded.tokenizer, recipe_.prompt_template,
                       {out_ / name,
                        directory_.owner(),
                        {{"kind", "final"},
                         {"recipe", recipe_.name},
                         {"model", stage.model},
                         {"stage", stage.name},
                         {"step", outcome_.stages[k].details.value("steps", int64_t{0})}}});
    }
  }

  const Recipe& recipe_;
  const RunOptions& options_;
  const RunEvents& events_;
  fs::path out_;
  RunDirectory directory_;
  std::string hash_;
  Executor executor_;
  nn::Compute compute_;
  std::optional<Profile> profile_;
  std::map<std::string, LoadedModel> models_;
  std::vector<Checkpoint> checkpoints_;
  bool same_environment_ = true;
  std::unique_ptr<datasets::TraceStore> store_;
  int64_t run_ = 0;
  std::unique_ptr<train::Recorder> recorder_;
  RunOutcome outcome_;
};

}  // namespace

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

RunOutcome Run(const Recipe& recipe, const RunOptions& options, const RunEvents& events) {
  return Runner(recipe, options, events).Run();
}

}  // namespace retort::recipes
