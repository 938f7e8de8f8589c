#pragma once
// `retort bench`: what its parts share. Every figure comes with the machine's best, measured
// between the repeats of the work itself, so that a busy machine spoils both alike.

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "cli/parts/command.h"
#include "model/config.h"
#include "nn/compute.h"

namespace CLI {
class App;
}

namespace retort::bench {

using namespace cli;  // NOLINT: the parts of the command line

struct BenchOptions {
  std::vector<std::string> shapes;  ///< S, M, D, G or model folders; empty: the command's own
  std::vector<int64_t> batch;  ///< sequences, prompts or traces at a time; empty: the command's own
  int64_t length = 0;          ///< tokens per sequence (train) or prompt; 0: the command's own
  int64_t new_tokens = 0;      ///< tokens per completion; 0: the command's own
  int64_t samples = 0;         ///< sequences of one prompt; 0: the command's own
  int64_t cases = 10000;       ///< score: responses to judge; sandbox: runs of each kind
  int64_t steps = 50;          ///< traces: transactions
  int64_t judge_ms = 0;        ///< grpo: how long a verdict takes in a second row; 0: no such row
  int64_t repeat = 5;
  int threads = 0;
  nn::Precision precision;
  std::optional<nn::Dtype> rollout_dtype;  ///< grpo: as in a recipe
  bool scaling = false;                    ///< one thread and all of them in turn
  bool json = false;
  std::string profile;  ///< file for a timeline of the last shape's run; empty: none
};

/// A shape to measure: a name of docs/performance.md, or a folder's config.json.
struct BenchShape {
  std::string name;
  model::ModelConfig config;
};
/// Throws Error naming what it knows.
BenchShape FindShape(const std::string& name);
double ActiveParameters(const BenchShape& shape);
/// The same for the same sequence number.
std::vector<int32_t> RandomTokens(int64_t count, int64_t vocabulary, uint64_t sequence);
inline int64_t Or(int64_t value, int64_t otherwise) { return value > 0 ? value : otherwise; }
template <class T>
std::vector<T> OneOr(const std::vector<T>& values, std::vector<T> otherwise) {
  return values.empty() ? otherwise : values;
}

/// Medians over the repeats, and the machine's best in between.
struct Timing {
  double seconds = 0;           ///< of one repeat
  double multiply_adds = 0;     ///< operations per second, all threads
  double bandwidth = 0;         ///< bytes per second, all threads; 0 when not measured
  std::vector<double> all;      ///< seconds of each repeat
  std::vector<double> peaks;    ///< multiply_adds after each
  Json parts = Json::object();  ///< share of the threads' time by op; measured in a run apart
};

/// Times runs of one piece of work: the first warms up, the last is for the parts, and those in
/// between count. The machine is measured after each.
class Meter {
 public:
  /// `read_bytes`: see Work.
  Meter(nn::Compute& compute, const BenchOptions& options, int64_t read_bytes = 0);
  ~Meter() { compute_.profile = nullptr; }
  Meter(const Meter&) = delete;
  Meter& operator=(const Meter&) = delete;

  static int64_t Runs(const BenchOptions& options) { return options.repeat + 2; }
  void Begin();
  /// `seconds`: what counts of the run since Begin.
  void End(double seconds);
  /// After the last run.
  Timing Result() const;

 private:
  bool last() const { return done_ + 1 == Runs(options_); }

  nn::Compute& compute_;
  const BenchOptions& options_;
  int64_t read_bytes_;
  int64_t done_ = 0;
  Timing timing_;
  std::vector<double> bandwidths_;
  Profile profile_;
};

struct Work {
  nn::Compute& compute;
  std::function<double()> once;  ///< returns the seconds that count
  std::function<Json(const Timing&)> row = {};
  int64_t read_bytes = 0;  ///< > 0: measure how fast a buffer of that size is read, too
};
Timing TimeIt(const BenchOptions& options, const std::string& label, const Work& work);
/// Runs all of them in turn, so that a busy machine spoils them alike, and adds a row of each. Of
/// several it adds how much faster each is than the first: medians of the ratios of neighbouring
/// runs; with --scaling also how much faster its multiply-adds are, and what share of that was
/// reached.
void AddRows(const BenchOptions& options, const std::string& label, std::span<const Work> works,
             std::vector<Json>& rows);

/// What --scaling compares with.
struct SingleThread {
  Executor executor{1};
  nn::Compute compute{executor};
};

Json Row(const BenchShape& shape, int64_t batch, const nn::Precision& precision, int threads);
/// `operations` of one run against the machine's multiply-adds.
void AddSpeed(const Timing& timing, double tokens, double operations, Json& row);

double Median(std::vector<double> values);

/// A line for every figure of the machine in `rows` (its worst) that is more than 20 % below that
/// of the reference machine; empty where there is none for that number of threads.
std::vector<std::string> MachineWarnings(const std::vector<Json>& rows);

/// Each returns one object per row of the table.
std::vector<Json> BenchGemm(const BenchOptions& options, nn::Compute& compute);
std::vector<Json> BenchTrain(const BenchOptions& options, nn::Compute& compute);
std::vector<Json> BenchDecode(const BenchOptions& options, nn::Compute& compute);
std::vector<Json> BenchGrpo(const BenchOptions& options, nn::Compute& compute);
std::vector<Json> BenchScore(const BenchOptions& options, nn::Compute& compute);
std::vector<Json> BenchSandbox(const BenchOptions& options, nn::Compute& compute);
std::vector<Json> BenchTraces(const BenchOptions& options, nn::Compute& compute);

/// Puts the flags of `retort bench` on the program (cli/parts/command.h).
void AddBench(CLI::App& program, cli::Action& action);

}  // namespace retort::bench
