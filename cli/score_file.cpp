// retort score FILE: judges the responses in a file, whatever its size.
//
// Memory is constant: so many rows, or bytes, are under way. Rows come out in the order they went
// in, whatever the threads, and one that takes long holds up no other. A bad line is reported (here
// and in its place in the output) and does not stop the rest; the exit code tells of it at the end.

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "base/output_file.h"
#include "base/pipeline.h"
#include "base/plural.h"
#include "base/stopwatch.h"
#include "base/strings.h"
#include "base/version.h"
#include "cli/commands.h"
#include "cli/parts/interrupt.h"
#include "cli/parts/memory.h"
#include "cli/parts/progress.h"
#include "cli/parts/table.h"
#include "cli/score_modes.h"
#include "cli/verdict_file.h"
#include "train/panel.h"

namespace retort::cli {
namespace {

using verifiers::ScoredResponse;

// Under way: rows, and bytes beyond which no further row is read.
constexpr int64_t kRows = 256;
constexpr int64_t kBytes = 4 << 20;
// What has been judged is safe after so many rows or seconds.
constexpr int64_t kFlushRows = 256;
constexpr double kFlushSeconds = 0.25;
constexpr int64_t kBadLinesShown = 20;

struct ScoreLine {
  datasets::JsonlLine input;
  int64_t bytes = 0, read_to = 0;                   // its own; of the file, to its end
  uint64_t fingerprint = 0;                         // of the row
  std::optional<std::vector<ScoredResponse>> kept;  // by an earlier run
  verifiers::ScoreTask task;
  std::vector<ScoredResponse> scored;
  bool judged = false;  // or found bad; not after an interruption
};

/// How often one judge gave a verdict, and why it gave none.
struct JudgeTally {
  std::string name;
  int64_t judged = 0, unjudged = 0;
  std::map<std::string, int64_t> reasons = {};  // of unjudged ones, without details

  void Add(const Verdict& verdict) {
    if (verdict.status != VerdictStatus::kUnjudged) {
      ++judged;
      return;
    }
    ++unjudged;
    ++reasons[verdict.reason.substr(0, verdict.reason.find_first_of(":/"))];
  }
  std::string Warning() const {
    const auto most = std::ranges::max_element(
        reasons, [](const auto& a, const auto& b) { return a.second < b.second; });
    return StrCat("retort: warning: ", name, " judged none of the ", Thousands(unjudged), " ",
                  Plural(unjudged, "response"), " (", most->first, " in ", Thousands(most->second),
                  "); they are neither right nor wrong");
  }
};

class FileScorer {
 public:
  explicit FileScorer(const ScoreCommand& command)
      : command_(command),
        panel_(command.judges.Judges(), command.judges.Where()),
        reader_(command.file, command.format),
        progress_("score") {
    verifiers::CheckScoreOptions(command.columns);
    for (const train::JudgeSpec& judge : panel_.judges()) tallies_.push_back({judge.verifier});
    groups_.resize(command.columns.by.size());
    nowhere_.insert(command.columns.by.begin(), command.columns.by.end());
    nowhere_.insert(command.columns.keep.begin(), command.columns.keep.end());
    if (!command.compare.empty()) earlier_.emplace(command.compare);
    OpenOutputs();
    if (std::filesystem::is_regular_file(command.file)) {
      total_bytes_ = std::filesystem::file_size(command.file);
    }
  }

  /// False when interrupted: what was judged by then stays beside --out.
  bool Run() {
    while (!at_end_ && !stopped_) {  // once more after rows that were many bytes
      RunPipeline<ScoreLine>(
          command_.threads, kRows, [this](ScoreLine& line) { return Read(line); },
          [this](ScoreLine& line) { Judge(line); }, [this](ScoreLine& line) { Written(line); });
    }
    if (out_) out_->Flush();
    if (stopped_ || InterruptedByNow()) return false;
    if (bad_lines_ > kBadLinesShown) {
      progress_.Note(StrCat("retort: ", Counted(bad_lines_ - kBadLinesShown, "more bad line")));
    }
    if (bad_lines_ == lines_ && out_) out_->Discard();
    RETORT_CHECK(lines_ > 0, reader_.name(), ": holds no rows; expected one JSON object per line");
    RETORT_CHECK(bad_lines_ < lines_, reader_.name(), ": none of its ", Counted(lines_, "line"),
                 " could be scored; see the messages above and the flags --answer, "
                 "--response, --label and --format");
    if (earlier_) earlier_->Finish();
    if (disagreements_) disagreements_->Commit();
    if (out_) out_->Commit();
    Warn();
    return true;
  }

