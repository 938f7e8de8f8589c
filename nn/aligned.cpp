#include "nn/aligned.h"

#include <sys/mman.h>

#include <new>

namespace retort::nn {
namespace {
constexpr size_t kHugePage = size_t{1} << 21;
std::align_val_t AlignmentOf(size_t bytes) {
  return std::align_val_t(bytes >= kHugePage ? kHugePage : kCacheLine);
}
}  // namespace

void* AllocateAligned(size_t bytes) {
  void* p = ::operator new(bytes, AlignmentOf(bytes));
  // The last page may reach beyond the block, so only whole ones are asked for. May be refused.
  if (bytes >= kHugePage) madvise(p, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
  return p;
}

void FreeAligned(void* p, size_t bytes) { ::operator delete(p, AlignmentOf(bytes)); }

}  // namespace retort::nn
