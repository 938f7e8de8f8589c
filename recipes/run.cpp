#include "recipes/run.h"

#include <algorithm>
#include <map>

#include "base/stopwatch.h"
#include "base/strings.h"
#include "recipes/check.h"
#include "recipes/internal/run_state.h"
#include "train/run_places.h"
#include "train/stage_export.h"

namespace retort::recipes {
namespace fs = std::filesystem;
namespace {

constexpr const char* kSecondsKey = "seconds";  // in the stage state of a checkpoint

class Runner {
 public:
  Runner(const Recipe& recipe, const RunOptions& options, const RunEvents& events)
      : recipe_(recipe),
        options_(options),
        events_(events),
        state_(
            recipe, options, [this](const std::string& text) { Note(text); },
            events.stop_requested),
        hash_(RecipeHash(recipe)),
        executor_(options.threads),
        compute_(executor_) {
    nn::RequireRunnable(recipe.precision);
    for (const auto& stage : recipe.stages) {  // before hours have gone into other stages
      if (const auto dtype = stage.Needs().dtype) nn::RequireRunnable({.products = *dtype});
    }
    if (!options.profile.empty()) compute_.profile = &profile_.emplace(executor_.threads());
  }

  RunOutcome Run() {
    RunStages();
    if (profile_) profile_->WriteChromeTrace(options_.profile);
    return {state_.stages(), interrupted_};
  }

 private:
  void RunStages() {
    Prepare();
    if (state_.IsComplete()) return;
    for (size_t k = state_.current(); k < recipe_.stages.size(); ++k) {
      if (events_.stage_started) {
        events_.stage_started(k, recipe_.stages.size(), recipe_.stages[k]);
      }
      try {
        state_.RecordInputs(static_cast<int64_t>(k));
        interrupted_ = !RunStage(k);
      } catch (const datasets::Stopped&) {  // while it read the traces of others; nothing of it was
                                            // begun
        interrupted_ = true;
      }
      if (interrupted_) return;
    }
    WriteFinal();
  }

  struct LoadedModel {
    std::unique_ptr<model::LanguageModel> model;
    model::Tokenizer tokenizer;
    model::GenerationConfig generation;
  };

  void Note(const std::string& text) const {
    if (events_.note) events_.note(text);
  }

  // Opens or creates the run directory, the database and the models. What cannot run leaves no run
  // behind, and one that is there as it was.
  void Prepare() {
    const bool exists = state_.HoldsRun();
    const std::string out = state_.out().string();
    RETORT_CHECK(!exists || options_.resume, out,
                 ": holds a run already. Continue it with --resume, or choose another --out");
    RETORT_CHECK(exists || !options_.resume, out, ": nothing to resume, recipe.json is missing");
    if (exists) state_.Open();
    if (state_.IsComplete()) return;
    const size_t k = state_.current();
    RequireSound(CheckRecipe(recipe_, k, events_.stop_requested),
                 [&](const std::string& text) { Note(text); });
    LoadModels(exists ? state_.WeightsBefore(k) : std::map<std::string, Weights>());
    if (exists) {
      if (const Checkpoint* checkpoint = state_.CheckpointOf(k)) {
        model::LoadWeights(*models_.at(checkpoint->state.model).model, checkpoint->folder);
      }
      state_.GoOn();
    } else {
      state_.Begin();
    }
    recorder_ = std::make_unique<train::Recorder>(state_.out(), state_.store(), state_.run());
  }

  // As the stages before left them: from their checkpoint, or from the untrained model that a
  // start_from copied.
  void LoadModels(const std::map<std::string, Weights>& weights) {
    for (const ModelSpec& spec : recipe_.models) {
      LoadedModel loaded = LoadInitial(spec);
      const auto from = weights.find(spec.name);
      if (from != weights.end() && from->second.checkpoint) {
        model::LoadWeights(*loaded.model, from->second.checkpoint->folder);
      } else if (from != weights.end() && from->second.initial != spec.name) {
        const LoadedModel other =
            LoadInitial(*std::ranges::find(recipe_.models, from->second.initial, &ModelSpec::name));
        model::CopyWeights(*other.model, *loaded.model);
      }
      models_.emplace(spec.name, std::move(loaded));
    }
  }

  // Random weights follow from the origin's shape and the seed alone, so a model that starts as
  // another has the same bits without a copy.
  LoadedModel LoadInitial(const ModelSpec& spec) {
    const ModelSpec* origin = &spec;
    while (!origin->same_start_as.empty()) {
      origin = &*std::ranges::find(recipe_.models, origin->same_start_as, &ModelSpec::name);
    }
    LoadedModel loaded{nullptr, model::Tokenizer::ByteLevel(), {}};
    if (!origin->path.empty()) {
      RETORT_CHECK(fs::exists(origin->path), "models.", origin->name, ".path: there is no folder ",
                   origin->path, ". Name a Hugging Face folder or a run directory by --set models.",
                   origin->name, ".path=FOLDER");
      model::Pretrained pretrained =
          model::LoadPretrained(train::FindModel(origin->path).folder, recipe_.precision);
      loaded = {std::move(pretrained.model), std::move(pretrained.tokenizer),
                std::move(pretrained.generation)};
    } else {
      loaded.model =
          model::NewModel(origin->config, static_cast<uint64_t>(recipe_.seed), recipe_.precision);
      loaded.generation = model::NewGenerationConfig(loaded.tokenizer);
    }
    RETORT_CHECK(loaded.tokenizer.vocab_size() <= loaded.model->vocab_size(), "model '", spec.name,
                 "': vocab_size ", loaded.model->vocab_size(), " is smaller than the tokenizer's ",
                 loaded.tokenizer.vocab_size());
    return loaded;
  }

