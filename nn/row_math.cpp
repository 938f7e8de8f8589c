#include "nn/internal/row_math.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/row_math.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h, once per target.
#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace retort::nn {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

HWY_INLINE int64_t Lanes() { return static_cast<int64_t>(hn::Lanes(D())); }

// Elements beyond `count` read as `fill` and are not written, so that the end of a row goes
// through the same instructions as the rest of it.
HWY_INLINE V Read(const float* p, int64_t count, float fill = 0) {
  const D d;
  if (count >= Lanes()) return hn::LoadU(d, p);
  HWY_ALIGN float edge[hn::MaxLanes(d)];
  for (int64_t i = 0; i < Lanes(); ++i) edge[i] = i < count ? p[i] : fill;
  return hn::Load(d, edge);
}
HWY_INLINE void Write(V v, float* p, int64_t count) {
  const D d;
  if (count >= Lanes()) return hn::StoreU(v, d, p);
  HWY_ALIGN float edge[hn::MaxLanes(d)];
  hn::Store(v, d, edge);
  for (int64_t i = 0; i < count; ++i) p[i] = edge[i];
}
HWY_INLINE float Sum(V v) { return hn::GetLane(hn::SumOfLanes(D(), v)); }

float Dot(const float* a, const float* b, int64_t n) {
  const D d;
  V sum[4] = {hn::Zero(d), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
  int64_t i = 0;
  for (; i + 4 * Lanes() <= n; i += 4 * Lanes()) {
    for (int j = 0; j < 4; ++j) {
      const int64_t k = i + j * Lanes();
      sum[j] = hn::MulAdd(hn::LoadU(d, a + k), hn::LoadU(d, b + k), sum[j]);
    }
  }
  for (; i < n; i += Lanes()) sum[0] = hn::MulAdd(Read(a + i, n - i), Read(b + i, n - i), sum[0]);
  return Sum(hn::Add(hn::Add(sum[0], sum[1]), hn::Add(sum[2], sum[3])));
}

void Axpy(float alpha, const float* x, float* y, int64_t n) {
  const V a = hn::Set(D(), alpha);
  for (int64_t i = 0; i < n; i += Lanes()) {
    Write(hn::MulAdd(a, Read(x + i, n - i), Read(y + i, n - i)), y + i, n - i);
  }
}

void Add(const float* x, float* y, int64_t n) {
  for (int64_t i = 0; i < n; i += Lanes()) {
    Write(hn::Add(Read(x + i, n - i), Read(y + i, n - i)), y + i, n - i);
  }
}

void MultiplyScaled(const float* a, const float* b, float alpha, float* out, int64_t n) {
  const V factor = hn::Set(D(), alpha);
  for (int64_t i = 0; i < n; i += Lanes()) {
    const V product = hn::Mul(Read(a + i, n - i), Read(b + i, n - i));
    Write(hn::Mul(product, factor), out + i, n - i);
  }
}

void RmsNormGradRow(const RmsNormRowGrad& row, int64_t n) {
  const D d;
  const V rstd = hn::Set(d, row.rstd);
  V sum = hn::Zero(d);
  for (int64_t i = 0; i < n; i += Lanes()) {
    const V x = Read(row.x + i, n - i), dyx = hn::Mul(Read(row.dy + i, n - i), x);
    sum = hn::MulAdd(dyx, Read(row.weight + i, n - i), sum);
    if (row.dweight) {
      Write(hn::MulAdd(rstd, dyx, Read(row.dweight + i, n - i)), row.dweight + i, n - i);
    }
  }
  const V slope = hn::Set(d, -row.rstd * row.rstd * row.rstd * Sum(sum) / static_cast<float>(n));
  for (int64_t i = 0; i < n; i += Lanes()) {
    const V start = row.start ? Read(row.start + i, n - i) : hn::Zero(d);
    const V wdy = hn::Mul(Read(row.weight + i, n - i), Read(row.dy + i, n - i));
    const V dx = hn::MulAdd(slope, Read(row.x + i, n - i), hn::MulAdd(rstd, wdy, start));
    Write(dx, row.dx + i, n - i);
  }
}

// Through exp(-|x|), which cannot overflow.
HWY_INLINE V Sigmoid(V x) {
  const D d;
  const V one = hn::Set(d, 1.0f);
  const V e = hn::Exp(d, hn::Neg(hn::Abs(x)));
  return hn::Div(hn::IfThenElse(hn::Lt(x, hn::Zero(d)), e, one), hn::Add(one, e));
}

void SwiGluRow(const float* gate_up, float* y, int64_t f) {
  for (int64_t i = 0; i < f; i += Lanes()) {
    const V g = Read(gate_up + i, f - i), u = Read(gate_up + f + i, f - i);
    Write(hn::Mul(hn::Mul(g, Sigmoid(g)), u), y + i, f - i);
  }
}

// y = g s u with s = sigmoid(g), so dg = dy u s (1 + g (1 - s)) and du = dy g s.
void SwiGluGradRow(const float* gate_up, const float* dy, float* dgate_up, int64_t f) {
  const V one = hn::Set(D(), 1.0f);
  for (int64_t i = 0; i < f; i += Lanes()) {
    const V g = Read(gate_up + i, f - i), u = Read(gate_up + f + i, f - i);
    const V s = Sigmoid(g), dys = hn::Mul(Read(dy + i, f - i), s);
    const V slope = hn::MulAdd(g, hn::Sub(one, s), one);
    Write(hn::Mul(hn::Mul(dys, u), slope), dgate_up + i, f - i);
    Write(hn::Mul(dys, g), dgate_up + f + i, f - i);
  }
}

void Rotate(const Rotation& r, float* x) {
  const D d;
  int64_t i = 0;
  for (; i + Lanes() <= r.pairs; i += Lanes()) {
    const V cos = hn::LoadU(d, r.cos + i);
    const V sin = r.inverse ? hn::Neg(hn::LoadU(d, r.sin + i)) : hn::LoadU(d, r.sin + i);
    V a, b;
    if (r.interleaved) {
      hn::LoadInterleaved2(d, x + 2 * i, a, b);
    } else {
      a = hn::LoadU(d, x + i);
      b = hn::LoadU(d, x + r.pairs + i);
    }
    const V turned_a = hn::Sub(hn::Mul(a, cos), hn::Mul(b, sin));
    const V turned_b = hn::Add(hn::Mul(a, sin), hn::Mul(b, cos));
    if (r.interleaved) {
      hn::StoreInterleaved2(turned_a, turned_b, d, x + 2 * i);
    } else {
      hn::StoreU(turned_a, d, x + i);
      hn::StoreU(turned_b, d, x + r.pairs + i);
    }
  }
  for (; i < r.pairs; ++i) {
    float& a = r.interleaved ? x[2 * i] : x[i];
    float& b = r.interleaved ? x[2 * i + 1] : x[r.pairs + i];
    const float cos = r.cos[i], sin = r.inverse ? -r.sin[i] : r.sin[i];
    const float turned_a = a * cos - b * sin;
    b = a * sin + b * cos;
    a = turned_a;
  }
}

// Highway's Exp and Log turn NaN into a number; a NaN must not vanish.
HWY_INLINE V ExpOrNan(V x) { return hn::IfThenElse(hn::Eq(x, x), hn::Exp(D(), x), x); }
HWY_INLINE float LogOrNan(float x) {
  return x == x ? hn::GetLane(hn::Log(D(), hn::Set(D(), x))) : x;
}

// -inf becomes a finite number whose exponential is 0 as well, so that p log p is 0 and not NaN.
HWY_INLINE V AboveInfinity(V x) {
  const V floor = hn::Set(D(), -200.0f);
  return hn::IfThenElse(hn::Lt(x, floor), floor, x);
}

SoftmaxRow ReadSoftmaxRow(const float* logits, int64_t n, float temperature) {
  const D d;
  V highest = hn::Set(d, -INFINITY);
  for (int64_t i = 0; i < n; i += Lanes()) {
    highest = hn::Max(highest, Read(logits + i, n - i, -INFINITY));
  }
  SoftmaxRow row;
  row.max = hn::GetLane(hn::MaxOfLanes(d, highest));
  row.inverse_temperature = 1.0f / temperature;

  const V max = hn::Set(d, row.max), inverse = hn::Set(d, row.inverse_temperature);
  V sum = hn::Zero(d), weighted = hn::Zero(d);  // Σ exp(z) and Σ exp(z) z for z = (l - max) / T
  for (int64_t i = 0; i < n; i += Lanes()) {
    const V l = Read(logits + i, n - i, -INFINITY);
    const V z = AboveInfinity(hn::Mul(hn::Sub(l, max), inverse));
    const V e = ExpOrNan(z);
    sum = hn::Add(sum, e);
    weighted = hn::MulAdd(e, z, weighted);
  }
  const float total = Sum(sum);
  row.log_sum = LogOrNan(total);
  row.entropy = row.log_sum - Sum(weighted) / total;
  return row;
}

float SumOfExp(const float* x, int64_t n) {
  const D d;
  V sum = hn::Zero(d);
  for (int64_t i = 0; i < n; i += Lanes()) {
    const V l = AboveInfinity(Read(x + i, n - i, -INFINITY));
    sum = hn::Add(sum, ExpOrNan(l));
  }
  return Sum(sum);
}

void SoftmaxGradRow(const SoftmaxRow& row, const SoftmaxRowGrad& grad, float* logits, int64_t n) {
  const D d;
  const V max = hn::Set(d, row.max), inverse = hn::Set(d, row.inverse_temperature);
  const V log_sum = hn::Set(d, row.log_sum);
  // dl = p (a + b log p), and the target's own dlogprob / T.
  const V a = hn::Set(d, -(grad.dlogprob + grad.dentropy * row.entropy) * row.inverse_temperature);
  const V b = hn::Set(d, -grad.dentropy * row.inverse_temperature);
  for (int64_t i = 0; i < n; i += Lanes()) {
    const V z = hn::Mul(hn::Sub(Read(logits + i, n - i), max), inverse);
    const V logprob = AboveInfinity(hn::Sub(z, log_sum));
    const V p = ExpOrNan(logprob);
    Write(hn::Mul(p, hn::MulAdd(b, logprob, a)), logits + i, n - i);
  }
  logits[grad.target] += grad.dlogprob * row.inverse_temperature;
}

}  // namespace HWY_NAMESPACE
}  // namespace retort::nn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace retort::nn {
namespace {
HWY_EXPORT(Dot);
HWY_EXPORT(Axpy);
HWY_EXPORT(Add);
HWY_EXPORT(MultiplyScaled);
HWY_EXPORT(RmsNormGradRow);
HWY_EXPORT(SwiGluRow);
HWY_EXPORT(SwiGluGradRow);
HWY_EXPORT(Rotate);
HWY_EXPORT(ReadSoftmaxRow);
HWY_EXPORT(SumOfExp);
HWY_EXPORT(SoftmaxGradRow);
}  // namespace

