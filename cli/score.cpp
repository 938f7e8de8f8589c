// retort score: judges the responses in a JSONL file, whatever its size.
//
// Memory is constant: one batch of rows is judged while the next is read. Rows come out in the
// order they went in, whatever the threads. A bad line is reported (here and in its place in the
// output) and does not stop the rest; the exit code tells of it at the end.

#include "verifiers/score.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <thread>

#include "base/executor.h"
#include "base/file.h"
#include "base/stopwatch.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/memory.h"
#include "cli/option_flags.h"
#include "cli/progress.h"
#include "cli/score_modes.h"
#include "cli/table.h"
#include "datasets/jsonl.h"

namespace retort::cli {
namespace {

constexpr size_t kBatchRows = 256;
constexpr int64_t kBatchBytes = 4 << 20;
constexpr int64_t kBadLinesShown = 20;

struct Line {
  datasets::JsonlLine input;
  std::vector<verifiers::ScoredResponse> scored;
};

class Scorer {
 public:
  explicit Scorer(const ScoreCommand& command)
      : command_(command),
        verifier_(verifiers::MakeVerifier(command.judges.verifier.name,
                                          command.judges.verifier.Options(), "--verifier")),
        reader_(command.file),
        progress_("score") {
    verifiers::CheckScoreOptions(command.columns);
    if (!command.compare.empty()) earlier_.emplace(command.compare);
    if (!command.out.empty()) out_.emplace(command.out);
    if (std::filesystem::is_regular_file(command.file)) {
      total_bytes_ = std::filesystem::file_size(command.file);
    }
  }

  /// False when interrupted: then nothing is left under the name of --out.
  bool Run() {
    std::vector<Line> judging = ReadBatch(), reading;
    const int threads = command_.threads > 0
                            ? command_.threads
                            : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    TaskGroup judges(threads);  // after the batches: its destructor waits for what refers to them
    while (!judging.empty()) {
      for (Line& line : judging) {
        judges.Run([this, &line] { Judge(line); });
      }
      reading = ReadBatch();
      judges.Wait();
      for (const Line& line : judging) Write(line);
      progress_.Update(static_cast<double>(reader_.bytes()), static_cast<double>(total_bytes_),
                       StrCat(Thousands(rows_), " rows"));
      if (Interrupted()) return false;
      judging.swap(reading);
    }
    if (bad_lines_ > kBadLinesShown) {
      progress_.Note(StrCat("retort: ", bad_lines_ - kBadLinesShown, " more bad lines"));
    }
    RETORT_CHECK(rows_ > 0, command_.file, ": holds no rows; expected one JSON object per line");
    RETORT_CHECK(bad_lines_ < rows_, command_.file, ": none of its ", rows_,
                 " lines could be scored; see the messages above and the flags --answer, "
                 "--response and --label");
    if (earlier_) earlier_->Finish();
    if (out_) out_->Commit();
    return true;
  }

  Json Summary() const {
    Json summary = summary_.ToJson();
    summary["bad_lines"] = bad_lines_;
    summary["first_bad_lines"] = first_bad_lines_;
    if (earlier_) summary["compare"] = earlier_->ToJson();
    return summary;
  }
  std::string Comparison() const { return earlier_ ? earlier_->ToText() : ""; }

 private:
  std::vector<Line> ReadBatch() {
    std::vector<Line> batch;
    const int64_t first_byte = reader_.bytes();
    while (batch.size() < kBatchRows && reader_.bytes() - first_byte < kBatchBytes &&
           (command_.limit == 0 || lines_read_ < command_.limit)) {
      Line line;
      if (!reader_.Next(line.input)) break;
      ++lines_read_;
      batch.push_back(std::move(line));
    }
    return batch;
  }

  void Judge(Line& line) const {
    if (!line.input.row) return;
    const int64_t number = line.input.number;
    try {
      line.scored = verifiers::ScoreRow(std::move(*line.input.row), number, reader_.Where(number),
                                        command_.columns, *verifier_);
    } catch (const Error& error) {
      line.input.error = error.what();
    }
  }

  void Write(const Line& line) {
    ++rows_;
    if (!line.input.error.empty()) {
      if (++bad_lines_ <= kBadLinesShown) {
        progress_.Note("retort: " + line.input.error);
        first_bad_lines_.push_back(line.input.number);
      }
      if (out_) WriteRow({{"row", line.input.number}, {"error", line.input.error}});
      return;
    }
    const bool with_response = line.scored.size() > 1 || command_.columns.response.size() > 1;
    for (const verifiers::ScoredResponse& scored : line.scored) {
      summary_.Add(scored);
      std::optional<VerdictStatus> before;
      if (earlier_) {
        before = earlier_->Find(scored.row, scored.response);
        earlier_->Add(scored, before);
      }
      if (!out_) continue;
      Json row = verifiers::ToJson(scored, with_response);
      if (before) row["before"] = EnumName(*before);
      WriteRow(row);
    }
  }

  void WriteRow(const Json& row) { out_->Write(ToJsonLine(row) + "\n"); }

