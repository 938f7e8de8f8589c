#pragma once
// An evaluator of its own for prompts and steps: integers, + - * /, parentheses, min(…).

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace retort::datasets {

class Evaluator {
 public:
  static int64_t Value(std::string_view text) {
    Evaluator evaluator(text);
    const int64_t value = evaluator.Sum();
    if (!evaluator.rest_.empty()) throw std::invalid_argument(std::string(text));
    return value;
  }

 private:
  explicit Evaluator(std::string_view text) : rest_(text) {}

  bool Take(std::string_view token) {
    if (rest_.substr(0, token.size()) != token) return false;
    rest_.remove_prefix(token.size());
    return true;
  }
  int64_t Sum() {
    int64_t value = Product();
    for (;;) {
      if (Take("+")) {
        value += Product();
      } else if (Take("-")) {
        value -= Product();
      } else {
        return value;
      }
    }
  }
  int64_t Product() {
    int64_t value = Atom();
    for (;;) {
      if (Take("*")) {
        value *= Atom();
      } else if (Take("/")) {
        const int64_t divisor = Atom();
        if (divisor == 0 || value % divisor != 0) throw std::invalid_argument("inexact division");
        value /= divisor;
      } else {
        return value;
      }
    }
  }
  int64_t Atom() {
    if (Take("min(")) {
      int64_t value = Sum();
      while (Take(",")) value = std::min(value, Sum());
      Expect(")");
      return value;
    }
    if (Take("(")) {
      const int64_t value = Sum();
      Expect(")");
      return value;
    }
    size_t length = 0;
    while (length < rest_.size() && std::isdigit(static_cast<unsigned char>(rest_[length])))
      ++length;
    if (length == 0)
      throw std::invalid_argument("expected a number at '" + std::string(rest_) + "'");
    const int64_t value = std::stoll(std::string(rest_.substr(0, length)));
    rest_.remove_prefix(length);
    return value;
  }
  void Expect(std::string_view token) {
    if (!Take(token)) throw std::invalid_argument("expected " + std::string(token));
  }

  std::string_view rest_;
};

}  // namespace retort::datasets
