// The script's side of relay.hpp where nobody has declared the function: the tests' own types
// say what is meant. `f({1, 2}, "ab")` sends a list and a text, and what comes back becomes what it
// is compared with, or assigned to.
#pragma once
#include <cmath>
#include <functional>
#include <initializer_list>

#include "relay.hpp"

namespace retort_relay {

class Result;

/// An argument, of whatever type or in braces.
class Arg {
 public:
  Arg() : wire_("l0;") {}
  Arg(std::initializer_list<Arg> items) {
    PutCount(wire_, 'l', items.size());
    for (const Arg& item : items) wire_ += item.wire_;
  }
  template <class T>
  requires(!std::is_same_v<std::remove_cvref_t<T>, Arg>) Arg(T&& value) {
    using Held = std::remove_cvref_t<T>;
    if constexpr (std::is_base_of_v<Result, Held>) {
      wire_ = value.wire();
    } else if constexpr (std::is_array_v<Held> && !std::is_convertible_v<T, std::string>) {
      PutCount(wire_, 'l', std::extent_v<Held>);
      for (const auto& item : value) Put(wire_, item);
    } else {
      Put(wire_, static_cast<const std::decay_t<T>&>(value));
    }
    if constexpr (kWritten<T&&> && !std::is_array_v<Held> && !std::is_base_of_v<Result, Held>) {
      write_back_ = [&value](Reader& in) { value = Get<Held>(in); };
    }
  }
  const std::string& wire() const { return wire_; }
  void GetBack(Reader& in) const {
    if (in.Take('N')) return;
    if (write_back_) return write_back_(in);
    in.Whole();
  }

 private:
  std::string wire_;
  std::function<void(Reader&)> write_back_;
};

template <class T>
constexpr bool kAnswered =
    std::is_arithmetic_v<T> || std::is_same_v<T, std::string> || Map<T> || Set<T> || Sequence<T> ||
    is_array<T> || is<T, std::pair> || is<T, std::tuple>;

/// What the function returned. It becomes what it is compared with, or assigned to, and may be
/// computed with and looked into.
class Result {
 public:
  Result() = default;
  explicit Result(std::string wire) : wire_(std::move(wire)) {}
  explicit Result(const Number& number) {
    number.whole ? Put(wire_, number.integer) : Put(wire_, number.real);
  }
  const std::string& wire() const { return wire_; }

  template <class T>
  requires kAnswered<T>
  operator T() const {
    if constexpr (std::is_same_v<T, bool>) {
      return !number().Is({});
    } else if constexpr (std::is_integral_v<T>) {
      const Number held = number();
      const T value = held.whole ? static_cast<T>(held.integer) : static_cast<T>(held.real);
      if (!held.Is(NumberOf(value))) throw Malformed("no such whole number");
      return value;
    } else {
      return As<T>();
    }
  }

  template <class T>
  bool Equals(const T& other) const {
    if constexpr (std::is_base_of_v<Result, T>) {
      return wire_ == other.wire_;
    } else if constexpr (std::is_integral_v<T>) {
      return number().Is(NumberOf(other));
    } else if constexpr (std::is_floating_point_v<T>) {
      return As<T>() == other;
    } else if constexpr (std::is_convertible_v<const T&, std::string>) {
      return As<std::string>() == std::string(other);
    } else if constexpr (std::is_same_v<T, std::nullopt_t>) {
      return wire_ == "N";
    } else {
      return As<T>() == other;
    }
  }
  template <class T>
  int Compare(const T& other) const {
    if constexpr (std::is_arithmetic_v<T>) {
      return CompareNumbers(number(), NumberOf(other));
    } else if constexpr (std::is_base_of_v<Result, T>) {
      return CompareNumbers(number(), other.number());
    } else if constexpr (std::is_convertible_v<const T&, std::string>) {
      return As<std::string>().compare(other);
    } else {
      const T mine = As<T>();
      return mine < other ? -1 : other < mine ? 1 : 0;
    }
  }
  Number number() const {
    Reader in(wire_);
    return GetAnyNumber(in);
  }
  template <class T>
  static Number NumberOf(T value) {
    if constexpr (std::is_floating_point_v<T>) return {false, 0, static_cast<double>(value)};
    return {true, static_cast<long long>(value), static_cast<double>(value)};
  }

