#include "datasets/jsonl.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <set>

#include "base/error.h"
#include "base/strings.h"

namespace retort::datasets {
namespace fs = std::filesystem;
namespace {

constexpr size_t kMaxColumnName = 1000;  // bytes: every row repeats it
constexpr const char* kTooLong = ": a row of more than 256 MiB; split it";

bool IsCsvName(std::string name) {
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  for (const std::string_view suffix : {".gz", ".zst"}) {
    if (name.ends_with(suffix)) name.erase(name.size() - suffix.size());
  }
  return name.ends_with(".csv");
}

constexpr const char* kPromptColumns[] = {"prompt", "question", "problem", "messages", "input"};
constexpr const char* kAnswerColumns[] = {"answer", "solution", "ground_truth", "label"};

std::string ColumnsOf(const Json& row) {
  std::vector<std::string> names;
  for (const auto& [name, value] : row.items()) names.push_back(name);
  return names.empty() ? "none" : Join(names, ", ");
}

// A null is as good as an absent column.
bool Has(const Json& row, const std::string& column) {
  const auto it = row.find(column);
  return it != row.end() && !it->is_null();
}

// Of a code task, which has no answer; the columns that verifiers/code/internal/task.h reads.
bool HasTests(const Json& row) {
  return Has(row, "tests") || Has(row, "test") || Has(row, "test_list") || Has(row, "input_output");
}

template <size_t N>
std::string FindColumn(const Json& row, const std::string& explicit_name,
                       const char* const (&candidates)[N]) {
  if (!explicit_name.empty()) return Has(row, explicit_name) ? explicit_name : "";
  for (const char* name : candidates) {
    if (Has(row, name)) return name;
  }
  return "";
}

template <size_t N>
[[noreturn]] void FailMissing(const Json& row, const std::string& where, const char* what,
                              const std::string& explicit_name,
                              const char* const (&candidates)[N]) {
  const std::string wanted =
      explicit_name.empty() ? "one of " + Join({std::begin(candidates), std::end(candidates)}, ", ")
                            : "'" + explicit_name + "'";
  Fail(where, ": no ", what, " column: expected ", wanted, ", found the columns ", ColumnsOf(row),
       "; name the right one with ", what, "_column");
}

// Text of a string or number; anything else is an error.
std::string ScalarText(const Json& value, const std::string& where, const std::string& column) {
  if (value.is_string()) return value.get<std::string>();
  RETORT_CHECK(value.is_number() || IsInteger(value) || value.is_boolean(), where, ": column '",
               column, "' is of type ", value.type_name(), ", expected text or a number");
  return ToJsonLine(value);
}

// The content of a chat message: text, or a list of parts of which the text ones count.
std::string MessageText(const Json& content, const std::string& where, const std::string& column) {
  if (!content.is_array()) return ScalarText(content, where, column);
  std::string text;
  for (const Json& part : content) {
    if (part.is_object() && part.value("type", Json()) == "text" && part.contains("text")) {
      text += ScalarText(part["text"], where, column);
    }
  }
  return text;
}

std::string PromptText(const Json& value, Turns turns, const std::string& where,
                       const std::string& column) {
  if (!value.is_array()) return ScalarText(value, where, column);
  std::vector<std::string> texts;  // up to the last message of the user
  size_t taken = 0;
  for (const Json& message : value) {
    RETORT_CHECK(message.is_object() && message.contains("role") && message.contains("content"),
                 where, ": column '", column,
                 "' holds a list, expected chat messages {\"role\": …, \"content\": …}");
    const bool user = message["role"] == "user";
    texts.push_back(message["content"].is_null() && !user
                        ? ""  // a tool call
                        : MessageText(message["content"], where, column));
    if (user) taken = texts.size();
  }
  RETORT_CHECK(taken > 0, where, ": column '", column, "' has no message with the role 'user'");
  RETORT_CHECK(turns != Turns::kError || value.size() == 1, where, ": column '", column, "' holds ",
               value.size(),
               " messages, expected a single one of the user. Choose "
               "columns.turns: \"last\" (the last user message alone) or \"join\" (all turns up "
               "to it, the system's too)");
  texts.resize(taken);
  if (turns == Turns::kLast) return texts.back();
  std::erase(texts, "");
  return Join(texts, "\n\n");
}

struct Box {
  size_t begin, end;  // of the whole \boxed{…}
  std::string content;
};

// The last \boxed{…} or \fbox{…} with balanced braces; "\boxed 5" counts up to a space or a '$'.
std::optional<Box> LastBox(const std::string& text) {
  size_t begin = text.rfind("\\boxed"), name = 6;
  if (begin == std::string::npos) begin = text.rfind("\\fbox"), name = 5;
  if (begin == std::string::npos) return std::nullopt;
  size_t i = begin + name;
  while (i < text.size() && text[i] == ' ') ++i;
  if (i < text.size() && text[i] != '{') {
    const size_t end = std::min(text.find_first_of(" $\n", i), text.size());
    return Box{begin, end, text.substr(i, end - i)};
  }
  int depth = 0;
  for (size_t j = i; j < text.size(); ++j) {
    if (text[j] == '\\') {
      ++j;  // \{ and \} are not groups
    } else if (text[j] == '{') {
      ++depth;
    } else if (text[j] == '}' && --depth == 0) {
      return Box{begin, j + 1, text.substr(i + 1, j - i - 1)};
    }
  }
  return std::nullopt;
}

// Splits the text of the answer column into answer and worked solution, where it holds both.
void SplitAnswer(const std::string& column, Problem& problem) {
  const std::string text = problem.answer;
  const size_t mark = text.rfind("####");
  const bool own_line = mark != std::string::npos && (mark == 0 || text[mark - 1] == '\n') &&
                        text.find('\n', mark) >= text.find_last_not_of(" \r\n");
  if (own_line) {  // not a heading further up
    problem.answer = Trim(std::string_view(text).substr(mark + 4));
    problem.solution = Trim(std::string_view(text).substr(0, mark));
  } else if (column == "solution") {
    if (const auto box = LastBox(text)) {
      problem.answer = Trim(box->content);
      problem.solution = text.substr(0, box->begin) + box->content + text.substr(box->end);
    }
  }
}

}  // namespace

JsonlReader::JsonlReader(const std::string& path, RowFormat format)
    : source_(path),
      csv_(format == RowFormat::kCsv || (format == RowFormat::kAuto && IsCsvName(path))) {}

std::string JsonlReader::Where(int64_t line) const { return StrCat(source_.name(), ":", line); }

bool JsonlReader::GetLine() {
  text_.clear();
  too_long_ = false;
  bool any = false, ended = false;
  while (!ended) {
    if (piece_.empty()) piece_ = source_.Next();
    if (piece_.empty()) break;
    any = true;
    const size_t end = piece_.find('\n');
    ended = end != std::string_view::npos;
    const std::string_view part = piece_.substr(0, end);
    piece_.remove_prefix(part.size() + (ended ? 1 : 0));
    bytes_ += static_cast<int64_t>(part.size()) + (ended ? 1 : 0);
    too_long_ = too_long_ || text_.size() + part.size() > kMaxRowBytes;
    if (!too_long_) text_ += part;
  }
  if (!any) return false;
  if (too_long_) text_.clear();
  if (++number_ == 1 && text_.starts_with("\xEF\xBB\xBF")) text_.erase(0, 3);  // byte order mark
  return true;
}

bool JsonlReader::Next(JsonlLine& line) {
  line = {};
  if (csv_ && columns_.empty()) {
    if (!ReadRecord(line)) return false;
    RETORT_CHECK(line.error.empty(), line.error);
    columns_ = record_.fields();
    std::set<std::string> known;
    for (const std::string& name : columns_) {
      RETORT_CHECK(name.size() <= kMaxColumnName, Where(line.number),
                   ": the header names a column by ", name.size(), " bytes, expected at most ",
                   kMaxColumnName, ". Is it a header?");
      RETORT_CHECK(known.insert(name).second, Where(line.number), ": the header names the column '",
                   name, "' twice; rename one");
    }
  }
  if (csv_) {
    if (!ReadRecord(line)) return false;
    if (line.error.empty()) ReadCsv(line);
    return true;
  }
  do {
    if (!GetLine()) return false;
  } while (!too_long_ && Trim(text_).empty());
  line.number = number_;
  ReadJson(line);
  return true;
}

void JsonlReader::ReadJson(JsonlLine& line) {
  try {
    RETORT_CHECK(!too_long_, Where(number_), kTooLong);
    Json row = ParseJson(text_, Where(number_));
    RETORT_CHECK(row.is_object(), Where(number_), ": got a JSON ", row.type_name(),
                 ", expected an object of columns {\"prompt\": …, \"answer\": …}");
    line.row = std::move(row);
  } catch (const Error& error) {
    // The parser counts lines within its text, which is always one.
    line.error = ReplaceAll(error.what(), "parse error at line 1, ", "at ");
  }
}

// The next record, which is not a blank line, or what is wrong with it.
bool JsonlReader::ReadRecord(JsonlLine& line) {
  do {
    if (!GetLine()) return false;
  } while (!too_long_ && Trim(text_).empty());
  line.number = number_;
  record_.Clear();
  size_t size = text_.size();
  bool complete = record_.AddLine(text_);
  while (!complete && !too_long_ && GetLine()) {
    size += text_.size();
    too_long_ = too_long_ || size > kMaxRowBytes;
    complete = record_.AddLine(text_);
  }
  if (too_long_) {
    line.error = Where(line.number) + kTooLong;
  } else if (!complete) {
    line.error = Where(line.number) + ": a quoted field begins here and does not end; close it";
  } else if (!record_.error().empty()) {
    line.error = StrCat(Where(line.number), ": ", record_.error());
  }
  return true;
}

void JsonlReader::ReadCsv(JsonlLine& line) {
  const std::vector<std::string>& fields = record_.fields();
  if (fields.size() != columns_.size()) {
    line.error = StrCat(Where(line.number), ": got ", fields.size(), " fields, the header names ",
                        columns_.size(), " columns; put fields that hold commas in quotes");
    return;
  }
  Json row = Json::object();
  for (size_t i = 0; i < fields.size(); ++i) {
    if (!IsUtf8(fields[i])) {
      line.error =
          StrCat(Where(line.number), ": column '", columns_[i], "' is not UTF-8; convert the file");
      return;
    }
    row[columns_[i]] = fields[i];
  }
  line.row = std::move(row);
}

Problem ProblemFromRow(const Json& row, const JsonlOptions& options, const std::string& where,
                       const std::string& id) {
  Problem problem;
  problem.id = id;
  const std::string prompt = FindColumn(row, options.prompt_column, kPromptColumns);
  if (prompt.empty()) FailMissing(row, where, "prompt", options.prompt_column, kPromptColumns);
  problem.prompt = PromptText(row[prompt], options.turns, where, prompt);
  problem.canonical = problem.prompt;

  const std::string answer = FindColumn(row, options.answer_column, kAnswerColumns);
  if (!answer.empty()) {
    problem.answer = ScalarText(row[answer], where, answer);
    SplitAnswer(answer, problem);
  } else if (!options.answer_column.empty() || !HasTests(row)) {
    FailMissing(row, where, "answer", options.answer_column, kAnswerColumns);
  }

  const std::string solution = FindColumn(row, options.solution_column, {"solution"});
  if (!solution.empty() && solution != answer) {
    problem.solution = ScalarText(row[solution], where, solution);
  } else if (solution.empty() && !options.solution_column.empty()) {
    FailMissing(row, where, "solution", options.solution_column, {"solution"});
  }

  if (!options.id_column.empty()) {
    if (!Has(row, options.id_column)) FailMissing(row, where, "id", options.id_column, {"id"});
    problem.id = ScalarText(row[options.id_column], where, options.id_column);
  }
  for (const auto& [name, value] : row.items()) {
    if (name != prompt && name != answer && name != solution) problem.extra[name] = value;
  }
  return problem;
}

void ForEachProblem(const std::string& path, const JsonlOptions& options,
                    const std::function<void(Problem)>& visit,
                    const std::function<void(const std::string&)>& bad_row) {
  JsonlReader reader(path);
  const bool standard_input = path == "-";
  const std::string file = standard_input ? "stdin" : fs::path(path).filename().string();
  const std::string family = standard_input ? "stdin" : fs::path(path).stem().string();
  int64_t count = 0;
  for (JsonlLine line; (options.limit == 0 || count < options.limit) && reader.Next(line);
       ++count) {
    try {
      RETORT_CHECK(line.row, line.error);
      Problem problem = ProblemFromRow(*line.row, options, reader.Where(line.number),
                                       StrCat(file, ":", line.number));
      problem.family = family;
      visit(std::move(problem));
    } catch (const Error& error) {
      if (!bad_row) throw;
      bad_row(error.what());
    }
  }
  RETORT_CHECK(count > 0, path, ": holds no rows; expected one JSON object per line");
}

std::vector<Problem> LoadProblems(const std::string& path, const JsonlOptions& options) {
  std::vector<Problem> problems;
  ForEachProblem(path, options, [&](Problem problem) { problems.push_back(std::move(problem)); });
  return problems;
}

}  // namespace retort::datasets
