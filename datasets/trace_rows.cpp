#include "datasets/internal/trace_rows.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <map>

#include "base/error.h"
#include "base/fingerprint.h"
#include "base/options.h"
#include "base/strings.h"
#include "datasets/internal/trace_turns.h"

namespace retort::datasets {
namespace {

static_assert(std::endian::native == std::endian::little,
              "blobs are written as they lie in memory");

template <class E>
E ParseEnum(const std::string& text) {
  for (const auto& [value, name] : EnumNames(E{})) {
    if (text == name) return value;
  }
  Fail("trace database: unknown value '", text, "'; the file is damaged");
}

// Text in the database is valid UTF-8; what a model said may not be, and then its bytes are kept
// too.
std::optional<Blob> BytesUnlessUtf8(const std::string& text) {
  if (IsUtf8(text)) return std::nullopt;
  return Blob{text.data(), text.size()};
}

// Stores each distinct problem once.
class ProblemWriter {
 public:
  explicit ProblemWriter(const Database& database)
      : insert_(database,
                "INSERT INTO problems(fingerprint, problem_id, family, prompt, answer, solution, "
                "canonical, difficulty, extra) VALUES (?,?,?,?,?,?,?,?,?) "
                "ON CONFLICT(fingerprint) DO NOTHING"),
        find_(database, "SELECT id FROM problems WHERE fingerprint = ?") {}

  int64_t Write(const Problem& p) {
    const std::string extra = ToJsonLine(p.extra);
    const std::string key = FingerprintOfProblem(p, extra);
    const Blob blob{key.data(), key.size()};
    insert_
        .With(blob, p.id, p.family, p.prompt, p.answer, p.solution, p.canonical, p.difficulty,
              extra)
        .Run();
    RETORT_CHECK(find_.With(blob).Step(), "trace database: a problem was not stored: ", p.id);
    return find_.Int(0);
  }

