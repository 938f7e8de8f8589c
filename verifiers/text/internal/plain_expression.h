#pragma once
// Numbers and expressions in plain text, for passages.h.

#include <cstddef>
#include <optional>
#include <string_view>

namespace retort::verifiers {

struct Span {
  size_t begin = 0, end = 0;
};

/// The word that ends at `end`, from `from` on.
Span WordBefore(std::string_view text, size_t from, size_t end);
/// The last number of text[from, end) with the expression around it. Linear in what it looks at.
std::optional<Span> LastExpression(std::string_view text, size_t from, size_t end);

}  // namespace retort::verifiers
