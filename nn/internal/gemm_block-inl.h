// The block of accumulators that every matrix product is made of. Written once for all arithmetics:
// included inside the namespace of one, after its `Arithmetic`:
//
//   kRegisters         vectors that the registers hold
//   V, Lanes()         a vector of 32-bit lanes
//   Zero, Load, Store  of float accumulators; Load of panels, too, aligned or not
//   Broadcast, MulAdd  a step of the chain: acc + x · w. A lane of x and w may hold two bfloat16.

using V = Arithmetic::V;

// Rows × two vectors of accumulators fill the registers.
constexpr int kMaxRows = Arithmetic::kRegisters >= 32 ? 12 : 6;
// The summed index is cut so that what a block walks stays in the second-level cache.
constexpr int64_t kDepth = 256;
constexpr int64_t kGroup = 4;  // panels that all rows pass before the next come
constexpr int64_t kAhead = 8;  // rows of a wide matrix that are fetched before their turn
// Rows or panels that start a multiple of 2 KiB apart fall into the same few sets of the
// first-level cache and throw each other out: what is packed is kept apart by a cache line.
constexpr int64_t kApart = 16;

// The left operand: element (r, k) is a[r * stride + k], or transposed a[r + k * stride]. Packed,
// the rows of each block (see ForBlocks) lie together, transposed.
enum class Layout { kRows, kTransposed, kPacked };

struct Left {
  const float* a;
  int64_t stride;
};

inline int64_t PanelsOf(int64_t cols) { return (cols + kPanel - 1) / kPanel; }

// R rows × P panels × two vectors.
template <int R, int P, Layout L>
HWY_INLINE void Block(const Left& left, const PanelProduct& p, int64_t row, int64_t panel,
                      int64_t lane) {
  const int64_t lanes = Arithmetic::Lanes();
  const float* HWY_RESTRICT a = left.a;
  const float* HWY_RESTRICT w[P];
  V acc[P][R][2];
  alignas(64) float edge[kPanel];

  // Columns [begin, begin + 2 lanes) of C; `valid` of them exist.
  const auto begin = [&](int q) { return (panel + q) * kPanel + lane; };
#pragma GCC unroll 4
  for (int q = 0; q < P; ++q) {
    w[q] = p.w + (panel + q) * p.w_stride + lane;
    const int64_t valid = p.cols - begin(q);
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) {
      if (!p.start) {
        acc[q][r][0] = acc[q][r][1] = Arithmetic::Zero();
        continue;
      }
      const float* from = p.start + (row + r) * p.lds + begin(q);
      if (valid < 2 * lanes) {
        for (int64_t j = 0; j < valid; ++j) edge[j] = from[j];
        for (int64_t j = std::max<int64_t>(valid, 0); j < 2 * lanes; ++j) edge[j] = 0;
        from = edge;
      }
      acc[q][r][0] = Arithmetic::Load(from);
      acc[q][r][1] = Arithmetic::Load(from + lanes);
    }
  }
  for (int64_t k = 0; k < p.k; ++k) {
    if constexpr (L == Layout::kTransposed) {  // every step is on another line, far away
      hwy::Prefetch(a + (k + kAhead) * left.stride);
      hwy::Prefetch(a + (k + kAhead) * left.stride + R - 1);
    }
#pragma GCC unroll 4
    for (int q = 0; q < P; ++q) {
      const V w0 = Arithmetic::Load(w[q] + k * kPanel);
      const V w1 = Arithmetic::Load(w[q] + k * kPanel + lanes);
#pragma GCC unroll 12
      for (int r = 0; r < R; ++r) {
        const V x = Arithmetic::Broadcast(L == Layout::kRows ? a[r * left.stride + k]
                                                             : a[k * left.stride + r]);
        acc[q][r][0] = Arithmetic::MulAdd(x, w0, acc[q][r][0]);
        acc[q][r][1] = Arithmetic::MulAdd(x, w1, acc[q][r][1]);
      }
    }
  }
#pragma GCC unroll 4
  for (int q = 0; q < P; ++q) {
    const int64_t valid = p.cols - begin(q);
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) {
      float* to = p.c + (row + r) * p.ldc + begin(q);
      if (valid >= 2 * lanes) {
        Arithmetic::Store(acc[q][r][0], to);
        Arithmetic::Store(acc[q][r][1], to + lanes);
      } else {
        Arithmetic::Store(acc[q][r][0], edge);
        Arithmetic::Store(acc[q][r][1], edge + lanes);
        for (int64_t j = 0; j < valid; ++j) to[j] = edge[j];
      }
    }
  }
}

// Few rows leave the multiply-add pipeline empty, so they take several panels at once.
template <int R>
constexpr int Panels() {
  return R == 1 ? 4 : (R <= (Arithmetic::kRegisters >= 32 ? 6 : 2) ? 2 : 1);
}

// Panels [first, last).
template <int R, Layout L>
HWY_NOINLINE void Rows(const Left& left, const PanelProduct& p, int64_t row, int64_t first,
                       int64_t last) {
  const int64_t lanes = Arithmetic::Lanes();
  constexpr int P = Panels<R>();
  int64_t panel = first;
  for (; panel + P <= last; panel += P) {
    for (int64_t lane = 0; lane < kPanel; lane += 2 * lanes) {
      Block<R, P, L>(left, p, row, panel, lane);
    }
  }
  if constexpr (P > 1) {
    for (; panel < last; ++panel) {
      for (int64_t lane = 0; lane < kPanel; lane += 2 * lanes) {
        Block<R, 1, L>(left, p, row, panel, lane);
      }
    }
  }
}

template <Layout L, int R = kMaxRows>
void RowsOf(int64_t count, const Left& left, const PanelProduct& p, int64_t row, int64_t first,
            int64_t last) {
  if constexpr (R > 0) {
    if (count == R) return Rows<R, L>(left, p, row, first, last);
    RowsOf<L, R - 1>(count, left, p, row, first, last);
  }
}

// Cuts rows into the fewest blocks, as equal as can be: body(first row, count).
template <class Body>
void ForBlocks(int64_t rows, const Body& body) {
  const int64_t blocks = (rows + kMaxRows - 1) / kMaxRows;
  for (int64_t i = 0; i < blocks; ++i) {
    const int64_t begin = rows * i / blocks;
    body(begin, rows * (i + 1) / blocks - begin);
  }
}

// The product for one cut of the summed index; `left` is at the first row, its stride when packed
// p.k.
template <Layout L>
void AllRows(const Left& left, const PanelProduct& p) {
  const int64_t panels = PanelsOf(p.cols);
  for (int64_t first = 0; first < panels; first += kGroup) {
    const int64_t last = std::min(panels, first + kGroup);
    ForBlocks(p.rows, [&](int64_t row, int64_t count) {
      const float* a = left.a + row * (L == Layout::kTransposed ? 1 : left.stride);
      RowsOf<L>(count, {a, L == Layout::kPacked ? count : left.stride}, p, row, first, last);
    });
  }
}
