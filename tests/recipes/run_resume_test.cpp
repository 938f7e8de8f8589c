// What a run goes on from, and what it refuses to go on from.

#include "base/folder.h"
#include "recipes/internal/run_directory.h"
#include "recipes/run.h"
#include "tests/recipes/run_fixture.h"

namespace retort::recipes::run_resume_test {
namespace {

class RunResume : public RunFixture {
 protected:
  std::string MessageOf(const Json& recipe, const fs::path& out, const How& how) {
    const ChildEnd end = RunChild(recipe, out, how);
    EXPECT_EQ(end.code, 1) << out;
    return end.message;
  }
  static void ExpectHas(const std::string& message, const std::string& part) {
    EXPECT_NE(message.find(part), std::string::npos) << part << " in: " << message;
  }

  /// Two small models; stages that train, sample and take each other's weights.
  Json Recipe() const {
    return ParseJson(R"({
      "name": "resume",
      "models": {
        "a": {"model_type": "qwen3", "hidden_size": 16, "num_hidden_layers": 1},
        "b": {"same_start_as": "a"}},
      "stages": [
        {"name": "learn", "type": "sft", "model": "a", "steps": 4, "batch_size": 2, "save_steps": 2,
         "warmup_steps": 0, "logging_steps": 1,
         "problems": {"generator": {"families": ["addition:1"], "count": 8}}},
        {"name": "look", "type": "eval", "model": "b", "start_from": "a", "temperatures": [1, 0],
         "max_completion_length": 4,
         "problems": {"generator": {"families": ["addition:1"], "count": 2}}},
        {"name": "more", "type": "sft", "model": "b", "steps": 3, "batch_size": 2, "save_steps": 1,
         "warmup_steps": 0, "logging_steps": 1, "save_total_limit": 1,
         "problems": {"generator": {"families": ["addition:1"], "count": 8}}},
        {"name": "gather", "type": "collect", "model": "a", "start_from": "b",
         "prompts_per_step": 2, "max_completion_length": 4,
         "problems": {"generator": {"families": ["addition:1"], "count": 6}}},
        {"name": "last", "type": "eval", "model": "a", "temperatures": [1],
         "max_completion_length": 4,
         "problems": {"generator": {"families": ["addition:1"], "count": 2}}}]})",
                     "resume recipe");
  }

  /// Ends the run by request when `stage` has reported `done` steps.
  static std::function<void(RunEvents&)> StopIn(const std::string& stage, int64_t done) {
    return [stage, done](RunEvents& events) {
      auto current = std::make_shared<std::string>();
      auto stop = std::make_shared<bool>(false);
      events.stage_started = [=](size_t, size_t, const Stage& s) { *current = s.name; };
      events.progress = [=](int64_t d, int64_t, const train::Metrics&) {
        *stop = *stop || (*current == stage && d >= done);
      };
      events.stop_requested = [=] { return *stop; };
    };
  }
  void StopAt(const Json& recipe, const fs::path& out, const std::string& stage, int64_t done) {
    const ChildEnd end = RunChild(recipe, out, {.watch = StopIn(stage, done)});
    ASSERT_EQ(end.code, 3) << end.message;
  }
  /// Resumes to the end; returns what was noted on the way.
  std::string Resume(const Json& recipe, const fs::path& out, How how = {}) {
    const fs::path notes = folder_ / "notes";
    how.resume = true;
    how.watch = [notes](RunEvents& events) {
      events.note = [notes](const std::string& line) { AppendFile(notes).Write(line + "\n"); };
    };
    RunWhole(recipe, out, how);
    const std::string text = fs::exists(notes) ? ReadFile(notes) : "";
    fs::remove(notes);
    return text;
  }
  static std::string Hash(const fs::path& file) { return Fingerprint().Add(ReadFile(file)).Hex(); }
  std::string Query(const fs::path& out, const std::string& query) {
    return run_fixture::Table(
        datasets::TraceStore(out / "traces.db", datasets::TraceStore::Mode::kRead), query);
  }
};

