#include "model/network.h"

#include <set>

#include "base/error.h"
#include "model/internal/network_parts.h"
#include "nn/embedding.h"
#include "nn/norm.h"

namespace retort::model {

using nn::Mat;

// Jobs of one matrix (an adapter's that several parts share) take turns, in their order: they add
// to the same numbers.
void Tape::RunWeightGrads(nn::Compute& compute) {
  while (!weight_grads.empty()) {
    std::set<const float*> now;
    std::vector<nn::WeightGradJob> later;
    std::erase_if(weight_grads, [&](const nn::WeightGradJob& job) {
      if (now.insert(job.dw.data).second) return false;
      later.push_back(job);
      return true;
    });
    nn::GemmWeightGrad(compute, weight_grads);
    weight_grads = std::move(later);
  }
}

Tape::Tape() : layers(std::make_unique<LayerTapes>()) {}
Tape::~Tape() = default;

Network::Parts::Parts(const ModelConfig& config, const AdapterOptions& adapters, bool layout_only)
    : spec(SpecOf(config)) {
  const CommonConfig& c = spec.common;
  Builder builder{layout, adapter_layout, items, adapters, layout_only};
  embedding = builder.Matrix("model.embed_tokens.weight", c.vocab_size, c.hidden_size);
  for (int64_t l = 0; l < c.num_hidden_layers; ++l) {
    moe_index.push_back(l == 0 ? 0 : moe_index.back() + (layers.back().moe() ? 1 : 0));
    layers.emplace_back(builder, StrCat("model.layers.", l), spec.Layer(l), c);
  }
  final_norm = builder.Vector("model.norm.weight", c.hidden_size);
  head = c.tie_word_embeddings ? embedding
                               : builder.Matrix("lm_head.weight", c.vocab_size, c.hidden_size);
  if (!layout_only) rotations = RotationsOf(spec.RopeDim(), c.rope_theta, c.rope_scaling);
  packed_head =
      builder.Packed({.source = head, .rows = c.vocab_size, .kind = PackItem::Kind::kHead});
}

Network::Network(const ModelConfig& config, const AdapterOptions& adapters)
    : config_(config),
      trains_base_(adapters.rank == 0),
      parts_(std::make_unique<const Parts>(config, adapters)) {
  layout_ = std::make_shared<const nn::ParameterLayout>(trains_base_ ? parts_->layout
                                                                     : parts_->adapter_layout);
}

Network::~Network() = default;

std::shared_ptr<const Network> Network::Make(const ModelConfig& config,
                                             const AdapterOptions& adapters) {
  Validate(config);
  RETORT_CHECK(adapters.rank >= 0 && adapters.rank <= 65536, "adapters: rank: got ", adapters.rank,
               ", expected 0 to 65536");
  return std::shared_ptr<const Network>(new Network(config, adapters));
}

int64_t Network::hidden_size() const { return parts_->spec.common.hidden_size; }
int64_t Network::vocab_size() const { return parts_->spec.common.vocab_size; }
int64_t Network::layers() const { return parts_->spec.common.num_hidden_layers; }
bool Network::has_router_bias() const {
  return trains_base_ && parts_->spec.moe && parts_->spec.moe->bias;
}
int64_t Network::moe_layers() const { return parts_->spec.MoeLayers(); }
int64_t Network::max_positions() const { return parts_->spec.common.max_position_embeddings; }
nn::ParameterId Network::embedding() const { return parts_->embedding; }
nn::ParameterId Network::head() const { return parts_->head; }

Mat Network::Forward(const PackedWeights& weights, Workspace& workspace, const Batch& batch,
                     Tape* tape, StageRange range, nn::ConstMat x) const {
  RETORT_CHECK(!tape || !batch.cached(), "forward: a training pass does not take a cached batch");
  RETORT_CHECK(batch.max_position() < max_positions(), "a sequence of ", batch.max_position() + 1,
               " tokens does not fit max_position_embeddings = ", max_positions(),
               " (of a sliding window, its length). Shorten the sequence or raise the option");
  for (const int32_t id : batch.tokens()) {
    RETORT_CHECK(id >= 0 && id < vocab_size(), "token id ", id, " is outside the vocabulary of ",
                 vocab_size(), ". Was the text encoded with another tokenizer?");
  }
  RETORT_CHECK(&weights.network() == this, "forward: the weights are those of another network");
  RETORT_CHECK(0 <= range.begin && range.begin < range.end && range.end <= stages(),
               "forward: there are no stages [", range.begin, ", ", range.end, ")");
  RETORT_CHECK(range.begin == 0 || (x.rows == batch.size() && x.cols == hidden_size()),
               "forward: expected hidden states of the batch, got [", x.rows, ", ", x.cols, "]");
  const nn::RopeTable& rope = workspace.Rope(parts_->rotations, batch.max_position() + 1);
  workspace.activations.Reset();
  nn::Arena& arena = tape ? tape->arena : workspace.activations;
  const Mat hidden = arena.NewMat(batch.size(), hidden_size());
  if (tape) {
    tape->batch = &batch;
    tape->stages = range;
    tape->layers->of.resize(parts_->layers.size());
    tape->loads.resize(static_cast<size_t>(moe_layers()));
  }
  if (batch.size() == 0) return hidden;

  nn::Compute& compute = workspace.compute;
  // In and out change places from layer to layer in inference; in training everything is kept.
  Mat in = arena.NewMat(batch.size(), hidden_size()), out;
  if (!tape) out = arena.NewMat(batch.size(), hidden_size());
  if (range.begin == 0) {
    weights.Embed(compute, batch.tokens(), in);
  } else {
    CopyRows(compute, x, in);
  }
  DecoderLayer::Tape unused;
  const auto [first, end] = parts_->LayersOf(range);
  for (size_t l = first; l < end; ++l) {
    const DecoderLayer& layer = parts_->layers[l];
    const nn::Arena::Mark mark = arena.mark();
    const Pass pass{.compute = compute,
                    .weights = weights,
                    .batch = batch,
                    .rope = rope,
                    .arena = arena,
                    .scratch = workspace.scratch,
                    .tape = tape,
                    .layer = static_cast<int64_t>(l)};
    DecoderLayer::Tape& layer_tape = tape ? tape->layers->of[l] : unused;
    if (tape) out = arena.NewMat(batch.size(), hidden_size());
    layer.Forward(pass, in, out, layer_tape);
    std::swap(in, out);
    if (!tape) {
      arena.Release(mark);
      continue;
    }
    if (const MoeFeedForward* moe = layer.moe()) {
      std::vector<int64_t>& loads = tape->loads[parts_->moe_index[l]];
      loads.resize(static_cast<size_t>(moe->experts()));
      moe->Balance(pass, std::get<MoeFeedForward::Tape>(layer_tape.feed_forward), loads);
    }
  }
  if (range.end < stages()) return in;
  float* rstd = arena.New<float>(batch.size());
  const auto eps = static_cast<float>(parts_->spec.common.rms_norm_eps);
  nn::RmsNorm(compute, {in, weights.vector(parts_->final_norm), eps, hidden, rstd});
  if (tape) {
    tape->hidden = in;
    tape->final_rstd = rstd;
  }
  return hidden;
}

Mat Network::Backward(const PackedWeights& weights, Workspace& workspace, Tape& tape,
                      nn::ConstMat dhidden, const Gradients& gradients) const {
  RETORT_CHECK(tape.batch && &weights.network() == this && (trains_base_ || !gradients.values),
               "backward: nothing was remembered, or by another network, or beside adapters there "
               "are values of the base");
  const Batch& batch = *tape.batch;
  const nn::RopeTable& rope = workspace.Rope(parts_->rotations, batch.max_position() + 1);
  nn::Compute& compute = workspace.compute;
  Mat dx = tape.arena.NewMat(batch.size(), hidden_size());
  if (batch.size() == 0) return dx;
  if (tape.stages.end == stages()) {
    nn::RmsNormGrad(
        compute, {.x = tape.hidden,
                  .weight = weights.vector(parts_->final_norm),
                  .rstd = tape.final_rstd,
                  .dy = dhidden,
                  .dx = dx,
                  .dweight = trains_base_ ? gradients.store[parts_->final_norm].data() : nullptr});
  } else {
    CopyRows(compute, dhidden, dx);
  }
  const auto [first, end] = parts_->LayersOf(tape.stages);
  for (size_t l = end; l-- > first;) {
    const Pass pass{.compute = compute,
                    .weights = weights,
                    .batch = batch,
                    .rope = rope,
                    .arena = tape.arena,
                    .scratch = workspace.scratch,
                    .tape = &tape,
                    .layer = static_cast<int64_t>(l),
                    .values = gradients.values,
                    .gradients = &gradients.store};
    const auto half = [&](const auto& backward) {
      const nn::Arena::Mark mark = tape.arena.mark();
      const Mat below = backward();
      if (gradients.defer_weights) {
        dx = below;
      } else {  // what the weights' gradients were made of makes room for the other half's
        tape.RunWeightGrads(compute);
        CopyRows(compute, below, dx);
        tape.arena.Release(mark);
      }
    };
    const DecoderLayer& layer = parts_->layers[l];
    const DecoderLayer::Tape& layer_tape = tape.layers->of[l];
    half([&] { return layer.FeedForwardBackward(pass, dx, layer_tape); });
    half([&] { return layer.AttentionBackward(pass, dx, layer_tape); });
  }
  if (trains_base_ && tape.stages.begin == 0) {
    nn::EmbedGrad(compute, batch.tokens().data(), dx, gradients.store.mat(parts_->embedding));
  }
  return dx;
}

void Network::BalanceBias(std::span<const std::vector<int64_t>> loads, double rate,
                          nn::ParameterStore& values) const {
  if (!trains_base_) return;
  for (size_t l = 0; l < parts_->layers.size(); ++l) {
    if (const MoeFeedForward* moe = parts_->layers[l].moe()) {
      moe->BalanceBias(loads[parts_->moe_index[l]], rate, values);
    }
  }
}

nn::ParameterLayout Network::LayoutOf(const ModelConfig& config) {
  Validate(config);
  return Parts(config, {}, /*layout_only=*/true).layout;
}

}  // namespace retort::model