  Json Summary() const {
    Json summary = summary_.ToJson();
    summary["bad_lines"] = bad_lines_;
    summary["first_bad_lines"] = first_bad_lines_;
    for (size_t i = 0; i < groups_.size(); ++i) {
      Json& values = summary["by"][command_.columns.by[i]] = Json::object();
      for (const auto& [value, counts] : groups_[i].Sorted()) values[value] = counts.ToJson();
    }
    if (earlier_) summary["compare"] = earlier_->ToJson();
    return summary;
  }
  std::string Comparison() const { return earlier_ ? earlier_->ToText() : ""; }
  /// Where what was judged is kept, after `what`; nothing when both are empty.
  void TellHowToGoOn(const std::string& what) {
    const std::string how = out_ ? out_->HowToGoOn() : "";
    if (how.empty() && what.empty()) return;
    progress_.Note(how.empty() ? what : (what.empty() ? "retort" : what) + ": " + how);
  }
  /// Rows and summary share standard output, so the summary has to go elsewhere.
  bool writes_to_standard_output() const { return writes_to_standard_output_; }

 private:
  void OpenOutputs() {
    std::vector<std::filesystem::path> inputs{command_.file};
    if (!command_.compare.empty()) inputs.emplace_back(command_.compare);
    std::optional<OutputTarget> out, other;
    if (!command_.out.empty()) out.emplace(command_.out, inputs);
    if (!command_.disagreements.empty()) other.emplace(command_.disagreements, inputs);
    if (out && other) {
      RETORT_CHECK(out->path() != other->path() || out->descriptor() != other->descriptor() ||
                       (out->is_stream() && !out->descriptor() && out->path() == "/dev/null"),
                   other->name().string(), ": --out and --disagreements name the same place");
    }
    if (out && !out->is_stream()) {
      for (const std::filesystem::path& beside : VerdictFile::PlacesBeside(*out)) {
        const OutputTarget checked(beside, inputs);
        RETORT_CHECK(!other || other->path() != checked.path(), other->name().string(), ": --out ",
                     out->name().string(), " grows in that place; give ",
                     "--disagreements another name");
      }
    }
    for (const auto& target : {out, other}) {
      if (target && target->is_standard_output()) writes_to_standard_output_ = true;
    }
    if (other) disagreements_.emplace(*other);
    if (out) out_.emplace(*out, Settings(), command_.resume);
    if (command_.resume && out_->kept_rows() == 0) {
      progress_.Note("retort: nothing to go on with; starting at the first row");
    }
  }

  // All that a line of --out depends on beside its row.
  std::string Settings() const {
    verifiers::ScoreOptions columns = command_.columns;
    columns.label.clear();  // are in no line
    columns.by.clear();
    return Fingerprint()
        .Add(kVersion)
        .Add(ToJsonLine(WriteOptions(columns)))
        .Add(ToJsonLine(train::WritePanel(panel_.judges())))
        .Add(command_.compare)
        .Hex();
  }

  bool Read(ScoreLine& line) {
    if (bytes_under_way_ > kBytes) return false;
    const int64_t begin = reader_.bytes();
    at_end_ = (command_.limit > 0 && lines_read_ == command_.limit) || !reader_.Next(line.input);
    stopped_ = InterruptedByNow();  // then the line may be half a line
    if (at_end_ || stopped_) return false;
    if (out_ && lines_read_ < out_->kept_rows()) line.kept = out_->Kept(line.input.number);
    ++lines_read_;
    line.bytes = reader_.bytes() - begin;
    line.read_to = static_cast<int64_t>(reader_.consumed());
    bytes_under_way_ += line.bytes;
    return true;
  }