TEST_F(RunResume, WeightsTakenFromAnotherModelSurviveAnyKill) {
  const fs::path whole = folder_ / "whole", out = folder_ / "out";
  RunWhole(Recipe(), whole, {});
  for (const auto& [point, last] :
       {std::pair{"file-after-rename", 84}, std::pair{"db-after-commit", 24},
        std::pair{"folder-after-rename", 8}}) {
    int passage = 1;
    for (;; passage += last / 8) {
      const std::string kill = StrCat(point, ":", passage);
      if (!RunChild(Recipe(), out, {.environment = {{"RETORT_KILL_AT", kill}}}).killed) break;
      const ChildEnd end = GoOn(Recipe(), out, {});
      ASSERT_TRUE(!end.killed && end.code == 0) << kill << ": " << end.message;
      ExpectSame(out, whole, kill);
      fs::remove_all(out);
    }
    EXPECT_GT(passage, 4 * (last / 8)) << point;
    fs::remove_all(out);
  }
}

TEST_F(RunResume, SamplingGoesOnWhereItStopped) {
  const fs::path whole = folder_ / "whole", out = folder_ / "out";
  RunWhole(Recipe(), whole, {});
  StopAt(Recipe(), out, "gather", 2);
  const std::string stored = Query(out, "SELECT * FROM completions");
  EXPECT_EQ(Query(out, "SELECT count(*) FROM completions WHERE stage = 'gather'"), "4|\n");
  const fs::path told = folder_ / "told";
  RunWhole(Recipe(), out, {.resume = true, .watch = [told](RunEvents& events) {
                             events.progress = [told](int64_t done, int64_t total, const auto&) {
                               AppendFile(told).Write(StrCat(done, "/", total, " "));
                             };
                           }});
  EXPECT_EQ(ReadFile(told), "3/3 1/1 ");  // one step of collect, the evaluation
  ExpectSame(out, whole, "stopped while collecting");
  const std::string all = Query(out, "SELECT * FROM completions");
  EXPECT_EQ(all.substr(0, stored.size()), stored);
}

TEST_F(RunResume, AnEvaluationIsStoredInParts) {
  Json recipe = Recipe();
  recipe["stages"] = {recipe["stages"][4]};
  recipe["stages"][0]["temperatures"] = {1, 0.5};
  recipe["stages"][0]["problems"]["generator"] = {{"families", {"multiplication"}}, {"count", 300}};
  const fs::path whole = folder_ / "whole", out = folder_ / "out";
  RunWhole(recipe, whole, {});
  // One request to stop is asked before each part: the second ends the run behind the first part.
  const ChildEnd end = RunChild(recipe, out, {.watch = [](RunEvents& events) {
                                  auto asked = std::make_shared<int>(0);
                                  events.stop_requested = [asked] { return ++*asked > 1; };
                                }});
  ASSERT_EQ(end.code, 3) << end.message;
  EXPECT_EQ(Query(out, "SELECT count(*) FROM completions"), "256|\n");
  EXPECT_EQ(Query(out, "SELECT count(*) FROM steps"), "0|\n");
  EXPECT_TRUE(RunChild(recipe, out,
                       {.resume = true, .environment = {{"RETORT_KILL_AT", "db-in-transaction:3"}}})
                  .killed);
  Resume(recipe, out);
  ExpectSame(out, whole, "an evaluation in parts");
}

TEST_F(RunResume, PartsOfAnEvaluationOfOtherProblemsAreSuperseded) {
  Json recipe = Recipe();
  recipe["stages"] = {recipe["stages"][4]};
  Json& problems = recipe["stages"][0]["problems"];
  problems["generator"] = {{"families", {"multiplication"}}, {"count", 300}};
  const fs::path out = folder_ / "out", whole = folder_ / "whole";
  const ChildEnd end = RunChild(recipe, out, {.watch = [](RunEvents& events) {
                                  auto asked = std::make_shared<int>(0);
                                  events.stop_requested = [asked] { return ++*asked > 1; };
                                }});
  ASSERT_EQ(end.code, 3) << end.message;
  problems["generator"]["count"] = 20;  // fewer than have been asked
  ExpectHas(Resume(recipe, out), "'last' begins anew");
  RunWhole(recipe, whole, {});
  const char* said = "SELECT stage, step, hex(token_ids) FROM completions";
  EXPECT_EQ(Query(out, said), Query(whole, said));
  EXPECT_EQ(Query(out, "SELECT count(*) FROM replay_completions"), "256|\n");
  EXPECT_EQ(Query(out, "SELECT DISTINCT reason FROM replay_groups"), "superseded|\n");
}

