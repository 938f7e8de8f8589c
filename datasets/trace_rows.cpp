#include "datasets/internal/trace_rows.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/fingerprint.h"
#include "base/options.h"
#include "base/strings.h"

namespace retort::datasets {
namespace {

static_assert(std::endian::native == std::endian::little,
              "blobs are written as they lie in memory");

template <class T>
Blob AsBlob(const std::vector<T>& values) {
  return {values.data(), values.size() * sizeof(T)};
}

template <class T>
std::vector<T> FromBlob(Blob blob) {
  RETORT_CHECK(blob.size % sizeof(T) == 0, "trace database: a blob of ", blob.size,
               " bytes cannot hold elements of ", sizeof(T), "; the file is damaged");
  std::vector<T> values(blob.size / sizeof(T));
  if (blob.size) std::memcpy(values.data(), blob.data, blob.size);
  return values;
}

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
                "INSERT OR IGNORE INTO problems(fingerprint, problem_id, family, prompt, answer, "
                "solution, canonical, difficulty, extra) VALUES (?,?,?,?,?,?,?,?,?)"),
        find_(database, "SELECT id FROM problems WHERE fingerprint = ?") {}

  int64_t Write(const Problem& p) {
    const std::string extra = ToJsonLine(p.extra);
    Fingerprint fingerprint;
    fingerprint.Add(p.id).Add(p.family).Add(p.prompt).Add(p.answer).Add(p.solution);
    fingerprint.Add(p.canonical).Add(static_cast<uint64_t>(p.difficulty)).Add(extra);
    const auto key = static_cast<int64_t>(fingerprint.value());
    insert_
        .With(key, p.id, p.family, p.prompt, p.answer, p.solution, p.canonical, p.difficulty, extra)
        .Run();
    RETORT_CHECK(find_.With(key).Step(), "trace database: a problem was not stored: ", p.id);
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

void CheckTrace(const Trace& trace) {
  const Trajectory& t = trace.trajectory;
  RETORT_CHECK(t.logprobs.empty() || t.logprobs.size() == t.completion.size(), "trace of problem '",
               trace.problem.id, "': got ", t.logprobs.size(), " log-probabilities for ",
               t.completion.size(), " completion tokens, expected one each or none");
}

}  // namespace

void InsertVerdicts(Statement& insert, int64_t completion,
                    const std::vector<NamedVerdict>& verdicts) {
  int64_t position = 0;
  for (const auto& [verifier, v] : verdicts) {
    insert.With(completion, position++, verifier, EnumName(v.status), v.score,
                ToValidUtf8(v.reason), ToValidUtf8(v.extracted));
    insert.Run();
  }
}

std::vector<int64_t> InsertTraces(const Database& database, const StepRecord& record) {
  const StepKey& key = record.key;
  ProblemWriter problems(database);
  Statement group(database, "INSERT INTO groups VALUES (?,?,?,?,?,?)");
  Statement completion(database,
                       "INSERT INTO completions VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
  Statement verdict(database, kInsertVerdict);
  int64_t next_group = NextId(database, "groups", key.run);
  int64_t next_id = NextId(database, "completions", key.run);

  std::vector<int64_t> ids;
  const Trace* previous = nullptr;
  int64_t group_id = 0, group_problem = 0;
  for (const Trace& trace : record.traces) {
    CheckTrace(trace);
    const Trajectory& t = trace.trajectory;
    const int64_t problem = problems.Write(trace.problem);
    if (!previous || problem != group_problem || t.prompt != previous->trajectory.prompt ||
        t.sample <= previous->trajectory.sample) {
      group_id = next_group++;
      group_problem = problem;
      group.With(group_id, key.run, key.stage_index, key.step, problem, AsBlob(t.prompt)).Run();
    }
    previous = &trace;
    completion
        .With(next_id, group_id, key.run, key.stage_index,
              trace.stage.empty() ? record.stage : trace.stage, key.step, t.sample,
              AsBlob(t.completion), AsBlob(t.logprobs), AsBlob(t.experts), ToValidUtf8(trace.text),
              EnumName(t.finish), static_cast<int64_t>(t.completion.size()), trace.reward,
              trace.advantage, trace.policy_version, BytesUnlessUtf8(trace.text))
        .Run();
    InsertVerdicts(verdict, next_id, trace.verdicts);
    ids.push_back(next_id++);
  }
  return ids;
}

TraceReader::TraceReader(const Database& database, const std::string& prefix,
                         const std::string& where)
    : database_(database),
      traces_(database,
              StrCat("SELECT c.id, c.stage, c.step, c.sample, g.prompt_ids, c.token_ids, "
                     "c.logprobs, c.experts, c.text, c.finish, c.reward, c.advantage, "
                     "c.policy_version, c.text_bytes, p.problem_id, p.family, p.prompt, p.answer, "
                     "p.solution, "
                     "p.canonical, p.difficulty, p.extra FROM ",
                     prefix, "completions c JOIN ", prefix,
                     "groups g ON g.id = c.group_id JOIN problems p ON p.id = g.problem WHERE ",
                     where, " ORDER BY c.id")),
      verdicts_(database, StrCat("SELECT verifier, status, score, reason, extracted FROM ", prefix,
                                 "verdicts WHERE completion = ? ORDER BY position")) {}

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
  Problem& p = trace.problem;
  p.id = traces_.Text(14);
  p.family = traces_.Text(15);
  p.prompt = traces_.Text(16);
  p.answer = traces_.Text(17);
  p.solution = traces_.Text(18);
  p.canonical = traces_.Text(19);
  p.difficulty = traces_.Int(20);
  p.extra = ParseJson(traces_.Text(21), StrCat("trace ", trace.id, ", column extra"));
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
