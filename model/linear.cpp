#include "model/internal/linear.h"

#include <utility>

namespace retort::model {
namespace {
constexpr int64_t kRowTile = 64;
constexpr int64_t kColumnTile = 64;
}  // namespace

struct Linear::Adapter {
  Linear first, second;  // [r, in], [out, r]
  float scale;
};

Linear::Linear(Builder& builder, const std::string& name, const Shape& shape)
    : out_(shape.out),
      in_(shape.in),
      item_{.source = builder.Matrix(name + ".weight", shape.out, shape.in),
            .rows = shape.out,
            .kind = shape.kind},
      packed_(builder.Packed(item_)) {
  if (shape.bias) bias_ = builder.Vector(name + ".bias", shape.out);
  if (shape.kind != PackItem::Kind::kWeight) return;
  adapter_ = MakeAdapter(builder, item_, builder.AddAdapter(name, shape.out, shape.in));
}

Linear::Linear(Builder& builder, const PackItem& part,
               const std::optional<Builder::Adapter>& adapter)
    : out_(part.rows),
      in_((part.adapter ? builder.adapter_layout : builder.layout)[part.source].cols()),
      item_(part),
      packed_(builder.Packed(part)),
      adapter_(MakeAdapter(builder, part, adapter)) {
  if (part.transpose) std::swap(out_, in_);
}

std::shared_ptr<const Linear::Adapter> Linear::MakeAdapter(
    Builder& builder, const PackItem& part, const std::optional<Builder::Adapter>& ids) {
  if (!ids) return nullptr;
  const PackItem a{.source = ids->a,
                   .rows = builder.adapters.rank,
                   .transpose = part.transpose,
                   .adapter = true};
  const PackItem b{.source = ids->b,
                   .first = part.first,
                   .rows = part.rows,
                   .transpose = part.transpose,
                   .adapter = true};
  const auto scale =
      static_cast<float>(builder.adapters.alpha / static_cast<double>(builder.adapters.rank));
  const auto& [first, second] = part.transpose ? std::pair(b, a) : std::pair(a, b);
  return std::make_shared<const Adapter>(
      Adapter{Linear(builder, first, {}), Linear(builder, second, {}), scale});
}

namespace {

struct Scaled {
  float factor;
  nn::Mat x;
};
void Scale(nn::Compute& compute, const Scaled& scaled) {
  compute.ForRows("adapter scale", scaled.x.rows, kRowTile,
                  [&](int64_t begin, int64_t end, nn::Arena&) {
                    for (int64_t t = begin; t < end; ++t) {
                      for (int64_t j = 0; j < scaled.x.cols; ++j) scaled.x(t, j) *= scaled.factor;
                    }
                  });
}

}  // namespace

/// The only one who knows what a Linear is made of.
class LinearProducts {
 public:
  explicit LinearProducts(const Pass& pass) : pass_(pass) {}

  void Forward(std::span<const LinearForward> products) const {
    const nn::ArenaScope scope(pass_.scratch);
    nn::ArenaList<nn::GemmJob> jobs(pass_.scratch, 2 * products.size());
    nn::ArenaList<nn::GemmJob> second(pass_.scratch, products.size());
    nn::ArenaList<Scaled> scaled(pass_.scratch, products.size());
    for (const LinearForward& p : products) {
      jobs.Add({p.x, &Packed(p.linear), p.y, p.start});
      if (const Linear::Adapter* adapter = p.linear.adapter_.get()) {
        const nn::Mat h = pass_.scratch.NewMat(p.x.rows, adapter->first.out());
        jobs.Add({p.x, &Packed(adapter->first), h});
        scaled.Add({adapter->scale, h});
        second.Add({h, &Packed(adapter->second), p.y, p.y});
      }
    }
    nn::Gemm(pass_.compute, jobs);
    for (const Scaled& s : scaled) Scale(pass_.compute, s);
    if (!second.empty()) nn::Gemm(pass_.compute, second);
    for (const LinearForward& p : products) AddBias(p);
  }