  verifiers::JointVerdict Pay(const verifiers::Response& response) const {
    train::Judgement judgement = panel_.Judge(response);
    return verifiers::JoinVerdicts(std::move(judgement.verdicts), judgement.reward.value_or(0));
  }

  void Judge(ScoreLine& line) const {
    if (Interrupted()) return;
    line.judged = true;
    const int64_t number = line.input.number;
    if (out_) line.fingerprint = FingerprintOfRow(line.input);
    const Json none = Json::object();
    line.task.kept =
        verifiers::KeptColumns(line.input.row ? *line.input.row : none, command_.columns);
    if (!line.input.row) return;
    try {
      line.task = verifiers::ReadScoreTask(std::move(*line.input.row), reader_.Where(number),
                                           command_.columns);
      if (line.kept) {
        TakeKept(line);
      } else {
        line.scored = verifiers::ScoreRow(
            line.task, number, [&](const verifiers::Response& response) { return Pay(response); });
      }
    } catch (const Error& error) {
      line.input.error = error.what();
    }
  }

  static uint64_t FingerprintOfRow(const datasets::JsonlLine& line) {
    Fingerprint fingerprint;
    fingerprint.Add(static_cast<uint64_t>(line.number));
    if (line.row) fingerprint.Add(ToJsonLine(*line.row));
    return fingerprint.value();
  }

  // Another number of verdicts shows in Write: then the rows are others.
  static void TakeKept(ScoreLine& line) {
    line.scored = std::move(*line.kept);
    if (line.scored.size() != line.task.items.size()) return;
    for (size_t i = 0; i < line.scored.size(); ++i) line.scored[i].label = line.task.items[i].label;
  }

  void Written(const ScoreLine& line) {
    bytes_under_way_ -= line.bytes;
    // After an interruption: from the first on that was not judged, none is written.
    cut_off_ = cut_off_ || !line.judged;
    if (cut_off_) return;
    Write(line);
    const bool waits = total_bytes_ == 0 && bytes_under_way_ == 0;  // for what a pipe brings
    if (out_ && (waits || lines_ % kFlushRows == 0 || since_flush_.seconds() > kFlushSeconds)) {
      out_->Flush();
      since_flush_ = {};
    }
    progress_.Update(static_cast<double>(line.read_to), static_cast<double>(total_bytes_),
                     StrCat(Thousands(lines_), " ", Plural(lines_, "row")));
  }

  void Write(const ScoreLine& line) {
    ++lines_;
    std::string lines;
    if (!line.input.error.empty()) {
      if (++bad_lines_ <= kBadLinesShown) {
        progress_.Note("retort: " + line.input.error);
        first_bad_lines_.push_back(line.input.number);
      }
      Json row{{"row", line.input.number}, {"error", line.input.error}};
      row.update(line.task.kept);
      if (out_) out_->Add(line.fingerprint, ToJsonLine(row) + "\n");
      return;
    }
    if (line.scored.size() != line.task.items.size()) out_->FailOtherRows();
    ++summary_.rows;
    LookForColumns(line.task);
    const bool with_response = line.scored.size() > 1 || command_.columns.response.size() > 1;
    for (const ScoredResponse& scored : line.scored) {
      Count(line.task, scored);
      std::optional<VerdictStatus> before;
      if (earlier_) {
        before = earlier_->Find(scored.row, scored.response);
        earlier_->Add(scored, before);
      }
      if (!out_) continue;
      Json row = verifiers::ToJson(scored, with_response);
      if (before) row["before"] = EnumName(*before);
      row.update(line.task.kept);
      lines += ToJsonLine(row) + "\n";
    }
    if (out_) out_->Add(line.fingerprint, lines);
  }

