#pragma once
// `retort bench`: what its parts share. Every figure comes with the machine's best, measured
// between the repeats of the work itself, so that a busy machine spoils both alike.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "model/config.h"
#include "nn/compute.h"

namespace retort::cli {

struct BenchOptions {
  std::vector<std::string> shapes;  ///< S, M, D, G or model folders; empty: the command's own
  std::vector<int64_t> batch;       ///< sequences; empty: the command's own
  int64_t length = 0;               ///< tokens per sequence (train), prompt (decode); 0: its own
  int64_t new_tokens = 0;           ///< decode; 0: its own
  int64_t samples = 1;              ///< decode: sequences of one prompt
  int64_t repeat = 5;
  int threads = 0;
  nn::Precision precision;
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

/// Medians over the repeats, and the machine's best in between.
struct Timing {
  double seconds = 0;           ///< of one repeat
  double multiply_adds = 0;     ///< operations per second, all threads
  std::vector<double> all;      ///< seconds of each repeat
  Json parts = Json::object();  ///< share of the threads' time by op; measured in a run apart
};
/// One untimed run, then `repeat` timed ones, then one for the parts. `once` returns the seconds
/// that count. Throws Error("interrupted") between repeats when Ctrl-C was pressed.
Timing TimeIt(nn::Compute& compute, const BenchOptions& options, const std::string& label,
              const std::function<double()>& once);

/// How far the process has grown at most since this object was made, in bytes.
class MemoryGrowth {
 public:
  MemoryGrowth();
  int64_t peak() const;

 private:
  int64_t before_;
};

double Median(std::vector<double> values);

/// Each returns one object per row of the table.
std::vector<Json> BenchGemm(const BenchOptions& options, nn::Compute& compute);
std::vector<Json> BenchTrain(const BenchOptions& options, nn::Compute& compute);
std::vector<Json> BenchDecode(const BenchOptions& options, nn::Compute& compute);

}  // namespace retort::cli
