// retort score: judges the responses in a JSONL file, whatever its size.
//
// Memory is constant: one batch of rows is judged while the next is read. Rows come out in the
// order they went in, whatever the threads. A bad line is reported, counted and skipped; only when
// no line could be judged is the whole a failure.

#include "verifiers/score.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <thread>

#include "base/executor.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/judge_flags.h"
#include "cli/option_flags.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "datasets/jsonl.h"

namespace retort::cli {
namespace {

constexpr size_t kBatchRows = 256;
constexpr int64_t kBatchBytes = 4 << 20;
constexpr int64_t kBadLinesShown = 20;

struct ScoreCommand {
  std::string file;
  verifiers::ScoreOptions columns;
  VerifierFlags verifier;
  std::string out;
  bool json = false;
  int threads = 0;
  int64_t limit = 0;
};

struct Line {
  datasets::JsonlLine input;
  std::vector<verifiers::ScoredResponse> scored;
};

class Scorer {
 public:
  explicit Scorer(const ScoreCommand& command)
      : command_(command),
        verifier_(verifiers::MakeVerifier(command.verifier.name, command.verifier.Options(),
                                          "--verifier")),
        reader_(command.file),
        progress_("score") {
    verifiers::CheckScoreOptions(command.columns);
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
    if (out_) out_->Commit();
    return true;
  }

  Json Summary() const {
    Json summary = summary_.ToJson();
    summary["bad_lines"] = bad_lines_;
    return summary;
  }

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
      if (++bad_lines_ <= kBadLinesShown) progress_.Note("retort: " + line.input.error);
      return;
    }
    const bool with_response = line.scored.size() > 1 || command_.columns.response.size() > 1;
    for (const verifiers::ScoredResponse& scored : line.scored) {
      summary_.Add(scored);
      if (out_) out_->Write(ToJsonLine(verifiers::ToJson(scored, with_response)) + "\n");
    }
  }

  const ScoreCommand& command_;
  const std::unique_ptr<verifiers::Verifier> verifier_;
  datasets::JsonlReader reader_;
  std::optional<AtomicFile> out_;
  Progress progress_;
  verifiers::ScoreSummary summary_;
  uintmax_t total_bytes_ = 0;  // 0: unknown
  int64_t lines_read_ = 0;
  int64_t rows_ = 0;
  int64_t bad_lines_ = 0;
};

int Score(const ScoreCommand& command) {
  CatchInterrupts();
  const auto start = std::chrono::steady_clock::now();
  Json summary;
  {
    Scorer scorer(command);
    RETORT_CHECK(scorer.Run(), "interrupted");
    summary = scorer.Summary();
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (command.json) {
    summary["seconds"] = seconds;
    std::cout << ToJsonLine(summary) << "\n";
    return kSuccess;
  }
  Table table{{"rows", "right", "wrong", "unjudged", "agreement", "bad lines", "time"}, {{}}};
  for (const char* key : {"rows", "right", "wrong", "unjudged"}) {
    table.rows[0].push_back(Thousands(summary[key].get<int64_t>()));
  }
  const Json& agreement = summary["agreement"];
  table.rows[0].push_back(agreement.is_null() ? "-"
                                              : Fixed(100 * agreement.get<double>(), 2) + " %");
  table.rows[0].push_back(Thousands(summary["bad_lines"].get<int64_t>()));
  table.rows[0].push_back(Duration(seconds));
  std::cout << FormatTable(table);
  return kSuccess;
}

}  // namespace

void AddScore(CLI::App& program, Action& action) {
  auto command = std::make_shared<ScoreCommand>();
  CLI::App* app = program.add_subcommand("score", "Judge the answers in a JSONL file.");
  app->add_option("FILE", command->file, "JSONL file, or - for standard input.")
      ->required()
      ->type_name("");
  verifiers::ScoreOptions& columns = command->columns;
  app->add_option("--answer", columns.answer, "Column of the gold answer.")
      ->type_name("COL")
      ->capture_default_str();
  app->add_option("--response", columns.response,
                  "Columns of the responses; dotted paths reach inside. [default response]")
      ->type_name("COL,...")
      ->delimiter(',')
      ->allow_extra_args(false);
  app->add_option("--label", columns.label,
                  "Boolean columns to agree with, one per response column.")
      ->type_name("COL,...")
      ->delimiter(',')
      ->allow_extra_args(false);
  AddVerifierFlags(*app, command->verifier);
  app->add_option("--out", command->out,
                  "Write one JSON line per response: row (the line's number), verdict, score, "
                  "reason, extracted.")
      ->type_name("FILE");
  app->add_option("--limit", command->limit, "Read at most this many lines; 0 reads all.")
      ->type_name("N")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 50).description(""));
  AddThreadsFlag(*app, command->threads);
  AddJsonFlag(*app, command->json);
  app->callback([command, &action] { action = [command] { return Score(*command); }; });
}

}  // namespace retort::cli
