#include "train/problems.h"

#include <algorithm>
#include <numeric>
#include <variant>

#include "base/fingerprint.h"
#include "base/plural.h"
#include "base/random.h"
#include "base/strings.h"

namespace retort::train {
namespace {

constexpr size_t kShownLong = 3;  // overlong problems named in a message
constexpr size_t kTags = 64;      // tokens around a worked solution at most, tags spelled out

}  // namespace

datasets::Split SideOf(std::string_view canonical, const std::vector<double>& shares) {
  const double total = std::accumulate(shares.begin(), shares.end(), 0.0);
  RETORT_CHECK(shares.size() == 3 && total > 0, "split_shares: got ", shares.size(),
               " shares that add up to ", total,
               ", expected three, of train, validation and held_out, such as [0.8, 0.1, 0.1]");
  const uint64_t hash = FingerprintOf(canonical.substr(0, canonical.find('\t')));
  const double place = static_cast<double>(hash >> 11) * 0x1p-53 * total;
  return place < shares[0]               ? datasets::Split::kTrain
         : place < shares[0] + shares[1] ? datasets::Split::kValidation
                                         : datasets::Split::kHeldOut;
}

std::vector<Problem> GetProblems(const ProblemOptions& options,
                                 const std::function<void(const std::string&)>& bad_row) {
  if (options.file.empty()) {
    RETORT_CHECK(options.split_shares.empty(),
                 "split_shares: has no effect on generated problems, whose split is fixed; remove "
                 "it or name a file");
    return datasets::GenerateProblems(options.generator, options.split);
  }
  if (!options.split_shares.empty()) SideOf("", options.split_shares);
  std::vector<Problem> problems;
  int64_t rows = 0;
  datasets::ForEachProblem(
      options.file, options.columns,
      [&](Problem problem) {
        ++rows;
        if (!options.split_shares.empty() &&
            SideOf(problem.canonical, options.split_shares) != options.split) {
          return;
        }
        problems.push_back(std::move(problem));
      },
      bad_row);
  RETORT_CHECK(!problems.empty() || (bad_row && rows == 0), options.file, ": none of its ",
               Counted(rows, "problem"), " is on the side '", EnumName(options.split),
               "'; give that side a larger share in split_shares");
  return problems;
}

int64_t Positions(const model::ModelConfig& config) {
  return model::Common(config).max_position_embeddings;
}

Overlongs FindOverlong(const std::vector<Problem>& problems, const ProblemOptions& options,
                       const Room& room) {
  const int64_t context = room.positions - room.completion.value_or(0) + 1;
  const int64_t prompt_limit = options.max_prompt_length.value_or(context);
  const char* remedy = prompt_limit < context ? "raise max_prompt_length"
                       : room.completion      ? "lower max_completion_length"
                                              : "give the model more max_position_embeddings";
  Overlongs found{{},
                  static_cast<int64_t>(problems.size()),
                  std::min(context, prompt_limit),
                  StrCat("Set problems.overlong to \"skip\", or ", remedy)};
  const auto frame = static_cast<int64_t>(
      model::RenderPrompt(room.tokenizer, room.prompt_template, "").size() + kTags);
  for (size_t i = 0; i < problems.size(); ++i) {
    const Problem& problem = problems[i];
    size_t bytes = problem.prompt.size();
    if (!room.completion) bytes += problem.solution.size() + problem.answer.size();
    // Every byte is one token at most.
    if (static_cast<int64_t>(bytes) + frame <= found.limit) continue;
    const LearnGroup group =
        WorkedGroup(room.tokenizer, room.prompt_template, problem, /*reasons=*/true);
    const auto prompt = static_cast<int64_t>(group.prompt.size());
    const auto solution = static_cast<int64_t>(group.completions[0].size());
    const int64_t tokens = room.completion ? prompt : prompt + solution;
    if (tokens > context || prompt > prompt_limit)
      found.problems.push_back({i, problem.id, tokens});
  }
  return found;
}

void Remove(const Overlongs& overlong, std::vector<Problem>& problems) {
  size_t next = 0, kept = 0;
  for (size_t i = 0; i < problems.size(); ++i) {
    if (next < overlong.problems.size() && overlong.problems[next].index == i) {
      ++next;
      continue;
    }
    if (kept != i) problems[kept] = std::move(problems[i]);
    ++kept;
  }
  problems.resize(kept);
}

std::string Overlongs::Text() const {
  std::vector<LongProblem> longest = problems;
  std::ranges::stable_sort(longest, std::greater(), &LongProblem::tokens);
  longest.resize(std::min(longest.size(), kShownLong));
  std::vector<std::string> shown;
  for (const LongProblem& problem : longest) {
    shown.push_back(StrCat("'", problem.id, "' with ", Counted(problem.tokens, "token")));
  }
  return StrCat(PartIs(problems.size(), of, "problem"), " too long: ", Join(shown, ", "),
                problems.size() > shown.size() ? ", …" : "", "; at most ",
                std::max(limit, int64_t{0}), " fit");
}

std::vector<Problem> ProblemsOf(const StageContext& context, const ProblemOptions& options,
                                std::optional<int64_t> completion, Json& details) {
  std::vector<Problem> problems = GetProblems(options);
  const Overlongs overlong = FindOverlong(
      problems, options,
      {context.tokenizer, context.prompt_template, Positions(context.model.config()), completion});
  if (overlong.problems.empty()) return problems;
  const std::string text = StrCat("stage '", context.name, "': ", overlong.Text());
  RETORT_CHECK(options.overlong == Overlong::kSkip, text, ". ", overlong.remedy);
  Remove(overlong, problems);
  RETORT_CHECK(!problems.empty(), text, ", so none is left");
  context.Warn(text + "; they are skipped");
  Json first = Json::array();
  for (size_t i = 0; i < std::min(overlong.problems.size(), kShownLong); ++i) {
    const LongProblem& problem = overlong.problems[i];
    first.push_back({{"id", problem.id}, {"tokens", problem.tokens}});
  }
  details["overlong"] = {{"skipped", overlong.problems.size()}, {"first", std::move(first)}};
  return problems;
}

LearnGroup WorkedGroup(const model::Tokenizer& tokenizer, const model::PromptFormat& format,
                       const Problem& problem, bool reasons) {
  return {model::RenderPrompt(tokenizer, format, problem.prompt),
          {model::RenderCompletion(tokenizer, {reasons ? problem.solution : "", problem.answer})}};
}

ShuffledOrder::ShuffledOrder(int64_t count, uint64_t seed, std::string purpose)
    : count_(count), seed_(seed), purpose_(std::move(purpose)) {
  RETORT_CHECK(count > 0, "nothing to draw from for '", purpose_, "'");
}

int64_t ShuffledOrder::At(int64_t n) {
  if (const int64_t epoch = n / count_; epoch != epoch_) {
    epoch_ = epoch;
    order_.resize(static_cast<size_t>(count_));
    std::iota(order_.begin(), order_.end(), int64_t{0});
    RandomStream random({seed_, purpose_, static_cast<uint64_t>(epoch)});
    random.Shuffle(order_);
  }
  return order_[static_cast<size_t>(n % count_)];
}

}  // namespace retort::train