TEST_F(RunResume, ACollectionWithOtherOptionsBeginsAnew) {
  const fs::path out = folder_ / "out", whole = folder_ / "whole";
  StopAt(Recipe(), out, "gather", 2);
  Json recipe = Recipe();
  recipe["stages"][3]["temperature"] = 0.5;
  ExpectHas(Resume(recipe, out), "'gather' begins anew");
  RunWhole(recipe, whole, {});
  const char* said = "SELECT stage, step, hex(token_ids) FROM completions";
  EXPECT_EQ(Query(out, said), Query(whole, said));
}

TEST_F(RunResume, WhatHasNotRunMayChange) {
  const fs::path out = folder_ / "out", whole = folder_ / "whole";
  StopAt(Recipe(), out, "more", 2);
  Json recipe = Recipe();
  recipe["description"] = "corrected";
  recipe["stages"][2]["save_steps"] = 2;
  recipe["stages"][3]["samples"] = 2;
  recipe["stages"].erase(4);
  recipe["models"]["unused"] = {{"model_type", "qwen3"}, {"hidden_size", 32}};
  const std::string notes = Resume(recipe, out);
  ExpectHas(notes, "gather.samples: 1, now 2");
  ExpectHas(notes, "'last' is gone");
  ExpectHas(notes, "description: ");
  EXPECT_EQ(notes.find("anew"), std::string::npos);
  EXPECT_EQ(ParseJson(ReadFile(out / "recipe.json"), "")["stages"][3]["samples"], 2);
  ExpectHas(Query(out, "SELECT revision, changes FROM revisions ORDER BY 1"), "gather.samples");
  RunWhole(recipe, whole, {});
  for (const char* file : {"final/model.safetensors", "final-a/model.safetensors"}) {
    EXPECT_EQ(Hash(out / file), Hash(whole / file));
  }
  const char* said = "SELECT id, stage, step, hex(token_ids), reward FROM completions";
  EXPECT_EQ(Query(out, said), Query(whole, said));
}

TEST_F(RunResume, WhatFinishedStagesDependedOnMayNot) {
  const fs::path out = folder_ / "out";
  StopAt(Recipe(), out, "more", 2);
  const auto before = Contents(out);
  const auto refused = [&](const std::function<void(Json&)>& change, const std::string& names) {
    Json recipe = Recipe();
    change(recipe);
    const std::string message = MessageOf(recipe, out, {.resume = true});
    ExpectHas(message, "another recipe");
    ExpectHas(message, names);
    for (const auto& [name, text] : Contents(out)) {
      EXPECT_TRUE(before.contains(name) && before.at(name) == text) << names << ": " << name;
    }
  };
  refused([](Json& r) { r["seed"] = 2; }, "seed: 1, now 2");
  refused([](Json& r) { r["models"]["a"]["num_hidden_layers"] = 2; }, "models.a.num_hidden_layers");
  refused([](Json& r) { r["stages"][0]["learning_rate"] = 0.1; }, "learn.learning_rate");
  refused([](Json& r) { r["stages"][0]["problems"]["generator"]["count"] = 9; },
          "learn.problems.generator.count: 8, now 9");
  refused([](Json& r) { r["stages"][1]["temperatures"] = {1}; }, "look.temperatures");
  refused([](Json& r) { r["stages"][0]["name"] = "other"; }, "\"learn\", now \"other\"");
  refused([](Json& r) { r["stages"].erase(0); }, "stages[0]");
  // More steps would change what stages behind it started from.
  refused([](Json& r) { r["stages"][0]["steps"] = 6; }, "learn.steps: 4, now 6");
}