  size_t size() const { return items().size(); }
  size_t length() const { return size(); }
  bool empty() const { return size() == 0; }
  const Result& operator[](size_t i) const { return at(i); }
  const Result& at(size_t i) const { return items().at(i); }
  const Result& front() const { return at(0); }
  const Result& back() const { return at(size() - 1); }
  auto begin() const { return items().begin(); }
  auto end() const { return items().end(); }

 private:
  template <class T>
  T As() const {
    Reader in(wire_);
    return Get<T>(in);
  }
  // Unsigned ones beyond long long are kept in its bits.
  static __int128 Wide(const Number& n) {
    const __int128 wide = n.integer;
    return n.integer < 0 && n.real > 0 ? static_cast<unsigned long long>(n.integer) : wide;
  }
  static int CompareNumbers(const Number& a, const Number& b) {
    if (a.whole && b.whole) return Wide(a) < Wide(b) ? -1 : Wide(a) > Wide(b);
    return a.real < b.real ? -1 : a.real > b.real ? 1 : a.real == b.real ? 0 : 2;
  }
  const std::vector<Result>& items() const {
    if (!items_.empty()) return items_;
    Reader in(wire_);
    if (in.Peek() == 's') {
      for (const char c : GetText(in)) items_.emplace_back("s1:" + std::string(1, c));
      return items_;
    }
    if (in.Take('d')) {
      for (size_t n = in.Count(';'); n > 0; --n) {
        std::string pair = "t2;" + in.Whole();
        items_.emplace_back(pair + in.Whole());
      }
      return items_;
    }
    for (size_t n = in.Items(); n > 0; --n) items_.emplace_back(in.Whole());
    return items_;
  }

