#include <algorithm>

#include "base/error.h"
#include "base/options.h"
#include "cli/parts/table.h"
#include "cli/score_modes.h"

namespace retort::cli {
namespace {

constexpr size_t kMostShown = 50;
constexpr size_t kAnswerWidth = 40;

constexpr std::array kStatuses{VerdictStatus::kRight, VerdictStatus::kWrong,
                               VerdictStatus::kUnjudged};

size_t Index(VerdictStatus status) { return static_cast<size_t>(status); }

}  // namespace

EarlierVerdicts::EarlierVerdicts(const std::string& path) : reader_(path), path_(path) {
  Advance();
}

// To the next line that holds a verdict; lines that could not be judged then hold an error.
void EarlierVerdicts::Advance() {
  const std::optional<Entry> last = std::exchange(next_, std::nullopt);
  datasets::JsonlLine line;
  while (reader_.Next(line)) {
    RETORT_CHECK(line.row, line.error);
    const Json& json = *line.row;
    if (json.contains("error")) continue;
    const std::string where = reader_.Where(line.number);
    const auto row = json.find("row"), response = json.find("response");
    const auto verdict = json.find("verdict");
    const bool has_response = response != json.end();
    RETORT_CHECK(row != json.end() && row->is_number_integer() && verdict != json.end() &&
                     verdict->is_string() && (!has_response || response->is_number_integer()),
                 where, ": no verdict. --compare takes what retort score --out wrote.");
    Entry entry{row->get<int64_t>(), has_response ? response->get<int64_t>() : 0};
    const auto status = std::find_if(kStatuses.begin(), kStatuses.end(), [&](VerdictStatus s) {
      return EnumName(s) == verdict->get_ref<const std::string&>();
    });
    RETORT_CHECK(status != kStatuses.end(), where, ": verdict: got '",
                 verdict->get_ref<const std::string&>(), "', expected right, wrong or unjudged.");
    entry.verdict = *status;
    RETORT_CHECK(!last || *last < entry, where, ": row ", entry.row, " after row ", last->row,
                 ": --compare takes rows in their order, once each.");
    next_ = entry;
    return;
  }
}

std::optional<VerdictStatus> EarlierVerdicts::Find(int64_t row, int64_t response) {
  const Entry wanted{row, response};
  while (next_ && *next_ < wanted) {
    ++only_there_;
    Advance();
  }
  if (!next_ || wanted < *next_) return std::nullopt;
  const VerdictStatus verdict = next_->verdict;
  Advance();
  return verdict;
}

void EarlierVerdicts::Add(const verifiers::ScoredResponse& scored,
                          std::optional<VerdictStatus> earlier) {
  if (!earlier) {
    ++only_here_;
    return;
  }
  ++rows_;
  ++changes_[Index(*earlier)][Index(scored.verdict.status)];
  if (*earlier == scored.verdict.status) {
    ++agreeing_;
  } else if (disagreements_.size() < kMostShown) {
    disagreements_.push_back({{"row", scored.row},
                              {"response", scored.response},
                              {"before", EnumName(*earlier)},
                              {"verdict", EnumName(scored.verdict.status)},
                              {"reason", scored.verdict.reason},
                              {"extracted", scored.verdict.extracted}});
  }
}

void EarlierVerdicts::Finish() {
  for (; next_; Advance()) ++only_there_;
}

Json EarlierVerdicts::ToJson() const {
  Json changes = Json::object();
  for (const VerdictStatus before : kStatuses) {
    for (const VerdictStatus now : kStatuses) {
      const int64_t count = changes_[Index(before)][Index(now)];
      if (before != now && count > 0) changes[EnumName(before)][EnumName(now)] = count;
    }
  }
  return {
      {"rows", rows_},           {"agreeing", agreeing_},     {"changes", changes},
      {"only_here", only_here_}, {"only_there", only_there_}, {"disagreements", disagreements_}};
}

std::string EarlierVerdicts::ToText() const {
  Table counts{{"compared", "agreeing", "right before", "right now", "only here", "only there"},
               {{}}};
  int64_t before = 0, now = 0;
  const size_t right = Index(VerdictStatus::kRight);
  for (size_t i = 0; i < kStatuses.size(); ++i) {
    before += changes_[right][i];
    now += changes_[i][right];
  }
  for (const int64_t count : {rows_, agreeing_, before, now, only_here_, only_there_}) {
    counts.rows[0].push_back(Thousands(count));
  }
  std::string text = "\n" + FormatTable(counts);
  if (disagreements_.empty()) return text;
  Table list{{"row", "response", "before", "now", "extracted", "reason"}, {}};
  for (const Json& item : disagreements_) {
    list.rows.push_back({StrCat(item["row"].get<int64_t>()),
                         StrCat(item["response"].get<int64_t>()), item["before"].get<std::string>(),
                         item["verdict"].get<std::string>(),
                         Shorten(item["extracted"].get<std::string>(), kAnswerWidth),
                         item["reason"].get<std::string>()});
  }
  text += "\n" + FormatTable(list);
  const int64_t more = rows_ - agreeing_ - static_cast<int64_t>(disagreements_.size());
  if (more > 0) text += StrCat(Thousands(more), " more; see \"before\" in the rows of --out\n");
  return text;
}

}  // namespace retort::cli
