// retort bench: how fast this machine runs the engine, as shares of what the machine can do.

#include "bench/bench.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "base/error.h"
#include "base/strings.h"
#include "cli/parts/command.h"
#include "cli/parts/interrupt.h"
#include "cli/parts/option_flags.h"
#include "cli/parts/table.h"

namespace retort::bench {
namespace {

using Bench = std::vector<Json> (*)(const BenchOptions&, nn::Compute&);

std::string Cell(const std::string& key, const Json& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) return value.get<std::string>();
  if (key.ends_with("_bytes")) return Bytes(value.get<double>());
  if (key.starts_with("fraction_")) return Percent(value.get<double>());
  if (key.ends_with("seconds")) return Fixed(value.get<double>() * 1e3, 3);
  if (value.is_number_float()) return Fixed(value.get<double>(), key.ends_with("speedup") ? 3 : 1);
  return value.dump();
}

// Columns in the order of the first row; what holds no single value is left to --json.
Table TableOf(const std::vector<Json>& rows) {
  Table table;
  std::vector<std::string> keys;
  for (const auto& [key, value] : rows.front().items()) {
    if (value.is_structured()) continue;
    keys.push_back(key);
    table.columns.push_back(ReplaceAll(ReplaceAll(key, "seconds", "ms"), "_", " "));
  }
  for (const Json& row : rows) {
    std::vector<std::string>& cells = table.rows.emplace_back();
    for (const std::string& key : keys) cells.push_back(Cell(key, row.value(key, Json())));
  }
  return table;
}

int RunBench(const BenchOptions& options, Bench bench) {
  CatchInterrupts();
  const Executor executor(options.threads);
  RETORT_CHECK(
      !options.scaling || executor.threads() > 1,
      "bench: --scaling compares one thread with several, but there is one. Use --threads");
  nn::RequireRunnable(options.precision);
  nn::Compute compute(executor);
  const std::vector<Json> rows = bench(options, compute);
  for (const std::string& warning : MachineWarnings(rows)) {
    std::cerr << "retort: warning: " << warning << "\n";
  }
  if (options.json) {
    std::cout << ToJsonLine({{"isa", nn::IsaName()}, {"rows", rows}}) << "\n";
  } else {
    std::cout << FormatTable(TableOf(rows));
    for (const Json& row : rows) {
      if (!row.contains("parts")) continue;
      std::cout << "\n" << row["shape"].get<std::string>() << " x " << row["batch"] << ":";
      for (const auto& [op, share] : row["parts"].items()) {
        if (share.get<double>() >= 0.005) std::cout << "  " << op << " " << Percent(share);
      }
      std::cout << "\n";
    }
  }
  return kSuccess;
}

void AddCommon(CLI::App& app, BenchOptions& options) {
  AddInteger(app, "--repeat", options.repeat, {1, 1000},
             "Timed runs; figures are their medians. [default 5]");
  AddPrecisionFlags(app, options.precision);
  AddThreadsFlag(app, options.threads);
  AddJsonFlag(app, options.json);
}

void AddProfile(CLI::App& app, BenchOptions& options) {
  app.add_option("--profile", options.profile,
                 "Write a timeline of the last shape for chrome://tracing or Perfetto.")
      ->type_name("FILE");
}

void AddShape(CLI::App& app, BenchOptions& options, const std::string& usual) {
  app.add_option("--shape", options.shapes,
                 "S, M, D, G, or a model folder (may be repeated). [default " + usual + "]")
      ->type_name("SHAPE")
      ->allow_extra_args(false);
  AddProfile(app, options);
}

CLI::Option* AddCount(CLI::App& app, const std::string& flag, int64_t& value,
                      const std::string& help) {
  return AddInteger(app, flag, value, {1, 1 << 20}, help);
}

void AddBatch(CLI::App& app, BenchOptions& options, const std::string& help) {
  AddIntegers(app, "--batch", options.batch, {1, 1 << 16}, help + " (may be repeated).");
}

CLI::Option* AddScaling(CLI::App& app, BenchOptions& options) {
  return app.add_flag("--scaling", options.scaling,
                      "Run with one thread and with --threads in turn, and compare the speed-up "
                      "with that of multiply-adds.");
}

struct Command {
  const char* name;
  const char* help;
  Bench bench;
  void (*add_flags)(CLI::App& app, BenchOptions& options);
};

constexpr Command kCommands[] = {
    {"gemm", "Matrix products, forward and for gradients.", BenchGemm, AddProfile},
    {"train", "Training steps: forward, loss, backward, optimizer.", BenchTrain,
     [](CLI::App& app, BenchOptions& o) {
       AddShape(app, o, "S D M");
       AddBatch(app, o, "Sequences at a time");
       AddCount(app, "--length", o.length,
                "Tokens per sequence; with --samples, per prompt. [default 256; 512]");
       CLI::Option* samples = AddCount(app, "--samples", o.samples,
                                       "Sequences that continue one prompt, which is computed "
                                       "once, beside the same without sharing.");
       AddCount(app, "--new-tokens", o.new_tokens,
                "With --samples: tokens after the prompt. [default 64]")
           ->needs(samples);
       AddScaling(app, o)->excludes(samples);
     }},
    {"decode", "Sampling with a cache, after the prompts.", BenchDecode,
     [](CLI::App& app, BenchOptions& o) {
       AddShape(app, o, "S D M");
       AddBatch(app, o, "Sequences at a time");
       AddCount(app, "--samples", o.samples,
                "Sequences that continue one prompt, as in a group of GRPO. [default 1]");
       AddCount(app, "--length", o.length, "Tokens per prompt. [default 64]");
       AddCount(app, "--new-tokens", o.new_tokens,
                "Tokens sampled per sequence. [default 128; M: 32]");
       AddScaling(app, o);
     }},
    {"grpo", "A whole GRPO step: sampling, judging, learning and recording.", BenchGrpo,
     [](CLI::App& app, BenchOptions& o) {
       AddShape(app, o, "S");
       AddBatch(app, o, "Prompts of a step");
       AddCount(app, "--samples", o.samples, "Completions per prompt. [default 16]");
       AddCount(
           app, "--judge-ms", o.judge_ms,
           "Also run with a verifier that waits so many milliseconds for each verdict, all of a "
           "step at a time.");
       AddCount(app, "--length", o.length, "Tokens per prompt. [default 64]");
       AddCount(app, "--new-tokens", o.new_tokens, "Tokens per completion. [default 128]");
       AddDtypeFlag(app, "--rollout-dtype",
                    "What matrix products multiply in the rollout. [default as --dtype]",
                    [&o](nn::Dtype dtype) { o.rollout_dtype = dtype; });
     }},
    {"score", "Verdicts of the mathematics verifier on generated cases.", BenchScore,
     [](CLI::App& app, BenchOptions& o) {
       AddCount(app, "--cases", o.cases, "Responses to judge. [default 10000]");
     }},
    {"sandbox", "Starting a program that is not trusted, beside starting it bare.", BenchSandbox,
     [](CLI::App& app, BenchOptions& o) {
       o.cases = 200;
       AddCount(app, "--cases", o.cases, "Runs of each kind. [default 200]");
     }},
    {"traces", "The trace database: written by steps, queried, read back.", BenchTraces,
     [](CLI::App& app, BenchOptions& o) {
       AddBatch(app, o, "Traces of a step, which is a transaction");
       AddCount(app, "--steps", o.steps, "Steps to write. [default 50]");
       AddCount(app, "--length", o.length, "Tokens per prompt. [default 64]");
       AddCount(app, "--new-tokens", o.new_tokens, "Tokens per completion. [default 128]");
     }},
};

}  // namespace

void AddBench(CLI::App& program, Action& action) {
  CLI::App* app = program.add_subcommand("bench", "Measure this machine and the engine on it.");
  for (const Command& command : kCommands) {
    auto options = std::make_shared<BenchOptions>();
    CLI::App* sub = app->add_subcommand(command.name, command.help);
    command.add_flags(*sub, *options);
    AddCommon(*sub, *options);
    sub->callback([options, bench = command.bench, &action] {
      action = [options, bench] { return RunBench(*options, bench); };
    });
  }
}

}  // namespace retort::bench
