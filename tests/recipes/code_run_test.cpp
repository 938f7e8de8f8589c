// GRPO with the code verifier: candidates that hang, sleep, flood, fork, eat memory, crash or do
// not compile are wrong answers among others. Every step ends, and the metrics count what they did.

#include "tests/recipes/run_fixture.h"
#include "train/evaluation.h"

namespace retort::recipes::code_run_test {
namespace {

struct Candidate {
  const char* program;
  std::vector<std::string> outcomes;  // any of them: layers differ from machine to machine
};

const std::vector<Candidate> kCandidates = {
    {"f=abs", {"accepted"}},
    {"f=lambda x:x", {"wrong-answer"}},
    {"f=1/0", {"runtime-error"}},
    {"exit()", {"runtime-error", "wrong-answer"}},
    {"def", {"compile-error"}},
    {"while 1:0", {"time-limit"}},
    {"from time import*\nsleep(99)", {"time-limit"}},
    {"while 1:print(9)", {"output-limit"}},
    {"from os import*\nwhile 1:fork()", {"process-limit", "denied", "runtime-error"}},
    {"f=[0]*9**9", {"memory-limit", "runtime-error"}},
    {"from os import*\nkill(0,9)", {"runtime-error", "denied"}},
};

class CodeRun : public RunFixture {
 protected:
  /// A policy that knows these programs by heart: question "a" is answered by the first.
  Json HostileRecipe() const {
    std::string rows;
    for (size_t i = 0; i < kCandidates.size(); ++i) {
      rows += ToJsonLine({{"prompt", std::string(1, static_cast<char>('a' + i))},
                          {"answer", kCandidates[i].program},
                          {"language", "python"},
                          {"entry_point", "f"},
                          {"tests", {{{"args", {-3}}, {"expected", 3}}}}}) +
              "\n";
    }
    WriteFileAtomic(folder_ / "candidates.jsonl", rows);
    Json recipe = ParseJson(R"({
      "name": "hostile",
      "models": {
        "policy": {"model_type": "deepseek_v3", "hidden_size": 32, "num_hidden_layers": 2,
                   "intermediate_size": 48, "n_routed_experts": 4, "moe_intermediate_size": 16,
                   "num_attention_heads": 2, "kv_lora_rank": 16, "qk_nope_head_dim": 8,
                   "qk_rope_head_dim": 8, "v_head_dim": 16, "initializer_range": 0.1}},
      "stages": [
        {"name": "learn", "type": "sft", "model": "policy", "steps": 200, "reasoning_share": 0,
         "batch_size": 11, "learning_rate": 0.01, "warmup_steps": 10, "logging_steps": 100},
        {"name": "grpo", "type": "grpo", "model": "policy", "steps": 2, "prompts_per_step": 11,
         "num_generations": 3, "max_completion_length": 48, "learning_rate": 1e-5,
         "reward": [{"verifier": "code", "options": {"time_s": 0.2, "memory_mib": 128, "output_kib": 64}}]}]})",
                            "hostile recipe");
    for (Json& stage : recipe["stages"]) {
      stage["problems"]["file"] = (folder_ / "candidates.jsonl").string();
    }
    return recipe;
  }
};

TEST_F(CodeRun, HostileCandidatesAreJudgedAndCounted) {
  const fs::path out = folder_ / "run";
  RunWhole(HostileRecipe(), out, {.threads = 2});
  const datasets::TraceStore store(out / "traces.db", datasets::TraceStore::Mode::kRead);
  datasets::TraceFilter filter;
  filter.stage = "grpo";
  std::map<int64_t, std::vector<Trace>> traces;  // by step
  store.ForEach(store.Select(filter),
                [&](const Trace& trace) { traces[trace.step].push_back(trace); });
  ASSERT_EQ(traces.size(), 2u);
  if (traces[0][0].verdicts.at(0).verdict.status == VerdictStatus::kUnjudged) {
    GTEST_SKIP() << traces[0][0].verdicts[0].verdict.reason;
  }

  std::map<std::string, std::map<std::string, int>> seen;  // outcomes by program
  for (const datasets::StepRecord& step : store.Steps(1)) {
    if (step.stage != "grpo") continue;
    // What the stored traces say, recounted by other means than the program's.
    std::map<std::string, double> counts;
    for (const Trace& trace : traces[step.key.step]) {
      const Verdict& verdict = trace.verdicts.at(0).verdict;
      const std::string outcome = Split(Split(verdict.reason, '/')[0], ':')[0];
      ++counts["rewards/code/" + outcome];
      const size_t begin = trace.text.find("<answer>"), end = trace.text.find("</answer>");
      if (end != std::string::npos) ++seen[trace.text.substr(begin + 8, end - begin - 8)][outcome];
    }
    std::map<std::string, double> metrics;
    for (const auto& [name, value] : step.metrics) {
      if (name.starts_with("rewards/code/")) metrics[name] = value;
      EXPECT_TRUE(name != "rewards/unjudged" || value == 0);
    }
    EXPECT_EQ(metrics["rewards/code/mean"], counts["rewards/code/accepted"] / 33);
    metrics.erase("rewards/code/mean");
    EXPECT_EQ(metrics, counts);
  }
  for (const auto& [program, outcomes] : kCandidates) {
    ASSERT_TRUE(seen.contains(program)) << "the policy never said: " << program;
    for (const auto& [outcome, times] : seen[program]) {
      EXPECT_NE(std::find(outcomes.begin(), outcomes.end(), outcome), outcomes.end())
          << program << ": " << outcome;
    }
  }
}

}  // namespace
}  // namespace retort::recipes::code_run_test
