#include "train/evaluation.h"

#include <algorithm>
#include <numeric>

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

std::vector<int64_t> Indices(int64_t begin, int64_t end) {
  std::vector<int64_t> indices(static_cast<size_t>(end - begin));
  std::iota(indices.begin(), indices.end(), begin);
  return indices;
}

SampleContext SamplingOf(const StageContext& context, const RewardPanel& panel,
                         const nn::Precision& precision) {
  return {.weights = context.model.Packed(context.compute, precision),
          .compute = context.compute,
          .tokenizer = context.tokenizer,
          .generation = context.generation,
          .prompt_template = context.prompt_template,
          .panel = panel,
          .engine = {},
          .progress = {},
          .stop = {},
          .judge_threads = context.judge_threads};
}

SampleContext SamplingOf(const StageContext& context, const RewardPanel& panel) {
  return SamplingOf(context, panel, context.model.precision());
}

namespace {

// One call of SampleProblems.
class Sampling {
 public:
  Sampling(const SampleContext& context, const SampleJob& job)
      : context_(context), job_(job), group_(static_cast<size_t>(job.samples)) {
    const size_t count = job.chosen.size() * group_;
    result_.samples.resize(count);
    if (!Replays()) return;
    RETORT_CHECK(job.replay->size() == count, job.purpose, " step ", job.step, ": stored ",
                 Counted(job.replay->size(), "trace"), " of the interrupted run, now ", count,
                 ". Was the recipe or the program changed?");
  }

  SampleResult Run() {
    const Stopwatch whole;
    rollout::RolloutEngine engine(context_.weights, context_.compute, &context_.tokenizer,
                                  context_.engine);
    try {
      rollout::Generate(
          engine, Requests(),
          {.on_finished = [this](size_t request, Trajectory t) { Take(request, std::move(t)); },
           .stop = context_.stop});
    } catch (const Error&) {
      JudgeRest();
      throw;
    }
    const Stopwatch sampled;
    JudgeRest();
    result_.stats = engine.stats();
    result_.seconds = whole.seconds();
    result_.judge_seconds = sampled.seconds();
    return std::move(result_);
  }

 private:
  bool Replays() const { return job_.replay && !job_.replay->empty(); }
  const Problem& ProblemAt(int64_t index) const {
    return (*job_.problems)[static_cast<size_t>(index)];
  }

  std::vector<rollout::Request> Requests() {
    std::vector<rollout::Request> requests;
    std::map<int64_t, int64_t> draws;  // of each name
    const std::vector<int32_t> stop_ids = model::StopIds(context_.generation, context_.tokenizer);
    for (size_t i = 0; i < job_.chosen.size(); ++i) {
      const int64_t index = job_.chosen[i];
      const int64_t name = job_.names.empty() ? index : job_.names.at(i);
      rollout::Request& request = requests.emplace_back();
      request.prompt = job_.prompts
                           ? job_.prompts->at(i)
                           : model::RenderPrompt(context_.tokenizer, context_.prompt_template,
                                                 ProblemAt(index).prompt);
      request.samples = job_.samples;
      request.first_sample = job_.samples * draws[name]++;
      first_samples_.push_back(request.first_sample);
      request.sampling = job_.sampling;
      request.stop_ids = stop_ids;
      request.stream = {job_.seed, job_.purpose, static_cast<uint64_t>(job_.step),
                        static_cast<uint64_t>(name)};
    }
    return requests;
  }

  // A trajectory is done; judging goes on beside the next.
  void Take(size_t request, Trajectory&& trajectory) {
    trajectory.sample -= first_samples_[request];
    const size_t slot = request * group_ + static_cast<size_t>(trajectory.sample);
    Sample& sample = result_.samples[slot];
    sample.problem_index = job_.chosen[request];
    sample.policy_version = job_.policy_version;
    sample.text = context_.tokenizer.Decode(trajectory.completion);
    sample.trajectory = std::move(trajectory);
    if (context_.progress) context_.progress(++finished_);
    const auto [same, fresh] = judged_.insert(slot);
    if (fresh || Replays()) {
      judges_.Run([this, slot] { Judge(slot); });
    } else {
      repeats_.emplace_back(slot, *same);
    }
  }

  void Judge(size_t slot) {
    Sample& sample = result_.samples[slot];
    const Trajectory& t = sample.trajectory;
    Judgement judgement;
    if (Replays()) {
      const Trace& stored = (*job_.replay)[slot];
      RETORT_CHECK(Says(stored.trajectory, t), job_.purpose, " step ", job_.step, ", sample ", slot,
                   ": the resumed run sampled other tokens than the interrupted one stored. Was "
                   "the program or the machine changed?");
      judgement = context_.panel.FromVerdicts(stored.verdicts);
    } else {
      judgement = context_.panel.Judge({sample.text, ProblemAt(sample.problem_index),
                                        static_cast<int64_t>(t.completion.size()), t.finish});
    }
    sample.verdicts = std::move(judgement.verdicts);
    sample.reward = judgement.reward;
    Tell(slot);
  }

  void JudgeRest() {
    judges_.Wait();
    for (const auto& [slot, same] : repeats_) {
      result_.samples[slot].verdicts = result_.samples[same].verdicts;
      result_.samples[slot].reward = result_.samples[same].reward;
      Tell(slot);
    }
  }

  void Tell(size_t slot) const {
    if (context_.on_judged) context_.on_judged(slot, result_.samples[slot]);
  }

  // Slots by their group and what was said.
  struct Before {
    const Sampling& of;
    bool operator()(size_t a, size_t b) const {
      if (a / of.group_ != b / of.group_) return a < b;
      const auto& samples = of.result_.samples;
      return samples[a].trajectory.completion < samples[b].trajectory.completion;
    }
  };

  const SampleContext& context_;
  const SampleJob& job_;
  const size_t group_;  // samples of a problem
  SampleResult result_;
  std::vector<int64_t> first_samples_;
  int64_t finished_ = 0;
  // A completion that repeats another one of its group, token by token, gets the same verdict: a
  // program runs once.
  std::set<size_t, Before> judged_{Before{*this}};
  std::vector<std::pair<size_t, size_t>> repeats_;  // slot, judged slot
  TaskGroup judges_{context_.judge_threads > 0 ? context_.judge_threads
                                               : context_.compute.executor.threads()};
};

}  // namespace

SampleResult SampleProblems(const SampleContext& context, const SampleJob& job) {
  return Sampling(context, job).Run();
}

}  // namespace retort::train
