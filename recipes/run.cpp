#include "recipes/run.h"

#include <algorithm>
#include <map>

#include "base/file.h"
#include "base/stopwatch.h"
#include "base/strings.h"

namespace retort::recipes {
namespace fs = std::filesystem;
namespace {

constexpr const char* kRecipeFile = "recipe.json";
constexpr const char* kStagesFile = "stages.json";
constexpr const char* kDatabaseFile = "traces.db";
constexpr const char* kFinalFolder = "final";
constexpr const char* kSecondsKey = "seconds";  // in the stage state of a checkpoint

bool Trains(StageType type) {
  return type == StageType::kPretrain || type == StageType::kSft || type == StageType::kGrpo ||
         type == StageType::kDistill;
}

struct Checkpoint {
  fs::path folder;
  train::TrainerState state;
};

// Removes what a killed run left half-written under temporary names that begin so.
void RemoveLeftovers(const fs::path& out, const std::string& beginning) {
  std::vector<fs::path> leftovers;
  for (const fs::directory_entry& entry : fs::directory_iterator(out)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(beginning) && name.find(".tmp-") != std::string::npos) {
      leftovers.push_back(entry.path());
    }
  }
  for (const fs::path& path : leftovers) fs::remove_all(path);
}

// Complete checkpoints of a run directory, oldest first.
std::vector<Checkpoint> FindCheckpoints(const fs::path& out) {
  std::vector<Checkpoint> checkpoints;
  for (const fs::directory_entry& entry : fs::directory_iterator(out)) {
    if (entry.path().filename().string().starts_with("checkpoint-") && entry.is_directory()) {
      checkpoints.push_back({entry.path(), train::ReadTrainerState(entry.path())});
    }
  }
  std::ranges::sort(checkpoints, [](const Checkpoint& a, const Checkpoint& b) {
    return std::pair(a.state.stage_index, a.state.step) <
           std::pair(b.state.stage_index, b.state.step);
  });
  return checkpoints;
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
    for (size_t k = outcome_.stages.size(); k < recipe_.stages.size(); ++k) {
      if (events_.stage_started) {
        events_.stage_started(k, recipe_.stages.size(), recipe_.stages[k]);
      }
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

  // Opens or creates the run directory, the models and the database.
  void Prepare() {
    const fs::path recipe_file = out_ / kRecipeFile;
    const bool exists = fs::exists(recipe_file);
    RETORT_CHECK(!exists || options_.resume, out_.string(),
                 ": holds a run already. Continue it with --resume, or choose another --out");
    RETORT_CHECK(exists || !options_.resume, out_.string(),
                 ": nothing to resume, recipe.json is missing");
    if (exists) {
      const Recipe stored =
          ReadRecipe(ParseJson(ReadFile(recipe_file), recipe_file.string()), recipe_file.string());
      RETORT_CHECK(RecipeHash(stored) == hash_, recipe_file.string(),
                   ": the run was started with "
                   "another recipe (",
                   RecipeHash(stored), ", now ", hash_,
                   "). Resume with the same recipe and settings, or start a new --out");
      if (fs::exists(out_ / kStagesFile)) {
        const std::string file = (out_ / kStagesFile).string();
        const Json document = ParseJson(ReadFile(file), file);
        try {
          for (const Json& stage : document.at("stages")) {
            outcome_.stages.push_back(StageResultFromJson(stage));
          }
        } catch (const Json::exception&) {
          Fail(file, ": does not hold the finished stages as Retort writes them; restore it");
        }
      }
      RemoveLeftovers(out_, ".");
      checkpoints_ = FindCheckpoints(out_);
      for (const Checkpoint& checkpoint : checkpoints_) CheckEnvironment(checkpoint);
    }
    // Before anything is written, so that a model that cannot be opened leaves no run behind.
    for (const ModelSpec& spec : recipe_.models) LoadModel(spec);
    if (!exists) {
      std::error_code error;
      fs::create_directories(out_, error);
      RETORT_CHECK(!error, out_.string(), ": cannot create the folder: ", error.message());
      RemoveLeftovers(out_, StrCat(".", kRecipeFile));  // killed before it was a run
      WriteFileAtomic(recipe_file, WriteRecipe(recipe_).dump(2) + "\n");
    }
    store_ = std::make_unique<datasets::TraceStore>(out_ / kDatabaseFile,
                                                    datasets::TraceStore::Mode::kWrite);
    const std::optional<int64_t> known = store_->FindRun(recipe_.name);
    run_ = known ? *known : store_->CreateRun(recipe_.name, WriteRecipe(recipe_));
    if (exists) {
      const Checkpoint* current = CheckpointOf(outcome_.stages.size());
      store_->CutBack({run_, static_cast<int64_t>(outcome_.stages.size()),
                       current ? current->state.step - 1 : -1});
      // The cut forgets the checkpoint behind its last step, and a kill may have come before one
      // was recorded.
      for (const Checkpoint& checkpoint : checkpoints_) Record(checkpoint);
    }
    recorder_ = std::make_unique<train::Recorder>(out_, *store_, run_);
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

  void LoadModel(const ModelSpec& spec) {
    const ModelSpec* origin = &spec;
    while (!origin->same_start_as.empty()) {
      origin = &*std::ranges::find(recipe_.models, origin->same_start_as, &ModelSpec::name);
    }
    const Checkpoint* newest = nullptr;
    for (const Checkpoint& checkpoint : checkpoints_) {
      if (checkpoint.state.model == spec.name) newest = &checkpoint;
    }
    LoadedModel loaded{nullptr, model::Tokenizer::ByteLevel()};
    if (!origin->path.empty()) {
      RETORT_CHECK(fs::is_directory(origin->path), "models.", origin->name,
                   ".path: there is no folder ", origin->path,
                   ". Name a Hugging Face folder, such as the final/ of a finished "
                   "run, by --set models.",
                   origin->name, ".path=FOLDER");
      model::Pretrained pretrained = model::LoadPretrained(origin->path, compute_);
      loaded = {std::move(pretrained.model), std::move(pretrained.tokenizer)};
    } else {
      loaded.model = model::NewModel(origin->config, static_cast<uint64_t>(recipe_.seed), compute_);
    }
    RETORT_CHECK(loaded.tokenizer.vocab_size() <= loaded.model->vocab_size(), "model '", spec.name,
                 "': vocab_size ", loaded.model->vocab_size(), " is smaller than the tokenizer's ",
                 loaded.tokenizer.vocab_size());
    if (newest) model::LoadWeights(*loaded.model, newest->folder, compute_);
    models_.emplace(spec.name, std::move(loaded));
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
                           checkpoint.folder.filename().string()});
  }

  void Save(size_t k, const train::StageProgress& progress, double seconds) {
    // Without a step there is nothing new to keep, and the folder of this step may hold the
    // checkpoint of another model.
    if (progress.step == 0) return;
    const Stage& stage = recipe_.stages[k];
    const LoadedModel& loaded = models_.at(stage.model);
    int64_t global_step = progress.step;
    for (const StageResult& done : outcome_.stages) {
      if (done.details.contains("steps")) global_step += done.details["steps"].get<int64_t>();
    }
    Checkpoint checkpoint{out_ / StrCat("checkpoint-", global_step),
                          {.recipe_hash = hash_,
                           .model = stage.model,
                           .stage = stage.name,
                           .stage_index = static_cast<int64_t>(k),
                           .step = progress.step,
                           .global_step = global_step,
                           .stage_state = progress.state,
                           .environment = train::Environment()}};
    checkpoint.state.stage_state[kSecondsKey] = seconds;
    train::SaveCheckpoint(checkpoint.folder,
                          {.model = loaded.model.get(),
                           .tokenizer = &loaded.tokenizer,
                           .generation = GenerationOf(loaded.tokenizer),
                           .prompt_template = recipe_.prompt_template,
                           .optimizer = progress.optimizer,
                           .reference = progress.reference},
                          checkpoint.state);
    Record(checkpoint);
    // The newest checkpoint of each model is all that a resume needs.
    std::erase_if(checkpoints_, [&](const Checkpoint& old) {
      if (old.state.model != stage.model || old.folder == checkpoint.folder) {
        return old.folder == checkpoint.folder;
      }
      RemoveDirectory(old.folder);
      return true;
    });
    checkpoints_.push_back(std::move(checkpoint));
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
                                .name = stage.name,
                                .stage_index = static_cast<int64_t>(k),
                                .checkpoint = {},
                                .same_environment = same_environment_,
                                .judge_threads = options_.judge_threads,
                                .progress = events_.progress,
                                .stop_requested = events_.stop_requested,
                                .save = {}};
    const auto elapsed = [&] { return earlier + watch.seconds(); };
    if (const Checkpoint* checkpoint = CheckpointOf(k); checkpoint && Trains(stage.type)) {
      context.first_step = checkpoint->state.step;
      context.state = checkpoint->state.stage_state;
      context.checkpoint = checkpoint->folder;
      earlier = context.state.value(kSecondsKey, 0.0);
      Note(StrCat("resuming stage '", stage.name, "' after step ", context.first_step));
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
    if (report.details.contains("accuracy")) result.accuracy = report.details["accuracy"];
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
    Json stages = Json::array();
    for (const StageResult& done : outcome_.stages) stages.push_back(ToJson(done));
    WriteFileAtomic(out_ / kStagesFile, Json{{"stages", stages}}.dump(2) + "\n");
    if (events_.stage_finished) events_.stage_finished(result);
  }

  // The model that was trained last.
  void WriteFinal() {
    for (auto stage = recipe_.stages.rbegin(); stage != recipe_.stages.rend(); ++stage) {
      if (!Trains(stage->type)) continue;
      const LoadedModel& loaded = models_.at(stage->model);
      WriteModelFolder(*loaded.model, loaded.tokenizer, recipe_.prompt_template,
                       out_ / kFinalFolder);
      return;
    }
  }

  const Recipe& recipe_;
  const RunOptions& options_;
  const RunEvents& events_;
  fs::path out_;
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
