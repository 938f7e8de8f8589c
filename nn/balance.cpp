#include <algorithm>

#include "nn/internal/top_k.h"
#include "nn/moe.h"

namespace retort::nn {
namespace {

constexpr int64_t kTile = 32;
constexpr int64_t kSegment = 256;  // tokens; fixed, so that sums do not depend on threads

// Token rows that are read once, whatever the number of sequences that contain them.
struct Segment {
  int64_t begin;
  int64_t count;
};

// A segment inside a unit: the tokens over which one f and one P are taken.
struct Part {
  int64_t unit;
  int64_t segment;
  int64_t uses;
};

struct Layout {
  std::vector<Segment> segments;
  std::vector<Part> parts;  // ordered by unit
  int64_t units = 0;
};

// One unit per sequence, or a single one. Neighbours with the same prefix share its segments.
Layout MakeLayout(std::span<const TokenRange> sequences, bool single_unit) {
  Layout layout;
  const auto add_segments = [&](int64_t begin, int64_t count) {
    for (int64_t i = 0; i < count; i += kSegment) {
      layout.segments.push_back({begin + i, std::min(kSegment, count - i)});
    }
  };
  for (size_t i = 0; i < sequences.size();) {
    const TokenRange& first = sequences[i];
    size_t end = i + 1;
    while (end < sequences.size() && sequences[end].prefix_begin == first.prefix_begin &&
           sequences[end].prefix_count == first.prefix_count) {
      ++end;
    }
    const int64_t prefix = static_cast<int64_t>(layout.segments.size());
    add_segments(first.prefix_begin, first.prefix_count);
    const int64_t prefix_end = static_cast<int64_t>(layout.segments.size());
    for (size_t j = i; j < end; ++j) {
      const int64_t unit = single_unit ? 0 : layout.units++;
      const int64_t own = static_cast<int64_t>(layout.segments.size());
      add_segments(sequences[j].begin, sequences[j].count);
      const int64_t own_end = static_cast<int64_t>(layout.segments.size());
      const int64_t uses = single_unit ? static_cast<int64_t>(end - i) : 1;
      if (!single_unit || j == i) {
        for (int64_t s = prefix; s < prefix_end; ++s) layout.parts.push_back({unit, s, uses});
      }
      for (int64_t s = own; s < own_end; ++s) layout.parts.push_back({unit, s, 1});
    }
    i = end;
  }
  if (single_unit) layout.units = 1;
  return layout;
}

// The choices of a segment: of the gate, or the top-K of the unbiased scores without groups
// (DeepSeek-V3 report, equation 18).
void CountChosen(const BalanceArgs& args, const Segment& segment, double* counts) {
  const int64_t top_k = args.shape.top_k;
  const int32_t* experts = args.experts + segment.begin * top_k;
  for (int64_t i = 0; i < segment.count * top_k; ++i) counts[experts[i]] += 1;
}
void CountUnbiased(const BalanceArgs& args, const Segment& segment, Arena& arena, double* counts) {
  int32_t* best = arena.New<int32_t>(args.shape.top_k);
  for (int64_t t = segment.begin; t < segment.begin + segment.count; ++t) {
    TopK top(args.scores.row(t), args.shape.top_k, best);
    for (int64_t e = 0; e < args.shape.experts; ++e) top.Offer(static_cast<int32_t>(e));
    for (int64_t k = 0; k < args.shape.top_k; ++k) counts[best[k]] += 1;
  }
}

// s' = s / Σ s is the normalised score; 0 for a row without any score.
double InverseSum(const float* scores, int64_t n) {
  double sum = 0;
  for (int64_t e = 0; e < n; ++e) sum += scores[e];
  return sum > 0 ? 1 / sum : 0;
}

// ds = (slope - Σ slope · s') / Σ s for the rows of [begin, end) that lie in `segment`.
void AddGradient(const BalanceArgs& args, Segment segment, const double* slope, Segment rows) {
  const int64_t experts = args.shape.experts;
  const int64_t begin = std::max(segment.begin, rows.begin);
  const int64_t end = std::min(segment.begin + segment.count, rows.begin + rows.count);
  for (int64_t t = begin; t < end; ++t) {
    const float* s = args.scores.row(t);
    float* ds = args.dscores.row(t);
    const double inverse = InverseSum(s, experts);
    double mean = 0;
    for (int64_t e = 0; e < experts; ++e) mean += slope[e] * s[e];
    mean *= inverse;
    for (int64_t e = 0; e < experts; ++e) {
      ds[e] += static_cast<float>((slope[e] - mean) * inverse);
    }
  }
}

}  // namespace

double BalanceLoss(Compute& compute, const BalanceArgs& args) {
  const int64_t experts = args.shape.experts;
  const Layout layout = MakeLayout(args.sequences, args.per_batch);
  const int64_t segments = static_cast<int64_t>(layout.segments.size());
  Arena& arena = compute.scratch[0];
  const ArenaScope scope(arena);
  const auto zeros = [&](int64_t rows) {
    double* data = arena.New<double>(rows * experts);
    std::fill_n(data, rows * experts, 0.0);
    return data;
  };
  double* chosen = zeros(segments);  // [segments, E]
  double* share = zeros(segments);   // [segments, E], Σ_t s'
  compute.ForRows("balance", segments, 1, [&](int64_t i, int64_t, Arena& tile_arena) {
    const Segment& segment = layout.segments[static_cast<size_t>(i)];
    if (args.per_batch) {
      CountChosen(args, segment, chosen + i * experts);
    } else {
      CountUnbiased(args, segment, tile_arena, chosen + i * experts);
    }
    for (int64_t t = segment.begin; t < segment.begin + segment.count; ++t) {
      const float* s = args.scores.row(t);
      const double inverse = InverseSum(s, experts);
      for (int64_t e = 0; e < experts; ++e) share[i * experts + e] += s[e] * inverse;
    }
  });

  double* f = zeros(layout.units);  // [units, E], choices at first
  double* p = zeros(layout.units);  // [units, E]
  double* tokens = arena.New<double>(layout.units);
  std::fill_n(tokens, layout.units, 0.0);
  for (const Part& part : layout.parts) {
    const double uses = static_cast<double>(part.uses);
    tokens[part.unit] +=
        uses * static_cast<double>(layout.segments[static_cast<size_t>(part.segment)].count);
    for (int64_t e = 0; e < experts; ++e) {
      f[part.unit * experts + e] += uses * chosen[part.segment * experts + e];
      p[part.unit * experts + e] += uses * share[part.segment * experts + e];
    }
  }
  double loss = 0;
  for (int64_t u = 0; u < layout.units; ++u) {
    if (tokens[u] == 0) continue;
    const double scale = static_cast<double>(experts) / static_cast<double>(args.shape.top_k);
    for (int64_t e = u * experts; e < (u + 1) * experts; ++e) {
      f[e] *= scale / tokens[u];
      p[e] /= tokens[u];
      loss += args.alpha * f[e] * p[e];
    }
  }
  if (!args.dscores) return loss;

  double* slope = zeros(segments);  // [segments, E], of the loss in s'
  for (const Part& part : layout.parts) {
    const double weight = args.alpha * static_cast<double>(part.uses) / tokens[part.unit];
    for (int64_t e = 0; e < experts; ++e) {
      slope[part.segment * experts + e] += weight * f[part.unit * experts + e];
    }
  }
  compute.ForRows("balance grad", args.dscores.rows, kTile,
                  [&](int64_t begin, int64_t end, Arena&) {
                    for (int64_t i = 0; i < segments; ++i) {
                      AddGradient(args, layout.segments[static_cast<size_t>(i)],
                                  slope + i * experts, {begin, end - begin});
                    }
                  });
  return loss;
}

void CountLoads(const BalanceArgs& args, std::vector<int64_t>& loads) {
  loads.resize(static_cast<size_t>(args.shape.experts));
  const Layout layout = MakeLayout(args.sequences, true);
  for (const Part& part : layout.parts) {
    const Segment& segment = layout.segments[static_cast<size_t>(part.segment)];
    const int32_t* experts = args.experts + segment.begin * args.shape.top_k;
    for (int64_t i = 0; i < segment.count * args.shape.top_k; ++i) {
      loads[static_cast<size_t>(experts[i])] += part.uses;
    }
  }
}

double MaxViolation(std::span<const int64_t> loads) {
  int64_t total = 0, max = 0;
  for (const int64_t load : loads) {
    total += load;
    max = std::max(max, load);
  }
  if (total == 0) return 0;
  const double mean = static_cast<double>(total) / static_cast<double>(loads.size());
  return (static_cast<double>(max) - mean) / mean;
}

void UpdateRouterBias(std::span<const int64_t> loads, double rate, float* bias) {
  int64_t total = 0;
  for (const int64_t load : loads) total += load;
  const int64_t count = static_cast<int64_t>(loads.size());
  for (int64_t e = 0; e < count; ++e) {
    // Compared in whole numbers: a load equal to the mean moves nothing.
    const int64_t scaled = loads[static_cast<size_t>(e)] * count;
    if (scaled != total) bias[e] += static_cast<float>(scaled < total ? rate : -rate);
  }
}

}  // namespace retort::nn
