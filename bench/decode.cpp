// Sampling with a cache.

#include <list>

#include "base/stopwatch.h"
#include "base/strings.h"
#include "bench/bench.h"
#include "cli/parts/memory.h"
#include "model/cost.h"
#include "model/language_model.h"
#include "rollout/engine.h"

namespace retort::bench {
namespace {

struct DecodeShape {
  int64_t batch, samples, prompt, new_tokens;
};

class Decode {
 public:
  Decode(const BenchShape& shape, const DecodeShape& sizes, const nn::Precision& precision,
         nn::Compute& compute)
      : shape_(shape),
        sizes_(sizes),
        compute_(compute),
        weights_(model::NewModel(shape.config, 1, precision)->Packed(compute)) {}

  /// The seconds in which every sequence gets its new tokens, prompts apart.
  double Once() {
    std::optional<MemoryGrowth> memory;
    if (!engine_) {
      memory.emplace();
      engine_.emplace(weights_, compute_, nullptr,
                      rollout::EngineOptions{.max_rows = sizes_.batch,
                                             .prefill_tokens = sizes_.batch * sizes_.prompt});
    }
    for (int64_t s = 0; s < sizes_.batch; s += sizes_.samples) {
      rollout::Request request;
      request.id = s;
      request.samples = std::min(sizes_.samples, sizes_.batch - s);
      request.prompt =
          RandomTokens(sizes_.prompt, weights_->network().vocab_size(), static_cast<uint64_t>(s));
      request.sampling.max_completion_length = sizes_.new_tokens + 1;
      request.stream = {.seed = 1, .purpose = "bench", .problem = static_cast<uint64_t>(s)};
      engine_->Submit(std::move(request));
    }
    engine_->Step();  // all prompts
    if (compute_.profile) compute_.profile->Clear();
    const Stopwatch watch;
    while (engine_->Step()) {
    }
    const double seconds = watch.seconds();
    engine_->Poll();
    if (memory) peak_bytes_ = memory->peak();
    return seconds;
  }

  Json TimedRow(const Timing& timing) const {
    Json row = Row(shape_, sizes_.batch, weights_->precision(), compute_.executor.threads());
    row["samples"] = sizes_.samples;
    row["prompt"] = sizes_.prompt;
    row["new_tokens"] = sizes_.new_tokens;
    const auto tokens = static_cast<double>(sizes_.batch * sizes_.new_tokens);
    AddSpeed(timing, tokens, 2 * ActiveParameters(shape_) * tokens, row);
    row["fraction_of_bandwidth"] =
        static_cast<double>(step_bytes() * sizes_.new_tokens) / timing.seconds / timing.bandwidth;
    row["bandwidth_gbs"] = timing.bandwidth / 1e9;
    row["step_bytes"] = step_bytes();
    row["peak_bytes"] = peak_bytes_;
    row["cache_tokens"] = engine_->stats().peak_cache_tokens;
    row["cache_bytes_per_token"] = engine_->stats().cache_bytes_per_token;
    return row;
  }

  Work work() {
    return {compute_, [this] { return Once(); }, [this](const Timing& t) { return TimedRow(t); },
            step_bytes()};
  }

 private:
  /// What a step must read at least, on average: the weights, each prompt once, and what has been
  /// said.
  int64_t step_bytes() const {
    const int64_t prompts = (sizes_.batch + sizes_.samples - 1) / sizes_.samples;
    const double cached = static_cast<double>(prompts * sizes_.prompt) +
                          static_cast<double>(sizes_.batch * (sizes_.new_tokens + 1)) / 2;
    const nn::PackedMatrix& packed = weights_->head();
    const nn::Precision& precision = weights_->precision();
    const auto head = static_cast<double>(packed.n() * packed.k());
    const double weights = (model::WeightsRead(shape_.config, sizes_.batch) - head) *
                               nn::WeightBytes(precision.products) +
                           head * nn::WeightBytes(packed.dtype());
    const double keys_and_values = static_cast<double>(model::CacheOf(shape_.config).own) * cached;
    return static_cast<int64_t>(weights) +
           static_cast<int64_t>(keys_and_values) * nn::ByteSize(precision.cache);
  }

  BenchShape shape_;
  DecodeShape sizes_;
  nn::Compute& compute_;
  std::shared_ptr<const model::PackedWeights> weights_;
  std::optional<rollout::RolloutEngine> engine_;
  int64_t peak_bytes_ = 0;
};

}  // namespace

std::vector<Json> BenchDecode(const BenchOptions& options, nn::Compute& compute) {
  SingleThread single;
  std::vector<Json> rows;
  for (const std::string& name : OneOr(options.shapes, {"S", "D", "M"})) {
    const BenchShape shape = FindShape(name);
    for (const int64_t batch : OneOr(options.batch, {1, 32, 64})) {
      const DecodeShape sizes{.batch = batch,
                              .samples = Or(options.samples, 1),
                              .prompt = Or(options.length, 64),
                              .new_tokens = Or(options.new_tokens, name == "M" ? 32 : 128)};
      std::list<Decode> decodes;
      if (options.scaling) decodes.emplace_back(shape, sizes, options.precision, single.compute);
      decodes.emplace_back(shape, sizes, options.precision, compute);
      std::vector<Work> works;
      for (Decode& decode : decodes) works.push_back(decode.work());
      AddRows(options, StrCat("decode ", shape.name, " x", batch), works, rows);
    }
  }
  return rows;
}

}  // namespace retort::bench
