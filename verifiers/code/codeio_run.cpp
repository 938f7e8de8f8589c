#include "verifiers/code/internal/codeio_run.h"

#include "base/error.h"
#include "base/options.h"
#include "base/strings.h"
#include "exec/python_host.h"
#include "verifiers/code/internal/codeio_answer.h"

namespace retort::verifiers {
namespace {

constexpr size_t kMaxReply = 1 << 20;

// What the program prints goes nowhere; the reply has a descriptor of its own.
constexpr const char* kDriver = R"(
import json, os, sys

def main():
    task = json.loads(sys.stdin.readline())
    reply = os.fdopen(os.dup(1), 'w')
    nowhere = os.open('/dev/null', os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        space = {'__name__': 'solution'}
        exec(compile(task['program'], 'solution', 'exec'), space)
        answer = {'output': space[task['entry']](**task['arguments'])}
        text = json.dumps(answer, allow_nan=False)
    except BaseException as error:
        text = json.dumps({'error': type(error).__name__ + ': ' + str(error)[:200]})
    reply.write(text + '\n')
    reply.flush()
)";

ProgramRun Reply(const std::string& line) {
  const auto reply = TryParseJson(line);
  if (reply && reply->is_object() && reply->contains("output")) {
    return {ProgramRun::Ending::kReturned, (*reply)["output"], ""};
  }
  if (reply && reply->is_object() && reply->contains("error") && (*reply)["error"].is_string()) {
    return {ProgramRun::Ending::kException, {}, (*reply)["error"].get<std::string>()};
  }
  return {ProgramRun::Ending::kException, {}, "the output is not JSON, or nests too deep"};
}

ProgramRun WithoutReply(const exec::RunResult& result) {
  switch (result.ending) {
    case exec::Ending::kInternalError:
    case exec::Ending::kStopped:
      return {ProgramRun::Ending::kFault, {}, result.message};
    case exec::Ending::kExited:
    case exec::Ending::kSignalled:
    case exec::Ending::kDenied:
      return {ProgramRun::Ending::kException,
              {},
              StrCat(EnumName(result.ending), result.message.empty() ? "" : ": ", result.message)};
    default:
      return {ProgramRun::Ending::kLimit, {}, EnumName(result.ending)};
  }
}

}  // namespace

ProgramRun RunMini(const exec::VmProgram& program, const Json& arguments,
                   const exec::VmLimits& limits) {
  exec::VmResult result = program.Run(arguments, limits);
  switch (result.ending) {
    case exec::VmEnding::kReturned:
      return {ProgramRun::Ending::kReturned, std::move(result.output), ""};
    case exec::VmEnding::kBudget:
      return {ProgramRun::Ending::kLimit, {}, std::move(result.message)};
    case exec::VmEnding::kError:
      break;
  }
  return {ProgramRun::Ending::kException, {}, std::move(result.message)};
}

struct PythonFunctions::Host {
  exec::Sandbox sandbox;
  exec::PythonHost python{sandbox, {.driver = kDriver}};
};

PythonFunctions::PythonFunctions(const exec::Limits& limits) : limits_(limits) {}
PythonFunctions::~PythonFunctions() = default;

ProgramRun PythonFunctions::Run(const std::string& program, const std::string& entry,
                                const Json& arguments) const {
  try {
    std::call_once(once_, [&] { host_ = std::make_unique<const Host>(); });
    if (!host_->python.refusal().empty()) {
      return {ProgramRun::Ending::kFault, {}, host_->python.refusal()};
    }
    const std::string task =
        ToJsonLine({{"program", program}, {"entry", entry}, {"arguments", arguments}}) + "\n";
    std::optional<std::string> line;
    exec::RunResult result;
    for (const bool cold : {false, true}) {  // the warm one may have failed on another's account
      const auto process = host_->python.Start(limits_, cold);
      process->Write(task);
      process->CloseInput();
      line = process->ReadLine(kMaxReply);
      result = process->Finish();
      if (line || result.ending != exec::Ending::kInternalError) break;
    }
    // A program that broke a limit after it had answered has answered.
    return line ? Reply(*line) : WithoutReply(result);
  } catch (const Error& error) {
    return {ProgramRun::Ending::kFault, {}, error.what()};
  }
}

}  // namespace retort::verifiers