  std::string wire_;
  mutable std::vector<Result> items_;
};

template <class T>
bool operator==(const Result& a, const T& b) {
  return a.Equals(b);
}
template <class T>
bool operator<(const Result& a, const T& b) {
  return a.Compare(b) == -1;
}
template <class T>
bool operator>(const Result& a, const T& b) {
  return a.Compare(b) == 1;
}
template <class T>
bool operator<=(const Result& a, const T& b) {
  const int order = a.Compare(b);
  return order == -1 || order == 0;
}
template <class T>
bool operator>=(const Result& a, const T& b) {
  const int order = a.Compare(b);
  return order == 1 || order == 0;
}
template <class T>
requires std::is_arithmetic_v<T>
bool operator<(T a, const Result& b) { return b > a; }
template <class T>
requires std::is_arithmetic_v<T>
bool operator>(T a, const Result& b) { return b < a; }
template <class T>
requires std::is_arithmetic_v<T>
bool operator<=(T a, const Result& b) { return b >= a; }
template <class T>
requires std::is_arithmetic_v<T>
bool operator>=(T a, const Result& b) { return b <= a; }

template <class T>
Number AsNumber(const T& value) {
  if constexpr (std::is_base_of_v<Result, T>) {
    return value.number();
  } else {
    return Result::NumberOf(value);
  }
}
template <class A, class B>
constexpr bool kComputes = (std::is_base_of_v<Result, A> || std::is_arithmetic_v<A>)&&(
    std::is_base_of_v<Result, B> || std::is_arithmetic_v<B>)&&(std::is_base_of_v<Result, A> ||
                                                               std::is_base_of_v<Result, B>);

inline Result Compute(char op, const Number& a, const Number& b) {
  if (!a.whole || !b.whole) {
    const double x = a.real, y = b.real;
    return Result(Number{false, 0,
                         op == '+'   ? x + y
                         : op == '-' ? x - y
                         : op == '*' ? x * y
                                     : x / y});
  }
  const long long x = a.integer, y = b.integer;
  if ((op == '/' || op == '%') && y == 0) throw Malformed("division by zero");
  long long z = 0;
  const bool overflow = op == '+'   ? __builtin_add_overflow(x, y, &z)
                        : op == '-' ? __builtin_sub_overflow(x, y, &z)
                        : op == '*' ? __builtin_mul_overflow(x, y, &z)
                                    : (z = y == -1     ? (op == '/' ? -x : 0)
                                           : op == '/' ? x / y
                                                       : x % y,
                                       false);
  if (overflow) throw Malformed("a number too large");
  return Result(Number{true, z, static_cast<double>(z)});
}
template <class A, class B>
requires kComputes<A, B> Result operator+(const A& a, const B& b) {
  return Compute('+', AsNumber(a), AsNumber(b));
}
template <class A, class B>
requires kComputes<A, B> Result operator-(const A& a, const B& b) {
  return Compute('-', AsNumber(a), AsNumber(b));
}
template <class A, class B>
requires kComputes<A, B> Result operator*(const A& a, const B& b) {
  return Compute('*', AsNumber(a), AsNumber(b));
}
template <class A, class B>
requires kComputes<A, B> Result operator/(const A& a, const B& b) {
  return Compute('/', AsNumber(a), AsNumber(b));
}
template <class A, class B>
requires kComputes<A, B> Result operator%(const A& a, const B& b) {
  return Compute('%', AsNumber(a), AsNumber(b));
}
inline Result operator-(const Result& a) { return Compute('-', {}, a.number()); }
inline bool operator!(const Result& a) { return a.number().Is({}); }

inline Result abs(const Result& a) { return a < 0 ? -a : a; }
inline double fabs(const Result& a) { return std::fabs(a.number().real); }
inline double sqrt(const Result& a) { return std::sqrt(a.number().real); }
inline double round(const Result& a) { return std::round(a.number().real); }
inline double floor(const Result& a) { return std::floor(a.number().real); }
inline double ceil(const Result& a) { return std::ceil(a.number().real); }
inline bool isnan(const Result& a) { return std::isnan(a.number().real); }

template <class Stream>
requires requires(Stream& stream) { stream.flush(); }
Stream& operator<<(Stream& stream, const Result& answer) {
  stream << answer.wire();
  return stream;
}

/// An answer that may be a pair.
struct PairResult : Result {
  explicit PairResult(std::string text) : Result(std::move(text)) {
    Reader in(wire());
    if (wire().compare(0, 3, "t2;") != 0) return;
    in.Items();
    first = Result(in.Whole());
    second = Result(in.Whole());
  }
  Result first, second;
};

template <size_t i>
Result get(const Result& answer) {
  return answer.at(i);
}

struct Undeclared {
  static const Arg& None() {
    static const Arg none;
    return none;
  }
  PairResult operator()(const Arg& a = None(), const Arg& b = None(), const Arg& c = None(),
                        const Arg& d = None(), const Arg& e = None(), const Arg& f = None(),
                        const Arg& g = None(), const Arg& h = None()) const {
    std::vector<const Arg*> args;
    for (const Arg* arg : {&a, &b, &c, &d, &e, &f, &g, &h}) {
      if (arg != &None()) args.push_back(arg);
    }
    std::string request = "ct3;s4:call";
    PutCount(request, 't', 1 + args.size());
    request += "h1;";
    for (const Arg* arg : args) request += arg->wire();
    const std::string answer = Ask(request + "d0;");
    Reader in(answer);
    const std::string result = in.Whole();
    if (result == "N" || in_place) {
      if (in.Items() != args.size()) throw Malformed("other arguments");
      for (const Arg* arg : args) arg->GetBack(in);
    }
    return PairResult(result);
  }
};

}  // namespace retort_relay

// Tests that say std::abs mean these, too.
namespace std {
using retort_relay::abs;
using retort_relay::ceil;
using retort_relay::fabs;
using retort_relay::floor;
using retort_relay::get;
using retort_relay::isnan;
using retort_relay::round;
using retort_relay::sqrt;
}  // namespace std
