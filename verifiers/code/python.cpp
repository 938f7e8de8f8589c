#include "verifiers/code/internal/python.h"

#include <algorithm>
#include <chrono>

#include "verifiers/code/internal/drivers.h"
#include "verifiers/code/internal/wire.h"

namespace retort::verifiers {

namespace {

// A warm Python reads them once, so that no program has to.
constexpr const char* kImports =
    "import bisect, collections, copy, datetime, functools, heapq, itertools, json, math, "
    "operator\n"
    "import random, re, string, typing\n";

std::string Driver(std::string_view name) {
  return kImports + std::string(CodeDriver("wire.py")) + std::string(CodeDriver(name));
}

constexpr double kScriptSeconds = 5;  // on top of the program's

// What earlier scripts of a process may have used: it takes no more when they have.
constexpr std::chrono::seconds kReusedFor{60};
constexpr size_t kReusedKib = 4096;

// The script's own limits end what a program's answers make it do; its waiting is not counted. Its
// time is that of the job, since a process may run several.
exec::Limits ScriptLimits(const exec::Limits& program) {
  exec::Limits limits = program;
  limits.time_s =
      program.time_s + kScriptSeconds + std::chrono::duration<double>(kReusedFor).count();
  limits.memory_mib = std::max<int64_t>(program.memory_mib, 512);
  limits.output_kib = 65536 + kReusedKib;
  limits.processes = 1;
  return limits;
}

bool MayRunAnother(const Speaker& script) {
  return script.age() < kReusedFor && script.heard() < kReusedKib * 1024;
}

std::string ScriptJob(const CodeTask& task, bool go_on) {
  const Json job{{"helpers", task.prompt},
                 {"entry_point", task.entry_point},
                 {"in_place", task.in_place},
                 {"setup", task.setup},
                 {"scripts", task.scripts},
                 {"go_on", go_on},
                 {"time_s", task.limits.run.time_s + kScriptSeconds}};
  return ToWire(job);
}

}  // namespace

PythonPrograms::PythonPrograms(const exec::Sandbox& sandbox)
    : programs_(sandbox, {.driver = Driver("candidate.py"), .ahead = true}),
      scripts_(sandbox, {.driver = Driver("script.py")}) {}

Runnable PythonPrograms::Prepare(const std::string& source, const CodeTask& task, bool go_on,
                                 bool alone) const {
  const exec::Limits& limits = task.limits.run;
  if (!task.scripts.empty() && !alone) scripts_.Warm();
  Runnable program;
  program.run = [this, &source, &limits, alone](std::string_view input) {
    const auto process = programs_.Start(limits, alone);
    // What the program leaves unread is its own affair.
    if (process->Write(Frame("m" + source))) process->Write(input);
    return process->Finish();
  };
  program.calls = [this, &source, &limits, alone] {
    auto speaker = std::make_unique<Speaker>(programs_.Start(limits, alone), limits);
    speaker->Say("f" + source);
    return speaker;
  };
  program.script = [this, &task, limits = ScriptLimits(limits), go_on, alone] {
    auto speaker = alone ? nullptr : IdleScript(limits);
    if (!speaker) speaker = std::make_unique<Speaker>(scripts_.Start(limits, alone), limits);
    speaker->Say(ScriptJob(task, go_on));
    return speaker;
  };
  program.reuse = [this](std::unique_ptr<Speaker> script) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(script));
  };
  return program;
}

RunChecker PythonPrograms::PrepareChecker(const CodeTask& task, bool alone) const {
  return [this, &task, alone](const StdioTest& test, std::string_view output) {
    const auto process = programs_.Start(CheckerLimits(task.limits.run), alone);
    std::string frames = Frame("k" + task.checker);
    for (const std::string_view file :
         {std::string_view(test.input), std::string_view(test.expected.front()), output}) {
      frames += Frame(file);
    }
    process->Write(frames);
    return process->Finish();
  };
}

std::unique_ptr<Speaker> PythonPrograms::IdleScript(const exec::Limits& limits) const {
  const std::lock_guard lock(mutex_);
  std::erase_if(idle_, [](const auto& script) { return !MayRunAnother(*script); });
  const auto fits = [&](const auto& script) {
    return script->limits().memory_mib == limits.memory_mib &&
           script->limits().time_s == limits.time_s;
  };
  const auto found = std::find_if(idle_.rbegin(), idle_.rend(), fits);
  if (found == idle_.rend()) return nullptr;
  auto script = std::move(*found);
  idle_.erase(std::next(found).base());
  return script;
}

}  // namespace retort::verifiers