  void InputGrad(std::span<const LinearInputGrad> products) const {
    const nn::ArenaScope scope(pass_.scratch);
    nn::ArenaList<nn::InputGradJob> jobs(pass_.scratch, 2 * products.size());
    nn::ArenaList<nn::InputGradJob> second(pass_.scratch, products.size());
    nn::ArenaList<Scaled> scaled(pass_.scratch, products.size());
    for (const LinearInputGrad& p : products) {
      jobs.Add(InputGradJob(p.linear, p.dy, p.dx, p.accumulate));
      if (const Linear::Adapter* adapter = p.linear.adapter_.get()) {
        const nn::Mat dh = pass_.scratch.NewMat(p.dy.rows, adapter->first.out());
        jobs.Add(InputGradJob(adapter->second, p.dy, dh, false));
        scaled.Add({adapter->scale, dh});
        second.Add(InputGradJob(adapter->first, dh, p.dx, true));
      }
    }
    nn::GemmInputGrad(pass_.compute, jobs);
    for (const Scaled& s : scaled) Scale(pass_.compute, s);
    if (!second.empty()) nn::GemmInputGrad(pass_.compute, second);
  }

  void WeightGrad(const LinearWeightGrad& p) const {
    const Linear::Adapter* adapter = p.linear.adapter_.get();
    if (pass_.TrainsBase()) {
      Queue(p.linear, p.dy, p.x);
      BiasGrad(p);
    } else if (adapter) {  // h = x · Aᵀ once more, and its gradient
      const nn::Mat h = pass_.arena.NewMat(p.x.rows, adapter->first.out());
      const nn::Mat dh = pass_.arena.NewMat(p.x.rows, adapter->first.out());
      nn::Gemm(pass_.compute, nn::GemmJob{p.x, &Packed(adapter->first), h});
      nn::GemmInputGrad(pass_.compute, InputGradJob(adapter->second, p.dy, dh, false));
      Scale(pass_.compute, {adapter->scale, h});
      Scale(pass_.compute, {adapter->scale, dh});
      Queue(adapter->second, p.dy, h);
      Queue(adapter->first, dh, p.x);
    }
  }

 private:
  const nn::PackedMatrix& Packed(const Linear& linear) const {
    return pass_.weights.matrix(linear.packed_, linear.item_.adapter);
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
  nn::InputGradJob InputGradJob(const Linear& linear, nn::ConstMat dy, nn::Mat dx,
                                bool accumulate) const {
    nn::InputGradJob job{.dc = dy,
                         .w = {},
                         .da = dx,
                         .accumulate = accumulate,
                         .dtype = pass_.weights.precision().InputGrad(),
                         .packed = &Packed(linear)};
    if (pass_.values) {
      const PackItem& item = linear.item_;
      job.w = pass_.values->mat(item.source).Rows(item.first, item.rows);
      job.transpose_w = item.transpose;
    }
    return job;
  }
  void Queue(const Linear& linear, nn::ConstMat dy, nn::ConstMat x) const {
    const PackItem& item = linear.item_;
    nn::WeightGradJob job{dy, x, pass_.gradients->mat(item.source).Rows(item.first, item.rows),
                          pass_.weights.precision().WeightGrad()};
    if (item.transpose) std::swap(job.dc, job.a);  // of Wᵀ
    pass_.tape->weight_grads.push_back(job);
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

  const Pass& pass_;
};

void Forward(const Pass& pass, std::span<const LinearForward> products) {
  LinearProducts(pass).Forward(products);
}
void InputGrad(const Pass& pass, std::span<const LinearInputGrad> products) {
  LinearProducts(pass).InputGrad(products);
}
void WeightGrad(const Pass& pass, const LinearWeightGrad& product) {
  LinearProducts(pass).WeightGrad(product);
}
void Forward(const Pass& pass, const LinearForward& product) {
  Forward(pass, std::span(&product, 1));
}
void InputGrad(const Pass& pass, const LinearInputGrad& product) {
  InputGrad(pass, std::span(&product, 1));
}

}  // namespace retort::model
