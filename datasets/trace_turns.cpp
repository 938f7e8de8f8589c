#include "datasets/internal/trace_turns.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <set>
#include <vector>

#include "base/strings.h"
#include "datasets/internal/trace_rows.h"

namespace retort::datasets {
namespace {

constexpr std::string_view kSuffix = "/revision";

// The first turn of a second one: of the same sample, and what the prompt goes on with.
std::optional<Trajectory> FirstTurn(const Database& database, const std::string& prefix,
                                    int64_t completion, const std::vector<int32_t>& prompt,
                                    size_t question) {
  Statement rows(
      database, StrCat("SELECT f.token_ids, f.logprobs FROM ", prefix, "completions c JOIN ",
                       prefix, "completions f USING (run, stage_index, step, sample) JOIN ", prefix,
                       "groups g ON g.id = f.group_id WHERE c.id = ? AND f.stage || '", kSuffix,
                       "' = c.stage AND g.prompt_ids = ?"));
  rows.With(completion, Blob{prompt.data(), question * sizeof(int32_t)});
  while (rows.Step()) {
    Trajectory first;
    first.completion = FromBlob<int32_t>(rows.Bytes(0));
    first.logprobs = FromBlob<float>(rows.Bytes(1));
    const auto tail = std::span(prompt).subspan(question);
    if (first.completion.size() <= tail.size() &&
        std::equal(first.completion.begin(), first.completion.end(), tail.begin())) {
      return first;
    }
  }
  return std::nullopt;
}

std::vector<int64_t> IdsOf(Statement& rows) {
  std::vector<int64_t> ids;
  while (rows.Step()) ids.push_back(rows.Int(0));
  return ids;
}

// Rewrites a group of second turns; false when it is none.
bool JoinGroup(const Database& database, const std::string& prefix, int64_t group) {
  Statement row(database, StrCat("SELECT g.prompt_ids, p.extra FROM ", prefix,
                                 "groups g JOIN problems p ON p.id = g.problem WHERE g.id = ?"));
  row.With(group).Step();
  const auto prompt = FromBlob<int32_t>(row.Bytes(0));
  const Json extra = ParseJson(row.Text(1), "a problem's column extra");
  Statement turns(database, StrCat("SELECT id, stage, token_ids, logprobs FROM ", prefix,
                                   "completions WHERE group_id = ?"));
  Statement update(database, StrCat("UPDATE ", prefix,
                                    "completions SET token_ids = ?, logprobs = ?, said = ?, "
                                    "feedback = ? WHERE id = ?"));
  std::optional<OldTurn> turn;
  for (turns.With(group); turns.Step();) {
    turn = OldTurnOf(turns.Text(1), extra, prompt.size());
    if (!turn) return false;
    Trajectory t;
    t.prompt = prompt;
    t.completion = FromBlob<int32_t>(turns.Bytes(2));
    t.logprobs = FromBlob<float>(turns.Bytes(3));
    const auto first = FirstTurn(database, prefix, turns.Int(0), prompt, turn->question);
    JoinTurns(*turn, first ? &*first : nullptr, t);
    update.With(AsBlob(t.completion), AsBlob(t.logprobs), AsBlob(t.said), turn->feedback,
                turns.Int(0));
    update.Run();
  }
  if (!turn) return false;
  Statement(database, StrCat("UPDATE ", prefix, "groups SET prompt_ids = ? WHERE id = ?"))
      .With(Blob{prompt.data(), turn->question * sizeof(int32_t)}, group)
      .Run();
  return true;
}

// The problems of the groups that were second turns.
std::set<int64_t> JoinAll(const Database& database) {
  std::set<int64_t> problems;
  for (const std::string prefix : {"", "replay_"}) {
    Statement rows(database, StrCat("SELECT DISTINCT group_id FROM ", prefix,
                                    "completions WHERE stage LIKE '%", kSuffix, "'"));
    Statement problem(database, StrCat("SELECT problem FROM ", prefix, "groups WHERE id = ?"));
    for (const int64_t group : IdsOf(rows)) {
      if (!JoinGroup(database, prefix, group)) continue;
      problem.With(group).Step();
      problems.insert(problem.Int(0));
    }
  }
  return problems;
}

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
  const std::set<int64_t> revised = JoinAll(database);
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
