#include "verifiers/code/codeio.h"

#include <optional>

#include "base/error.h"
#include "base/strings.h"
#include "verifiers/code/internal/codeio_answer.h"
#include "verifiers/code/internal/codeio_run.h"
#include "verifiers/text/extract.h"

namespace retort::verifiers {
namespace {

constexpr size_t kMaxDetail = 200;

std::string WithDetail(std::string_view code, const std::string& detail) {
  if (detail.empty()) return std::string(code);
  return StrCat(code, "/", ToValidUtf8(std::string_view(detail).substr(0, kMaxDetail)));
}

struct Task {
  bool finds_input = false;
  bool python = false;
  std::string program, entry;
  Json input, output;
  /// Of the entry function, in order; of a Python program only where the task has an input.
  std::vector<std::string> parameters;
  std::optional<exec::VmProgram> mini;
};

std::string Text(const Json& object, const char* key, const std::string& otherwise) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : otherwise;
}

// Throws Error saying what is wrong with the task.
Task ReadTask(const Json& extra) {
  RETORT_CHECK(extra.is_object(), "expected an object");
  Task task;
  const std::string direction = Text(extra, "direction", "");
  RETORT_CHECK(direction == "output" || direction == "input", "direction is output or input");
  task.finds_input = direction == "input";
  const std::string language = Text(extra, "language", "mini");
  RETORT_CHECK(language == "mini" || language == "python", "language is mini or python");
  task.python = language == "python";
  task.program = Text(extra, "program", Text(extra, "refcode", ""));
  RETORT_CHECK(!task.program.empty(), "no program");
  task.entry = Text(extra, "entry", task.python ? "main_solution" : "main");
  RETORT_CHECK(extra.contains("output") && !extra["output"].is_null(), "no output");
  task.output = extra["output"];
  if (const auto input = extra.find("input"); input != extra.end() && input->is_object()) {
    task.input = *input;
    for (const auto& [name, value] : input->items()) task.parameters.push_back(name);
  }
  if (!task.python) {
    RETORT_CHECK(task.entry == "main", "a Mini program has no function but main");
    task.mini.emplace(task.program);
    task.parameters = task.mini->parameters();
  }
  return task;
}

// The JSON of the answer, and whether it stood in a tag.
struct Found {
  std::string text;
  bool in_tag = false;
};

std::optional<Found> FindAnswer(std::string_view text, CodeioAnswer where) {
  text = AfterThinking(WithinTurn(text));
  if (where != CodeioAnswer::kJson) {
    if (const auto tag = LastAnswerTag(text)) return Found{std::string(Trim(*tag)), true};
  }
  if (where == CodeioAnswer::kTag) return std::nullopt;
  const std::string_view object = LastJsonObject(text);
  if (object.empty()) return std::nullopt;
  return Found{std::string(object), false};
}

// The value under `key` where it is the only one.
std::optional<Json> Unwrap(const Json& value, const char* key) {
  if (!value.is_object() || value.size() != 1 || !value.contains(key)) return std::nullopt;
  return value[key];
}

// "4,[1,2]" as {"a": 4, "l": [1,2]}, and an object as it is.
std::optional<Json> ReadArguments(const std::string& text, const Task& task) {
  if (const auto value = TryParseJson(text); value && value->is_object()) {
    const auto inner = Unwrap(*value, "input");
    return inner && inner->is_object() ? inner : value;
  }
  const auto list = TryParseJson(StrCat("[", text, "]"));
  if (!list) return std::nullopt;
  if (list->size() != task.parameters.size()) return list;  // which fits no program
  Json arguments = Json::object();
  for (size_t i = 0; i < list->size(); ++i) arguments[task.parameters[i]] = (*list)[i];
  return arguments;
}

// What was predicted, or nothing when it cannot be read.
std::optional<Json> ReadPrediction(const Found& found, const Task& task) {
  if (task.finds_input && found.in_tag) return ReadArguments(found.text, task);
  auto value = TryParseJson(found.text);
  if (!value) return value;
  const char* key = task.finds_input ? "input" : "output";
  if (auto inner = Unwrap(*value, key)) return inner;
  // As published, other keys may stand beside it.
  if (!found.in_tag) return value->contains(key) ? std::optional((*value)[key]) : std::nullopt;
  return value;
}

bool FitsParameters(const Json& arguments, const Task& task) {
  if (!arguments.is_object()) return false;
  if (task.python) return true;  // Python knows of default values
  if (arguments.size() != task.parameters.size()) return false;
  for (const std::string& name : task.parameters) {
    if (!arguments.contains(name)) return false;
  }
  return true;
}

// "main(4,[1,2])", as in the prompts of the generated tasks.
std::string ShowCall(const Json& arguments, const std::string& entry) {
  std::string shown;
  if (arguments.is_object()) {
    for (const auto& [name, value] : arguments.items()) {
      shown += (shown.empty() ? "" : ",") + ToJsonLine(value);
    }
  }
  return StrCat(entry, "(", shown, ")");
}

class CodeioVerifier final : public Verifier {
 public:
  explicit CodeioVerifier(const CodeioOptions& options)
      : options_(options), python_(options.python) {}

