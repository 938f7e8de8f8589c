#include "verifiers/code_python.h"

#include "verifiers/code_drivers.h"
#include "verifiers/code_wire.h"

namespace retort::verifiers {

namespace {

// A warm Python reads them once, so that no program has to.
constexpr const char* kImports =
    "import bisect, collections, copy, datetime, functools, heapq, itertools, json, math, "
    "operator\n"
    "import random, re, string, typing\n";

std::string Driver(std::string_view name) {
  return kImports + std::string(CodeDriver("code_wire.py")) + std::string(CodeDriver(name));
}

// The script's own limits end what a program's answers make it do; its waiting is not counted.
exec::Limits ScriptLimits(const exec::Limits& program) {
  exec::Limits limits = program;
  limits.time_s = program.time_s + 5;
  limits.memory_mib = std::max<int64_t>(program.memory_mib, 512);
  limits.output_kib = 65536;
  limits.processes = 1;
  return limits;
}

std::string ScriptJob(const CodeTask& task, bool go_on) {
  const Json job{{"helpers", task.prompt},
                 {"entry_point", task.entry_point},
                 {"setup", task.setup},
                 {"scripts", task.scripts},
                 {"go_on", go_on}};
  return ToWire(job);
}

}  // namespace

PythonPrograms::PythonPrograms(const exec::Sandbox& sandbox)
    : programs_(sandbox, {.driver = Driver("code_candidate.py")}),
      scripts_(sandbox, {.driver = Driver("code_script.py")}) {}

Runnable PythonPrograms::Prepare(const std::string& source, const CodeTask& task,
                                 bool go_on) const {
  const exec::Limits& limits = task.limits.run;
  Runnable program;
  program.run = [this, &source, &limits](std::string_view input) {
    const auto process = programs_.Start(limits);
    // What the program leaves unread is its own affair.
    if (process->Write(Frame("m" + source))) process->Write(input);
    return process->Finish();
  };
  program.calls = [this, &source, &limits] {
    auto speaker = std::make_unique<Speaker>(programs_.Start(limits), limits);
    speaker->Say("f" + source);
    return speaker;
  };
  program.script = [this, &task, limits = ScriptLimits(limits), go_on] {
    auto speaker = std::make_unique<Speaker>(scripts_.Start(limits), limits);
    speaker->Say(ScriptJob(task, go_on));
    return speaker;
  };
  return program;
}

}  // namespace retort::verifiers