  void Save(size_t k, const train::StageProgress& progress, double seconds) {
    if (progress.step == 0) return;  // nothing new to keep
    const Stage& stage = recipe_.stages[k];
    const LoadedModel& loaded = models_.at(stage.model);
    const int64_t global_step = state_.GlobalStep(progress.step);
    Checkpoint checkpoint{state_.CheckpointFolder(global_step),
                          {.recipe_hash = hash_,
                           .model = stage.model,
                           .stage = stage.name,
                           .stage_index = static_cast<int64_t>(k),
                           .step = progress.step,
                           .global_step = global_step,
                           .stage_state = progress.state,
                           .environment = train::Environment()}};
    checkpoint.state.stage_state[kSecondsKey] = seconds;
    train::SaveCheckpoint(checkpoint.folder, state_.owner(),
                          {.model = loaded.model.get(),
                           .tokenizer = &loaded.tokenizer,
                           .generation = loaded.generation,
                           .prompt_template = recipe_.prompt_template.frame,
                           .optimizer = progress.optimizer,
                           .reference = progress.reference},
                          checkpoint.state);
    state_.Saved(k, std::move(checkpoint));
  }

  train::StageModel Find(const std::string& name) const {
    std::vector<std::string> names;
    for (const ModelSpec& spec : recipe_.models) names.push_back(spec.name);
    const auto found = models_.find(name);
    RETORT_CHECK(found != models_.end(), "'", name, "' is no model of the recipe.",
                 DidYouMean(name, names), " There are: ", Join(names, ", "));
    return {*found->second.model, found->second.tokenizer};
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
                                .generation = loaded.generation,
                                .prompt_template = recipe_.prompt_template,
                                .recorder = *recorder_,
                                .store = state_.store(),
                                .run = state_.run(),
                                .seed = static_cast<uint64_t>(recipe_.seed),
                                .folder = state_.out(),
                                .owner = state_.owner(),
                                .name = stage.name,
                                .stage_index = static_cast<int64_t>(k),
                                .checkpoint = {},
                                .same_environment = state_.same_environment(),
                                .judge_threads = options_.judge_threads,
                                .find_model = [&](const std::string& name) { return Find(name); },
                                .progress = events_.progress,
                                .stop_requested = events_.stop_requested,
                                .save = {},
                                .warn = [&](const std::string& text) { Note("warning: " + text); }};
    // A stage that trains goes on at its checkpoint: what it stored after that is cut back and
    // comes again. One that only samples has no state but the steps it stored.
    const auto elapsed = [&] { return earlier + watch.seconds(); };
    if (const Checkpoint* checkpoint = state_.CheckpointOf(k); checkpoint && stage.type->trains) {
      context.first_step = checkpoint->state.step;
      context.state = checkpoint->state.stage_state;
      context.checkpoint = checkpoint->folder;
      earlier = context.state.value(kSecondsKey, 0.0);
      Note(StrCat("resuming stage '", stage.name, "' after step ", context.first_step));
    } else if (const auto last = state_.store().LastStep(state_.run(), context.stage_index);
               last && !stage.type->trains) {
      context.first_step = *last + 1;
      for (const auto& point : state_.store().Metric(state_.run(), "step_time")) {
        if (point.stage_index == context.stage_index) earlier += point.value;
      }
      Note(StrCat("stage '", stage.name, "' goes on after step ", *last));
    }
    // Once: a checkpoint holds what training has made of the copy.
    if (!stage.start_from.empty() && context.checkpoint.empty()) {
      model::CopyWeights(*models_.at(stage.start_from).model, *loaded.model);
    }
    context.save = [&](const train::StageProgress& progress) { Save(k, progress, elapsed()); };

    const train::StageReport report = stage.type->run(context, stage.options);
    if (report.interrupted) return false;
    Finish(stage, report, elapsed());
    return true;
  }

  void Finish(const Stage& stage, const train::StageReport& report, double seconds) {
    StageResult result{.name = stage.name,
                       .type = stage.type->type,
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
    if (stage.type->trains) {
      result.details["steps"] = report.steps;
      result.details["tokens"] = report.tokens;
      result.details["operations"] = report.operations;
    }
    if (report.sampling_operations > 0) {
      result.details["sampling_operations"] = report.sampling_operations;
    }
    state_.Finish(result);
    if (events_.stage_finished) events_.stage_finished(result);
  }

  void WriteFinal() {
    for (const auto& [name, k] : state_.FinalFolders()) {
      const Stage& stage = recipe_.stages[k];
      const LoadedModel& loaded = models_.at(stage.model);
      train::WriteModelFolder(
          {*loaded.model, loaded.tokenizer, loaded.generation, recipe_.prompt_template.frame},
          {state_.out() / name,
           state_.owner(),
           {{"kind", "final"},
            {"recipe", recipe_.name},
            {"model", stage.model},
            {"stage", stage.name},
            {"revision", state_.revision()},
            {"step", state_.stages()[k].details.value("steps", int64_t{0})}}});
    }
  }

  const Recipe& recipe_;
  const RunOptions& options_;
  const RunEvents& events_;
  RunState state_;
  std::string hash_;
  Executor executor_;
  nn::Compute compute_;
  std::optional<Profile> profile_;
  std::map<std::string, LoadedModel> models_;
  std::unique_ptr<train::Recorder> recorder_;
  bool interrupted_ = false;
};

}  // namespace

RunOutcome Run(const Recipe& recipe, const RunOptions& options, const RunEvents& events) {
  return Runner(recipe, options, events).Run();
}

}  // namespace retort::recipes
