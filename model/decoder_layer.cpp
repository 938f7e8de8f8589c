#include "model/internal/decoder_layer.h"

namespace retort::model {

using nn::Mat;

namespace {

template <class Block>
using TapeOf = typename std::decay_t<Block>::Tape;

std::variant<Gqa, Mla> MakeAttention(Builder& builder, const std::string& prefix,
                                     const LayerSpec& spec, const CommonConfig& common) {
  if (const auto* gqa = std::get_if<GqaSpec>(&spec.attention)) {
    return Gqa(builder, prefix, *gqa, common);
  }
  return Mla(builder, prefix, std::get<MlaSpec>(spec.attention), common);
}

std::variant<DenseFeedForward, MoeFeedForward> MakeFeedForward(Builder& builder,
                                                               const std::string& prefix,
                                                               const LayerSpec& spec,
                                                               const CommonConfig& common) {
  if (const auto* moe = std::get_if<MoeSpec>(&spec.feed_forward)) {
    return MoeFeedForward(builder, prefix, *moe, common);
  }
  return DenseFeedForward(builder, prefix, std::get<DenseSpec>(spec.feed_forward), common);
}

}  // namespace

DecoderLayer::DecoderLayer(Builder& builder, const std::string& prefix, const LayerSpec& spec,
                           const CommonConfig& common)
    : attention_(MakeAttention(builder, prefix, spec, common)),
      feed_forward_(MakeFeedForward(builder, prefix, spec, common)) {}

void DecoderLayer::Forward(const Pass& pass, Mat x, Mat y, Tape& tape) const {
  const Mat mid = std::visit(
      [&](const auto& block) {
        return block.Forward(pass, x, tape.attention.emplace<TapeOf<decltype(block)>>());
      },
      attention_);
  std::visit(
      [&](const auto& block) {
        block.Forward(pass, mid, y, tape.feed_forward.emplace<TapeOf<decltype(block)>>());
      },
      feed_forward_);
}

Mat DecoderLayer::FeedForwardBackward(const Pass& pass, nn::ConstMat dy, const Tape& tape) const {
  return std::visit(
      [&](const auto& block) {
        return block.Backward(pass, dy, std::get<TapeOf<decltype(block)>>(tape.feed_forward));
      },
      feed_forward_);
}

Mat DecoderLayer::AttentionBackward(const Pass& pass, nn::ConstMat dy, const Tape& tape) const {
  return std::visit(
      [&](const auto& block) {
        return block.Backward(pass, dy, std::get<TapeOf<decltype(block)>>(tape.attention));
      },
      attention_);
}

}  // namespace retort::model
