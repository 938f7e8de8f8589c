#include "verifiers/math/internal/matrix.h"

#include <algorithm>

#include "verifiers/math/internal/evaluate.h"
#include "verifiers/math/internal/parse.h"

namespace retort::verifiers {

namespace {

template <class Change>
NodeId Mapped(Tree& tree, NodeId matrix, const Change& change) {
  Nodes entries = tree.CopyOfChildren(matrix);
  for (NodeId& entry : entries) entry = change(entry);
  return tree.Add(Op::kMatrix, {}, entries, tree[matrix].detail);
}

// By the first row.
NodeId Determinant(Tree& tree, const Nodes& entries, size_t n) {
  if (n == 1) return entries[0];
  Nodes terms;
  for (size_t skip = 0; skip < n; ++skip) {
    Nodes minor;
    for (size_t i = n; i < n * n; ++i) {
      if (i % n != skip) minor.push_back(entries[i]);
    }
    const NodeId term = tree.Add(Op::kMul, {entries[skip], Determinant(tree, minor, n - 1)});
    terms.push_back(skip % 2 == 0 ? term : tree.Add(Op::kNegate, {term}));
  }
  return tree.Add(Op::kAdd, {}, terms);
}

// kNoNode when there is none.
NodeId Product(Tree& tree, NodeId a, NodeId b) {
  const bool am = tree[a].op == Op::kMatrix, bm = tree[b].op == Op::kMatrix;
  if (!am && !bm) {
    return IsScalar(tree, a) && IsScalar(tree, b) ? tree.Add(Op::kMul, {a, b}) : kNoNode;
  }
  if (am != bm) {
    const NodeId m = am ? a : b, scalar = am ? b : a;
    if (!IsScalar(tree, scalar)) return kNoNode;
    return Mapped(tree, m, [&](NodeId x) { return tree.Add(Op::kMul, {scalar, x}); });
  }
  const Nodes x = tree.CopyOfChildren(a), y = tree.CopyOfChildren(b);
  const size_t inner = tree[a].detail, columns = tree[b].detail;
  const size_t rows = x.size() / inner;
  if (y.size() / columns != inner || rows * inner * columns > 2000) return kNoNode;
  Nodes entries;
  for (size_t r = 0; r < rows; ++r) {
    for (size_t c = 0; c < columns; ++c) {
      Nodes terms;
      for (size_t k = 0; k < inner; ++k) {
        terms.push_back(tree.Add(Op::kMul, {x[r * inner + k], y[k * columns + c]}));
      }
      entries.push_back(terms.size() == 1 ? terms[0] : tree.Add(Op::kAdd, {}, terms));
    }
  }
  return tree.Add(Op::kMatrix, {}, entries, static_cast<int>(columns));
}

// The tree may grow up to so many nodes.
NodeId Computed(Tree& tree, NodeId id, int depth, int64_t most) {
  if (depth > 20 || tree[id].op == Op::kMatrix || !tree[id].matrix) return id;
  tree.Spend(100);
  if (tree.size() > most) return id;
  Nodes parts = tree.CopyOfChildren(id);
  for (NodeId& part : parts) part = Computed(tree, part, depth + 1, most);
  const auto matrix = [&](NodeId part) { return tree[part].op == Op::kMatrix; };
  if (tree[id].op == Op::kNegate && matrix(parts[0])) {
    return Mapped(tree, parts[0], [&](NodeId x) { return tree.Add(Op::kNegate, {x}); });
  }
  if (tree[id].op == Op::kDivide && matrix(parts[0]) && IsScalar(tree, parts[1])) {
    return Mapped(tree, parts[0], [&](NodeId x) { return tree.Add(Op::kDivide, {x, parts[1]}); });
  }
  if (tree[id].op == Op::kFunction && tree.FunctionOf(id) == Function::kTranspose &&
      matrix(parts[0])) {
    const Nodes from = tree.CopyOfChildren(parts[0]);
    const size_t columns = tree[parts[0]].detail, rows = from.size() / columns;
    if (rows > 255) return id;
    Nodes entries;
    for (size_t c = 0; c < columns; ++c) {
      for (size_t r = 0; r < rows; ++r) entries.push_back(from[r * columns + c]);
    }
    return tree.Add(Op::kMatrix, {}, entries, static_cast<int>(rows));
  }
  if (tree[id].op == Op::kAdd && std::ranges::all_of(parts, matrix)) {
    Nodes sum = tree.CopyOfChildren(parts[0]);
    const int columns = tree[parts[0]].detail;
    for (size_t i = 1; i < parts.size(); ++i) {
      if (tree[parts[i]].count != static_cast<int32_t>(sum.size()) ||
          tree[parts[i]].detail != columns) {
        return id;
      }
      for (size_t k = 0; k < sum.size(); ++k) {
        sum[k] = tree.Add(Op::kAdd, {sum[k], tree.Child(parts[i], static_cast<int>(k))});
      }
    }
    return tree.Add(Op::kMatrix, {}, sum, columns);
  }
  if (tree[id].op == Op::kFunction && matrix(parts[0]) &&
      tree.FunctionOf(id) == Function::kDeterminant) {
    const Nodes entries = tree.CopyOfChildren(parts[0]);
    const size_t n = tree[parts[0]].detail;
    return entries.size() == n * n && n <= 4 ? Determinant(tree, entries, n) : id;
  }
  if (tree[id].op == Op::kPower && matrix(parts[0])) {
    const auto power = SmallInteger(tree, parts[1]);
    if (!power || *power < 1 || *power > 16) return id;
    NodeId product = parts[0];
    for (int64_t i = 1; i < *power; ++i) {
      product = Product(tree, product, parts[0]);
      if (product == kNoNode || tree.size() > most) return id;
    }
    return product;
  }
  if (tree[id].op == Op::kMul) {
    NodeId product = parts[0];
    for (size_t i = 1; i < parts.size(); ++i) {
      const NodeId next = Product(tree, product, parts[i]);
      if (next == kNoNode) return id;
      product = next;
    }
    return product;
  }
  return id;
}

}  // namespace

int64_t RowsOf(const Tree& tree, NodeId matrix) { return tree[matrix].count / tree[matrix].detail; }

NodeId ComputeMatrices(Tree& tree, NodeId id) {
  return Computed(tree, id, 0, tree.size() + 3 * kMaxAnswerNodes);
}

}  // namespace retort::verifiers
