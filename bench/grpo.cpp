// A whole GRPO step as a recipe runs it: sampling, judging, learning and recording, by the stage
// itself. No answer ends by itself, so that every step does the same work.

#include "rl/grpo.h"

#include <chrono>
#include <map>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/options.h"
#include "base/stopwatch.h"
#include "base/strings.h"
#include "bench/bench.h"
#include "cli/parts/interrupt.h"
#include "cli/parts/memory.h"
#include "cli/parts/progress.h"
#include "model/byte_alphabet.h"
#include "model/template.h"
#include "verifiers/registry.h"

namespace retort::bench {
namespace {
namespace fs = std::filesystem;

struct GrpoShape {
  int64_t prompts, samples, prompt, new_tokens;
  int64_t judge_ms = 0;
};

/// The bytes, and an end token that the model does not know.
model::Tokenizer EndlessTokenizer(int64_t vocabulary, const fs::path& folder) {
  Json bytes = Json::object();
  for (int byte = 0; byte < 256; ++byte) {
    bytes[model::BytesToAlphabet(std::string(1, static_cast<char>(byte)))] = byte;
  }
  const Json level = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
  const Json end = {
      {"id", std::max<int64_t>(vocabulary, 256)}, {"content", model::kEndToken}, {"special", true}};
  WriteFileAtomic(
      folder / "tokenizer.json",
      ToJsonLine({{"added_tokens", {end}},
                  {"pre_tokenizer", level},
                  {"decoder", level},
                  {"model", {{"type", "BPE"}, {"vocab", bytes}, {"merges", Json::array()}}}}));
  WriteFileAtomic(folder / "tokenizer_config.json", ToJsonLine({{"eos_token", model::kEndToken}}));
  return model::Tokenizer::Load(folder);
}

/// Questions that fill their prompts. The answer is a digit, which what a random model says last is
/// now and then: rewards differ within a group.
fs::path WriteProblems(const GrpoShape& sizes, const model::Tokenizer& tokenizer,
                       const fs::path& folder) {
  const auto frame = static_cast<int64_t>(
      model::RenderPrompt(tokenizer, model::PromptTemplate::kShort, "").size());
  RETORT_CHECK(sizes.prompt > frame, "bench grpo: --length: got ", sizes.prompt,
               ", but the template around a question takes ", frame, ". Use ", frame + 1,
               " or more");
  std::string lines;
  for (int64_t p = 0; p < sizes.prompts; ++p) {
    std::string question;
    for (const int32_t digit : RandomTokens(sizes.prompt - frame, 10, static_cast<uint64_t>(p))) {
      question += static_cast<char>('0' + digit);
    }
    lines += ToJsonLine({{"prompt", question}, {"answer", "7"}}) + "\n";
  }
  WriteFileAtomic(folder / "problems.jsonl", lines);
  return folder / "problems.jsonl";
}

rl::GrpoOptions Options(const GrpoShape& sizes, const fs::path& problems,
                        const BenchOptions& options) {
  rl::GrpoOptions grpo;
  grpo.problems.file = problems;
  grpo.reward = {{"math", 1, {{"extraction", "any"}}}};
  grpo.steps = Meter::Runs(options);
  grpo.rollout_dtype = options.rollout_dtype;
  grpo.prompts_per_step = sizes.prompts;
  grpo.num_generations = sizes.samples;
  grpo.sampling.max_completion_length = sizes.new_tokens;
  grpo.optimizer = {.learning_rate = 1e-6};
  return grpo;
}

// What a verifier says, after a while.
class SlowVerifier : public verifiers::Verifier {
 public:
  SlowVerifier(std::unique_ptr<Verifier> verifier, int64_t ms)
      : verifier_(std::move(verifier)), wait_(ms) {}
  Verdict Judge(const verifiers::Response& response) const override {
    if (wait_.count() > 0) std::this_thread::sleep_for(wait_);
    return verifier_->Judge(response);
  }

