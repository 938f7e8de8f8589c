// retort sandbox: what holds a program that is not trusted on this machine.

#include "exec/sandbox.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "base/strings.h"
#include "cli/commands.h"
#include "cli/parts/option_flags.h"
#include "cli/parts/table.h"
#include "exec/python_host.h"
#include "exec/self_test.h"

namespace retort::cli {
namespace {

struct SandboxCommand {
  exec::SandboxOptions options;
  bool json = false;
};

struct LayerText {
  const char* name;
  bool exec::Layers::*held;
  const char* what;
  const char* otherwise;
};
constexpr LayerText kLayers[] = {
    {"seccomp", &exec::Layers::seccomp, "system calls: no sockets, tracing, mounts",
     "the kernel, or the container this runs in, allows no filters"},
    {"landlock", &exec::Layers::landlock, "files: its own folder, /usr to read",
     "needs Linux 5.13 with landlock among the kernel's security modules"},
    {"namespaces", &exec::Layers::namespaces, "processes, files, network of its own",
     "user namespaces are forbidden here (Ubuntu: apparmor_restrict_unprivileged_userns; "
     "containers: "
     "their seccomp profile). Landlock and seccomp hold without"},
    {"cgroup", &exec::Layers::cgroup, "memory and processes, over the sum of all children",
     "no cgroup hierarchy is writable; sums are counted by looking, every 20 ms"},
};

int Check(const SandboxCommand& command) {
  const exec::Sandbox sandbox(command.options);
  const exec::Layers& layers = sandbox.layers();
  const exec::PythonHost python(sandbox, {.driver = "def main(): print('ready')"});
  const std::string refusal = sandbox.Refusal({.command = {}});
  std::vector<exec::SelfTestResult> tests;
  if (refusal.empty()) tests = exec::RunSelfTest(sandbox);
  bool good = layers.Hold();
  Json json{{"holds", layers.Hold()}, {"layers", Json::object()}, {"self_test", Json::array()}};
  Table offered{{"layer", "here", "what it holds"}, {}};
  offered.rows.push_back({"limits", "yes", "time, memory, output, descriptors, environment"});
  for (const LayerText& layer : kLayers) {
    const bool held = layers.*layer.held;
    json["layers"][layer.name] = held;
    offered.rows.push_back({layer.name, held ? "yes" : "no", held ? layer.what : layer.otherwise});
  }
  Table tried{{"it tried to", "held", "outcome"}, {}};
  for (const exec::SelfTestResult& test : tests) {
    good = good && test.held;
    json["self_test"].push_back(
        {{"attempt", test.attempt}, {"held", test.held}, {"outcome", test.outcome}});
    tried.rows.push_back({test.attempt, test.held ? "yes" : "NO", test.outcome});
  }
  std::string warm = python.refusal();
  if (warm.empty()) {
    const exec::RunResult run = python.Start({})->Finish();
    warm = run.out == "ready\n" ? "yes" : StrCat("no: ", run.message, run.err);
  }
  json["python"] = warm;
  json["refusal"] = refusal;
  if (command.json) {
    std::cout << ToJsonLine(json) << "\n";
  } else {
    std::cout << FormatTable(offered) << "\n";
    if (!tests.empty()) std::cout << FormatTable(tried) << "\n";
    std::cout << "Python: " << OneLine(warm) << "\n"
              << (refusal.empty() ? good ? "A program that is not trusted can run here."
                                         : "It does NOT hold: run nothing here that is not trusted."
                                  : "Nothing will run here: " + refusal)
              << "\n";
  }
  return good ? kSuccess : kFailure;
}

}  // namespace

void AddSandbox(CLI::App& program, Action& action) {
  CLI::App* app = program.add_subcommand("sandbox", "What holds the programs that are judged.");
  auto command = std::make_shared<SandboxCommand>();
  CLI::App* check = app->add_subcommand(
      "check", "Which layers this machine offers, and whether they hold: tries what must fail.");
  AddOptionFlags(*check, ListFields(command->options));
  AddJsonFlag(*check, command->json);
  check->callback([command, &action] { action = [command] { return Check(*command); }; });
}

}  // namespace retort::cli
