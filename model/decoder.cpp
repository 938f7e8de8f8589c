#include "model/internal/decoder.h"

#include "base/random.h"
#include "model/internal/feed_forward.h"
#include "model/internal/gqa.h"
#include "model/internal/mla.h"

namespace retort::model {

using nn::Mat;

namespace {

struct DeepseekLayer {
  Mla attention;
  std::optional<DenseFeedForward> dense;
  std::optional<MoeFeedForward> moe;

  DeepseekLayer(nn::ParameterStore& store, const DeepseekConfig& c, int64_t layer)
      : attention(store, StrCat("model.layers.", layer), c) {
    const std::string prefix = StrCat("model.layers.", layer);
    if (c.IsMoeLayer(layer)) {
      moe.emplace(store, prefix, c);
    } else {
      dense.emplace(store, prefix, c.hidden_size, c.intermediate_size, c.rms_norm_eps);
    }
  }
  static int64_t RopeDim(const DeepseekConfig& c) { return c.qk_rope_head_dim; }
  static KvCache::Shape CacheShape(const DeepseekConfig& c) { return Mla::CacheShape(c); }
  void Pack(nn::Dtype dtype, std::vector<nn::PackJob>& jobs) {
    attention.Pack(dtype, jobs);
    moe ? moe->Pack(dtype, jobs) : dense->Pack(dtype, jobs);
  }
  void Forward(const Pass& pass, nn::RopeTable& rope, Mat x, Mat y, LayerTape& tape) const {
    const Mat mid = attention.Forward(pass, rope, x, tape.attention);
    moe ? moe->Forward(pass, mid, y, tape.ffn) : dense->Forward(pass, mid, y, tape.ffn);
  }
  Mat FeedForwardBackward(const Pass& pass, nn::ConstMat dy, const LayerTape& tape) const {
    return moe ? moe->Backward(pass, dy, tape.ffn) : dense->Backward(pass, dy, tape.ffn);
  }
};

struct LlamaLayer {
  Gqa attention;
  DenseFeedForward dense;
  std::optional<MoeFeedForward> moe;  // never there

