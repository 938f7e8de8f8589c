#include "datasets/internal/trace_turns.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "base/strings.h"
#include "datasets/internal/trace_rows.h"

namespace retort::datasets {
namespace {

constexpr std::string_view kSuffix = "/revision";

std::vector<int64_t> IdsOf(Statement& rows) {
  std::vector<int64_t> ids;
  while (rows.Step()) ids.push_back(rows.Int(0));
  return ids;
}

// The second turns of the steps that have some, rewritten.
class TurnJoiner {
 public:
  TurnJoiner(const Database& database, const std::string& prefix)
      : steps_(database, StrCat("SELECT DISTINCT run, stage_index, step FROM ", prefix,
                                "completions WHERE stage LIKE '%", kSuffix, "'")),
        turns_(
            database,
            StrCat("SELECT c.id, c.stage, c.sample, c.token_ids, c.logprobs, g.id, g.prompt_ids, "
                   "p.id, p.extra FROM ",
                   prefix, "completions c JOIN ", prefix,
                   "groups g ON g.id = c.group_id JOIN problems p ON p.id = g.problem WHERE "
                   "c.run = ? AND c.stage_index = ? AND c.step = ? ORDER BY c.id")),
        update_(database, StrCat("UPDATE ", prefix,
                                 "completions SET token_ids = ?, logprobs = ?, said = ?, "
                                 "feedback = ? WHERE id = ?")),
        update_group_(database,
                      StrCat("UPDATE ", prefix, "groups SET prompt_ids = ? WHERE id = ?")) {}

  /// Adds the problems of their groups.
  void Run(std::set<int64_t>& problems) {
    std::vector<std::array<int64_t, 3>> steps;
    while (steps_.Step()) steps.push_back({steps_.Int(0), steps_.Int(1), steps_.Int(2)});
    for (const auto& [run, stage_index, step] : steps) {
      turns_.With(run, stage_index, step);
      while (turns_.Step()) Read();
      for (auto& [group, joined] : groups_) Write(group, joined, problems);
      firsts_.clear();
      groups_.clear();
    }
  }

 private:
  struct Turn {
    int64_t id = 0;
    Trajectory trajectory;
    std::string feedback;
  };
  struct Group {
    int64_t problem = 0;
    std::vector<Turn> turns;
    bool other = false;  // something in it is no second turn
  };
  // Of a first turn: sample, stage, prompt.
  using Key = std::tuple<int64_t, std::string, std::vector<int32_t>>;

  void Read() {
    Turn turn{turns_.Int(0), {}, {}};
    const std::string stage = turns_.Text(1);
    const int64_t sample = turns_.Int(2);
    Trajectory& t = turn.trajectory;
    t.completion = FromBlob<int32_t>(turns_.Bytes(3));
    t.logprobs = FromBlob<float>(turns_.Bytes(4));
    t.prompt = FromBlob<int32_t>(turns_.Bytes(6));
    Group& group = groups_[turns_.Int(5)];
    group.problem = turns_.Int(7);
    const Json extra =
        ParseJson(turns_.Text(8), StrCat("problem ", group.problem, ", column extra"));
    const auto old = OldTurnOf(stage, extra, t.prompt.size());
    if (!old) {
      group.other = true;
      firsts_[{sample, stage, t.prompt}] = std::move(t);  // the last attempt so far
      return;
    }
    turn.feedback = old->feedback;
    const auto question = t.prompt.begin() + static_cast<std::ptrdiff_t>(old->question);
    const auto first = firsts_.find({sample, stage.substr(0, stage.size() - kSuffix.size()),
                                     std::vector<int32_t>(t.prompt.begin(), question)});
    const bool known = first != firsts_.end() && Continues(first->second.completion, t, *old);
    JoinTurns(*old, known ? &first->second : nullptr, t);
    group.turns.push_back(std::move(turn));
  }

  static bool Continues(const std::vector<int32_t>& first, const Trajectory& second,
                        const OldTurn& turn) {
    const auto tail = std::span(second.prompt).subspan(turn.question);
    return first.size() <= tail.size() && std::equal(first.begin(), first.end(), tail.begin());
  }