  const ScoreCommand& command_;
  const std::unique_ptr<verifiers::Verifier> verifier_;
  datasets::JsonlReader reader_;
  std::optional<EarlierVerdicts> earlier_;
  std::optional<AtomicFile> out_;
  Progress progress_;
  verifiers::ScoreSummary summary_;
  uintmax_t total_bytes_ = 0;  // 0: unknown
  int64_t lines_read_ = 0;
  int64_t rows_ = 0;
  int64_t bad_lines_ = 0;
  std::vector<int64_t> first_bad_lines_;
};

int Score(const ScoreCommand& command) {
  CatchInterrupts();
  const Stopwatch watch;
  const MemoryGrowth memory;
  Json summary;
  std::string comparison;
  {
    Scorer scorer(command);
    RETORT_CHECK(scorer.Run(), "interrupted");
    summary = scorer.Summary();
    comparison = scorer.Comparison();
  }
  const double seconds = watch.seconds();
  const int code = summary["bad_lines"] == 0 ? kSuccess : kFailure;
  if (command.json) {
    summary["seconds"] = seconds;
    summary["peak_bytes"] = memory.peak();
    std::cout << ToJsonLine(summary) << "\n";
    return code;
  }
  Table table{{"rows", "right", "wrong", "unjudged", "agreement", "bad lines", "slowest", "time"},
              {{}}};
  for (const char* key : {"rows", "right", "wrong", "unjudged"}) {
    table.rows[0].push_back(Thousands(summary[key].get<int64_t>()));
  }
  const Json& agreement = summary["agreement"];
  table.rows[0].push_back(agreement.is_null() ? "-"
                                              : Fixed(100 * agreement.get<double>(), 2) + " %");
  table.rows[0].push_back(Thousands(summary["bad_lines"].get<int64_t>()));
  const Json& slowest = summary["slowest"];
  table.rows[0].push_back(StrCat("row ", slowest["row"].get<int64_t>(), ", ",
                                 Fixed(1e3 * slowest["seconds"].get<double>(), 1), " ms"));
  table.rows[0].push_back(Duration(seconds));
  std::cout << FormatTable(table) << comparison;
  return code;
}

bool NeedsAnswer(const std::string& verifier) {
  for (const verifiers::VerifierEntry& entry : verifiers::Verifiers()) {
    if (entry.name == verifier) return entry.needs_answer;
  }
  return true;
}

// A flag that makes no sense without another one, or beside it, is a usage error.
void CheckScoreFlags(const ScoreCommand& command) {
  const bool file = !command.explain && !command.probe;
  if (file && command.file.empty()) throw CLI::RequiredError("FILE");
  if (!file && !command.file.empty()) {
    throw CLI::ExtrasError({command.file + " beside --explain or --probe"});
  }
  if (command.explain && !(command.gold && command.response_text)) {
    throw CLI::RequiredError("--explain: --gold and --response-text");
  }
  if (file && (command.gold || command.response_text)) {
    throw CLI::RequiredError("--gold and --response-text: --explain or --probe");
  }
  if (!command.judges.panel.empty() && !command.probe) {
    throw CLI::RequiredError("--panel: --probe");
  }
}

}  // namespace

void AddScore(CLI::App& program, Action& action) {
  auto command = std::make_shared<ScoreCommand>();
  CLI::App* app = program.add_subcommand("score", "Judge the answers in a JSONL file.");
  app->add_option("FILE", command->file, "JSONL file, or - for standard input.")->type_name("");
  verifiers::ScoreOptions& columns = command->columns;
  CLI::Option* answer =
      app->add_option("--answer", columns.answer,
                      "Column of the gold answer; programs need none. [default answer]")
          ->type_name("COL");
  CLI::Option* response =
      app->add_option("--response", columns.response,
                      "Columns of the responses; dotted paths reach inside. [default response; for "
                      "programs also program]");
  response->type_name("COL,...")->delimiter(',')->allow_extra_args(false);
  app->add_option("--label", columns.label,
                  "Boolean columns to agree with, one per response column.")
      ->type_name("COL,...")
      ->delimiter(',')
      ->allow_extra_args(false);
  AddJudgeFlags(*app, command->judges);
  app->add_option("--out", command->out,
                  "Write one JSON line per response: row (the line's number), verdict, score, "
                  "reason, extracted, normal_form, gold_normal_form; or row and error.")
      ->type_name("FILE");
  app->add_option("--compare", command->compare,
                  "What an earlier --out wrote: list the responses judged otherwise then.")
      ->type_name("FILE");
  app->add_option("--limit", command->limit, "Read at most this many lines; 0 reads all.")
      ->type_name("N")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 50).description(""));
  CLI::Option* explain = app->add_flag("--explain", command->explain,
                                       "Show how one pair is read and judged, instead of a file.");
  app->add_flag("--probe", command->probe,
                "Try known cheats on the verifier or --panel, instead of a file; fail when one is "
                "paid.")
      ->excludes(explain);
  app->add_option("--gold", command->gold, "The gold answer of --explain or --probe. [probe: 42]")
      ->type_name("TEXT");
  app->add_option("--response-text", command->response_text, "The response of --explain.")
      ->type_name("TEXT");
  AddThreadsFlag(*app, command->threads);
  AddJsonFlag(*app, command->json);
  app->callback([command, answer, response, &action] {
    CheckScoreFlags(*command);
    if (!NeedsAnswer(command->judges.verifier.name)) {
      if (answer->count() == 0) command->columns.answer.clear();
      if (response->count() == 0) command->columns.response = {"response|program"};
    }
    action = [command] {
      return command->explain ? ExplainScore(*command)
             : command->probe ? ProbeScore(*command)
                              : Score(*command);
    };
  });
}

}  // namespace retort::cli