 private:
  Statement insert_, find_;
};

// The id after the last one of `table`. Ids that await replay in this run are given again, those of
// another run are not.
int64_t NextId(const Database& database, const std::string& table, int64_t run) {
  // Those of superseded steps are history: nobody gets them again.
  const std::string kept = table == "groups" ? "reason"
                                             : "(SELECT reason FROM replay_groups g "
                                               "WHERE g.id = group_id)";
  Statement next(database, StrCat("SELECT max(coalesce((SELECT max(id) FROM ", table,
                                  "), 0), coalesce((SELECT max(id) FROM replay_", table,
                                  " WHERE run <> ? OR ", kept, " <> 'resume'), 0)) + 1"));
  next.With(run).Step();
  return next.Int(0);
}

void CheckSample(const Sample& sample, const Problem& problem) {
  const Trajectory& t = sample.trajectory;
  RETORT_CHECK(t.logprobs.empty() || t.logprobs.size() == t.completion.size(), "trace of problem '",
               problem.id, "': got ", t.logprobs.size(), " log-probabilities for ",
               t.completion.size(), " completion tokens, expected one each or none");
  RETORT_CHECK(t.said.empty() || t.said.size() == t.completion.size(), "trace of problem '",
               problem.id, "': says of ", t.said.size(), " tokens who said them, expected ",
               t.completion.size(), " or none");
}

std::optional<Blob> BlobUnlessEmpty(const std::vector<uint8_t>& bytes) {
  if (bytes.empty()) return std::nullopt;
  return AsBlob(bytes);
}

std::optional<std::string> TextUnlessEmpty(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return ToValidUtf8(text);
}

}  // namespace

std::string FingerprintOfProblem(const Problem& p, const std::string& extra) {
  const std::string difficulty = StrCat(p.difficulty);
  return Fingerprint128(
      {p.id, p.family, p.prompt, p.answer, p.solution, p.canonical, difficulty, extra});
}

void InsertVerdicts(Statement& insert, int64_t completion,
                    const std::vector<NamedVerdict>& verdicts) {
  int64_t position = 0;
  for (const auto& [verifier, v] : verdicts) {
    insert.With(completion, position++, verifier, EnumName(v.status), v.score,
                ToValidUtf8(v.reason), ToValidUtf8(v.extracted));
    insert.Run();
  }
}

std::vector<int64_t> InsertSamples(const Database& database, const StepRecord& record) {
  const StepKey& key = record.key;
  ProblemWriter writer(database);
  Statement group(database, "INSERT INTO groups VALUES (?,?,?,?,?,?)");
  Statement completion(database,
                       "INSERT INTO completions VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
  Statement verdict(database, kInsertVerdict);
  int64_t next_group = NextId(database, "groups", key.run);
  int64_t next_id = NextId(database, "completions", key.run);

  std::vector<int64_t> ids;
  std::map<int64_t, int64_t> rows;  // of problems, by their index
  const Sample* previous = nullptr;
  int64_t group_id = 0;
  for (const Sample& sample : record.samples) {
    const Problem& problem = record.problems[static_cast<size_t>(sample.problem_index)];
    CheckSample(sample, problem);
    const Trajectory& t = sample.trajectory;
    const auto [row, fresh] = rows.try_emplace(sample.problem_index);
    if (fresh) row->second = writer.Write(problem);
    if (!previous || rows.at(previous->problem_index) != row->second ||
        t.prompt != previous->trajectory.prompt || t.sample <= previous->trajectory.sample) {
      group_id = next_group++;
      group.With(group_id, key.run, key.stage_index, key.step, row->second, AsBlob(t.prompt)).Run();
    }
    previous = &sample;
    completion
        .With(next_id, group_id, key.run, key.stage_index,
              sample.stage.empty() ? record.stage : sample.stage, key.step, t.sample,
              AsBlob(t.completion), AsBlob(t.logprobs), AsBlob(t.experts), ToValidUtf8(sample.text),
              EnumName(t.finish), t.length(), sample.reward, sample.advantage,
              sample.policy_version, BytesUnlessUtf8(sample.text), BlobUnlessEmpty(t.said),
              TextUnlessEmpty(sample.feedback))
        .Run();
    InsertVerdicts(verdict, next_id, sample.verdicts);
    ids.push_back(next_id++);
  }
  return ids;
}

Problem ProblemAt(const Statement& row, int first) {
  Problem p;
  p.id = row.Text(first);
  p.family = row.Text(first + 1);
  p.prompt = row.Text(first + 2);
  p.answer = row.Text(first + 3);
  p.solution = row.Text(first + 4);
  p.canonical = row.Text(first + 5);
  p.difficulty = row.Int(first + 6);
  return p;
}

TraceReader::TraceReader(const Database& database, const std::string& prefix,
                         const std::string& where)
    : database_(database),
      traces_(database,
              StrCat("SELECT c.id, c.stage, c.step, c.sample, g.prompt_ids, c.token_ids, "
                     "c.logprobs, c.experts, c.text, c.finish, c.reward, c.advantage, "
                     "c.policy_version, c.text_bytes, p.problem_id, p.family, p.prompt, p.answer, "
                     "p.solution, p.canonical, p.difficulty, p.extra, c.said, c.feedback FROM ",
                     prefix, "completions c JOIN ", prefix,
                     "groups g ON g.id = c.group_id JOIN problems p ON p.id = g.problem WHERE ",
                     where, " ORDER BY c.id")),
      verdicts_(database, StrCat("SELECT verifier, status, score, reason, extracted FROM ", prefix,
                                 "verdicts WHERE completion = ? ORDER BY position")) {
  Statement version(database, "PRAGMA user_version");
  old_turns_ = version.Step() && version.Int(0) < 3;
}

bool TraceReader::Next(Trace& trace) {
  if (!traces_.Step()) return false;
  trace = {};
  trace.id = traces_.Int(0);
  trace.stage = traces_.Text(1);
  trace.step = traces_.Int(2);
  Trajectory& t = trace.trajectory;
  t.sample = traces_.Int(3);
  t.prompt = FromBlob<int32_t>(traces_.Bytes(4));
  t.completion = FromBlob<int32_t>(traces_.Bytes(5));
  t.logprobs = FromBlob<float>(traces_.Bytes(6));
  t.experts = FromBlob<uint16_t>(traces_.Bytes(7));
  trace.text = traces_.Text(8);
  t.finish = ParseEnum<FinishReason>(traces_.Text(9));
  trace.reward = traces_.MaybeReal(10);
  trace.advantage = traces_.Real(11);
  trace.policy_version = traces_.Int(12);
  if (!traces_.IsNull(13)) {
    const Blob bytes = traces_.Bytes(13);
    trace.text.assign(static_cast<const char*>(bytes.data), bytes.size);
  }
  Problem& p = trace.problem = ProblemAt(traces_, 14);
  p.extra = ParseJson(traces_.Text(21), StrCat("trace ", trace.id, ", column extra"));
  if (!traces_.IsNull(22)) t.said = FromBlob<uint8_t>(traces_.Bytes(22));
  if (!traces_.IsNull(23)) trace.feedback = traces_.Text(23);
  if (old_turns_) {
    if (const auto turn = OldTurnOf(trace.stage, p.extra, t.prompt.size())) {
      JoinTurns(*turn, nullptr, t);
      trace.feedback = turn->feedback;
      p.extra.erase("revision");
    }
  }
  RETORT_CHECK(t.said.empty() || t.said.size() == t.completion.size(), "trace database: trace ",
               trace.id, " says of ", t.said.size(), " tokens who said them, expected ",
               t.completion.size(), "; the file is damaged");
  RETORT_CHECK(t.said.empty() || t.said.back() == 1, "trace database: in trace ", trace.id,
               " the policy did not speak last; the file is damaged");
  if (layer_) {
    ReadLayer(trace);
  } else {
    verdicts_.With(trace.id);
  }
  while (verdicts_.Step()) {
    trace.verdicts.push_back({verdicts_.Text(0),
                              {ParseEnum<VerdictStatus>(verdicts_.Text(1)), verdicts_.Real(2),
                               verdicts_.Text(3), verdicts_.Text(4)}});
  }
  return true;
}

std::vector<Trace> TraceReader::All() {
  std::vector<Trace> traces;
  for (Trace trace; Next(trace);) traces.push_back(std::move(trace));
  return traces;
}

void TraceReader::TakeVerdictsOf(int64_t layer) {
  layer_.emplace(database_,
                 "SELECT reward, advantage FROM layer_rewards WHERE layer = ? AND completion = ?");
  layer_id_ = layer;
  verdicts_ = Statement(database_,
                        "SELECT verifier, status, score, reason, extracted FROM layer_verdicts "
                        "WHERE layer = ? AND completion = ? ORDER BY position");
}

void TraceReader::ReadLayer(Trace& trace) {
  const bool judged = layer_->With(layer_id_, trace.id).Step();
  trace.reward = judged ? layer_->MaybeReal(0) : std::nullopt;
  trace.advantage = judged ? layer_->Real(1) : std::nan("");
  verdicts_.With(layer_id_, trace.id);
}

}  // namespace retort::datasets
