#pragma once
// What the tests of network ops share: named random numbers, bit equality, and the law that a row's
// result depends on nothing but the row.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
#include <span>
#include <string_view>
#include <vector>

#include "base/executor.h"
#include "base/random.h"
#include "nn/compute.h"
#include "nn/gemm.h"

namespace retort::testing {

using Floats = std::vector<float>;

inline Floats Normals(std::string_view name, int64_t count, double scale = 1) {
  RandomStream stream({.seed = 1, .purpose = name});
  Floats values(static_cast<size_t>(count));
  for (float& value : values) value = static_cast<float>(scale * stream.Normal());
  return values;
}

template <class S>
std::vector<S> As(const Floats& values) {
  return {values.begin(), values.end()};
}

template <class S>
std::vector<S> Part(const std::vector<S>& values, int64_t begin, int64_t count) {
  return {values.begin() + begin, values.begin() + begin + count};
}

template <class S>
std::vector<S> Joined(std::vector<S> a, const std::vector<S>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// Σ weights · values: a scalar whose gradient needs every value.
template <class S>
S WeightedSum(const Floats& weights, const std::vector<S>& values) {
  S sum(0);
  for (size_t i = 0; i < values.size(); ++i) sum += static_cast<double>(weights[i]) * values[i];
  return sum;
}

/// A matrix packed on its own.
struct Packed {
  explicit Packed(const nn::StoredMat& w, nn::Dtype dtype = nn::Dtype::kFloat32,
                  bool transpose = false) {
    const Executor executor(1);
    nn::Compute compute(executor);
    const nn::PackJob job{&matrix, w, dtype, transpose};
    storage.resize(static_cast<size_t>(job.size()));
    nn::Pack(compute, std::span(&job, 1), storage.data());
  }
  nn::AlignedVector<float> storage;
  nn::PackedMatrix matrix;
};

inline bool SameBits(const Floats& a, const Floats& b) {
  return std::ranges::equal(std::as_bytes(std::span(a)), std::as_bytes(std::span(b)));
}

/// `run(compute)` gives the same bits on 1, 2, 3 and 8 threads.
template <class Run>
void ExpectSameOnAllThreads(const Run& run) {
  Floats expected;
  for (const int threads : {1, 2, 3, 8}) {
    const Executor executor(threads);
    nn::Compute compute(executor);
    const Floats got = run(compute);
    if (threads == 1) expected = got;
    EXPECT_TRUE(SameBits(got, expected)) << threads << " threads";
  }
}

/// `run(compute, list)` computes the listed rows as one batch and returns [list, width]. A row gets
/// the same bits in any batch, at any place, on any number of threads.
template <class Run>
void ExpectRowsIndependent(int64_t rows, const Run& run) {
  std::vector<int64_t> all(static_cast<size_t>(rows));
  std::iota(all.begin(), all.end(), 0);
  std::vector<std::vector<int64_t>> batches = {all, {all.rbegin(), all.rend()}};
  for (const int64_t row : all) batches.push_back({row});
  for (const int64_t size : {2, 3, 15, 16, 17, 33}) {
    if (size <= rows) batches.push_back({all.end() - size, all.end()});
  }
  Floats expected;
  for (const int threads : {1, 2, 3, 8}) {
    const Executor executor(threads);
    nn::Compute compute(executor);
    if (expected.empty()) expected = run(compute, all);
    const int64_t width = static_cast<int64_t>(expected.size()) / rows;
    for (const std::vector<int64_t>& batch : batches) {
      const Floats got = run(compute, batch);
      for (size_t i = 0; i < batch.size(); ++i) {
        ASSERT_TRUE(SameBits(Part(got, static_cast<int64_t>(i) * width, width),
                             Part(expected, batch[i] * width, width)))
            << "row " << batch[i] << " in a batch of " << batch.size() << " on " << threads
            << " threads";
      }
    }
  }
}

/// The listed rows of a [rows, width] array, one after the other.
inline Floats TakeRows(const Floats& values, int64_t width, const std::vector<int64_t>& list) {
  Floats taken;
  for (const int64_t row : list) taken = Joined(std::move(taken), Part(values, row * width, width));
  return taken;
}

}  // namespace retort::testing
