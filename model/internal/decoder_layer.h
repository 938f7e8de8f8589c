#pragma once
// One decoder layer: an attention and a feed-forward part of any variant.

#include <string>
#include <variant>
#include <vector>

#include "model/internal/feed_forward.h"
#include "model/internal/gqa.h"
#include "model/internal/mla.h"

namespace retort::model {

class DecoderLayer {
 public:
  /// Each part keeps its own; which one it is follows from the layer.
  struct Tape {
    std::variant<std::monostate, Gqa::Tape, Mla::Tape> attention;
    std::variant<std::monostate, DenseFeedForward::Tape, MoeFeedForward::Tape> feed_forward;
  };

  DecoderLayer(Builder& builder, const std::string& prefix, const LayerSpec& spec,
               const CommonConfig& common);

  /// Writes the layer's output into `y` [T, d]; when training, counts the loads of its experts.
  void Forward(const Pass& pass, nn::Mat x, nn::Mat y, Tape& tape) const;
  /// Backward in halves: the gradients [T, d] of what attention gave, and of the layer's input.
  nn::Mat FeedForwardBackward(const Pass& pass, nn::ConstMat dy, const Tape& tape) const;
  nn::Mat AttentionBackward(const Pass& pass, nn::ConstMat dy, const Tape& tape) const;

  const MoeFeedForward* moe() const { return std::get_if<MoeFeedForward>(&feed_forward_); }

 private:
  std::variant<Gqa, Mla> attention_;
  std::variant<DenseFeedForward, MoeFeedForward> feed_forward_;
};

struct LayerTapes {
  std::vector<DecoderLayer::Tape> of;
};

}  // namespace retort::model