 private:
  std::unique_ptr<Verifier> verifier_;
  std::chrono::milliseconds wait_;
};

Json GrpoRow(const BenchShape& shape, const GrpoShape& sizes, const BenchOptions& options,
             nn::Compute& compute) {
  const TemporaryFolder folder;
  const auto model = model::NewModel(shape.config, 1, options.precision);
  const model::Tokenizer tokenizer = EndlessTokenizer(model->vocab_size(), folder.path());
  const rl::GrpoOptions grpo =
      Options(sizes, WriteProblems(sizes, tokenizer, folder.path()), options);
  datasets::TraceStore store(folder.path() / "traces.db", datasets::TraceStore::Mode::kWrite);
  const int64_t run = store.CreateRun("bench", Json::object());
  train::Recorder recorder(folder.path(), store, run);

  Meter meter(compute, options);
  Progress progress("grpo " + shape.name);
  std::map<std::string, std::vector<double>> parts;  // seconds of each step
  Stopwatch watch;
  const auto begin_step = [&] {
    RETORT_CHECK(!Interrupted(), "interrupted");
    meter.Begin();
    watch = Stopwatch();
  };
  double operations = 0, operations_before = 0, logp_difference = 0;
  const train::StageContext context{
      .compute = compute,
      .model = *model,
      .tokenizer = tokenizer,
      .recorder = recorder,
      .store = store,
      .run = run,
      .name = "grpo",
      .checkpoint = {},
      .judge_threads = sizes.judge_ms > 0 ? static_cast<int>(sizes.prompts * sizes.samples) : 0,
      .make_verifier =
          [&](const std::string& name, const Json& json, const std::string& where) {
            return std::make_unique<SlowVerifier>(verifiers::MakeVerifier(name, json, where),
                                                  sizes.judge_ms);
          },
      .progress =
          [&](int64_t done, int64_t total, const train::Metrics& metrics) {
            const double seconds = watch.seconds();
            meter.End(seconds);
            std::map<std::string, double> metric(metrics.begin(), metrics.end());
            const double step = metric["step_time"];
            const double judge = metric["step_time/judge"], update = metric["step_time/update"];
            logp_difference = metric["sampling/sampling_logp_difference/mean"];
            operations_before = operations;
            operations = metric["operations"] + metric["sampling_operations"];
            if (done > 1 && done < total) {  // what the meter counts
              parts["rollout_seconds"].push_back(step - judge - update);
              parts["judge_seconds"].push_back(judge);
              parts["update_seconds"].push_back(update);
              parts["record_seconds"].push_back(seconds - step);
            }
            progress.Update(static_cast<double>(done), static_cast<double>(total));
            if (done < total) begin_step();
          },
      .stop_requested = {},
      .save = [](const train::StageProgress&) {}};
  const MemoryGrowth memory;
  begin_step();
  rl::RunGrpo(context, grpo);

  const Timing timing = meter.Result();
  Json row = Row(shape, sizes.prompts, options.precision, compute.executor.threads());
  row["samples"] = sizes.samples;
  row["prompt"] = sizes.prompt;
  row["new_tokens"] = sizes.new_tokens;
  row["judge_ms"] = sizes.judge_ms;
  row["rollout_dtype"] = EnumName(options.rollout_dtype.value_or(options.precision.products));
  row["sampling_logp_difference"] = logp_difference;
  AddSpeed(timing, static_cast<double>(sizes.prompts * sizes.samples * sizes.new_tokens),
           operations - operations_before, row);
  for (const char* part :
       {"rollout_seconds", "judge_seconds", "update_seconds", "record_seconds"}) {
    row[part] = Median(parts[part]);
  }
  row["peak_bytes"] = memory.peak();
  return row;
}

}  // namespace

std::vector<Json> BenchGrpo(const BenchOptions& options, nn::Compute& compute) {
  std::vector<Json> rows;
  for (const std::string& name : OneOr(options.shapes, {"S"})) {
    for (const int64_t prompts : OneOr(options.batch, {8})) {
      GrpoShape sizes{.prompts = prompts,
                      .samples = Or(options.samples, 16),
                      .prompt = Or(options.length, 64),
                      .new_tokens = Or(options.new_tokens, 128)};
      rows.push_back(GrpoRow(FindShape(name), sizes, options, compute));
      if (options.judge_ms == 0) continue;
      sizes.judge_ms = options.judge_ms;
      rows.push_back(GrpoRow(FindShape(name), sizes, options, compute));
    }
  }
  return rows;
}

}  // namespace retort::bench
