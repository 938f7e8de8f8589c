#include "nn/attention.h"

#include <algorithm>

#include "nn/internal/attention_kernel.h"
#include "nn/internal/row_math.h"

namespace retort::nn {
namespace {

constexpr int64_t kTileRows = 128;
constexpr int64_t kGradTasks = 8;
constexpr int64_t kSumRows = 64;

template <class T>
void Check(const AttentionShape& s, std::span<const QuerySpan> spans, ConstMat q, MatrixView<T> kv,
           ConstMat out) {
  RETORT_CHECK(s.kv_heads > 0 && s.heads > 0 && s.heads % s.kv_heads == 0, "attention: got ",
               s.heads, " heads on ", s.kv_heads, " KV heads, expected a multiple");
  RETORT_CHECK(s.key_dim > 0 && s.value_dim > 0, "attention: got key_dim ", s.key_dim,
               " and value_dim ", s.value_dim, ", expected at least 1");
  for (const QuerySpan& span : spans) {
    RETORT_CHECK(span.row >= 0 && span.count >= 0 && span.position >= 0 &&
                     span.row + span.count <= std::min(q.rows, out.rows),
                 "attention: got queries [", span.row, ", ", span.row + span.count,
                 ") at position ", span.position, " of ", q.rows, " rows");
  }
  RETORT_CHECK(q.cols == s.heads * s.key_dim && out.cols == s.heads * s.value_dim,
               "attention: got rows of ", q.cols, " for q and ", out.cols, " for out, expected ",
               s.heads * s.key_dim, " and ", s.heads * s.value_dim);
  if (s.paged) {
    RETORT_CHECK(s.key_dim == s.value_dim && kv.stride == s.key_dim,
                 "attention: pages hold keys and values of one width");
    return;
  }
  RETORT_CHECK(s.kv_heads * s.key_dim <= kv.cols && s.value_begin >= 0 &&
                   s.value_begin + s.kv_heads * s.value_dim <= kv.cols,
               "attention: keys and values do not fit into cached rows of ", kv.cols);
  // Else one head's dv would fall on another head's dk, and tasks would meet.
  RETORT_CHECK(s.kv_heads == 1 || s.value_begin >= s.kv_heads * s.key_dim,
               "attention: got value_begin ", s.value_begin,
               ", expected values behind the keys of all KV heads");
}

}  // namespace

void Attention(Compute& compute, const AttentionArgs& args) {
  args.kv16 ? Check(args.shape, args.spans, args.q, args.kv16, args.out)
            : Check(args.shape, args.spans, args.q, args.kv, args.out);
  const int64_t kv_heads = args.shape.kv_heads,
                queries = TileQueries(args.shape.heads / args.shape.kv_heads, kTileRows);
  const int64_t spans = static_cast<int64_t>(args.spans.size());
  Arena& arena = compute.scratch[0];
  const ArenaScope scope(arena);
  int64_t* begin = arena.New<int64_t>(spans + 1);  // first tile of each span
  begin[0] = 0;
  for (int64_t i = 0; i < spans; ++i) {
    begin[i + 1] = begin[i] + (args.spans[static_cast<size_t>(i)].count + queries - 1) / queries;
  }
  // With work for everyone a task takes all heads, whose keys follow each other in memory.
  const int64_t heads = begin[spans] >= 4 * compute.executor.threads() ? kv_heads : 1;
  const int64_t tasks = kv_heads / heads;  // of a tile
  compute.ParallelFor("attention", begin[spans] * tasks, [&](int64_t task, int worker) {
    Arena& scratch = compute.scratch[static_cast<size_t>(worker)];
    const ArenaScope task_scope(scratch);
    const int64_t tile = task / tasks, kv_head = task % tasks * heads;
    const int64_t i = std::upper_bound(begin, begin + spans + 1, tile) - begin - 1;
    const QuerySpan& span = args.spans[static_cast<size_t>(i)];
    const int64_t first = (tile - begin[i]) * queries;
    RunAttention(args, {&span, first, std::min(queries, span.count - first)},
                 {kv_head, kv_head + heads}, scratch);
  });
}

void AttentionGrad(Compute& compute, const AttentionGradArgs& args) {
  Check(args.shape, args.spans, args.q, args.kv, args.out);
  RETORT_CHECK(!args.shape.paged, "attention: backward does not read pages");
  RETORT_CHECK(args.lse || args.q.rows == 0, "attention: backward needs the lse kept by forward");
  RETORT_CHECK(args.dout.cols == args.out.cols && args.dq.cols == args.q.cols &&
                   args.dkv.cols == args.kv.cols && args.dkv.rows >= args.kv.rows,
               "attention: gradients must have the shapes of what they belong to");
  const auto groups = static_cast<int64_t>(args.group_begin.size()) - 1;
  RETORT_CHECK(groups >= 0 && args.group_begin.front() == 0 &&
                   args.group_begin.back() == static_cast<int64_t>(args.spans.size()),
               "attention: the groups must cover the ", args.spans.size(), " spans");
  // Few groups are too few tasks: then the query heads of a KV head are divided, each part adding
  // to a gradient of its own. How depends on the batch, never on the threads.
  const int64_t kv_heads = args.shape.kv_heads, heads = args.shape.heads / kv_heads;
  int64_t parts = 1;
  while (groups * kv_heads * parts < kGradTasks && heads % (2 * parts) == 0) parts *= 2;
  Arena& arena = compute.scratch[0];
  const ArenaScope outer(arena);
  Mat* dkv = arena.New<Mat>(parts);
  for (int64_t p = 0; p < parts; ++p) {
    dkv[p] = p == 0 ? args.dkv : arena.NewZeroMat(args.dkv.rows, args.dkv.cols);
  }
  const int64_t tasks = kv_heads * parts;  // of a group
  compute.ParallelFor("attention grad", groups * tasks, [&](int64_t task, int worker) {
    const size_t group = static_cast<size_t>(task / tasks);
    const int64_t part = task % parts;
    const GradTask grad{task % tasks / parts, part, parts, dkv[part]};
    for (int64_t i = args.group_begin[group]; i < args.group_begin[group + 1]; ++i) {
      Arena& scratch = compute.scratch[static_cast<size_t>(worker)];
      const ArenaScope scope(scratch);
      RunAttentionGrad(args, args.spans[static_cast<size_t>(i)], grad, scratch);
    }
  });
  if (parts == 1) return;
  compute.ForRows("attention grad", args.dkv.rows, kSumRows,
                  [&](int64_t begin, int64_t end, Arena&) {
                    for (int64_t p = 1; p < parts; ++p) {
                      for (int64_t r = begin; r < end; ++r) {
                        Add(dkv[p].row(r), args.dkv.row(r), args.dkv.cols);
                      }
                    }
                  });
}

}  // namespace retort::nn
