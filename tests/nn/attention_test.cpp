#include "nn/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <deque>
#include <numeric>

#include "base/random.h"
#include "tests/support/attention_twin.h"
#include "tests/support/complex_step.h"

namespace retort::nn::attention_test {
namespace {

using testing::AttentionTwin;
using testing::Complex;

RandomStream Stream(uint64_t sample) {
  return RandomStream({.seed = 1, .purpose = "attention test", .sample = sample});
}
std::vector<float> Normals(int64_t n, uint64_t sample) {
  RandomStream stream = Stream(sample);
  std::vector<float> x(static_cast<size_t>(n));
  for (float& v : x) v = static_cast<float>(stream.Normal());
  return x;
}

struct Layout {
  const char* name;
  AttentionShape shape;
  int64_t kv_width;
};
const Layout kGqa = {"GQA", {4, 2, 16, 16, 32, 0.5f}, 64};
const Layout kMla = {"MLA", {8, 1, 40, 32, 0, 0.3f}, 40};
const Layout kOdd = {"odd", {6, 3, 5, 3, 15, 0.7f}, 25};
const Layout kOddMla = {"odd MLA", {3, 1, 7, 5, 1, 0.7f}, 7};
const Layout kWide = {"wide", {2, 2, 72, 56, 144, 0.2f}, 256};
const Layout kV3 = {"V3", {128, 1, 576, 512, 0, 0.04f}, 576};
const std::vector<Layout>& SmallLayouts() {
  static const std::vector<Layout> layouts = {kGqa, kMla, kOdd, kOddMla, kWide};
  return layouts;
}

// Sequences with their cached rows, and everything forward and backward read and write.
struct Batch {
  Layout layout;
  std::deque<std::vector<int32_t>> key_rows;
  std::vector<QuerySpan> spans;
  std::vector<int64_t> group_begin = {0};
  int64_t tokens = 0, rows = 0;
  std::vector<float> q, kv, out, lse, dout, dq, dkv;

  explicit Batch(const Layout& layout) : layout(layout) {}

  const std::vector<int32_t>& NewRows(int64_t count, std::vector<int32_t> prefix = {}) {
    for (int64_t j = 0; j < count; ++j) prefix.push_back(static_cast<int32_t>(rows++));
    return key_rows.emplace_back(std::move(prefix));
  }
  void AddSpan(int64_t count, const std::vector<int32_t>& keys) {
    spans.push_back({tokens, count, static_cast<int64_t>(keys.size()) - count, keys.data()});
    tokens += count;
  }
  void EndGroup() { group_begin.push_back(static_cast<int64_t>(spans.size())); }
  // A group of one sequence.
  void AddSequence(int64_t length) {
    AddSpan(length, NewRows(length));
    EndGroup();
  }
  // A prompt and two answers that continue it.
  void AddFork(int64_t prompt, int64_t first, int64_t second) {
    const std::vector<int32_t>& shared = NewRows(prompt);
    AddSpan(prompt, shared);
    AddSpan(first, NewRows(first, shared));
    AddSpan(second, NewRows(second, shared));
    EndGroup();
  }

  void Fill() {
    const AttentionShape& s = layout.shape;
    q = Normals(tokens * s.heads * s.key_dim, 1);
    kv = Normals(rows * layout.kv_width, 2);
    dout = Normals(tokens * s.heads * s.value_dim, 3);
    out.assign(dout.size(), NAN);
    lse.assign(static_cast<size_t>(tokens * s.heads), NAN);
    dq.assign(q.size(), NAN);
    dkv.assign(kv.size(), 0.0f);
  }

  Mat Q(std::vector<float>& x) {
    return {x.data(), tokens, layout.shape.heads * layout.shape.key_dim};
  }
  Mat Kv(std::vector<float>& x) { return {x.data(), rows, layout.kv_width}; }
  Mat Out(std::vector<float>& x) {
    return {x.data(), tokens, layout.shape.heads * layout.shape.value_dim};
  }
  void Forward(int threads = 1) {
    const Executor executor(threads);
    Compute compute(executor);
    Attention(compute, {layout.shape, spans, Q(q), Kv(kv), Out(out), lse.data()});
  }
  void Backward(int threads = 1) {
    const Executor executor(threads);
    Compute compute(executor);
    AttentionGrad(compute, {layout.shape, spans, group_begin, Q(q), Kv(kv), Out(out), lse.data(),
                            Out(dout), Q(dq), Kv(dkv)});
  }

