#include "nn/head.h"

#include <algorithm>
#include <cmath>

#include "nn/embedding.h"
#include "nn/internal/row_math.h"

namespace retort::nn {
namespace {

constexpr int64_t kTile = 32;  // predictions whose logits one worker holds

}  // namespace

int64_t HeadChunk(int64_t vocabulary) {
  constexpr int64_t kLogits = int64_t{1} << 23, kMost = 4096;
  return std::clamp(kLogits / vocabulary / kTile * kTile, kTile, kMost);
}

void Head(Compute& compute, const HeadArgs& args) {
  const int64_t vocabulary = args.w->n();
  compute.ForRows("head", args.predictions, kTile, [&](int64_t begin, int64_t end, Arena& arena) {
    const Mat hidden = arena.NewMat(end - begin, args.hidden.cols);
    const Mat logits = arena.NewMat(end - begin, vocabulary);
    for (int64_t p = begin; p < end; ++p) {
      std::copy_n(args.hidden.row(args.rows[p]), hidden.cols, hidden.row(p - begin));
    }
    GemmSerial({hidden, args.w, logits}, arena);
    for (int64_t p = begin; p < end; ++p) {
      const float* l = logits.row(p - begin);
      const SoftmaxRow row = ReadSoftmaxRow(l, vocabulary, args.temperature);
      args.logprob[p] = row.LogProb(l[args.targets[p]]);
      if (args.entropy) args.entropy[p] = row.entropy;
    }
  });
}

void HeadGrad(Compute& compute, const HeadGradArgs& args) {
  const HeadArgs& forward = args.forward;
  const int64_t vocabulary = forward.w->n(), width = forward.hidden.cols;
  const int64_t chunk = HeadChunk(vocabulary);
  for (int64_t begin = 0; begin < forward.predictions; begin += chunk) {
    const int64_t count = std::min(chunk, forward.predictions - begin);
    const int32_t* rows = forward.rows + begin;
    Arena& arena = compute.scratch[0];
    const ArenaScope scope(arena);
    const Mat hidden = arena.NewMat(count, width);        // of each prediction
    const Mat dlogits = arena.NewMat(count, vocabulary);  // logits at first
    Embed(compute, forward.hidden, rows, hidden);
    compute.ForRows("head grad", count, kTile, [&](int64_t first, int64_t last, Arena& tile) {
      GemmSerial({hidden.Rows(first, last - first), forward.w, dlogits.Rows(first, last - first)},
                 tile);
      for (int64_t i = first; i < last; ++i) {
        const int64_t p = begin + i;
        float* l = dlogits.row(i);
        SoftmaxGradRow(ReadSoftmaxRow(l, vocabulary, forward.temperature),
                       {.target = forward.targets[p],
                        .dlogprob = args.dlogprob[p],
                        .dentropy = args.dentropy ? args.dentropy[p] : 0},
                       l, vocabulary);
      }
    });
    if (args.dw) {
      GemmWeightGrad(compute, WeightGradJob{dlogits, hidden, args.dw, args.weight_grad});
    }
    GemmInputGrad(compute, InputGradJob{.dc = dlogits,
                                        .w = args.weight,
                                        .da = hidden,
                                        .dtype = args.input_grad,
                                        .packed = forward.w});
    EmbedGrad(compute, rows, hidden, args.dhidden);
  }
}

float LogSoftmaxRow(float* logits, int64_t vocabulary, float temperature) {
  const SoftmaxRow row = ReadSoftmaxRow(logits, vocabulary, temperature);
  for (int64_t j = 0; j < vocabulary; ++j) logits[j] = row.LogProb(logits[j]);
  return row.entropy;
}

int64_t DrawFrom(const float* logprobs, int64_t vocabulary, double uniform) {
  constexpr int64_t kBlock = 256;
  // The block in which the sum passes `uniform`, or the last possible one: rounding may leave less.
  int64_t block = 0;
  double before = 0, sum = 0;
  for (int64_t begin = 0; begin < vocabulary && sum <= uniform; begin += kBlock) {
    const double part = SumOfExp(logprobs + begin, std::min(kBlock, vocabulary - begin));
    if (part == 0) continue;
    block = begin;
    before = sum;
    sum += part;
  }
  int64_t last = block;
  for (int64_t j = block; j < std::min(vocabulary, block + kBlock); ++j) {
    const double p = std::exp(static_cast<double>(logprobs[j]));
    if (p == 0) continue;
    before += p;
    last = j;
    if (uniform < before) break;
  }
  return last;
}

}  // namespace retort::nn
