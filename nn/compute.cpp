#include "nn/compute.h"

#include <hwy/highway.h>

#include <cstdlib>

#include "base/options.h"
#include "base/strings.h"
#include "nn/gemm_kernel.h"

namespace retort::nn {
namespace {

// The targets this build has kernels for and this machine can run, best first.
std::vector<int64_t> RunnableTargets() {
  std::vector<int64_t> targets;
  for (int bit = 0; bit < 62; ++bit) {
    const int64_t target = int64_t{1} << bit;
    if (hwy::SupportedTargets() & HWY_TARGETS & target) targets.push_back(target);
  }
  return targets;
}

void SelectIsa() {
  const char* wanted = std::getenv("RETORT_ISA");
  if (!wanted || !*wanted) return;
  for (const int64_t target : RunnableTargets()) {
    if (hwy::TargetName(target) == std::string_view(wanted)) {
      hwy::DisableTargets(target - 1);  // a better target has a lower bit
      return;
    }
  }
  Fail("RETORT_ISA: got '", wanted, "', expected one of ", Join(AvailableIsas(), ", "));
}

}  // namespace

Compute::Compute(const Executor& executor, Precision precision)
    : executor(executor),
      dtype(precision.products),
      cache_dtype(precision.cache),
      scratch(static_cast<size_t>(executor.threads())) {
  // Once per process. Not std::call_once, which ThreadSanitizer lets hang after an exception.
  [[maybe_unused]] static const bool done = [] {
    SelectIsa();
    return true;
  }();
  RETORT_CHECK(!IsQuantized(cache_dtype), "cache_dtype: got ", EnumName(cache_dtype),
               ", expected float32 or bfloat16");
  RETORT_CHECK(dtype != Dtype::kBFloat16 || HasBFloat16(),
               "dtype: got bfloat16, which needs the AVX-512 BF16 instructions; here the kernels "
               "run on ",
               IsaName(), bf16::CpuHasIt() ? " by RETORT_ISA" : ", all that this CPU has",
               ". Use float32");
}

std::string IsaName() { return hwy::TargetName(RunnableTargets().front()); }

std::vector<std::string> AvailableIsas() {
  std::vector<std::string> names;
  for (const int64_t target : RunnableTargets()) names.push_back(hwy::TargetName(target));
  return names;
}

bool HasBFloat16() { return bf16::CpuHasIt() && IsaName().starts_with("AVX3"); }

std::string CompilerName() {
#ifdef __clang__
  return __VERSION__;  // begins with "Clang"
#else
  return "GCC " __VERSION__;
#endif
}

}  // namespace retort::nn