  // Σ dout ⊙ out by the twin; `x` is q followed by kv.
  Complex Loss(const std::vector<Complex>& x) const {
    const std::vector<Complex> q_part(x.begin(), x.begin() + static_cast<int64_t>(q.size()));
    const std::vector<Complex> kv_part(x.begin() + static_cast<int64_t>(q.size()), x.end());
    const auto result = AttentionTwin(layout.shape, std::span<const QuerySpan>(spans), q_part,
                                      kv_part, layout.kv_width);
    Complex loss = 0;
    for (size_t i = 0; i < result.size(); ++i) loss += static_cast<double>(dout[i]) * result[i];
    return loss;
  }
  std::vector<double> Point() const { return Join(q, kv); }
  std::vector<double> Gradient() const { return Join(dq, dkv); }
  static std::vector<double> Join(const std::vector<float>& a, const std::vector<float>& b) {
    std::vector<double> joined(a.begin(), a.end());
    joined.insert(joined.end(), b.begin(), b.end());
    return joined;
  }
};

bool SameBits(const float* a, const float* b, int64_t n) {
  return std::memcmp(a, b, static_cast<size_t>(n) * sizeof(float)) == 0;
}
bool SameBits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && SameBits(a.data(), b.data(), static_cast<int64_t>(a.size()));
}

// Compares with the twin in double precision, lse too.
void ExpectLikeTwin(Batch& batch) {
  const std::vector<double> q(batch.q.begin(), batch.q.end()), kv(batch.kv.begin(), batch.kv.end());
  const auto want = AttentionTwin(batch.layout.shape, std::span<const QuerySpan>(batch.spans), q,
                                  kv, batch.layout.kv_width);
  EXPECT_LT(testing::RelativeDifference(batch.out, want), 1e-6) << batch.layout.name;
}

TEST(Attention, MatchesTheTwin) {
  for (const Layout& layout : SmallLayouts()) {
    Batch batch(layout);
    for (const int64_t length : {1, 63, 64, 65, 130}) batch.AddSequence(length);
    batch.AddFork(70, 1, 60);
    batch.Fill();
    batch.Forward();
    ExpectLikeTwin(batch);
  }
}

TEST(Attention, RunsAtTheWidthOfDeepSeekV3) {
  Batch batch(kV3);
  batch.AddSpan(2, batch.NewRows(67));
  batch.EndGroup();
  batch.Fill();
  batch.Forward();
  ExpectLikeTwin(batch);
}

TEST(Attention, ScoresFarFromZeroNeitherOverflowNorVanish) {
  Batch batch(kGqa);
  batch.layout.shape.scale = 200;
  batch.AddSequence(150);
  batch.Fill();
  batch.Forward();
  const std::vector<double> q(batch.q.begin(), batch.q.end()), kv(batch.kv.begin(), batch.kv.end());
  const auto want = AttentionTwin(batch.layout.shape, std::span<const QuerySpan>(batch.spans), q,
                                  kv, batch.layout.kv_width);
  EXPECT_LT(testing::RelativeDifference(batch.out, want), 1e-3);
}

TEST(Attention, LseIsTheLogOfTheSumOfExponentials) {
  Batch batch(kGqa);
  batch.AddSequence(130);
  batch.Fill();
  batch.Forward();
  const AttentionShape& s = batch.layout.shape;
  for (const int64_t i : {0, 1, 63, 64, 129}) {
    for (int64_t h = 0; h < s.heads; ++h) {
      double sum = 0;
      for (int64_t j = 0; j <= i; ++j) {
        double score = 0;
        for (int64_t c = 0; c < s.key_dim; ++c) {
          score += static_cast<double>(batch.Q(batch.q)(i, h * s.key_dim + c)) *
                   static_cast<double>(batch.Kv(batch.kv)(j, h / 2 * s.key_dim + c));
        }
        sum += std::exp(score * static_cast<double>(s.scale));
      }
      EXPECT_NEAR(batch.lse[static_cast<size_t>(i * s.heads + h)], std::log(sum), 1e-5);
    }
  }
  // Not asked for, not written, and the output is the same.
  const std::vector<float> out = batch.out;
  const Executor executor(1);
  Compute compute(executor);
  Attention(compute, {s, batch.spans, batch.Q(batch.q), batch.Kv(batch.kv), batch.Out(batch.out)});
  EXPECT_TRUE(SameBits(batch.out, out));
}

// One sequence of 131 tokens cut into spans of `chunk`, in any order, between other sequences,
// with its keys scattered over memory: the same bits as the uncut one.
TEST(Attention, BitsDoNotDependOnCutsNeighboursMemoryOrThreads) {
  constexpr int64_t kLength = 131;
  for (const Layout& layout : SmallLayouts()) {
    const AttentionShape& s = layout.shape;
    const int64_t q_width = s.heads * s.key_dim, out_width = s.heads * s.value_dim;
    Batch whole(layout);
    whole.AddSequence(kLength);
    whole.Fill();
    whole.Forward();
    for (const int64_t chunk : {1, 2, 7, 63, 64, 65}) {
      RandomStream stream = Stream(static_cast<uint64_t>(chunk));
      Batch cut(layout);
      cut.NewRows(5);
      std::vector<int32_t> order(kLength);
      std::iota(order.begin(), order.end(), 3);
      stream.Shuffle(order);
      cut.rows += kLength;
      std::vector<int64_t> starts;
      for (int64_t i = 0; i < kLength; i += chunk) starts.push_back(i);
      stream.Shuffle(starts);
      std::deque<std::vector<int32_t>> prefixes;
      for (const int64_t start : starts) {
        const int64_t count = std::min(chunk, kLength - start);
        cut.AddSpan(count, prefixes.emplace_back(order.begin(), order.begin() + start + count));
        cut.AddSpan(1, cut.NewRows(3));  // a stranger between
      }
      cut.Fill();
      for (int64_t j = 0; j < kLength; ++j) {
        std::copy_n(whole.Kv(whole.kv).row(j), layout.kv_width,
                    cut.Kv(cut.kv).row(order[static_cast<size_t>(j)]));
      }
      for (size_t i = 0; i < starts.size(); ++i) {
        const QuerySpan& span = cut.spans[2 * i];
        std::copy_n(whole.Q(whole.q).row(starts[i]), span.count * q_width,
                    cut.Q(cut.q).row(span.row));
      }
      for (const int threads : {1, 2, 3, 8}) {
        cut.out.assign(cut.out.size(), NAN);
        cut.lse.assign(cut.lse.size(), NAN);
        cut.Forward(threads);
        for (size_t i = 0; i < starts.size(); ++i) {
          const QuerySpan& span = cut.spans[2 * i];
          EXPECT_TRUE(SameBits(whole.Out(whole.out).row(starts[i]), cut.Out(cut.out).row(span.row),
                               span.count * out_width))
              << layout.name << " chunk " << chunk << " from " << starts[i] << " threads "
              << threads;
          EXPECT_TRUE(SameBits(whole.lse.data() + starts[i] * s.heads,
                               cut.lse.data() + span.row * s.heads, span.count * s.heads));
        }
      }
    }
  }
}

TEST(Attention, LaterKeysAndUnnamedRowsAreNotSeen) {
  for (const Layout& layout : SmallLayouts()) {
    Batch batch(layout);
    batch.AddSequence(90);
    batch.NewRows(1);
    batch.Fill();
    batch.Forward();
    const std::vector<float> clean = batch.out;
    std::fill_n(batch.Kv(batch.kv).row(70), layout.kv_width, NAN);
    std::fill_n(batch.Kv(batch.kv).row(90), layout.kv_width, NAN);
    batch.Forward();
    const int64_t width = layout.shape.heads * layout.shape.value_dim;
    EXPECT_TRUE(SameBits(clean.data(), batch.out.data(), 70 * width)) << layout.name;
    // A NaN among the keys shows in every query that sees it.
    for (size_t i = static_cast<size_t>(70 * width); i < batch.out.size(); ++i) {
      ASSERT_TRUE(std::isnan(batch.out[i])) << layout.name;
    }
  }
}

TEST(AttentionGrad, EveryCoordinateMatchesTheComplexStepDerivative) {
  for (const Layout& layout : SmallLayouts()) {
    if (layout.kv_width > 64) continue;  // the wide one by directions below
    Batch batch(layout);
    batch.AddFork(3, 2, 1);
    batch.AddSequence(2);
    batch.Fill();
    batch.Forward();
    batch.Backward();
    const auto want = testing::ComplexStepGradient(
        [&](const std::vector<Complex>& x) { return batch.Loss(x); }, batch.Point());
    EXPECT_LT(testing::RelativeDifference(batch.Gradient(), want), 1e-5) << layout.name;
  }
}

// For a random direction u of independent normals, (g - g')·u has the size of |g - g'|.
void ExpectGradientAlongDirections(Batch& batch, int directions) {
  batch.Fill();
  batch.Forward();
  batch.Backward();
  const std::vector<double> point = batch.Point(), gradient = batch.Gradient();
  const double norm =
      std::sqrt(std::inner_product(gradient.begin(), gradient.end(), gradient.begin(), 0.0));
  for (int n = 0; n < directions; ++n) {
    const std::vector<float> u =
        Normals(static_cast<int64_t>(point.size()), 100 + static_cast<uint64_t>(n));
    constexpr double kStep = 1e-40;
    std::vector<Complex> x;
    double got = 0;
    for (size_t i = 0; i < point.size(); ++i) {
      x.emplace_back(point[i], kStep * static_cast<double>(u[i]));
      got += gradient[i] * static_cast<double>(u[i]);
    }
    EXPECT_NEAR(got, batch.Loss(x).imag() / kStep, 1e-5 * norm) << batch.layout.name;
  }
}

TEST(AttentionGrad, LongSequencesAndSharedPrefixesMatchTheTwin) {
  for (const Layout& layout : SmallLayouts()) {
    Batch batch(layout);
    for (const int64_t length : {1, 63, 64, 65, 130}) batch.AddSequence(length);
    batch.AddFork(67, 1, 70);
    batch.AddFork(1, 130, 5);
    ExpectGradientAlongDirections(batch, 3);
  }
}

TEST(AttentionGrad, RunsAtTheWidthOfDeepSeekV3) {
  Batch batch(kV3);
  batch.AddSpan(2, batch.NewRows(66));
  batch.EndGroup();
  ExpectGradientAlongDirections(batch, 1);
}

TEST(AttentionGrad, SameBitsOnAnyNumberOfThreads) {
  for (const Layout& layout : SmallLayouts()) {
    Batch batch(layout);
    batch.AddFork(66, 20, 65);
    batch.AddSequence(40);
    batch.AddFork(5, 9, 3);
    batch.Fill();
    batch.Forward();
    batch.Backward();
    const std::vector<float> dq = batch.dq, dkv = batch.dkv;
    for (const int threads : {2, 3, 8}) {
      batch.dq.assign(batch.dq.size(), NAN);
      batch.dkv.assign(batch.dkv.size(), 0.0f);
      batch.Backward(threads);
      EXPECT_TRUE(SameBits(batch.dq, dq)) << layout.name << " threads " << threads;
      EXPECT_TRUE(SameBits(batch.dkv, dkv)) << layout.name << " threads " << threads;
    }
  }
}

TEST(AttentionGrad, OverwritesDqAndAddsToDkvOfItsSpansOnly) {
  Batch batch(kGqa);
  batch.AddSequence(3);
  batch.AddSequence(4);
  batch.Fill();
  batch.Forward();
  batch.Backward();
  const std::vector<float> dq = batch.dq, dkv = batch.dkv;
  batch.spans.pop_back();  // the second sequence is no longer asked for
  batch.group_begin.pop_back();
  batch.dq.assign(batch.dq.size(), 8.0f);
  batch.dkv.assign(batch.dkv.size(), 8.0f);
  batch.Backward();
  for (size_t i = 0; i < dq.size(); ++i) {
    const bool first = i < static_cast<size_t>(3 * batch.Q(batch.q).cols);
    EXPECT_EQ(batch.dq[i], first ? dq[i] : 8.0f);
  }
  for (size_t i = 0; i < dkv.size(); ++i) {
    const bool first = i < static_cast<size_t>(3 * kGqa.kv_width);
    EXPECT_NEAR(batch.dkv[i], first ? 8.0f + dkv[i] : 8.0f, first ? 1e-5 : 0);
  }
}

TEST(Attention, RefusesWhatDoesNotFit) {
  const auto refused = [](auto change) {
    Batch batch(kGqa);
    batch.AddSequence(3);
    batch.Fill();
    change(batch);
    EXPECT_THROW(batch.Forward(), Error);
  };
  refused([](Batch& b) { b.layout.shape.kv_heads = 3; });
  refused([](Batch& b) { b.layout.shape.key_dim = 0; });
  refused([](Batch& b) { b.layout.shape.value_begin = 33; });  // past the row
  refused([](Batch& b) { b.layout.shape.value_begin = 8; });   // on another head's key
  refused([](Batch& b) { b.spans[0].count = 4; });
  Batch batch(kGqa);
  batch.AddSequence(3);
  batch.Fill();
  batch.group_begin = {0};
  EXPECT_THROW(batch.Backward(), Error);
}

TEST(Attention, AnEmptyBatchIsFine) {
  Batch batch(kGqa);
  batch.Fill();
  batch.Forward();
  batch.Backward();
  batch.AddSpan(0, batch.NewRows(2));
  batch.EndGroup();
  batch.Fill();
  batch.Forward();
  batch.Backward();
  EXPECT_EQ(std::count(batch.dkv.begin(), batch.dkv.end(), 0.0f), batch.dkv.size());
}

}  // namespace
}  // namespace retort::nn::attention_test
