#include "datasets/jsonl.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "base/error.h"
#include "base/strings.h"

namespace retort::datasets {
namespace fs = std::filesystem;
namespace {

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

// Of a code task, which has no answer; the columns that verifiers/code_task.h reads.
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
  RETORT_CHECK(value.is_number() || value.is_boolean(), where, ": column '", column,
               "' is of type ", value.type_name(), ", expected text or a number");
  return value.dump();
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

JsonlReader::JsonlReader(const std::string& path) : name_(path), stream_(&file_) {
  if (path == "-") {
    name_ = "standard input";
    stream_ = &std::cin;
    return;
  }
  RETORT_CHECK(fs::exists(path), path, ": no such file; check the path");
  RETORT_CHECK(!fs::is_directory(path), path, ": is a folder, expected a .jsonl file");
  file_.open(path, std::ios::binary);
  RETORT_CHECK(file_.is_open(), path, ": cannot open: ", std::strerror(errno));
}

std::string JsonlReader::Where(int64_t line) const { return StrCat(name_, ":", line); }

bool JsonlReader::GetLine() {
  if (!std::getline(*stream_, text_)) {
    RETORT_CHECK(!stream_->bad(), Where(number_ + 1), ": cannot read on: ", std::strerror(errno));
    return false;
  }
  bytes_ += static_cast<int64_t>(text_.size()) + (stream_->eof() ? 0 : 1);
  if (++number_ == 1 && text_.starts_with("\xEF\xBB\xBF")) text_.erase(0, 3);  // byte order mark
  return true;
}

bool JsonlReader::Next(JsonlLine& line) {
  line = {};
  if (!pending_ && !GetLine()) return false;
  pending_ = false;
  line.number = number_;
  if (Trim(text_).empty()) {
    do {
      if (!GetLine()) return false;  // nothing but empty lines to the end
    } while (Trim(text_).empty());
    pending_ = true;
    line.error = Where(line.number) + ": empty line, expected a JSON object; remove the line";
    return true;
  }
  try {
    Json row = ParseJson(text_, Where(number_));
    RETORT_CHECK(row.is_object(), Where(number_), ": got a JSON ", row.type_name(),
                 ", expected an object of columns {\"prompt\": …, \"answer\": …}");
    line.row = std::move(row);
  } catch (const Error& error) {
    // The parser counts lines within its text, which is always one.
    line.error = ReplaceAll(error.what(), "parse error at line 1, ", "at ");
  }
  return true;
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
