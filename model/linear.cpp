#include "model/internal/linear.h"

#include <utility>

namespace retort::model {
namespace {
constexpr int64_t kRowTile = 64;
constexpr int64_t kColumnTile = 64;
}  // namespace

Linear::Linear(Builder& builder, const std::string& name, const Shape& shape)
    : out_(shape.out),
      in_(shape.in),
      item_{.source = builder.Matrix(name + ".weight", shape.out, shape.in),
            .rows = shape.out,
            .kind = shape.kind},
      packed_(builder.Packed(item_)) {
  if (shape.bias) bias_ = builder.Vector(name + ".bias", shape.out);
}

Linear::Linear(Builder& builder, const PackItem& part)
    : out_(part.rows),
      in_(builder.layout[part.source].cols()),
      item_(part),
      packed_(builder.Packed(part)) {
  if (part.transpose) std::swap(out_, in_);
}

/// The only one who knows what a Linear is made of.
class LinearProducts {
 public:
  explicit LinearProducts(const Pass& pass) : pass_(pass) {}

  nn::GemmJob Forward(const LinearForward& p) const {
    return {p.x, &p.linear.packed(pass_.weights), p.y, p.start};
  }
  void AddBias(const LinearForward& p) const {
    if (!p.linear.bias_) return;
    const float* bias = pass_.weights.vector(*p.linear.bias_);
    pass_.compute.ForRows("bias", p.y.rows, kRowTile, [&](int64_t begin, int64_t end, nn::Arena&) {
      for (int64_t t = begin; t < end; ++t) {
        for (int64_t j = 0; j < p.y.cols; ++j) p.y(t, j) += bias[j];
      }
    });
  }
  nn::InputGradJob InputGrad(const LinearInputGrad& p) const {
    nn::InputGradJob job{.dc = p.dy,
                         .w = {},
                         .da = p.dx,
                         .accumulate = p.accumulate,
                         .dtype = pass_.weights.precision().InputGrad(),
                         .packed = &p.linear.packed(pass_.weights)};
    if (pass_.values) {
      const PackItem& item = p.linear.item_;
      job.w = pass_.values->mat(item.source).Rows(item.first, item.rows);
      job.transpose_w = item.transpose;
    }
    return job;
  }
  nn::WeightGradJob WeightGrad(const LinearWeightGrad& p) const {
    const PackItem& item = p.linear.item_;
    const nn::Mat dw = pass_.gradients->mat(item.source).Rows(item.first, item.rows);
    const nn::Dtype dtype = pass_.weights.precision().WeightGrad();
    if (item.transpose) return {p.x, p.dy, dw, dtype};  // of Wᵀ
    return {p.dy, p.x, dw, dtype};
  }
  void BiasGrad(const LinearWeightGrad& p) const {
    if (!p.linear.bias_) return;
    float* gradient = pass_.Gradient(*p.linear.bias_);
    pass_.compute.ForRows("bias grad", p.dy.cols, kColumnTile,
                          [&](int64_t begin, int64_t end, nn::Arena&) {
                            for (int64_t t = 0; t < p.dy.rows; ++t) {
                              for (int64_t j = begin; j < end; ++j) gradient[j] += p.dy(t, j);
                            }
                          });
  }

 private:
  const Pass& pass_;
};

void Forward(const Pass& pass, std::span<const LinearForward> products) {
  const LinearProducts of(pass);
  std::vector<nn::GemmJob> jobs;
  for (const LinearForward& product : products) jobs.push_back(of.Forward(product));
  nn::Gemm(pass.compute, jobs);
  for (const LinearForward& product : products) of.AddBias(product);
}

void InputGrad(const Pass& pass, std::span<const LinearInputGrad> products) {
  const LinearProducts of(pass);
  std::vector<nn::InputGradJob> jobs;
  for (const LinearInputGrad& product : products) jobs.push_back(of.InputGrad(product));
  nn::GemmInputGrad(pass.compute, jobs);
}

void WeightGrad(const Pass& pass, const LinearWeightGrad& product) {
  const LinearProducts of(pass);
  pass.tape->weight_grads.push_back(of.WeightGrad(product));
  of.BiasGrad(product);
}

void Forward(const Pass& pass, const LinearForward& product) {
  Forward(pass, std::span(&product, 1));
}
void InputGrad(const Pass& pass, const LinearInputGrad& product) {
  InputGrad(pass, std::span(&product, 1));
}

}  // namespace retort::model