float Dot(const float* a, const float* b, int64_t n) { return HWY_DYNAMIC_DISPATCH(Dot)(a, b, n); }
void Axpy(float alpha, const float* x, float* y, int64_t n) {
  HWY_DYNAMIC_DISPATCH(Axpy)(alpha, x, y, n);
}
void Add(const float* x, float* y, int64_t n) { HWY_DYNAMIC_DISPATCH(Add)(x, y, n); }
void MultiplyScaled(const float* a, const float* b, float alpha, float* out, int64_t n) {
  HWY_DYNAMIC_DISPATCH(MultiplyScaled)(a, b, alpha, out, n);
}
void RmsNormGradRow(const RmsNormRowGrad& row, int64_t n) {
  HWY_DYNAMIC_DISPATCH(RmsNormGradRow)(row, n);
}
void SwiGluRow(const float* gate_up, float* y, int64_t f) {
  HWY_DYNAMIC_DISPATCH(SwiGluRow)(gate_up, y, f);
}
void SwiGluGradRow(const float* gate_up, const float* dy, float* dgate_up, int64_t f) {
  HWY_DYNAMIC_DISPATCH(SwiGluGradRow)(gate_up, dy, dgate_up, f);
}
void Rotate(const Rotation& rotation, float* x) { HWY_DYNAMIC_DISPATCH(Rotate)(rotation, x); }
SoftmaxRow ReadSoftmaxRow(const float* logits, int64_t n, float temperature) {
  return HWY_DYNAMIC_DISPATCH(ReadSoftmaxRow)(logits, n, temperature);
}
float SumOfExp(const float* x, int64_t n) { return HWY_DYNAMIC_DISPATCH(SumOfExp)(x, n); }
void SoftmaxGradRow(const SoftmaxRow& row, const SoftmaxRowGrad& grad, float* logits, int64_t n) {
  HWY_DYNAMIC_DISPATCH(SoftmaxGradRow)(row, grad, logits, n);
}

}  // namespace retort::nn
#endif