TEST_F(RunResume, AChangedStageBeginsAnewAndWhatItDidStaysOnRecord) {
  const fs::path out = folder_ / "out", whole = folder_ / "whole";
  StopAt(Recipe(), out, "more", 2);
  Json recipe = Recipe();
  recipe["stages"][2]["learning_rate"] = 0.01;
  const std::string notes = Resume(recipe, out);
  ExpectHas(notes, "'more' begins anew");
  ExpectHas(notes, "more.learning_rate: 0.002, now 0.01");
  EXPECT_TRUE(fs::exists(out / "superseded-checkpoint-6" / "model.safetensors"));
  EXPECT_EQ(Query(out, "SELECT stage, step, reason FROM superseded_steps"),
            "more|0|superseded|\nmore|1|superseded|\n");
  RunWhole(recipe, whole, {});
  EXPECT_EQ(Hash(out / "final/model.safetensors"), Hash(whole / "final/model.safetensors"));
}

TEST_F(RunResume, AFinishedRunTakesMoreStepsAndMoreStages) {
  const fs::path out = folder_ / "out", whole = folder_ / "whole";
  RunWhole(Recipe(), out, {});
  const std::string before = Query(out, "SELECT count(*) FROM completions");
  Json recipe = Recipe();
  recipe["stages"][2]["steps"] = 5;
  recipe["stages"].push_back(recipe["stages"][1]);
  recipe["stages"][5]["name"] = "again";
  const std::string notes = Resume(recipe, out);
  ExpectHas(notes, "'more' goes on from its end");
  RunWhole(recipe, whole, {});
  for (const char* file : {"final/model.safetensors", "final-a/model.safetensors"}) {
    EXPECT_EQ(Hash(out / file), Hash(whole / file)) << file;
  }
  const char* said =
      "SELECT stage, step, sample, hex(token_ids), reward FROM completions ORDER BY id";
  EXPECT_EQ(Query(out, said), Query(whole, said));
  EXPECT_EQ(Query(out, "SELECT count(*) FROM replay_completions"), "8|\n") << "gather and last";
  // Where the rate depends on the number of steps, the steps that are done would be others.
  recipe["stages"][2]["lr_scheduler_type"] = "linear";
  ExpectHas(MessageOf(recipe, out, {.resume = true}), "more.lr_scheduler_type");
}

TEST_F(RunResume, InputsMustBeWhatTheyWere) {
  const fs::path out = folder_ / "out", first = folder_ / "first", data = folder_ / "data.jsonl";
  const std::string rows = "{\"prompt\": \"1+1\", \"answer\": \"2\"}\n";
  WriteFileAtomic(data, rows);
  Json start = Recipe();
  start["stages"] = {start["stages"][0]};
  RunWhole(start, first, {});
  Json recipe = Recipe();
  recipe["models"]["a"] = {{"path", (first / "final").string()}};
  recipe["stages"][0]["problems"] = {{"file", data.string()}};
  recipe["stages"][4]["problems"] = {{"file", data.string()}};
  StopAt(recipe, out, "more", 2);

  WriteFileAtomic(data, rows + rows);
  const std::string changed = MessageOf(recipe, out, {.resume = true});
  ExpectHas(changed, data.string());
  ExpectHas(changed, "stage 'learn'");
  ExpectHas(changed, "--allow-changed-inputs");
  WriteFileAtomic(data, rows);

  const fs::path weights = first / "final" / "model.safetensors";
  const std::string bytes = ReadFile(weights);
  WriteFileAtomic(weights, bytes.substr(0, bytes.size() - 1) + "\x01");
  ExpectHas(MessageOf(recipe, out, {.resume = true}), (first / "final").string());
  WriteFileAtomic(weights, bytes);

  fs::rename(data, folder_ / "moved.jsonl");  // the same bytes elsewhere are the same input
  recipe["stages"][0]["problems"]["file"] = (folder_ / "moved.jsonl").string();
  recipe["stages"][4]["problems"]["file"] = (folder_ / "moved.jsonl").string();
  StopAt(recipe, folder_ / "unrelated", "learn", 1);
  {
    const ChildEnd end = RunChild(recipe, out, {.resume = true, .watch = StopIn("gather", 1)});
    EXPECT_EQ(end.code, 3) << end.message;
  }
  WriteFileAtomic(folder_ / "moved.jsonl", rows + rows);
  ExpectHas(Resume(recipe, out, {.allow_changed_inputs = true}), "has changed since it was read");
  EXPECT_EQ(Query(out, "SELECT count(*) FROM completions WHERE stage = 'last'"), "2|\n");
}