  std::string CannotJudge(const Problem& problem) const override {
    try {
      ReadTask(problem.extra);
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  }

  Verdict Judge(const Response& response) const override {
    Verdict verdict{VerdictStatus::kWrong, 0, "no-answer", ""};
    Task task;
    try {
      task = ReadTask(response.problem.extra);
    } catch (const Error& error) {
      return {VerdictStatus::kUnjudged, 0, WithDetail("bad-task", error.what()), ""};
    }
    const auto found = FindAnswer(response.text, options_.answer);
    if (!found) return verdict;
    verdict.extracted = ToValidUtf8(std::string_view(found->text).substr(0, kMaxAnswerBytes));
    const auto prediction =
        found->text.size() > kMaxAnswerBytes ? std::nullopt : ReadPrediction(*found, task);
    if (!prediction) {
      verdict.reason = "malformed";
      return verdict;
    }
    const std::string shown = ToJsonLine(*prediction);
    if (shown.size() <= kMaxAnswerBytes) verdict.extracted = shown;
    if (!task.finds_input) {
      Settle(IsClose(*prediction, task.output), "equal", "different", verdict);
    } else if (!FitsParameters(*prediction, task)) {
      verdict.reason = "bad-arguments";
    } else {
      Execute(task, *prediction, verdict);
    }
    return verdict;
  }

  std::string Feedback(const Problem& problem, const Verdict& verdict) const override {
    const Json& extra = problem.extra;
    if (verdict.status != VerdictStatus::kWrong || !extra.is_object()) {
      return Verifier::Feedback(problem, verdict);
    }
    const bool python = Text(extra, "language", "mini") == "python";
    const std::string entry = Text(extra, "entry", python ? "main_solution" : "main");
    const size_t slash = std::min(verdict.reason.find('/'), verdict.reason.size());
    const std::string code = verdict.reason.substr(0, slash);
    const std::string detail =
        slash < verdict.reason.size() ? verdict.reason.substr(slash + 1) : "";
    if (code == "malformed") return "The answer is not JSON.";
    if (code == "different") {
      return StrCat(ShowCall(extra.value("input", Json()), entry), " is not ", verdict.extracted,
                    ".");
    }
    const auto call = [&] {
      const Json given = TryParseJson(verdict.extracted).value_or(nullptr);
      return ShowCall(given, entry);
    };
    if (code == "other-output") {
      return StrCat(call(), " is ", detail, ", not ", ToJsonLine(extra.value("output", Json())),
                    ".");
    }
    if (code == "exception") return StrCat(call(), " fails: ", detail, ".");
    if (code == "limit") return StrCat(call(), " does not end: ", detail, ".");
    if (code == "bad-arguments") {
      return StrCat("The arguments ", verdict.extracted, " do not fit ", entry, ".");
    }
    return Verifier::Feedback(problem, verdict);
  }

 private:
  static void Settle(bool right, std::string_view if_right, std::string_view if_wrong,
                     Verdict& verdict) {
    if (right) verdict.status = VerdictStatus::kRight;
    verdict.score = right ? 1 : 0;
    verdict.reason = right ? if_right : if_wrong;
  }

  void Execute(const Task& task, const Json& arguments, Verdict& verdict) const {
    const ProgramRun run = task.python ? python_.Run(task.program, task.entry, arguments)
                                       : RunMini(*task.mini, arguments, options_.mini);
    switch (run.ending) {
      case ProgramRun::Ending::kReturned:
        return Settle(IsClose(run.output, task.output), "feasible",
                      WithDetail("other-output", ToJsonLine(run.output)), verdict);
      case ProgramRun::Ending::kException:
        verdict.reason = WithDetail("exception", run.message);
        return;
      case ProgramRun::Ending::kLimit:
        verdict.reason = WithDetail("limit", run.message);
        return;
      case ProgramRun::Ending::kFault:
        verdict.status = VerdictStatus::kUnjudged;
        verdict.reason = WithDetail("no-sandbox", run.message);
        return;
    }
  }

  CodeioOptions options_;
  PythonFunctions python_;
};

}  // namespace

std::unique_ptr<Verifier> MakeCodeioVerifier(const CodeioOptions& options) {
  return std::make_unique<CodeioVerifier>(options);
}

}  // namespace retort::verifiers
