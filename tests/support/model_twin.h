#pragma once
// A whole network as in the papers: one sequence at a time, full matrices, keys and values of every
// head written out (MLA unabsorbed), no cache, no packing. Parameters come by their published
// names. Sources: DeepSeek-V2 §2.1, DeepSeek-V3 §2.1; Llama, Qwen2 and Qwen3 as transformers runs
// them.

#include <map>
#include <numeric>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "model/config.h"
#include "tests/support/attention_twin.h"
#include "tests/support/embedding_twin.h"
#include "tests/support/moe_twin.h"
#include "tests/support/norm_twin.h"
#include "tests/support/rope_twin.h"
#include "tests/support/swiglu_twin.h"

namespace retort::testing {

template <class S>
class ModelTwin {
 public:
  using Rows = std::vector<S>;  // [T, …] row after row
  using Weights = std::map<std::string, Rows>;

  /// What the gate of one MoE layer did, over all sequences so far.
  struct Gate {
    nn::RouterShape shape;
    Rows scores;                   // [tokens, E]
    std::vector<int32_t> experts;  // [tokens, K]
  };

  /// Borrows the weights.
  ModelTwin(const model::ModelConfig& config, const Weights& weights)
      : policy_(std::get_if<model::DeepseekConfig>(&config)), weights_(weights) {
    if (const auto* c = std::get_if<model::LlamaConfig>(&config)) {
      heads_ = {c->num_attention_heads, c->num_key_value_heads, c->HeadDim(),
                c->model_type == model::DenseType::kQwen3};
    }
    if (const auto* c = std::get_if<model::Qwen3MoeConfig>(&config)) {
      heads_ = {c->num_attention_heads, c->num_key_value_heads, c->HeadDim(), true};
      router_ = {.experts = c->num_experts,
                 .top_k = c->num_experts_per_tok,
                 .scoring = nn::Scoring::kSoftmax,
                 .normalize = c->norm_topk_prob};
      for (int64_t l = 0; l < c->num_hidden_layers; ++l) {
        if ((l + 1) % c->decoder_sparse_step == 0) mixtures_.insert(l);
      }
      for (const int64_t l : c->mlp_only_layers) mixtures_.erase(l);
    }
    if (policy_) {
      const model::DeepseekConfig& c = *policy_;
      const bool grouped = c.topk_method != model::TopkMethod::kGreedy;
      router_ = {c.n_routed_experts,
                 c.num_experts_per_tok,
                 grouped ? c.n_group : 1,
                 grouped ? c.topk_group : 1,
                 c.scoring_func == model::ScoringFunc::kSigmoid ? nn::Scoring::kSigmoid
                                                                : nn::Scoring::kSoftmax,
                 c.norm_topk_prob,
                 static_cast<float>(c.routed_scaling_factor)};
      for (int64_t l = c.first_k_dense_replace; l < c.num_hidden_layers; ++l) {
        if (l % c.moe_layer_freq == 0) mixtures_.insert(l);
      }
    }
    std::visit(
        [&](const auto& c) {
          eps_ = c.rms_norm_eps;
          layers_ = c.num_hidden_layers;
          tied_ = c.tie_word_embeddings;
        },
        config);
    const model::CommonConfig common = model::Common(config);
    rotations_ = model::RotationsOf(policy_ ? policy_->qk_rope_head_dim : heads_.dim,
                                    common.rope_theta, common.rope_scaling);
    if (policy_) softmax_factor_ = model::SoftmaxFactor(common.rope_scaling);
  }

  /// Hidden states of one sequence after the final norm [T, d].
  Rows Hidden(const std::vector<int32_t>& tokens) {
    tokens_ = static_cast<int64_t>(tokens.size());
    const Rows& table = Weight("model.embed_tokens.weight");
    Rows x = EmbedTwin(table, Width(Weight("model.norm.weight")), tokens);
    for (int64_t l = 0; l < layers_; ++l) {
      const std::string layer = StrCat("model.layers.", l);
      const Rows h = Norm(x, layer + ".input_layernorm.weight");
      x = Sum(x, policy_ ? Mla(h, layer + ".self_attn.") : Gqa(h, layer + ".self_attn."));
      const Rows g = Norm(x, layer + ".post_attention_layernorm.weight");
      x = Sum(x,
              mixtures_.contains(l) ? Mixture(g, l, layer + ".mlp.") : SwiGlu(g, layer + ".mlp."));
    }
    return Norm(x, "model.norm.weight");
  }