TEST_F(RunResume, InputsAreToldApartByTheirPlace) {
  // A model with a path, new in the recipe, must not shift which file is compared with which.
  const fs::path out = folder_ / "out", first = folder_ / "first", data = folder_ / "data.jsonl";
  const std::string rows = "{\"prompt\": \"1+1\", \"answer\": \"2\"}\n";
  WriteFileAtomic(data, rows);
  Json start = Recipe();
  start["stages"] = {start["stages"][0]};
  RunWhole(start, first, {});
  Json recipe = start;
  recipe["stages"][0]["problems"] = {{"file", data.string()}};
  RunWhole(recipe, out, {});
  WriteFileAtomic(data, rows + rows);
  recipe["models"]["c"] = {{"path", (first / "final").string()}};
  recipe["stages"].push_back(Recipe()["stages"][4]);
  recipe["stages"][1]["model"] = "c";
  ExpectHas(MessageOf(recipe, out, {.resume = true}),
            data.string() + ": is not what stage 'learn'");
}

TEST_F(RunResume, ARecipeThatCannotRunChangesNothing) {
  const fs::path out = folder_ / "out", data = folder_ / "data.jsonl";
  WriteFileAtomic(data, "{\"prompt\": \"1+1\", \"answer\": \"2\"}\n");
  Json recipe = Recipe();
  recipe["stages"] = {recipe["stages"][0]};
  recipe["stages"][0]["problems"] = {{"file", data.string()}};
  RunWhole(recipe, out, {});
  const auto before = Contents(out);
  Json more = recipe;
  more["stages"][0]["steps"] = 6;
  fs::rename(data, folder_ / "away");
  ExpectHas(MessageOf(more, out, {.resume = true}), data.string());
  fs::rename(folder_ / "away", data);
  Json missing = recipe;
  missing["stages"].push_back(Recipe()["stages"][4]);
  missing["stages"][1]["problems"] = {{"file", (folder_ / "none.jsonl").string()}};
  ExpectHas(MessageOf(missing, out, {.resume = true}), "none.jsonl");
  EXPECT_EQ(Contents(out) == before, true);
  EXPECT_EQ(Resume(recipe, out), "") << "it is finished, as it was";
}

TEST_F(RunResume, AFinalFolderOfBeforeTheChangeIsNotTheEnd) {
  const fs::path again = folder_ / "again", whole = folder_ / "whole";
  Json shorter = Recipe();
  shorter["stages"] = {shorter["stages"][0]};
  Json recipe = shorter;
  recipe["stages"][0]["steps"] = 6;
  RunWhole(recipe, whole, {});
  for (const int passage : {1, 2, 3}) {
    RunWhole(shorter, again, {});
    RunChild(recipe, again,
             {.resume = true,
              .environment = {{"RETORT_KILL_AT", StrCat("folder-before-rename:", passage)}}});
    Resume(recipe, again);
    EXPECT_EQ(Hash(again / "final" / "model.safetensors"),
              Hash(whole / "final" / "model.safetensors"))
        << passage;
    fs::remove_all(again);
  }
}

TEST_F(RunResume, WhatHasBeenDeletedIsMissed) {
  const fs::path out = folder_ / "out", kept = folder_ / "kept";
  StopAt(Recipe(), out, "gather", 1);
  const auto without = [&](const std::string& name, const std::string& says) {
    fs::rename(out / name, kept);
    const std::string message = MessageOf(Recipe(), out, {.resume = true});
    ExpectHas(message, says);
    fs::rename(kept, out / name);
  };
  without("traces.db", "traces.db: is missing");
  without("checkpoint-4", "the checkpoint of stage 'learn' is missing");
  without("checkpoint-7", "the checkpoint of stage 'more' is missing");
  without("recipe.json", "recipe.json is missing");
  fs::rename(out / "recipe.json", kept);
  ExpectHas(MessageOf(Recipe(), out, {}), "the run has begun");
  fs::rename(kept, out / "recipe.json");
  Resume(Recipe(), out);

  const fs::path other = folder_ / "other";
  StopAt(Recipe(), other, "learn", 3);
  fs::rename(other / "checkpoint-3", kept);
  ExpectHas(Resume(Recipe(), other), "checkpoint-3 is missing; going on from checkpoint-2");
  ExpectSame(other, out, "from an older checkpoint", "table checkpoints");
  const fs::path third = folder_ / "third";
  StopAt(Recipe(), third, "learn", 1);
  fs::remove_all(third / "checkpoint-1");
  ExpectHas(MessageOf(Recipe(), third, {.resume = true}), "checkpoint-1: is missing");
}

