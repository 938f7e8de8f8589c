// retort bench: how fast this machine runs the engine, as shares of what the machine can do.

#include "cli/bench.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <memory>

#include "base/error.h"
#include "base/strings.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/option_flags.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "nn/machine.h"

namespace retort::cli {
namespace {

using Bench = std::vector<Json> (*)(const BenchOptions&, nn::Compute&);

// "VmHWM: 1234 kB" of /proc/self/status; 0 where there is no such file.
int64_t StatusBytes(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field + ":")) return std::stoll(line.substr(field.size() + 1)) * 1024;
  }
  return 0;
}

std::string Cell(const std::string& key, const Json& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) return value.get<std::string>();
  if (key.ends_with("_bytes")) return Bytes(value.get<double>());
  if (key.starts_with("fraction_")) return Percent(value.get<double>());
  if (key == "tokens_per_second" || key.ends_with("gflops")) return Fixed(value.get<double>(), 1);
  if (key == "seconds") return Fixed(value.get<double>() * 1e3, 3);
  return value.dump();
}

// Columns in the order of the first row; what holds no single value is left to --json.
Table TableOf(const std::vector<Json>& rows) {
  Table table;
  std::vector<std::string> keys;
  for (const auto& [key, value] : rows.front().items()) {
    if (value.is_structured()) continue;
    keys.push_back(key);
    table.columns.push_back(key == "seconds" ? "ms" : ReplaceAll(key, "_", " "));
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
  nn::Compute compute(executor, options.precision);
  const std::vector<Json> rows = bench(options, compute);
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
  app.add_option("--repeat", options.repeat, "Timed runs; figures are their medians. [default 5]")
      ->type_name("N")
      ->check(CLI::Range(1, 1000).description(""));
  app.add_option("--profile", options.profile,
                 "Write a timeline of the last shape for chrome://tracing or Perfetto.")
      ->type_name("FILE");
  AddPrecisionFlags(app, options.precision);
  AddThreadsFlag(app, options.threads);
  AddJsonFlag(app, options.json);
}

void AddShape(CLI::App& app, BenchOptions& options) {
  app.add_option("--shape", options.shapes,
                 "S, M, D, G, or a model folder (may be repeated). [default S D M]")
      ->type_name("SHAPE")
      ->allow_extra_args(false);
  app.add_option("--batch", options.batch, "Sequences at a time (may be repeated).")
      ->type_name("N")
      ->allow_extra_args(false)
      ->check(CLI::Range(1, 1 << 16).description(""));
}

}  // namespace

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return n == 0 ? 0 : (values[(n - 1) / 2] + values[n / 2]) / 2;
}

Timing TimeIt(nn::Compute& compute, const BenchOptions& options, const std::string& label,
              const std::function<double()>& once) {
  constexpr double kPeakSeconds = 0.05;
  Progress progress(label);
  Timing timing;
  std::vector<double> peaks;
  for (int64_t i = 0; i <= options.repeat; ++i) {
    RETORT_CHECK(!Interrupted(), "interrupted");
    progress.Update(static_cast<double>(i), static_cast<double>(options.repeat + 1));
    const double seconds = once();
    const double peak = nn::MultiplyAddRate(compute, kPeakSeconds);
    if (i == 0) continue;  // caches, pages and clocks have warmed up
    timing.all.push_back(seconds);
    peaks.push_back(peak);
  }
  timing.seconds = Median(timing.all);
  timing.multiply_adds = Median(peaks);

  Profile profile(compute.executor.threads());
  compute.profile = &profile;
  const double seconds = once() * compute.executor.threads();
  compute.profile = nullptr;
  double busy = 0;
  for (const auto& [op, part] : profile.Parts()) {
    timing.parts[op] = part / seconds;
    busy += part;
  }
  timing.parts["waiting"] = 1 - busy / seconds;
  if (!options.profile.empty()) profile.WriteChromeTrace(options.profile);
  return timing;
}

MemoryGrowth::MemoryGrowth() {
  std::ofstream("/proc/self/clear_refs") << "5";  // VmHWM starts again from what is held now
  before_ = StatusBytes("VmRSS");
}
int64_t MemoryGrowth::peak() const { return StatusBytes("VmHWM") - before_; }

void AddBench(CLI::App& program, Action& action) {
  CLI::App* app = program.add_subcommand("bench", "Measure this machine and the engine on it.");
  app->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, Bench bench, bool model) {
    auto options = std::make_shared<BenchOptions>();
    CLI::App* sub = app->add_subcommand(name, help);
    if (model) AddShape(*sub, *options);
    AddCommon(*sub, *options);
    sub->callback([options, bench, &action] {
      action = [options, bench] { return RunBench(*options, bench); };
    });
    return std::pair(sub, options);
  };
  add("gemm", "Matrix products, forward and for gradients.", BenchGemm, false);
  auto [train, train_options] =
      add("train", "Training steps: forward, loss, backward, optimizer.", BenchTrain, true);
  train->add_option("--length", train_options->length, "Tokens per sequence. [default 256]")
      ->type_name("N")
      ->check(CLI::Range(1, 1 << 20).description(""));
  auto [decode, decode_options] =
      add("decode", "Sampling with a cache, after the prompts.", BenchDecode, true);
  decode
      ->add_option("--samples", decode_options->samples,
                   "Sequences that continue one prompt, as in a group of GRPO. [default 1]")
      ->type_name("N")
      ->check(CLI::Range(1, 1 << 16).description(""));
  decode->add_option("--length", decode_options->length, "Tokens per prompt. [default 64]")
      ->type_name("N")
      ->check(CLI::Range(1, 1 << 20).description(""));
  decode
      ->add_option("--new-tokens", decode_options->new_tokens,
                   "Tokens sampled per sequence. [default 128; M: 32]")
      ->type_name("N")
      ->check(CLI::Range(1, 1 << 20).description(""));
}

}  // namespace retort::cli
