#pragma once
// What the machine gives at best, to hold our own figures against.

#include <cstdint>

#include "nn/compute.h"

namespace retort::nn {

/// Operations per second of multiply-adds of `dtype` in registers on all threads, a
/// multiply-add being two. Runs for about `seconds`.
double MultiplyAddRate(Compute& compute, Dtype dtype, double seconds);

/// Bytes per second at which all threads together read a buffer of `bytes`, again and again for
/// about `seconds` but at least once.
double ReadBandwidth(Compute& compute, int64_t bytes, double seconds);

}  // namespace retort::nn
