#pragma once
// Causal softmax attention as in the textbook, for any scalar.

#include <cmath>
#include <complex>
#include <span>
#include <vector>

#include "nn/attention.h"

namespace retort::testing {

/// q [T, H·key_dim] and kv [rows, kv width] → out [T, H·value_dim]; rows outside the spans stay 0.
/// Only the spans' numbers and the shape are used.
template <class S>
std::vector<S> AttentionTwin(const nn::AttentionShape& shape, std::span<const nn::QuerySpan> spans,
                             const std::vector<S>& q, const std::vector<S>& kv, int64_t kv_width) {
  const int64_t q_width = shape.heads * shape.key_dim, out_width = shape.heads * shape.value_dim;
  std::vector<S> out(q.size() / static_cast<size_t>(q_width) * static_cast<size_t>(out_width));
  for (const nn::QuerySpan& span : spans) {
    for (int64_t i = 0; i < span.count; ++i) {
      for (int64_t h = 0; h < shape.heads; ++h) {
        const int64_t g = h / (shape.heads / shape.kv_heads);
        const S* query = q.data() + (span.row + i) * q_width + h * shape.key_dim;
        std::vector<S> p;
        double max = -INFINITY;
        for (int64_t j = 0; j <= span.position + i; ++j) {
          const S* key = kv.data() + span.key_rows[j] * kv_width + g * shape.key_dim;
          S score = 0;
          for (int64_t c = 0; c < shape.key_dim; ++c) score += query[c] * key[c];
          p.push_back(score * static_cast<S>(shape.scale));
          max = std::max(max, static_cast<double>(std::real(p.back())));
        }
        S sum = 0;
        for (S& s : p) sum += s = std::exp(s - static_cast<S>(max));
        S* result = out.data() + (span.row + i) * out_width + h * shape.value_dim;
        for (size_t j = 0; j < p.size(); ++j) {
          const S* value =
              kv.data() + span.key_rows[j] * kv_width + shape.value_begin + g * shape.value_dim;
          for (int64_t c = 0; c < shape.value_dim; ++c) result[c] += p[j] / sum * value[c];
        }
      }
    }
  }
  return out;
}

}  // namespace retort::testing
