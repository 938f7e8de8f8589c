#pragma once
// Runs of a small recipe in child processes, and what they leave behind in a form that two runs can
// be compared by: everything but times.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <map>
#include <string>

#include "base/file.h"
#include "base/fingerprint.h"
#include "base/folder.h"
#include "base/strings.h"
#include "datasets/trace_store.h"
#include "nn/compute.h"
#include "recipes/run.h"

namespace retort::recipes {

namespace fs = std::filesystem;

/// Every kind of stage on models of a few thousand weights. The pretraining stage ends by its
/// probe; the policy then answers well enough for rewards to differ, so that GRPO moves weights.
inline Json SmallRecipe() {
  return ParseJson(R"({
    "name": "small",
    "models": {
      "policy": {"model_type": "deepseek_v3", "hidden_size": 16, "num_hidden_layers": 2,
                 "intermediate_size": 24, "n_routed_experts": 4, "moe_intermediate_size": 8,
                 "num_attention_heads": 2, "kv_lora_rank": 8, "qk_nope_head_dim": 8,
                 "qk_rope_head_dim": 4, "v_head_dim": 8, "initializer_range": 0.1},
      "student": {"model_type": "qwen3", "hidden_size": 16, "num_hidden_layers": 1,
                  "intermediate_size": 24, "initializer_range": 0.1}},
    "stages": [
      {"name": "pretrain", "type": "pretrain", "model": "policy", "steps": 100, "decay_steps": 4,
       "batch_size": 8, "learning_rate": 0.02, "warmup_steps": 2, "save_steps": 16, "save_total_limit": 1,
       "logging_steps": 7, "reasoning_share": 0.1,
       "problems": {"generator": {"families": ["addition:1"], "count": 30}},
       "until": {"every": 18, "decay_reasoning_accuracy": 0, "min_reasoning_accuracy": 0,
                 "problems": {"generator": {"families": ["addition:1"], "count": 3}},
                 "sampling": {"max_completion_length": 12}}},
      {"name": "grpo", "type": "grpo", "model": "policy", "steps": 4, "prompts_per_step": 4,
       "num_generations": 6, "num_iterations": 2, "minibatches": 2, "beta": 0.05,
       "ref_model_sync_steps": 3, "learning_rate": 0.003, "warmup_steps": 0, "save_steps": 2, "save_total_limit": 1,
       "max_completion_length": 16, "entropy_coef": 0.001, "router_bias_update_speed": 0.01,
       "micro_batch_tokens": 200, "reward": [{"verifier": "math", "options": {"extraction": "announced"}},
                                             {"verifier": "format", "weight": 0.5,
                                              "options": {"allow_empty_think": true}}],
       "problems": {"generator": {"families": ["addition:1"], "count": 30}}},
      {"name": "collect", "type": "collect", "model": "policy", "samples": 2,
       "prompts_per_step": 4, "max_completion_length": 16,
       "problems": {"generator": {"families": ["addition:1"], "count": 8}}},
      {"name": "distill", "type": "distill", "model": "student", "steps": 5, "batch_size": 4,
       "save_steps": 2, "save_total_limit": 1, "logging_steps": 2, "warmup_steps": 0, "learning_rate": 0.01,
       "select": {"stage": "collect"}},
      {"name": "measure", "type": "eval", "model": "student", "temperatures": [1, 0],
       "max_completion_length": 8,
       "problems": {"generator": {"families": ["addition:1"], "count": 4}}}]})",
                   "small recipe");
}

/// How a child process ended.
struct ChildEnd {
  bool killed = false;
  int code = 0;         ///< 0 done, 3 interrupted, 1 threw
  std::string message;  ///< of the Error
};

class RunFixture : public ::testing::Test {
 protected:
  struct How {
    int threads = 1;
    bool resume = false;
    bool allow_environment_change = false;
    bool allow_changed_inputs = false;
    std::map<std::string, std::string> environment = {};
    std::function<void()> prepare = {};                ///< in the child, before the run
    std::function<void(RunEvents&)> watch = {};        ///< in the child
    std::function<void(const RunOutcome&)> done = {};  ///< in the child
  };

  /// Starts Run() in a child process. The parent never starts a thread, so it may fork at any time.
  pid_t Start(const Json& recipe, const fs::path& out, const How& how) {
    const pid_t child = ::fork();
    if (child != 0) return child;
    int code = 1;
    try {
      for (const auto& [name, value] : how.environment) {
        ::setenv(name.c_str(), value.c_str(), 1);
      }
      if (how.prepare) how.prepare();
      RunEvents events;
      if (how.watch) how.watch(events);
      const RunOutcome outcome =
          recipes::Run(ReadRecipe(recipe, "recipe"),
                       {.out = out,
                        .threads = how.threads,
                        .resume = how.resume,
                        .allow_environment_change = how.allow_environment_change,
                        .allow_changed_inputs = how.allow_changed_inputs},
                       events);
      if (how.done) how.done(outcome);
      code = outcome.interrupted ? 3 : 0;
    } catch (const Error& error) {
      Report(error.what());
    } catch (const std::exception& error) {
      Report(StrCat("not a retort::Error: ", error.what()));
    }
    ::_exit(code);
  }

  ChildEnd Wait(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    ChildEnd end{WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, WEXITSTATUS(status), {}};
    if (WIFSIGNALED(status) && !end.killed) {
      ADD_FAILURE() << "the child died of signal " << WTERMSIG(status);
    }
    const fs::path report = folder_ / "report";
    if (fs::exists(report)) end.message = ReadFile(report);
    fs::remove(report);
    return end;
  }

