#include "nn/compute.h"

#include <hwy/highway.h>

#include <cstdlib>

#include "base/options.h"
#include "base/strings.h"
#include "nn/internal/gemm_kernel.h"

namespace retort::nn {
namespace {

struct Isa {
  std::string name;
  std::vector<std::string> available;  // best first
};

// Highway's choice, restricted by RETORT_ISA and then held: Highway 1.0.3 detects the targets anew
// whenever it is asked for them, and then forgets what DisableTargets left out. A mocked set of
// targets is not detected again.
Isa ChooseIsa() {
  const char* wanted = std::getenv("RETORT_ISA");
  const int64_t runnable = hwy::SupportedTargets() & HWY_TARGETS;
  Isa isa;
  int64_t allowed = 0;
  for (int bit = 0; bit < 62; ++bit) {  // a better target has a lower bit
    const int64_t target = int64_t{1} << bit;
    if (!(runnable & target)) continue;
    isa.available.push_back(hwy::TargetName(target));
    if (allowed || !wanted || !*wanted || isa.available.back() == wanted) allowed |= target;
    if (allowed == target) isa.name = isa.available.back();
  }
  RETORT_CHECK(allowed, "RETORT_ISA: got '", wanted, "', expected one of ",
               Join(isa.available, ", "));
  hwy::SetSupportedTargetsForTest(allowed);
  return isa;
}

// Once per process. Not std::call_once, which ThreadSanitizer lets hang after an exception.
const Isa& ChosenIsa() {
  static const Isa isa = ChooseIsa();
  return isa;
}

}  // namespace

Compute::Compute(const Executor& executor)
    : executor(executor), scratch(static_cast<size_t>(executor.threads())) {
  ChosenIsa();  // before any kernel is called
}

void RequireRunnable(const Precision& precision) {
  RETORT_CHECK(!IsQuantized(precision.cache), "cache_dtype: got ", EnumName(precision.cache),
               ", expected float32 or bfloat16");
  RETORT_CHECK(!IsQuantized(precision.InputGrad()) && !IsQuantized(precision.WeightGrad()),
               "gradients: got a quantized dtype, expected float32 or bfloat16");
  const bool bfloat16 = precision.products == Dtype::kBFloat16 ||
                        precision.InputGrad() == Dtype::kBFloat16 ||
                        precision.WeightGrad() == Dtype::kBFloat16;
  RETORT_CHECK(!bfloat16 || HasBFloat16(),
               "dtype: got bfloat16, which needs the AVX-512 BF16 instructions; here the kernels "
               "run on ",
               IsaName(), bf16::CpuHasIt() ? " by RETORT_ISA" : ", all that this CPU has",
               ". Use float32");
}

std::string IsaName() { return ChosenIsa().name; }

std::vector<std::string> AvailableIsas() { return ChosenIsa().available; }

bool HasBFloat16() { return bf16::CpuHasIt() && IsaName().starts_with("AVX3"); }

std::string CompilerName() {
#ifdef __clang__
  return __VERSION__;  // begins with "Clang"
#else
  return "GCC " __VERSION__;
#endif
}

}  // namespace retort::nn
