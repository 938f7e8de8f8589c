#include "train/evaluation.h"

#include <algorithm>

#include "base/plural.h"
#include "base/stopwatch.h"
#include "base/strings.h"

namespace retort::train {
namespace {

constexpr size_t kShownReason = 200;  // bytes

// Whether the last turn of what was stored is what was sampled now.
bool Says(const Trajectory& stored, const Trajectory& sampled) {
  return std::ranges::equal(std::span(stored.completion).subspan(stored.last_turn()),
                            sampled.completion);
}

}  // namespace

void AddOutcomes(std::span<const Sample> samples, Metrics& metrics) {
  std::map<std::string, double> counts;
  for (const Sample& sample : samples) {
    for (const auto& [verifier, verdict] : sample.verdicts) {
      const std::string outcome = verdict.reason.substr(0, verdict.reason.find_first_of("/:"));
      if (!outcome.empty()) ++counts[StrCat("rewards/", verifier, "/", outcome)];
    }
  }
  metrics.insert(metrics.end(), counts.begin(), counts.end());
}

std::string ManyUnjudged(const std::string& judge, std::span<const Sample> samples) {
  std::map<std::string, int64_t> reasons;  // of the unjudged
  int64_t taken = 0, unjudged = 0;
  for (const Sample& sample : samples) {
    for (const auto& [name, verdict] : sample.verdicts) {
      if (name != judge) continue;
      ++taken;
      if (verdict.status != VerdictStatus::kUnjudged) continue;
      ++unjudged;
      ++reasons[verdict.reason];
    }
  }
  if (static_cast<double>(unjudged) <= kManyUnjudged * static_cast<double>(taken)) return "";
  using Count = std::pair<const std::string, int64_t>;
  const Count& most =
      *std::ranges::max_element(reasons, {}, [](const Count& reason) { return reason.second; });
  const std::string what =
      unjudged == taken ? StrCat("judge none of ", Counted(taken, "completion"))
                        : StrCat("not judge ", unjudged, " of ", Counted(taken, "completion"));
  return StrCat("judge '", judge, "' could ", what, " (",
                ToValidUtf8(std::string_view(most.first).substr(0, kShownReason)), ", ",
                Counted(most.second, "time"), "); they are unjudged and count in no mean");
}

std::string FailedJudge(std::span<const Sample> samples) {
  for (const Sample& sample : samples) {
    for (const auto& [name, verdict] : sample.verdicts) {
      if (verdict.status != VerdictStatus::kUnjudged || !verdict.reason.starts_with("error: ")) {
        continue;
      }
      return StrCat("judge '", name, "' failed: ", verdict.reason.substr(7),
                    ". The completion is unjudged, the run goes on");
    }
  }
  return "";
}

void JudgeWarnings::Look(int64_t step, std::span<const Sample> samples) {
  const std::string place = StrCat("stage '", context_.name, "', step ", step, ": ");
  for (const JudgeSpec& judge : panel_.judges()) {
    const std::string many = ManyUnjudged(judge.name, samples);
    Say("unjudged/" + judge.name, !many.empty(), place + many + remark_);
  }
  const std::string failed = FailedJudge(samples);
  if (!failed.empty()) Say("failed", true, place + failed);
}

void JudgeWarnings::Say(const std::string& what, bool holds, const std::string& text) {
  if (!holds) {
    going_on_.erase(what);
  } else if (going_on_.insert(what).second) {
    context_.Warn(text);
  }
}

SampleContext SamplingOf(const StageContext& context, const RewardPanel& panel,
                         nn::Compute& compute) {
  return {.model = context.model,
          .compute = compute,
          .tokenizer = context.tokenizer,
          .prompt_template = context.prompt_template,
          .panel = panel,
          .engine = {},
          .progress = {},
          .stop = {},
          .judge_threads = context.judge_threads};
}

SampleContext SamplingOf(const StageContext& context, const RewardPanel& panel) {
  return SamplingOf(context, panel, context.compute);
}

SampleResult SampleProblems(const SampleContext& context, const SampleJob& job) {
  const Stopwatch whole;
  SampleResult result;
  const size_t count = job.chosen.size() * static_cast<size_t>(job.samples);
  result.samples.resize(count);
  const bool replays = job.replay && !job.replay->empty();
  if (replays) {
    RETORT_CHECK(job.replay->size() == count, job.purpose, " step ", job.step, ": stored ",
                 Counted(job.replay->size(), "trace"), " of the interrupted run, now ", count,
                 ". Was the recipe or the program changed?");
  }

  std::vector<rollout::Request> requests;
  std::vector<int64_t> first_samples;
  std::map<int64_t, int64_t> draws;
  const std::vector<int32_t> stop_ids = model::StopIds(context.tokenizer);
  for (const int64_t index : job.chosen) {
    const Problem& problem = (*job.problems)[static_cast<size_t>(index)];
    rollout::Request& request = requests.emplace_back();
    request.prompt = job.prompts ? job.prompts->at(requests.size() - 1)
                                 : model::RenderPrompt(context.tokenizer, context.prompt_template,
                                                       problem.prompt);
    request.samples = job.samples;
    const int64_t name = job.names.empty() ? index : job.names.at(requests.size() - 1);
    request.first_sample = job.samples * draws[name]++;
    first_samples.push_back(request.first_sample);
    request.sampling = job.sampling;
    request.stop_ids = stop_ids;
    request.stream = {job.seed, job.purpose, static_cast<uint64_t>(job.step),
                      static_cast<uint64_t>(name)};
  }

  rollout::RolloutEngine engine(context.model, context.compute, &context.tokenizer, context.engine);
  int64_t finished = 0;
  // A completion that repeats another one of its group, token by token, gets the same verdict: a
  // program runs once. Slots by their request and what was said.
  const auto said_before = [&](size_t a, size_t b) {
    const auto key = [&](size_t slot) {
      return std::pair(slot / static_cast<size_t>(job.samples),
                       std::cref(result.samples[slot].trajectory.completion));
    };
    return key(a).first != key(b).first ? key(a).first < key(b).first
                                        : key(a).second.get() < key(b).second.get();
  };
  std::set<size_t, decltype(said_before)> judged_slots(said_before);
  std::vector<std::pair<size_t, size_t>> repeats;  // slot, judged slot
  TaskGroup judges(context.judge_threads > 0 ? context.judge_threads
                                             : context.compute.executor.threads());
  rollout::GenerateHooks hooks;
  hooks.stop = context.stop;
  hooks.on_finished = [&](size_t request, Trajectory&& trajectory) {
    trajectory.sample -= first_samples[request];
    const size_t slot =
        request * static_cast<size_t>(job.samples) + static_cast<size_t>(trajectory.sample);
    Sample& sample = result.samples[slot];
    sample.problem_index = job.chosen[request];
    sample.policy_version = job.policy_version;
    sample.text = context.tokenizer.Decode(trajectory.completion);
    sample.trajectory = std::move(trajectory);
    if (context.progress) context.progress(++finished);
    const auto [same, fresh] = judged_slots.insert(slot);
    if (!fresh && !replays) {
      repeats.emplace_back(slot, *same);
      return;
    }
    judges.Run([&, slot] {
      Sample& judged = result.samples[slot];
      const Trajectory& t = judged.trajectory;
      const auto take = [&](Judgement judgement) {
        judged.verdicts = std::move(judgement.verdicts);
        judged.reward = judgement.reward;
      };
      if (replays) {
        const Trace& stored = (*job.replay)[slot];
        RETORT_CHECK(Says(stored.trajectory, t), job.purpose, " step ", job.step, ", sample ", slot,
                     ": the resumed run sampled other tokens than the interrupted one stored. Was "
                     "the program or the machine changed?");
        take(context.panel.FromVerdicts(stored.verdicts));
      } else {
        take(context.panel.Judge({judged.text,
                                  (*job.problems)[static_cast<size_t>(judged.problem_index)],
                                  static_cast<int64_t>(t.completion.size()), t.finish}));
      }
      if (context.on_judged) context.on_judged(slot, judged);
    });
  };
  const auto judge_rest = [&] {
    judges.Wait();
    for (const auto& [slot, same] : repeats) {
      result.samples[slot].verdicts = result.samples[same].verdicts;
      result.samples[slot].reward = result.samples[same].reward;
      if (context.on_judged) context.on_judged(slot, result.samples[slot]);
    }
  };
  try {
    rollout::Generate(engine, std::move(requests), hooks);
  } catch (const Error&) {
    judge_rest();
    throw;
  }
  const Stopwatch sampled;
  judge_rest();
  result.stats = engine.stats();
  result.seconds = whole.seconds();
  result.judge_seconds = sampled.seconds();
  return result;
}

}  // namespace retort::train