  const Rows& Head() const {
    return Weight(tied_ ? "model.embed_tokens.weight" : "lm_head.weight");
  }
  const std::map<int64_t, Gate>& gates() const { return gates_; }

 private:
  static int64_t Width(const Rows& vector) { return static_cast<int64_t>(vector.size()); }
  const Rows& Weight(const std::string& name) const { return weights_.at(name); }

  static Rows Sum(Rows a, const Rows& b) {
    for (size_t i = 0; i < a.size(); ++i) a[i] += b[i];
    return a;
  }
  Rows Norm(const Rows& x, const std::string& name) const {
    return RmsNormTwin(x, Weight(name), eps_);
  }
  Rows LatentNorm(const Rows& x, const std::string& name) const {
    return RmsNormTwin(x, Weight(name), 1e-6);
  }

  /// x · Wᵀ + b for `rows` rows; a bias is added where there is one.
  Rows Linear(const Rows& x, const std::string& name, int64_t rows) const {
    const Rows& w = Weight(name + ".weight");
    const size_t in = x.size() / static_cast<size_t>(rows), out = w.size() / in;
    const auto bias = weights_.find(name + ".bias");
    Rows y;
    for (size_t t = 0; t < static_cast<size_t>(rows); ++t) {
      for (size_t j = 0; j < out; ++j) {
        S sum = bias == weights_.end() ? S(0) : bias->second[j];
        for (size_t k = 0; k < in; ++k) sum += x[t * in + k] * w[j * in + k];
        y.push_back(sum);
      }
    }
    return y;
  }
  Rows Linear(const Rows& x, const std::string& name) const { return Linear(x, name, tokens_); }

  /// Columns [begin, begin + count) of row t of x [T, width].
  static Rows Slice(const Rows& x, int64_t width, int64_t t, int64_t begin, int64_t count) {
    const auto from = x.begin() + t * width + begin;
    return {from, from + count};
  }
  static void Append(Rows& to, const Rows& more) { to.insert(to.end(), more.begin(), more.end()); }

  Rows Attend(const nn::AttentionShape& shape, const Rows& q, const Rows& kv) const {
    std::vector<int32_t> rows(static_cast<size_t>(tokens_));
    std::iota(rows.begin(), rows.end(), 0);
    const nn::QuerySpan span{0, tokens_, 0, rows.data()};
    return AttentionTwin(shape, std::span(&span, 1), q, kv,
                         static_cast<int64_t>(kv.size()) / tokens_);
  }

  RopeTwinArgs Turn(int64_t position, bool interleaved) const {
    return {.position = double(position),
            .frequencies = rotations_.frequencies,
            .magnitude = rotations_.magnitude,
            .interleaved = interleaved};
  }

  Rows Mla(const Rows& h, const std::string& at) const {
    const model::DeepseekConfig& c = *policy_;
    const int64_t heads = c.num_attention_heads, nope = c.qk_nope_head_dim;
    const int64_t rope = c.qk_rope_head_dim, value = c.v_head_dim, latent = c.kv_lora_rank;
    const int64_t head_dim = nope + rope;
    const Rows q_all =
        c.q_lora_rank ? Linear(LatentNorm(Linear(h, at + "q_a_proj"), at + "q_a_layernorm.weight"),
                               at + "q_b_proj")
                      : Linear(h, at + "q_proj");
    const Rows kv_a = Linear(h, at + "kv_a_proj_with_mqa");
    Rows c_kv;
    for (int64_t t = 0; t < tokens_; ++t) Append(c_kv, Slice(kv_a, latent + rope, t, 0, latent));
    const Rows kv_b = Linear(LatentNorm(c_kv, at + "kv_a_layernorm.weight"), at + "kv_b_proj");

    Rows q, kv;
    for (int64_t t = 0; t < tokens_; ++t) {
      const RopeTwinArgs turn = Turn(t, /*interleaved=*/true);
      const Rows k_rope = RopeTwin(Slice(kv_a, latent + rope, t, latent, rope), turn);
      Rows values;
      for (int64_t i = 0; i < heads; ++i) {
        Append(q, Slice(q_all, heads * head_dim, t, i * head_dim, nope));
        Append(q, RopeTwin(Slice(q_all, heads * head_dim, t, i * head_dim + nope, rope), turn));
        const int64_t up = heads * (nope + value), begin = i * (nope + value);
        Append(kv, Slice(kv_b, up, t, begin, nope));
        Append(kv, k_rope);
        Append(values, Slice(kv_b, up, t, begin + nope, value));
      }
      Append(kv, values);
    }
    const double scale = softmax_factor_ / std::sqrt(static_cast<double>(head_dim));
    const nn::AttentionShape shape{
        heads, heads, head_dim, value, heads * head_dim, static_cast<float>(scale)};
    return Linear(Attend(shape, q, kv), at + "o_proj");
  }