  void Write(int64_t id, const Group& group, std::set<int64_t>& problems) {
    if (group.other || group.turns.empty()) return;
    for (const auto& [turn, t, feedback] : group.turns) {
      update_.With(AsBlob(t.completion), AsBlob(t.logprobs), AsBlob(t.said), feedback, turn).Run();
    }
    update_group_.With(AsBlob(group.turns.front().trajectory.prompt), id).Run();
    problems.insert(group.problem);
  }

  Statement steps_, turns_, update_, update_group_;
  std::map<Key, Trajectory> firsts_;  // of a step
  std::map<int64_t, Group> groups_;   // likewise
};

}  // namespace

std::optional<OldTurn> OldTurnOf(const std::string& stage, const Json& extra, size_t prompt) {
  if (!stage.ends_with(kSuffix) || !extra.is_object() || !extra.contains("revision")) return {};
  const Json& revision = extra["revision"];
  if (!revision.is_object() || !revision.contains("prompt_tokens")) return {};
  const Json& tokens = revision["prompt_tokens"];
  if (!tokens.is_number_unsigned() || tokens.get<uint64_t>() == 0 ||
      tokens.get<uint64_t>() >= prompt) {
    return {};
  }
  const Json feedback = revision.value("feedback", Json());
  return OldTurn{tokens.get<size_t>(), feedback.is_string() ? feedback.get<std::string>() : ""};
}

void JoinTurns(const OldTurn& turn, const Trajectory* first, Trajectory& t) {
  const auto question = t.prompt.begin() + static_cast<std::ptrdiff_t>(turn.question);
  const auto before = static_cast<size_t>(t.prompt.end() - question);
  const size_t known = first ? first->completion.size() : 0;
  t.said.assign(before + t.completion.size(), 1);
  std::fill_n(t.said.begin() + static_cast<std::ptrdiff_t>(known), before - known, 0);
  if (!t.logprobs.empty()) {
    std::vector<float> logprobs = first ? first->logprobs : std::vector<float>();
    logprobs.resize(before, std::numeric_limits<float>::quiet_NaN());
    t.logprobs.insert(t.logprobs.begin(), logprobs.begin(), logprobs.end());
  }
  t.completion.insert(t.completion.begin(), question, t.prompt.end());
  t.prompt.resize(turn.question);
}

void Migrate2To3Rows(const Database& database) {
  std::set<int64_t> revised;  // problems of second turns
  for (const std::string prefix : {"", "replay_"}) TurnJoiner(database, prefix).Run(revised);
  Statement(database, "CREATE TEMP TABLE moved(old INTEGER PRIMARY KEY, new INTEGER)").Run();
  Statement read(
      database,
      "SELECT problem_id, family, prompt, answer, solution, canonical, difficulty, extra "
      "FROM problems WHERE id = ?");
  Statement find(database, "SELECT id FROM problems WHERE fingerprint = ?");
  Statement update(database, "UPDATE problems SET fingerprint = ?, extra = ? WHERE id = ?");
  Statement move(database, "INSERT INTO moved VALUES (?,?)");
  Statement rows(database, "SELECT id FROM problems ORDER BY id");
  for (const int64_t id : IdsOf(rows)) {
    read.With(id).Step();
    const Problem p = ProblemAt(read, 0);
    std::string extra = read.Text(7);
    if (revised.contains(id)) {
      Json columns = ParseJson(extra, "a problem's column extra");
      columns.erase("revision");
      extra = ToJsonLine(columns);
    }
    const std::string fingerprint = FingerprintOfProblem(p, extra);
    const Blob key{fingerprint.data(), fingerprint.size()};
    if (find.With(key).Step()) {
      move.With(id, find.Int(0)).Run();
    } else {
      update.With(key, extra, id).Run();
    }
    find.Reset();
  }
  read.Reset();  // a table is dropped only when nobody reads
  for (const std::string prefix : {"", "replay_"}) {
    Statement(database, StrCat("UPDATE ", prefix,
                               "groups SET problem = (SELECT new FROM moved WHERE old = problem) "
                               "WHERE problem IN (SELECT old FROM moved)"))
        .Run();
  }
  Statement(database, "DELETE FROM problems WHERE id IN (SELECT old FROM moved)").Run();
  Statement(database, "DROP TABLE moved").Run();
}

}  // namespace retort::datasets
