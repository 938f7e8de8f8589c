#include "verifiers/code/internal/cpp.h"

#include <unistd.h>

#include <array>
#include <vector>

#include "base/strings.h"
#include "verifiers/code/internal/drivers.h"
#include "verifiers/code/internal/program.h"
#include "verifiers/text/ascii.h"

namespace retort::verifiers {

namespace {

constexpr size_t kRecent = 48;  // a batch of groups: each problem's script and its latest programs
constexpr std::array kCompilers{"/usr/bin/g++", "/usr/bin/c++", "/usr/bin/clang++"};

Outcome Failed(std::string reason, std::string detail) {
  Outcome outcome;
  outcome.reason = std::move(reason);
  outcome.detail = std::move(detail);
  return outcome;
}

Outcome NoCompiler() {
  return Failed("no-compiler", "no C++ compiler: expected /usr/bin/g++ (package g++)");
}

// A macro of the program's must not reach the line behind it, nor its main be ours.
std::string Served(const std::string& source, const std::string& entry_point) {
  return "#include \"relay.hpp\"\n#define main retort_unused_main\n#line 1 \"program.cpp\"\n" +
         WithTaggedUnions(source) +
         "\n#undef main\n#undef int\n#undef return\n"
         "int main() { return retort_relay::Serve(::" +
         entry_point + "); }\n";
}

// MultiPL-E's prompt ends inside the function, which the first brace of the tests closes, and they
// call it `candidate`. Other asserts call it by its name, as the prompt or they declare it. Nothing
// of the program's goes into the script: it would say what the tests mean.
std::string Script(const CodeTask& task) {
  const std::string& name = task.entry_point;
  const std::string alias = "auto candidate = " + name + ";";
  std::string tests = Join(task.scripts, "\n");
  const bool has_main = FindCppFunction(tests, "main").has_value();
  const std::string start =
      StrCat("const retort_relay::Script retort_script(", task.in_place, ");\n");
  const std::string relay = "#include \"relay.hpp\"\n";
  if (has_main && tests.find(alias) != std::string::npos) {
    return relay + start + WithTaggedUnions(task.prompt) + "throw 0;\n" +
           ReplaceAll(tests, alias, "auto candidate = retort_relay::Remote(&::" + name + ");");
  }
  std::string head;
  if (const auto given = FindCppFunction(task.prompt, name)) {
    head = given->head;
  } else if (const auto declared = FindCppFunction(tests, name);
             declared && declared->is_declaration) {
    head = declared->head;
    tests.erase(declared->begin, declared->end - declared->begin);
  }
  const std::string remote = head.empty()
                                 ? "const retort_relay::Undeclared retort_remote;\n"
                                 : head + ";\nconst decltype(retort_relay::Remote(&::" + name +
                                       ")) retort_remote{nullptr};\n";
  return (head.empty() ? "#include \"undeclared.hpp\"\n" : relay) + start +
         "#include <bits/stdc++.h>\nusing namespace std;\n" + remote + "#define " + name +
         " retort_remote\n" + (has_main ? tests : "int main() {\n" + tests + "\n}\n");
}

// "std::string f0;" -> {"std::string", "f0"}.
struct Member {
  std::string type, name;
};

std::vector<Member> MembersOf(std::string_view body) {
  std::vector<Member> members;
  for (std::string_view line : Split(body, '\n')) {
    // A constructor follows the last member in its line.
    line = Trim(line.substr(0, line.find(';')));
    const size_t space = line.rfind(' ');
    if (space == std::string_view::npos || line.find('(') != std::string_view::npos) continue;
    const std::string expected = "f" + std::to_string(members.size());
    if (line.substr(space + 1) != expected) continue;
    members.push_back({std::string(Trim(line.substr(0, space))), expected});
  }
  return members;
}

std::string TaggedStruct(const std::string& name, const std::vector<Member>& members) {
  std::string out = "struct " + name + " {\n  int held = 0;\n";
  std::string types = "int", names = "held", moves = "held(std::get<0>(v))";
  for (size_t i = 0; i < members.size(); ++i) {
    const auto& [type, member] = members[i];
    out += StrCat("  ", type, " ", member, "{};\n");
    out += StrCat("  ", name, "(", type, " v) : held(", i, "), ", member, "(v) {}\n");
    out += StrCat("  bool operator==(", type, " v) const { return held == ", i, " && ", member,
                  " == v; }\n");
    types += ", " + type;
    names += ", " + member;
    moves += StrCat(", ", member, "(std::get<", i + 1, ">(v))");
  }
  out += StrCat("  explicit ", name, "(std::tuple<", types, "> v) : ", moves, " {}\n");
  out += StrCat("  std::tuple<", types, "> Values() const { return {", names, "}; }\n");
  out += "  std::tuple<" + types + "> Members() const { return Values(); }\n};";
  return out;
}

}  // namespace

std::string WithTaggedUnions(const std::string& source) {
  constexpr std::string_view kUnion = "union Union_";
  std::string out;
  size_t copied = 0, next = source.find(kUnion);
  for (size_t at = next; at != std::string::npos; at = next) {
    next = source.find(kUnion, at + 1);
    // All of it stands before the next one.
    const std::string_view text = std::string_view(source).substr(at, next - at);
    const size_t brace = text.find('{'), end = text.find("\n};");
    if (brace == std::string_view::npos || end == std::string_view::npos || brace > end) continue;
    const std::string name(Trim(text.substr(6, brace - 6)));
    const auto members = MembersOf(text.substr(brace + 1, end - brace));
    if (members.empty()) continue;
    out.append(source, copied, at - copied).append(TaggedStruct(name, members));
    copied = at + end + 3;
  }
  return out.append(source, copied);
}

CppPrograms::CppPrograms(const exec::Sandbox& sandbox) : sandbox_(sandbox) {
  for (const char* path : kCompilers) {
    if (compiler_.empty() && access(path, X_OK) == 0) compiler_ = path;
  }
}

CppPrograms::Compiled CppPrograms::Compile(const std::string& source,
                                           const CodeLimits& limits) const {
  {
    const std::lock_guard lock(mutex_);
    for (auto it = recent_.begin(); it != recent_.end(); ++it) {
      if (it->source != source) continue;
      recent_.splice(recent_.begin(), recent_, it);
      return recent_.front();
    }
  }
  const exec::Job job{
      .command = {compiler_, "-std=c++20", "-O1", "-w", "-o", "program", "program.cpp"},
      .files = {{"program.cpp", source},
                {"relay.hpp", std::string(CodeDriver("relay.hpp"))},
                {"undeclared.hpp", std::string(CodeDriver("undeclared.hpp"))}},
      .keep = "program",
      .tools = true,
      .limits = {.time_s = limits.compile_time_s,
                 .memory_mib = limits.compile_memory_mib,
                 .processes = 16,
                 .output_kib = 1024,
                 .file_size_mib = 128}};
  Compiled compiled{source, {}, nullptr};
  if (const std::string refusal = sandbox_.Refusal(job); !refusal.empty()) {
    compiled.outcome = Failed("no-sandbox", refusal);
    return compiled;
  }
  const exec::RunResult result = sandbox_.Run(job);
  if (!result.Success()) {
    compiled.outcome = FailureOf(result);
    compiled.outcome.detail =
        "compiler: " + ToValidUtf8(Trim(std::string_view(result.err).substr(0, 400)));
    if (result.ending == exec::Ending::kExited) compiled.outcome.reason = "compile-error";
    if (result.ending == exec::Ending::kInternalError) {
      compiled.outcome.detail += result.message;
      return compiled;
    }
  } else if (!result.kept) {
    compiled.outcome = Failed("internal-error", "the compiler left no program behind");
    return compiled;
  }
  compiled.artifact = result.kept;
  const std::lock_guard lock(mutex_);
  recent_.push_front(compiled);
  if (recent_.size() > kRecent) recent_.pop_back();
  return compiled;
}

Outcome CppPrograms::Prepare(const std::string& source, const CodeTask& task,
                             Runnable& program) const {
  if (compiler_.empty()) return NoCompiler();
  const exec::Limits& limits = task.limits.run;
  const auto job = [&limits](const Compiled& compiled) {
    return exec::Job{.command = {"program"}, .program = compiled.artifact, .limits = limits};
  };
  Compiled script;
  if (!task.scripts.empty()) {
    script = Compile(Script(task), task.limits);
    if (script.outcome.reason != "internal-error" && !script.outcome.accepted()) {
      script.outcome.detail = StrCat("the tests do not compile (", script.outcome.reason,
                                     "); they may need a declaration of '", task.entry_point,
                                     "' in front: ", script.outcome.detail);
      if (script.outcome.reason != "no-sandbox") script.outcome.reason = "bad-tests";
    }
    if (!script.outcome.accepted()) return script.outcome;
  }
  const bool served = task.stdio.empty();
  const Compiled compiled =
      Compile(served ? Served(source, task.entry_point) : source, task.limits);
  if (!compiled.outcome.accepted()) return compiled.outcome;

  program.run = [this, job = job(compiled)](std::string_view input) {
    return sandbox_.Run(job, input);
  };
  program.calls = [this, job = job(compiled)] {
    return std::make_unique<Speaker>(sandbox_.Start(job), job.limits);
  };
  exec::Job tests = job(script);
  tests.limits.time_s += 5;
  tests.limits.output_kib = 65536;
  tests.limits.processes = 1;
  program.script = [this, tests] {
    return std::make_unique<Speaker>(sandbox_.Start(tests), tests.limits);
  };
  return {};
}

Outcome CppPrograms::PrepareChecker(const CodeTask& task, RunChecker& checker) const {
  if (compiler_.empty()) return NoCompiler();
  const Compiled compiled = Compile(task.checker, task.limits);
  if (!compiled.outcome.accepted()) {
    Outcome outcome = compiled.outcome;
    outcome.detail = "the checker does not compile: " + outcome.detail;
    if (!IsUnjudged(outcome.reason)) outcome.reason = "bad-tests";
    return outcome;
  }
  checker = [this, program = compiled.artifact, limits = CheckerLimits(task.limits.run)](
                const StdioTest& test, std::string_view output) {
    return sandbox_.Run({.command = {"checker", "input.txt", "output.txt", "expected.txt"},
                         .program = program,
                         .files = {{"input.txt", test.input},
                                   {"output.txt", std::string(output)},
                                   {"expected.txt", test.expected.front()}},
                         .limits = limits});
  };
  return {};
}

}  // namespace retort::verifiers