  void LookForColumns(const verifiers::ScoreTask& task) {
    std::erase_if(nowhere_, [&](const std::string& column) {
      if (task.kept.contains(column) && !task.kept[column].is_null()) return true;
      const auto by = std::ranges::find(command_.columns.by, column) - command_.columns.by.begin();
      return static_cast<size_t>(by) < groups_.size() &&
             task.groups[static_cast<size_t>(by)] != verifiers::kNoValue;
    });
  }

  void Count(const verifiers::ScoreTask& task, const ScoredResponse& scored) {
    summary_.Add(scored);
    for (size_t i = 0; i < groups_.size(); ++i) groups_[i].Add(task.groups[i], scored);
    if (scored.judges.size() != tallies_.size()) {
      tallies_[0].Add(scored.verdict);
    } else {
      for (size_t i = 0; i < tallies_.size(); ++i) tallies_[i].Add(scored.judges[i].verdict);
    }
    if (disagreements_ && scored.label && !scored.agrees()) {
      Json row{{"row", scored.row}, {"index", scored.response}, {"label", *scored.label}};
      row.update(task.kept);
      row["gold"] = task.golds.size() == 1 ? Json(task.golds[0]) : Json(task.golds);
      row["response"] = task.items[static_cast<size_t>(scored.response)].text;
      row.update(verifiers::ToJson(scored, false));
      disagreements_->Write(ToJsonLine(row) + "\n");
    }
  }

  void Warn() {
    for (const std::string& column : nowhere_) {
      progress_.Note(StrCat("retort: warning: no row has anything in column '", column, "'"));
    }
    bool warned = false;
    for (const JudgeTally& tally : tallies_) {
      if (tally.judged > 0 || tally.unjudged == 0) continue;
      progress_.Note(tally.Warning());
      warned = true;
    }
    if (!warned && summary_.responses() > 0 && summary_.unjudged == summary_.responses()) {
      progress_.Note("retort: warning: no response has a verdict of all judges; each is unjudged");
    }
  }

  const ScoreCommand& command_;
  const train::RewardPanel panel_;
  datasets::JsonlReader reader_;
  std::optional<EarlierVerdicts> earlier_;
  std::optional<VerdictFile> out_;
  std::optional<OutputFile> disagreements_;
  bool writes_to_standard_output_ = false;
  Progress progress_;
  verifiers::ScoreSummary summary_;
  std::vector<verifiers::ScoreGroups> groups_;  // of --by
  std::set<std::string> nowhere_;               // columns of --by and --keep that no row had yet
  std::vector<JudgeTally> tallies_;             // of the panel
  // Of the one who reads.
  bool at_end_ = false, stopped_ = false;
  int64_t lines_read_ = 0;
  // Of all.
  std::atomic<int64_t> bytes_under_way_{0};
  // Of the one who writes.
  bool cut_off_ = false;
  Stopwatch since_flush_;
  uintmax_t total_bytes_ = 0;  // 0: unknown
  int64_t lines_ = 0;
  int64_t bad_lines_ = 0;
  std::vector<int64_t> first_bad_lines_;
};

}  // namespace

int ScoreFile(const ScoreCommand& command) {
  CatchInterrupts();
  const Stopwatch watch;
  const MemoryGrowth memory;
  Json summary;
  std::string comparison;
  bool to_error = false;
  {
    FileScorer scorer(command);
    try {
      if (!scorer.Run()) {
        scorer.TellHowToGoOn("retort: interrupted");
        return kInterrupted;
      }
    } catch (const BrokenPipe&) {
      throw;
    } catch (const Error&) {
      scorer.TellHowToGoOn("");
      throw;
    }
    summary = scorer.Summary();
    comparison = scorer.Comparison();
    to_error = scorer.writes_to_standard_output();
  }
  const double seconds = watch.seconds();
  const int code = summary["bad_lines"] == 0 ? kSuccess : kFailure;
  std::ostream& out = to_error ? std::cerr : std::cout;
  if (command.json) {
    summary["seconds"] = seconds;
    summary["peak_bytes"] = memory.peak();
    out << ToJsonLine(summary) << "\n";
  } else {
    out << ScoreSummaryText(summary, seconds) << comparison;
  }
  return code;
}

}  // namespace retort::cli