  ChildEnd RunChild(const Json& recipe, const fs::path& out, const How& how) {
    return Wait(Start(recipe, out, how));
  }
  /// What this machine can run, best first. Asked in a child: the choice is held, and the children
  /// to come shall make their own.
  std::vector<std::string> Isas() {
    const fs::path file = folder_ / "isas";
    const pid_t child = ::fork();
    if (child == 0) {
      ::unsetenv("RETORT_ISA");
      WriteFileAtomic(file, Join(nn::AvailableIsas(), " "));
      ::_exit(0);
    }
    ::waitpid(child, nullptr, 0);
    const std::vector<std::string> isas = Split(ReadFile(file), ' ');
    fs::remove(file);
    return isas;
  }

  /// Runs to the end or fails the test.
  void RunWhole(const Json& recipe, const fs::path& out, const How& how) {
    const ChildEnd end = RunChild(recipe, out, how);
    EXPECT_TRUE(!end.killed && end.code == 0) << out << ": " << end.message;
  }

  /// Like a user: starts anew while there is no recipe.json, resumes once there is.
  ChildEnd GoOn(const Json& recipe, const fs::path& out, How how) {
    how.resume = fs::exists(out / "recipe.json");
    return RunChild(recipe, out, how);
  }

  void Report(const std::string& message) {
    if (FILE* file = std::fopen((folder_ / "report").c_str(), "w")) {
      std::fwrite(message.data(), 1, message.size(), file);
      std::fclose(file);
    }
  }

  const TemporaryFolder temporary_;
  const fs::path folder_ = temporary_.path();
};

namespace run_fixture {

inline bool IsTime(const std::string& key) {
  return key.starts_with("step_time") || key == "seconds" || key == "tokens_per_second" ||
         key == "created";
}

inline Json WithoutTimes(const Json& json) {
  if (!json.is_structured()) return json;
  Json kept = json.is_array() ? Json::array() : Json::object();
  for (const auto& [key, value] : json.items()) {
    if (json.is_array()) {
      kept.push_back(WithoutTimes(value));
    } else if (!IsTime(key)) {
      kept[key] = WithoutTimes(value);
    }
  }
  return kept;
}

inline std::string Table(const datasets::TraceStore& store, const std::string& query) {
  std::string text;
  for (const auto& row : store.Sql(query).rows) {
    for (const auto& cell : row) text += datasets::CellText(cell) + "|";
    text += "\n";
  }
  return text;
}

}  // namespace run_fixture

/// Everything a finished run directory holds but times, by file or table. `folder` itself and the
/// database's side files do not count.
inline std::map<std::string, std::string> Contents(const fs::path& out) {
  using namespace run_fixture;
  std::map<std::string, std::string> contents;
  for (const auto& entry : fs::recursive_directory_iterator(out)) {
    if (!entry.is_regular_file()) continue;
    const std::string name = fs::relative(entry.path(), out).string();
    if (name.starts_with("traces.db") || name.starts_with("tb/")) continue;
    std::string text = ReadFile(entry.path());
    if (name.ends_with("retort.json")) {  // names the run, which another one is not
      Json marker = ParseJson(text, name);
      for (const char* key : {"owner", name == "retort.json" ? "name" : "owner"}) marker.erase(key);
      text = marker.dump(1);
    }
    if (name.ends_with("stages.json") || name.ends_with("trainer_state.json")) {
      text = WithoutTimes(ParseJson(text, name)).dump(1);
    } else if (name.ends_with(".jsonl")) {
      std::string lines;
      for (const std::string& line : Split(Trim(text), '\n')) {
        lines += ToJsonLine(WithoutTimes(ParseJson(line, name))) + "\n";
      }
      text = lines;
    } else if (name.ends_with(".safetensors")) {
      text = StrCat(text.size(), " bytes, ", Fingerprint().Add(text).Hex());
    }
    contents[name] = text;
  }
  const datasets::TraceStore store(out / "traces.db", datasets::TraceStore::Mode::kRead);
  for (const char* table : {"steps", "problems", "groups", "completions", "verdicts", "checkpoints",
                            "replay_groups", "replay_completions", "replay_verdicts"}) {
    contents[std::string("table ") + table] = Table(store, StrCat("SELECT * FROM ", table));
  }
  contents["table metrics"] =
      Table(store, "SELECT * FROM metrics WHERE name NOT LIKE 'step_time%' ORDER BY 1, 2, 3, 4");
  contents["table selections"] = Table(store, "SELECT filter, ids, hash FROM selections");
  contents["table runs"] = Table(store, "SELECT id, name, recipe FROM runs");
  return contents;
}

/// Names what differs, with the first lines that do.
inline void ExpectSame(const fs::path& got, const fs::path& expected, const std::string& how,
                       const std::string& but = "") {
  auto a = Contents(got), b = Contents(expected);
  a.erase(but), b.erase(but);
  for (const auto& [name, text] : b) {
    if (!a.contains(name)) ADD_FAILURE() << how << ": no " << name;
  }
  for (const auto& [name, text] : a) {
    if (!b.contains(name)) {
      ADD_FAILURE() << how << ": unexpected " << name;
    } else if (b.at(name) != text) {
      const auto x = Split(text, '\n'), y = Split(b.at(name), '\n');
      size_t line = 0;
      while (line < x.size() && line < y.size() && x[line] == y[line]) ++line;
      ADD_FAILURE() << how << ": " << name << " differs at line " << line + 1 << "\n  got      "
                    << (line < x.size() ? x[line].substr(0, 200) : "(end)") << "\n  expected "
                    << (line < y.size() ? y[line].substr(0, 200) : "(end)");
    }
  }
}

}  // namespace retort::recipes