  Rows Gqa(const Rows& h, const std::string& at) const {
    const auto& [heads, kv_heads, dim, norm] = heads_;
    Rows q_all = Linear(h, at + "q_proj"), k_all = Linear(h, at + "k_proj");
    const Rows v_all = Linear(h, at + "v_proj");
    if (norm) {
      q_all = Norm(q_all, at + "q_norm.weight");  // every head is a row of its own
      k_all = Norm(k_all, at + "k_norm.weight");
    }
    Rows q, kv;
    for (int64_t t = 0; t < tokens_; ++t) {
      const RopeTwinArgs turn = Turn(t, /*interleaved=*/false);
      for (int64_t i = 0; i < heads; ++i) {
        Append(q, RopeTwin(Slice(q_all, heads * dim, t, i * dim, dim), turn));
      }
      for (int64_t i = 0; i < kv_heads; ++i) {
        Append(kv, RopeTwin(Slice(k_all, kv_heads * dim, t, i * dim, dim), turn));
      }
      Append(kv, Slice(v_all, kv_heads * dim, t, 0, kv_heads * dim));
    }
    const double scale = 1 / std::sqrt(static_cast<double>(dim));
    const nn::AttentionShape shape{heads, kv_heads,       dim,
                                   dim,   kv_heads * dim, static_cast<float>(scale)};
    return Linear(Attend(shape, q, kv), at + "o_proj");
  }

  Rows SwiGlu(const Rows& h, const std::string& at, int64_t rows) const {
    const Rows gate = Linear(h, at + "gate_proj", rows), up = Linear(h, at + "up_proj", rows);
    const auto width = static_cast<int64_t>(gate.size()) / rows;
    Rows both;
    for (int64_t t = 0; t < rows; ++t) {
      Append(both, Slice(gate, width, t, 0, width));
      Append(both, Slice(up, width, t, 0, width));
    }
    return Linear(SwiGluTwin(both, static_cast<size_t>(width)), at + "down_proj", rows);
  }
  Rows SwiGlu(const Rows& h, const std::string& at) const { return SwiGlu(h, at, tokens_); }

  Rows Mixture(const Rows& h, int64_t layer, const std::string& at) {
    const nn::RouterShape& shape = router_;
    std::vector<double> bias;
    if (policy_ && policy_->topk_method == model::TopkMethod::kNoauxTc) {
      for (const S& b : Weight(at + "gate.e_score_correction_bias")) bias.push_back(Real(b));
    }
    const RouteTwinResult<S> route = RouteTwin(shape, Linear(h, at + "gate"), bias);
    Gate& gate = gates_[layer];
    gate.shape = shape;
    Append(gate.scores, route.scores);
    gate.experts.insert(gate.experts.end(), route.experts.begin(), route.experts.end());

    const int64_t d = static_cast<int64_t>(h.size()) / tokens_;
    Rows outputs;  // [T, K, d]
    for (size_t i = 0; i < route.experts.size(); ++i) {
      const int64_t t = static_cast<int64_t>(i) / shape.top_k;
      Append(outputs,
             SwiGlu(Slice(h, d, t, 0, d), StrCat(at, "experts.", route.experts[i], "."), 1));
    }
    Rows y = CombineTwin(route.weights, outputs, shape.top_k, d);
    return policy_ && policy_->n_shared_experts > 0 ? Sum(y, SwiGlu(h, at + "shared_experts.")) : y;
  }

  const model::DeepseekConfig* policy_;
  struct {
    int64_t heads, kv_heads, dim;
    bool norm;
  } heads_ = {};                // of grouped-query attention
  nn::RouterShape router_;      // of mixtures
  std::set<int64_t> mixtures_;  // layers
  const Weights& weights_;
  double eps_ = 0;
  nn::Rotations rotations_;  // tests/model/rope_scaling_test.cpp has their twin
  double softmax_factor_ = 1;
  int64_t layers_ = 0;
  bool tied_ = false;
  int64_t tokens_ = 0;  // T of the sequence at hand
  std::map<int64_t, Gate> gates_;
};

}  // namespace retort::testing
