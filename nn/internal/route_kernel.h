#pragma once
// Router scores of one row, vectorised for the instruction set found at run time. Private to nn.
// The bits of a result depend on the numbers and their count only, not on where they lie.

#include <cstdint>

namespace retort::nn {

/// scores = 1 / (1 + exp(-logits)). `scores` may be `logits`; a NaN stays one.
void SigmoidRow(const float* logits, float* scores, int64_t n);
/// scores = softmax(logits); one NaN makes all NaN.
void SoftmaxScoresRow(const float* logits, float* scores, int64_t n);

}  // namespace retort::nn