TEST_F(RunResume, SavingChangesNothingOnAnyInstructionSet) {
  Json often = Recipe(), seldom = Recipe();
  for (const size_t k : {0, 2}) often["stages"][k]["save_steps"] = 1;
  for (const size_t k : {0, 2}) seldom["stages"][k]["save_steps"] = 0;
  for (const std::string& isa : Isas()) {
    std::vector<std::string> models;
    for (const auto& [name, recipe] : {std::pair{"often", often}, std::pair{"seldom", seldom}}) {
      const fs::path out = folder_ / StrCat(isa, name);
      RunWhole(recipe, out, {.environment = {{"RETORT_ISA", isa}}});
      models.push_back(Hash(out / "final/model.safetensors"));
      ExpectHas(ReadFile(out / "checkpoint-7" / "trainer_state.json"), StrCat("\"", isa, "\""));
    }
    EXPECT_EQ(models[0], models[1]) << isa;
  }
}

TEST_F(RunResume, SaveTotalLimitKeepsTheNewestAndWhatStagesStartFrom) {
  Json recipe = Recipe();
  recipe["stages"][0]["save_steps"] = 1;
  recipe["stages"][0]["save_total_limit"] = 2;
  recipe["stages"][2]["save_total_limit"] = 3;
  const fs::path out = folder_ / "out";
  RunWhole(recipe, out, {});
  const auto kept =
      Query(out, "SELECT path, model FROM checkpoints WHERE kept ORDER BY step, path");
  // Stage `more` begins from checkpoint-4; checkpoint-3 went when its third one came.
  EXPECT_EQ(kept, "checkpoint-6|b|\ncheckpoint-7|b|\ncheckpoint-4|a|\n");
  for (const char* name : {"checkpoint-4", "checkpoint-6", "checkpoint-7"}) {
    EXPECT_TRUE(fs::exists(out / name)) << name;
  }
  for (const char* name : {"checkpoint-1", "checkpoint-2", "checkpoint-3", "checkpoint-5"}) {
    EXPECT_FALSE(fs::exists(out / name)) << name;
  }
  recipe["stages"][0].erase("save_total_limit");
  recipe["stages"][2].erase("save_total_limit");
  RunWhole(recipe, folder_ / "all", {});
  for (int step = 1; step <= 7; ++step) {
    EXPECT_TRUE(fs::exists(folder_ / "all" / StrCat("checkpoint-", step))) << step;
  }
}

TEST_F(RunResume, ARunFromBeforeThereWereMarkersGoesOn) {
  const fs::path out = folder_ / "out", whole = folder_ / "whole";
  Json recipe = Recipe();
  recipe["stages"][1] = {
      {"name", "look"}, {"type", "export"}, {"model", "b"}, {"path", "exported"}};
  RunWhole(recipe, whole, {});
  StopAt(recipe, out, "more", 2);
  for (const auto& entry : fs::recursive_directory_iterator(out)) {
    if (entry.path().filename() == kMarkerFile) fs::remove(entry.path());
  }
  datasets::TraceStore(out / "traces.db", datasets::TraceStore::Mode::kWrite).SetUid(1, "");
  ExpectHas(MessageOf(recipe, out, {}), "holds a run already");
  Resume(recipe, out);
  EXPECT_EQ(Hash(out / "final/model.safetensors"), Hash(whole / "final/model.safetensors"));
}

}  // namespace
}  // namespace retort::recipes::run_resume_test