  LlamaLayer(nn::ParameterStore& store, const LlamaConfig& c, int64_t layer)
      : attention(store, StrCat("model.layers.", layer), c),
        dense(store, StrCat("model.layers.", layer), c.hidden_size, c.intermediate_size,
              c.rms_norm_eps) {}
  static int64_t RopeDim(const LlamaConfig& c) { return c.HeadDim(); }
  static KvCache::Shape CacheShape(const LlamaConfig& c) { return Gqa::CacheShape(c); }
  void Pack(nn::Dtype dtype, std::vector<nn::PackJob>& jobs) {
    attention.Pack(dtype, jobs);
    dense.Pack(dtype, jobs);
  }
  void Forward(const Pass& pass, nn::RopeTable& rope, Mat x, Mat y, LayerTape& tape) const {
    dense.Forward(pass, attention.Forward(pass, rope, x, tape.attention), y, tape.ffn);
  }
  Mat FeedForwardBackward(const Pass& pass, nn::ConstMat dy, const LayerTape& tape) const {
    return dense.Backward(pass, dy, tape.ffn);
  }
};

}  // namespace

template <class Layer, class Config>
Decoder<Layer, Config>::Decoder(const Config& c, bool allocate)
    : config_(c),
      store_(allocate),
      eps_(static_cast<float>(c.rms_norm_eps)),
      max_positions_(c.max_position_embeddings),
      rope_(Layer::RopeDim(c), c.rope_theta),
      embedding_(store_.Add("model.embed_tokens.weight", {c.vocab_size, c.hidden_size})),
      layers_([&] {
        std::deque<Layer> layers;
        for (int64_t l = 0; l < c.num_hidden_layers; ++l) layers.emplace_back(store_, c, l);
        return layers;
      }()),
      final_norm_(store_.Add("model.norm.weight", {c.hidden_size})),
      head_weight_(c.tie_word_embeddings
                       ? embedding_
                       : store_.Add("lm_head.weight", {c.vocab_size, c.hidden_size})) {}

template <class Layer, class Config>
KvCache Decoder<Layer, Config>::NewCache() const {
  return KvCache(Layer::CacheShape(std::get<Config>(config_)), cache_dtype_);
}

template <class Layer, class Config>
void Decoder<Layer, Config>::Pack(nn::Compute& compute) {
  cache_dtype_ = compute.cache_dtype;
  std::vector<nn::PackJob> jobs;
  for (Layer& layer : layers_) layer.Pack(compute.dtype, jobs);
  // As where the format comes from: V3 keeps its head, GGUF's q8_0 does not.
  const bool keeps_head = compute.dtype == nn::Dtype::kFloat8E4M3;
  jobs.push_back({&head_, head_weight_.mat(), keeps_head ? nn::Dtype::kFloat32 : compute.dtype});
  nn::Pack(compute, jobs, packed_);
}

template <class Layer, class Config>
void Decoder<Layer, Config>::Forward(nn::Compute& compute, const Batch& batch, Tape* tape,
                                     Mat hidden) {
  RETORT_CHECK(!tape || !batch.cached(), "forward: a training pass does not take a cached batch");
  RETORT_CHECK(batch.max_position() < max_positions_, "a sequence of ", batch.max_position() + 1,
               " tokens does not fit max_position_embeddings = ", max_positions_,
               ". Shorten the sequence or raise the option");
  for (const int32_t id : batch.tokens()) {
    RETORT_CHECK(id >= 0 && id < vocab_size(), "token id ", id, " is outside the vocabulary of ",
                 vocab_size(), ". Was the text encoded with another tokenizer?");
  }
  if (batch.size() == 0) return;
  rope_.Reserve(batch.max_position() + 1);
  if (tape) {
    tape->layers.resize(layers_.size());
    tape->loads.resize(static_cast<size_t>(moe_layers()));
  }

  // x and y change places from layer to layer in inference; in training everything is kept.
  nn::Arena& arena = tape ? tape->arena : activations_;
  const nn::ArenaScope scope(activations_);
  Mat x = arena.NewMat(batch.size(), hidden_size()), y;
  if (!tape) y = arena.NewMat(batch.size(), hidden_size());
  nn::Embed(compute, embedding_.mat(), batch.tokens().data(), x);
  LayerTape unused;
  size_t moe_index = 0;
  for (size_t l = 0; l < layers_.size(); ++l) {
    const nn::Arena::Mark mark = arena.mark();
    const Pass pass{compute, batch, arena, scratch_, tape, static_cast<int64_t>(l)};
    LayerTape& layer_tape = tape ? tape->layers[l] : unused;
    if (tape) y = arena.NewMat(batch.size(), hidden_size());
    layers_[l].Forward(pass, rope_, x, y, layer_tape);
    std::swap(x, y);
    if (!tape) {
      arena.Release(mark);
      continue;
    }
    if (layers_[l].moe) {
      std::vector<int64_t>& loads = tape->loads[moe_index++];
      loads.resize(static_cast<size_t>(layers_[l].moe->experts()));
      layers_[l].moe->Balance(pass, layer_tape.ffn, loads);
    }
  }
  float* rstd = arena.New<float>(batch.size());
  nn::RmsNorm(compute, {x, final_norm_.value.data(), eps_, hidden, rstd});
  if (tape) {
    tape->hidden = x;
    tape->final_rstd = rstd;
  }
}

template <class Layer, class Config>
void Decoder<Layer, Config>::Backward(nn::Compute& compute, const Batch& batch, Tape& tape,
                                      nn::ConstMat dhidden, bool defer_weights) {
  if (batch.size() == 0) return;
  Mat dx = tape.arena.NewMat(batch.size(), hidden_size());
  nn::RmsNormGrad(compute, {.x = tape.hidden,
                            .weight = final_norm_.value.data(),
                            .rstd = tape.final_rstd,
                            .dy = dhidden,
                            .dx = dx,
                            .dweight = final_norm_.grad.data()});
  for (size_t l = layers_.size(); l-- > 0;) {
    const Pass pass{compute, batch, tape.arena, scratch_, &tape, static_cast<int64_t>(l)};
    const auto half = [&](const auto& backward) {
      const nn::Arena::Mark mark = tape.arena.mark();
      const Mat below = backward();
      if (defer_weights) {
        dx = below;
      } else {  // what the weights' gradients were made of makes room for the other half's
        tape.RunWeightGrads(compute);
        CopyRows(compute, below, dx);
        tape.arena.Release(mark);
      }
    };
    half([&] { return layers_[l].FeedForwardBackward(pass, dx, tape.layers[l]); });
    half([&] { return layers_[l].attention.Backward(pass, rope_, dx, tape.layers[l].attention); });
  }
  nn::EmbedGrad(compute, batch.tokens().data(), dx, embedding_.grad_mat());
}

template <class Layer, class Config>
int64_t Decoder<Layer, Config>::moe_layers() const {
  int64_t count = 0;
  for (const Layer& layer : layers_) count += layer.moe ? 1 : 0;
  return count;
}

template <class Layer, class Config>
void Decoder<Layer, Config>::BalanceBias(std::span<const std::vector<int64_t>> loads, double rate) {
  size_t moe_index = 0;
  for (Layer& layer : layers_) {
    if (layer.moe) layer.moe->BalanceBias(loads[moe_index++], rate);
  }
}

namespace {

std::unique_ptr<LanguageModel> Build(const ModelConfig& config, bool allocate) {
  Validate(config);
  if (const auto* deepseek = std::get_if<DeepseekConfig>(&config)) {
    return std::make_unique<Decoder<DeepseekLayer, DeepseekConfig>>(*deepseek, allocate);
  }
  return std::make_unique<Decoder<LlamaLayer, LlamaConfig>>(std::get<LlamaConfig>(config),
                                                            allocate);
}

}  // namespace

std::vector<TensorShape> TensorShapes(const ModelConfig& config) {
  const std::unique_ptr<LanguageModel> model = Build(config, /*allocate=*/false);
  std::vector<TensorShape> tensors;
  for (const nn::Parameter& p : model->parameters().all()) {
    tensors.push_back({p.name, p.shape});
  }
  return tensors;
}

std::unique_ptr<LanguageModel> NewModel(const ModelConfig& config, uint64_t seed,
                                        nn::Compute& compute) {
  std::unique_ptr<LanguageModel> model = Build(config, /*allocate=*/true);
  const double range = std::visit([](const auto& c) { return c.initializer_range; }, config);
  uint64_t index = 0;
  for (nn::Parameter& parameter : model->parameters().all()) {
    RandomStream random({.seed = seed, .purpose = "init", .problem = index++});
    const bool norm = parameter.name.ends_with("norm.weight");
    for (float& value : parameter.value) {
      if (parameter.shape.size() == 2) {
        value = static_cast<float>(range * random.Normal());
      } else {
        value = norm ? 1.0f : 0.0f;
      }
    }
  }
  model->Pack(compute);
  return model;
}

}  // namespace retort::model
