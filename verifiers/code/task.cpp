#include "verifiers/code/internal/task.h"

#include <algorithm>
#include <functional>
#include <set>

#include "base/strings.h"
#include "verifiers/text/ascii.h"

namespace retort::verifiers {

namespace {

template <class... Args>
[[noreturn]] void FailTests(const Args&... args) {
  throw TaskError("bad-tests", StrCat(args...));
}

const Json* Find(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

const std::string& RequireText(const Json& value, const std::string& where) {
  if (!value.is_string()) FailTests(where, ": got ", value.type_name(), ", expected a text.");
  return value.get_ref<const std::string&>();
}

std::string TextColumn(const Json& columns, const char* key) {
  const Json* value = Find(columns, key);
  return value == nullptr ? "" : RequireText(*value, key);
}

std::optional<bool> FlagColumn(const Json& columns, const char* key) {
  const Json* value = Find(columns, key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) {
    FailTests(key, ": got ", value->type_name(), ", expected true or false.");
  }
  return value->get<bool>();
}

// Whether a sentence that ends at `end` says no, or that something is where it belongs.
bool Denies(std::string_view text, size_t end) {
  const size_t begin = text.find_last_of(".!?:;", end);
  const std::string_view clause =
      text.substr(begin == std::string_view::npos || begin > end ? 0 : begin, end);
  for (const char* word : {"not ", "n't ", "without", "never", "avoid", "instead", "already",
                           "stay", "remain", "keep", "kept", "leave", "left"}) {
    if (clause.find(word) != std::string_view::npos) return true;
  }
  return false;
}

// "in place", "in-place", "inplace", in any case.
bool SaysInPlace(std::string_view prompt) {
  const std::string lower = Lowered(prompt);
  for (size_t at = lower.find("in"); at != std::string::npos; at = lower.find("in", at + 1)) {
    if (at > 0 && IsLetter(lower[at - 1])) continue;
    std::string_view rest = std::string_view(lower).substr(at + 2);
    rest.remove_prefix(std::min(rest.find_first_not_of(" -\t\n"), rest.size()));
    if (!rest.starts_with("place")) continue;
    rest.remove_prefix(5);
    const bool instead = rest.starts_with(" of");  // "_ in place of spaces"
    if (instead || (!rest.empty() && IsLetter(rest[0]))) continue;
    if (!Denies(std::string_view(lower).substr(0, at), at == 0 ? 0 : at - 1)) return true;
  }
  return false;
}

// {"stdin": "…"} as code-contests has it, or the text itself.
const Json& Inside(const Json& value, const char* key) {
  const Json* inside = Find(value, key);
  return inside == nullptr ? value : *inside;
}

// Text, a list of lines (APPS), or, for what is expected, a list of possible texts.
std::string JoinedText(const Json& value, const std::string& where) {
  if (!value.is_array()) return RequireText(value, where);
  std::vector<std::string> lines;
  for (const Json& line : value) lines.push_back(RequireText(line, where));
  return Join(lines, "\n");
}

StdioTest ReadStdio(const Json& input, const Json& output, const std::string& where) {
  StdioTest test;
  test.input = JoinedText(Inside(input, "stdin"), where + ".stdin");
  const Json& expected = Inside(output, "stdout");
  if (expected.is_array()) {
    for (const Json& one : expected) test.expected.push_back(RequireText(one, where + ".stdout"));
    if (test.expected.empty()) FailTests(where, ".stdout: an empty list, expected a text.");
  } else {
    test.expected.push_back(RequireText(expected, where + ".stdout"));
  }
  return test;
}

CallTest ReadCall(const Json& test, const std::string& where) {
  CallTest call;
  if (const Json* args = Find(test, "args")) {
    if (!args->is_array()) FailTests(where, ".args: got ", args->type_name(), ", expected a list.");
    call.args = *args;
  }
  if (const Json* named = Find(test, "kwargs")) {
    if (!named->is_object()) {
      FailTests(where, ".kwargs: got ", named->type_name(), ", expected an object.");
    }
    call.named = *named;
  }
  // null is a fine result, so only an absent member is an error.
  const auto expected = test.find("expected");
  if (const Json* any_of = Find(test, "any_of")) {
    if (!any_of->is_array() || any_of->empty()) {
      FailTests(where, ".any_of: expected a list of possible results.");
    }
    call.expected.assign(any_of->begin(), any_of->end());
  } else if (expected != test.end()) {
    call.expected.push_back(*expected);
  } else {
    FailTests(where, ": 'expected' is missing beside 'args'.");
  }
  return call;
}

// LiveCodeBench's: the arguments as JSON, one a line, and the result as JSON.
CallTest ReadFunctional(const Json& test, const std::string& where) {
  const auto parsed = [&](std::string_view text, const char* key) {
    try {
      return ParseJson(std::string(text), where + "." + key);
    } catch (const Error& error) {
      FailTests(error.what());
    }
  };
  CallTest call;
  const Json *input = Find(test, "input"), *output = Find(test, "output");
  if (!input || !output) FailTests(where, ": expected 'input' and 'output'.");
  std::string_view lines = RequireText(*input, where + ".input");
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    const std::string_view line = Trim(lines.substr(0, end));
    if (!line.empty()) call.args.push_back(parsed(line, "input"));
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  call.expected.push_back(parsed(RequireText(*output, where + ".output"), "output"));
  return call;
}

void ReadTestObject(const Json& test, const std::string& where, CodeTask& task) {
  if (const Json* type = Find(test, "testtype"); type && *type == "functional") {
    task.calls.push_back(ReadFunctional(test, where));
    return;
  }
  if (Find(test, "args") || Find(test, "kwargs")) {
    task.calls.push_back(ReadCall(test, where));
    return;
  }
  for (const auto& [in, out] : {std::pair{"stdin", "stdout"}, std::pair{"input", "output"}}) {
    const Json* input = Find(test, in);
    const Json* output = Find(test, out);
    if (!input && !output) continue;
    if (!output) FailTests(where, ": '", out, "' is missing.");
    const Json none("");
    task.stdio.push_back(ReadStdio(input ? *input : none, *output, where));
    return;
  }
  FailTests(where, ": has neither 'stdin' and 'stdout' nor 'args' and 'expected'.");
}

// {"inputs": […], "outputs": […], "fn_name"?} of APPS; code-contests' {"input": […], …}, too.
void ReadParallelLists(const Json& lists, const std::string& where, CodeTask& task) {
  const bool plural = lists.contains("inputs");
  const Json* inputs = Find(lists, plural ? "inputs" : "input");
  const Json* outputs = Find(lists, plural ? "outputs" : "output");
  if (!inputs || !outputs || !inputs->is_array() || !outputs->is_array() ||
      inputs->size() != outputs->size()) {
    FailTests(where, ": expected 'inputs' and 'outputs', two lists of the same size.");
  }
  const Json* name = Find(lists, "fn_name");
  if (name) task.entry_point = RequireText(*name, where + ".fn_name");
  for (size_t i = 0; i < inputs->size(); ++i) {
    const std::string place = StrCat(where, "[", i, "]");
    if (name) {
      CallTest call;
      if (!(*inputs)[i].is_array()) FailTests(place, ": expected a list of arguments.");
      call.args = (*inputs)[i];
      const Json& output = (*outputs)[i];  // the result, or a list of it alone
      call.expected.push_back(output);
      if (output.is_array() && output.size() == 1) call.expected.push_back(output[0]);
      task.calls.push_back(std::move(call));
    } else {
      StdioTest test;
      test.input = JoinedText((*inputs)[i], place);
      test.expected.push_back(JoinedText((*outputs)[i], place));
      task.stdio.push_back(std::move(test));
    }
  }
}

bool StartsJson(std::string_view text) {
  text = Trim(text);
  return text.starts_with('[') || text.starts_with('{');
}

// HumanEval defines check(candidate) and leaves the call to whoever runs it.
std::string WithCheckCalled(std::string script, const std::string& entry_point) {
  const bool defines =
      script.starts_with("def check(") || script.find("\ndef check(") != std::string::npos;
  const bool calls = script.find("\ncheck(") != std::string::npos;
  if (defines && !calls) {
    if (entry_point.empty())
      FailTests("the tests define check(candidate); 'entry_point' is missing.");
    script += "\ncheck(" + entry_point + ")\n";
  }
  return script;
}

void ReadTests(const Json& tests, const std::string& where, CodeTask& task) {
  if (tests.is_object() && (Find(tests, "stdin") || Find(tests, "args"))) {
    ReadTestObject(tests, where, task);
  } else if (tests.is_object()) {
    ReadParallelLists(tests, where, task);
  } else if (tests.is_array()) {
    for (size_t i = 0; i < tests.size(); ++i) {
      const std::string place = StrCat(where, "[", i, "]");
      if (tests[i].is_string()) {
        task.scripts.push_back(tests[i].get<std::string>());
      } else if (tests[i].is_object()) {
        ReadTestObject(tests[i], place, task);
      } else {
        FailTests(place, ": got ", tests[i].type_name(), ", expected an object or a text.");
      }
    }
  } else {
    const std::string& text = RequireText(tests, where);
    if (StartsJson(text)) {
      if (auto texts = ReadPythonTexts(text)) {
        task.scripts = std::move(*texts);
        return;
      }
      Json parsed;
      try {
        parsed = ParseJson(text, where);
      } catch (const Error& error) {
        FailTests(error.what());
      }
      ReadTests(parsed, where, task);
    } else if (!Trim(text).empty()) {
      task.scripts.push_back(WithCheckCalled(text, task.entry_point));
    }
  }
}

// --- the function under test, where no column names it ---

constexpr std::string_view kPython =
    "abs aiter all and anext any as ascii assert await bin bool breakpoint bytearray bytes "
    "callable "
    "chr classmethod compile complex del delattr dict dir divmod elif else enumerate eval except "
    "exec "
    "filter float for format frozenset getattr global globals hasattr hash help hex id if import "
    "in "
    "input int is isinstance issubclass iter lambda len list locals map max memoryview min next "
    "nonlocal not object oct open or ord pow print property range raise repr return reversed round "
    "set setattr slice sorted staticmethod str sum super tuple type vars while with yield zip";
// What scripts take from the standard library without an import, and problems ask for as well.
constexpr std::string_view kLibrary =
    "ChainMap Counter Decimal Fraction OrderedDict UserDict acos acosh accumulate allclose approx "
    "array array_equal asin asinh atan atan2 atanh batched bisect bisect_left bisect_right cache "
    "cbrt ceil chain cmp_to_key combinations combinations_with_replacement comb compress copy "
    "copysign correlation cos cosh count covariance cycle deepcopy defaultdict degrees deque dist "
    "dropwhile erf erfc exp exp2 expm1 fabs factorial filterfalse floor fmean fmod frexp fsum "
    "gamma "
    "gcd geometric_mean groupby harmonic_mean heapify heappop heappush heappushpop heapreplace "
    "hypot "
    "insort insort_left insort_right isclose isfinite isinf isnan islice isqrt lcm ldexp lgamma "
    "linear_regression log log10 log1p log2 lru_cache mean median median_high median_low merge "
    "mode "
    "modf multimode namedtuple ndarray nextafter nlargest nsmallest pairwise partial perm "
    "permutations "
    "pow prod product pstdev pvariance quantiles radians raises reduce remainder repeat replace "
    "sin singledispatch sinh sqrt starmap stdev sumprod takewhile tan tanh tee "
    "total_ordering "
    "trunc ulp update_wrapper variance wraps zip_longest";
constexpr std::string_view kCpp =
    "abs accumulate all_of any_of assert begin bool catch ceil char count decltype double end "
    "equal "
    "fabs float floor for get if int is_permutation is_sorted isnan long main make_optional "
    "make_pair make_tuple map max min none_of pair pow return round set size sizeof sort sqrt stod "
    "stoi string string_view switch tie to_string tuple unsigned vector while";
// Problems ask for some builtins to be written again (MBPP 126).
constexpr std::string_view kWrittenAgain = "max min sum";

bool Lists(std::string_view names, std::string_view name) {
  const size_t at = (" " + std::string(names) + " ").find(" " + std::string(name) + " ");
  return at != std::string::npos;
}

bool IsNamePart(char c) { return IsLetter(c) || IsDigit(c) || c == '_'; }

// The end of the text literal or comment that begins at `at`; `at` itself when none does.
size_t SkipText(std::string_view script, size_t at, bool cpp) {
  const std::string_view rest = script.substr(at);
  const auto line = std::min(script.find('\n', at), script.size());
  if (cpp && rest.starts_with("//")) return line;
  if (!cpp && rest.starts_with('#')) return line;
  if (rest.empty() || (rest[0] != '"' && rest[0] != '\'')) return at;
  const std::string quote(!cpp && rest.starts_with(std::string(3, rest[0])) ? 3 : 1, rest[0]);
  for (at += quote.size(); at < script.size(); ++at) {
    if (script[at] == '\\') {
      ++at;
    } else if (script.substr(at).starts_with(quote)) {
      return at + quote.size();
    }
  }
  return script.size();
}

// The first name that a script calls and neither it nor its language defines; calls within its
// asserts go before others, and one within another one's arguments before that: it is what is
// checked (but a class only makes what is handed on). Where there is none, the first that the
// standard library knows, too.
std::string CalledName(std::string_view script, bool cpp) {
  std::set<std::string, std::less<>> defined;
  struct Call {
    std::string name;
    int depth, assertion;
  };
  std::vector<Call> called;
  std::string rewritten, first_anywhere;
  bool importing = false, in_assert = false;
  int depth = 0, assertions = 0;
  std::string_view before;
  for (size_t at = 0; at < script.size();) {
    if (const size_t end = SkipText(script, at, cpp); end > at) {
      at = end;
      continue;
    }
    const char c = script[at];
    if (c == '\n') importing = in_assert = false;
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    if (!IsNamePart(c)) {
      const std::string_view two = script.substr(at, 2);
      const size_t size = two == "::" || two == "->" ? 2 : 1;
      if (!IsSpace(c)) before = script.substr(at, size);
      at += size;
      continue;
    }
    const size_t begin = at;
    while (at < script.size() && IsNamePart(script[at])) ++at;
    const std::string_view name = script.substr(begin, at - begin);
    size_t next = at;
    while (next < script.size() && (script[next] == ' ' || script[next] == '\t')) ++next;
    const std::string_view after = script.substr(next);
    const bool member = before == "." || (cpp && (before == "::" || before == "->"));
    const bool assigned = after.starts_with('=') && !after.starts_with("==");
    if (name == "assert") in_assert = true, ++assertions;
    if (importing || before == "def" || before == "class" || before == "as" || assigned) {
      defined.emplace(name);
    } else if (after.starts_with('(') && !member && !IsDigit(name[0])) {
      if (!cpp && Lists(kLibrary, name)) {
        if (rewritten.empty()) rewritten = name;
      } else if (!Lists(cpp ? kCpp : kPython, name)) {
        if (in_assert) called.push_back({std::string(name), depth, assertions});
        if (first_anywhere.empty() || defined.contains(first_anywhere)) first_anywhere = name;
      } else if (!cpp && Lists(kWrittenAgain, name) && rewritten.empty()) {
        rewritten = name;
      }
    }
    importing = importing || (!cpp && name == "import");
    before = name;
  }
  std::erase_if(called, [&](const Call& call) { return defined.contains(call.name); });
  if (!called.empty()) {
    const Call* best = &called.front();
    for (const Call& call : called) {
      if (call.assertion != best->assertion || cpp) break;
      if (call.depth > best->depth && !IsUpper(call.name[0])) best = &call;
    }
    return best->name;
  }
  return first_anywhere.empty() || defined.contains(first_anywhere) ? rewritten : first_anywhere;
}

// `auto candidate = NAME;` in MultiPL-E's C++ tests.
std::string CppCandidate(std::string_view script) {
  constexpr std::string_view kMark = "auto candidate = ";
  const size_t at = script.find(kMark);
  if (at == std::string_view::npos) return "";
  const std::string_view rest = script.substr(at + kMark.size());
  return std::string(Trim(rest.substr(0, rest.find(';'))));
}

// The method of the class that a starter code leaves open.
std::string StartedName(std::string_view starter) {
  // The last: comments before it may define a list's nodes.
  const size_t at = starter.rfind("def ");
  if (at == std::string_view::npos) return "";
  starter.remove_prefix(at + 4);
  return std::string(Trim(starter.substr(0, starter.find('('))));
}

// The public and the private tests of a row, with the function's name in its metadata.
void ReadLiveCodeBench(const Json& columns, CodeTask& task) {
  for (const char* key : {"public_test_cases", "private_test_cases"}) {
    const Json* tests = Find(columns, key);
    if (!tests) continue;
    if (tests->is_string() && !StartsJson(tests->get_ref<const std::string&>())) {
      FailTests(key, ": packed (base64 of zlib of pickle). Unpack it to JSON first.");
    }
    ReadTests(*tests, key, task);
  }
  if (!task.entry_point.empty() || task.calls.empty()) return;
  Json metadata = columns.value("metadata", Json::object());
  if (metadata.is_string() && StartsJson(metadata.get_ref<const std::string&>())) {
    try {
      metadata = ParseJson(metadata.get<std::string>(), "metadata");
    } catch (const Error& error) {
      FailTests(error.what());
    }
  }
  task.entry_point = TextColumn(metadata, "func_name");
  if (task.entry_point.empty()) task.entry_point = StartedName(TextColumn(columns, "starter_code"));
}

void FindTests(const Json& columns, const CodeOptions& options, CodeTask& task) {
  for (const char* key : {"tests", "test", "test_list", "input_output"}) {
    const Json* tests = Find(columns, key);
    if (!tests) continue;
    ReadTests(*tests, key, task);
    break;
  }
  for (const char* key : {"special_judge", "interactor"}) {
    const Json* judge = Find(columns, key);
    if (!judge || *judge == false || *judge == "") continue;
    FailTests(key,
              ": judged by what is not run here. Give a 'checker', or list what is right in "
              "'stdout' or 'any_of'.");
  }
  for (const char* key : {"checker", "generated_checker"}) {
    const Json* checker = Find(columns, key);
    if (checker && *checker != false) task.checker = RequireText(*checker, key);
    if (!Trim(task.checker).empty()) break;
  }
  const bool none = task.stdio.empty() && task.calls.empty() && task.scripts.empty();
  if (none) ReadLiveCodeBench(columns, task);
  const int kinds = !task.stdio.empty() + !task.calls.empty() + !task.scripts.empty();
  if (kinds == 0) {
    throw TaskError(
        "no-tests",
        "the problem has no tests; expected a column 'tests', 'test' or 'test_list' (or those "
        "of LiveCodeBench, 'public_test_cases' and 'private_test_cases').");
  }
  if (kinds > 1) FailTests("tests of different kinds in one problem.");
  if (!task.checker.empty() && task.stdio.empty()) {
    FailTests("checker: judges what a program prints, but the tests give it no standard input.");
  }
  if (task.scripts.empty()) return;
  task.setup = TextColumn(columns, "test_setup_code");
  if (const Json* more = Find(columns, "challenge_test_list"); more && options.challenge_tests) {
    ReadTests(*more, "challenge_test_list", task);
  }
}

}  // namespace

std::optional<Language> LanguageOfName(std::string_view name) {
  const std::string lower = Lowered(Trim(name));
  for (const char* python : {"python", "python3", "py", "py3", "python 3"}) {
    if (lower == python) return Language::kPython;
  }
  for (const char* cpp : {"cpp", "c++", "cc", "cxx", "c++17", "c++20", "cpp17", "cpp20"}) {
    if (lower == cpp) return Language::kCpp;
  }
  return std::nullopt;
}

std::optional<std::vector<std::string>> ReadPythonTexts(std::string_view text) {
  text = Trim(text);
  if (!text.starts_with('[') || !text.ends_with(']')) return std::nullopt;
  text = text.substr(1, text.size() - 2);
  std::vector<std::string> texts;
  size_t at = 0;
  const auto skip = [&] {
    while (at < text.size() && IsSpace(text[at])) ++at;
  };
  for (skip(); at < text.size(); skip()) {
    const char quote = text[at++];
    if (quote != '"' && quote != '\'') return std::nullopt;
    std::string& one = texts.emplace_back();
    for (; at < text.size() && text[at] != quote; ++at) {
      if (text[at] != '\\') {
        one += text[at];
        continue;
      }
      if (++at == text.size()) return std::nullopt;
      switch (text[at]) {
        case 'n':
          one += '\n';
          break;
        case 'r':
          one += '\r';
          break;
        case 't':
          one += '\t';
          break;
        case '\\':
        case '\'':
        case '"':
          one += text[at];
          break;
        case '\n':
          break;
        default:
          return std::nullopt;  // \x41 and the like: nobody publishes tests so
      }
    }
    if (at++ >= text.size()) return std::nullopt;
    skip();
    if (at < text.size() && text[at++] != ',') return std::nullopt;
  }
  return texts;
}

CodeTask ReadCodeTask(const Problem& problem, const CodeOptions& options) {
  CodeTask task;
  const Json& columns = problem.extra;
  if (!columns.is_object()) throw TaskError("no-tests", "the problem has no columns.");
  task.prompt = Find(columns, "prompt") && columns["prompt"].is_string()
                    ? columns["prompt"].get<std::string>()
                    : problem.prompt;
  task.entry_point = TextColumn(columns, "entry_point");
  FindTests(columns, options, task);

  const std::string language = TextColumn(columns, "language");
  task.language = options.language;
  if (task.language == Language::kAuto && !language.empty()) {
    const auto known = LanguageOfName(language);
    if (!known) {
      throw TaskError("unknown-language",
                      StrCat("got '", language.substr(0, 40), "', expected 'python' or 'cpp'."));
    }
    task.language = *known;
  }
  if (!task.scripts.empty() && task.language == Language::kAuto) task.language = Language::kPython;
  if (task.entry_point.empty() && !task.scripts.empty()) {
    const bool cpp = task.language == Language::kCpp;
    if (cpp) task.entry_point = CppCandidate(task.scripts[0]);
    if (task.entry_point.empty()) {
      task.entry_point = CalledName(Join(task.scripts, "\n"), cpp);
    }
  }
  if (!task.calls.empty() && task.entry_point.empty()) {
    FailTests("tests call a function; its name is expected in a column 'entry_point'.");
  }

  task.unordered = FlagColumn(columns, "unordered").value_or(false);
  task.in_place = FlagColumn(columns, "in_place").value_or(SaysInPlace(task.prompt));
  task.limits = options.limits;
  task.float_tolerance = options.float_tolerance;
  try {
    if (const Json* limits = Find(columns, "limits")) ReadOptions(*limits, "limits", task.limits);
    if (const Json* tolerance = Find(columns, "float_tolerance")) {
      task.float_tolerance =
          options_internal::ReadNumber(*tolerance, "float_tolerance", Bounds{0, 1});
    }
  } catch (const Error& error) {
    FailTests(error.what());
  }
  return task;
}

}  // namespace retort::verifiers
