// Calls between two C++ programs that never share a process: the one that is judged (Serve) and the
// test script (Remote, Script). Compiled into both in the sandbox, before anything of theirs;
// the format is that of wire.h. C++ types are known on both sides, so that values need no
// names; std::any alone says which of AnyTypes it holds ("a<n>;" and the value).
#pragma once
#include <fcntl.h>
#include <unistd.h>

#include <any>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace retort_relay {

struct Malformed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class T, template <class...> class Of>
constexpr bool is = false;
template <template <class...> class Of, class... Args>
constexpr bool is<Of<Args...>, Of> = true;

template <class T>
constexpr bool is_array = false;
template <class T, size_t n>
constexpr bool is_array<std::array<T, n>> = true;

template <class T>
concept Text = std::is_same_v<T, std::string> || std::is_same_v<T, const char*>;
template <class T>
concept Map = requires {
  typename T::mapped_type;
};
template <class T>
concept Set = !Map<T> && !Text<T> && requires {
  typename T::key_type;
};
template <class T>
concept Sequence = !Text<T> && requires(T & t, typename T::value_type v) {
  t.push_back(v);
};
/// A struct that shows its members: what retort makes of MultiPL-E's unions.
template <class T>
concept Struct = requires(T& t) {
  t.Members();
};

using AnyTypes =
    std::tuple<int, long, long long, unsigned, unsigned long, double, float, bool, char,
               std::string, const char*, std::vector<int>, std::vector<long>,
               std::vector<std::string>, std::vector<double>, std::vector<std::any>,
               std::map<long, long>, std::map<int, int>, std::map<std::string, std::string>,
               std::map<std::string, std::any>, std::set<long>>;

// --- values out ---

inline void PutCount(std::string& out, char tag, size_t count) {
  out += tag + std::to_string(count) + ";";
}

inline void PutText(std::string& out, const std::string& text) {
  out += "s" + std::to_string(text.size()) + ":" + text;
}

template <class T>
void Put(std::string& out, const T& value);

template <size_t i = 0>
void PutAny(std::string& out, const std::any& value) {
  if constexpr (i < std::tuple_size_v<AnyTypes>) {
    using T = std::tuple_element_t<i, AnyTypes>;
    if (value.type() != typeid(T)) return PutAny<i + 1>(out, value);
    PutCount(out, 'a', i);
    Put(out, std::any_cast<const T&>(value));
  } else {
    throw Malformed("std::any holds a type that cannot be sent");
  }
}

template <class Tuple>
void PutTuple(std::string& out, const Tuple& tuple) {
  PutCount(out, 't', std::tuple_size_v<Tuple>);
  std::apply([&](const auto&... items) { (Put(out, items), ...); }, tuple);
}

template <class T>
void Put(std::string& out, const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    out += value ? 'T' : 'F';
  } else if constexpr (std::is_same_v<T, char>) {
    PutText(out, std::string(1, value));
  } else if constexpr (std::is_integral_v<T>) {
    char digits[32];
    const bool negative = value < 0;
    const auto bits = static_cast<unsigned long long>(value);
    std::snprintf(digits, sizeof digits, negative ? "i-%llx;" : "i%llx;",
                  negative ? 0 - bits : bits);
    out += digits;
  } else if constexpr (std::is_floating_point_v<T>) {
    char digits[64];
    std::snprintf(digits, sizeof digits, "f%a;", static_cast<double>(value));
    out += digits;
  } else if constexpr (std::is_enum_v<T>) {
    Put(out, static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (Text<T>) {
    PutText(out, value);
  } else if constexpr (std::is_same_v<T, std::nullopt_t> || std::is_same_v<T, std::monostate>) {
    out += 'N';
  } else if constexpr (is<T, std::optional>) {
    if (value)
      Put(out, *value);
    else
      out += 'N';
  } else if constexpr (is<T, std::variant>) {
    std::visit([&](const auto& held) { Put(out, held); }, value);
  } else if constexpr (std::is_same_v<T, std::any>) {
    PutAny(out, value);
  } else if constexpr (is<T, std::pair> || is<T, std::tuple>) {
    PutTuple(out, value);
  } else if constexpr (Struct<T>) {
    PutTuple(out, value.Members());
  } else if constexpr (Map<T>) {
    PutCount(out, 'd', value.size());
    for (const auto& [key, item] : value) Put(out, key), Put(out, item);
  } else if constexpr (Set<T>) {
    PutCount(out, 'e', value.size());
    for (const auto& item : value) Put(out, item);
  } else if constexpr (Sequence<T> || is_array<T>) {
    PutCount(out, 'l', value.size());
    for (const typename T::value_type item : value) Put(out, item);  // vector<bool>, too
  } else {
    static_assert(is_array<T>, "retort cannot send this type");
  }
}

// --- values in ---

class Reader {
 public:
  /// `converts`: numbers become what they are read as, as C++ converts arguments.
  explicit Reader(const std::string& bytes, bool converts = false)
      : at_(bytes.data()), end_(at_ + bytes.size()), converts_(converts) {}

  bool converts() const { return converts_; }
  char Peek() const {
    if (at_ == end_) throw Malformed("cut short");
    return *at_;
  }
  void Skip() { ++at_; }
  bool Take(char tag) {
    if (Peek() != tag) return false;
    ++at_;
    return true;
  }
  std::string Until(char end) {
    std::string text;
    while (Peek() != end) text += *at_++;
    ++at_;
    return text;
  }
  size_t Count(char end) { return std::strtoull(Until(end).c_str(), nullptr, 10); }
  /// The next value, all of it.
  std::string Whole() {
    const char* const begin = at_;
    for (size_t missing = 1; missing > 0; --missing) {
      const char tag = Peek();
      if (tag == 'l' || tag == 't' || tag == 'e' || tag == 'z') {
        missing += Items();
        continue;
      }
      ++at_;
      if (tag == 's') {
        Bytes(Count(':'));
      } else if (tag == 'd') {
        missing += 2 * Count(';');
      } else if (tag == 'a') {
        Count(';');
        ++missing;
      } else if (tag != 'N' && tag != 'T' && tag != 'F') {
        Until(';');
      }
    }
    return std::string(begin, at_);
  }
  std::string Bytes(size_t size) {
    if (size > static_cast<size_t>(end_ - at_)) throw Malformed("cut short");
    at_ += size;
    return std::string(at_ - size, size);
  }
  /// The number of items, of a list, tuple or set.
  size_t Items() {
    const char tag = Peek();
    if (tag != 'l' && tag != 't' && tag != 'e' && tag != 'z') throw Malformed("no list");
    ++at_;
    return Count(';');
  }

 private:
  const char* at_;
  const char* end_;
  bool converts_;
};

template <class T>
T Get(Reader& in);

inline std::string GetText(Reader& in) {
  if (!in.Take('s')) throw Malformed("no text");
  return in.Bytes(in.Count(':'));
}

/// A number, character or truth value, as its type has it.
struct Number {
  bool whole = true;
  long long integer = 0;
  double real = 0;

  /// Whether it is an integer: a float stands for one up to 2^53.
  bool Is(const Number& other) const {
    if (whole) return integer == other.integer && (real < 0) == (other.real < 0);
    return real == other.real && real <= 0x1p53 && real >= -0x1p53;
  }
};

inline Number GetAnyNumber(Reader& in) {
  if (in.Take('T')) return {true, 1, 1};
  if (in.Take('F')) return {};
  if (in.Peek() == 's') {
    const std::string text = GetText(in);
    if (text.size() != 1) throw Malformed("no number");
    return {true, text[0], static_cast<double>(text[0])};
  }
  if (in.Take('f')) return {false, 0, std::strtod(in.Until(';').c_str(), nullptr)};
  if (!in.Take('i')) throw Malformed("no number");
  std::string digits = in.Until(';');
  digits.insert(digits[0] == '-' ? 1 : 0, "0x");
  const double real = std::strtod(digits.c_str(), nullptr);
  errno = 0;
  const long long integer = std::strtoll(digits.c_str(), nullptr, 16);
  if (errno == 0) return {true, integer, real};
  // Beyond long long, as unsigned ones are.
  if (digits[0] != '-' && digits.size() <= 18) {
    return {true, static_cast<long long>(std::strtoull(digits.c_str(), nullptr, 16)), real};
  }
  return {false, 0, real};
}

template <class T>
T GetNumber(Reader& in) {
  const char tag = in.Peek();
  const Number number = GetAnyNumber(in);
  if constexpr (std::is_floating_point_v<T>) {
    if (!in.converts() && tag != 'i' && tag != 'f') throw Malformed("no number");
    return static_cast<T>(number.real);
  } else {
    // Not by ?:, which would make a double of both.
    if (in.converts() && !number.whole) return static_cast<T>(number.real);
    if (in.converts()) return static_cast<T>(number.integer);
    const T value = static_cast<T>(number.integer);
    if (tag != 'i' || !number.whole) throw Malformed("no whole number");
    if ((value < 0) != (number.real < 0) || static_cast<double>(value) != number.real) {
      throw Malformed("a whole number of another size");
    }
    return value;
  }
}

template <size_t i = 0>
std::any GetAny(Reader& in, size_t index) {
  if constexpr (i < std::tuple_size_v<AnyTypes>) {
    if (i == index) return Get<std::tuple_element_t<i, AnyTypes>>(in);
    return GetAny<i + 1>(in, index);
  } else {
    throw Malformed("no such type");
  }
}

template <class Variant, size_t i = 0>
Variant GetVariant(Reader& in) {
  if constexpr (i < std::variant_size_v<Variant>) {
    const Reader before = in;
    try {
      // A whole number is for the alternatives that hold whole numbers.
      using T = std::variant_alternative_t<i, Variant>;
      if (std::is_floating_point_v<T> && in.Peek() != 'f') throw Malformed("no float");
      return Variant(std::in_place_index<i>, Get<T>(in));
    } catch (const Malformed&) {
      in = before;
    }
    return GetVariant<Variant, i + 1>(in);
  } else {
    throw Malformed("no alternative fits");
  }
}

template <class Tuple, size_t... i>
Tuple GetTuple(Reader& in, std::index_sequence<i...>) {
  if (in.Items() != sizeof...(i)) throw Malformed("a tuple of another size");
  return Tuple{Get<std::tuple_element_t<i, Tuple>>(in)...};
}

template <class T>
T Get(Reader& in) {
  if constexpr (std::is_same_v<T, bool>) {
    if (in.Take('T')) return true;
    if (in.Take('F')) return false;
    if (!in.converts()) throw Malformed("no truth value");
    const Number number = GetAnyNumber(in);
    return number.integer != 0 || number.real != 0;
  } else if constexpr (std::is_same_v<T, char>) {
    if (in.converts() && in.Peek() == 'i') return static_cast<char>(GetAnyNumber(in).integer);
    const std::string text = GetText(in);
    if (text.size() != 1) throw Malformed("no single character");
    return text[0];
  } else if constexpr (std::is_arithmetic_v<T>) {
    return GetNumber<T>(in);
  } else if constexpr (std::is_enum_v<T>) {
    return static_cast<T>(GetNumber<std::underlying_type_t<T>>(in));
  } else if constexpr (std::is_same_v<T, const char*>) {
    static std::deque<std::string> kept;
    return kept.emplace_back(GetText(in)).c_str();
  } else if constexpr (Text<T>) {
    if (in.converts() && in.Peek() == 'l') {  // {} or {'a', 'b'}
      T text;
      for (size_t n = in.Items(); n > 0; --n) text += Get<char>(in);
      return text;
    }
    return GetText(in);
  } else if constexpr (std::is_same_v<T, std::monostate>) {
    if (!in.Take('N')) throw Malformed("no None");
    return {};
  } else if constexpr (is<T, std::optional>) {
    if (in.Take('N')) return std::nullopt;
    return Get<typename T::value_type>(in);
  } else if constexpr (is<T, std::variant>) {
    return GetVariant<T>(in);
  } else if constexpr (std::is_same_v<T, std::any>) {
    if (in.Take('a')) return GetAny(in, in.Count(';'));
    if (in.Peek() == 'i') return Get<int>(in);
    if (in.Peek() == 'f') return Get<double>(in);
    if (in.Peek() == 's') return Get<std::string>(in);
    if (in.Peek() == 'l') return Get<std::vector<std::any>>(in);
    if (in.Peek() == 'd') return Get<std::map<std::string, std::any>>(in);
    if (in.Take('N')) return {};
    return Get<bool>(in);
  } else if constexpr (is<T, std::pair> || is<T, std::tuple>) {
    return GetTuple<T>(in, std::make_index_sequence<std::tuple_size_v<T>>());
  } else if constexpr (Struct<T>) {
    using Values = std::remove_cvref_t<decltype(std::declval<T&>().Values())>;
    return T(GetTuple<Values>(in, std::make_index_sequence<std::tuple_size_v<Values>>()));
  } else if constexpr (Map<T>) {
    T map;
    const bool pairs = in.converts() && in.Peek() == 'l';  // {{1, 2}, {3, 4}}
    if (!pairs && !in.Take('d')) throw Malformed("no dict");
    const size_t size = pairs ? in.Items() : in.Count(';');
    for (size_t n = 0; n < size; ++n) {
      if (pairs && in.Items() != 2) throw Malformed("no pair");
      auto key = Get<typename T::key_type>(in);
      map.emplace(std::move(key), Get<typename T::mapped_type>(in));
      if (!in.converts() && map.size() != n + 1) throw Malformed("a key twice");
    }
    return map;
  } else if constexpr (Set<T>) {
    T set;
    const size_t size = in.Items();
    for (size_t n = 0; n < size; ++n) {
      set.insert(Get<typename T::key_type>(in));
      if (!in.converts() && set.size() != n + 1) throw Malformed("a member twice");
    }
    return set;
  } else if constexpr (is_array<T>) {
    T array{};
    if (in.Items() != array.size()) throw Malformed("an array of another size");
    for (auto& item : array) item = Get<typename T::value_type>(in);
    return array;
  } else {
    static_assert(Sequence<T>, "retort cannot send this type");
    T sequence;
    for (size_t n = in.Items(); n > 0; --n) sequence.push_back(Get<typename T::value_type>(in));
    return sequence;
  }
}

// --- frames ---

class Channel {
 public:
  /// Standard input and output become the channel; what is printed goes to standard error.
  Channel() : in_(dup(0)), out_(dup(1)) {
    dup2(2, 1);
    const int nothing = open("/dev/null", O_RDONLY);  // a pipe would be the watcher's business
    if (nothing < 0) _exit(1);
    dup2(nothing, 0);
    close(nothing);
  }
  /// False at the end of input.
  bool Hear(std::string& payload) {
    unsigned char header[4];
    if (!Fill(reinterpret_cast<char*>(header), 4)) return false;
    payload.resize(size_t{header[0]} << 24 | size_t{header[1]} << 16 | size_t{header[2]} << 8 |
                   header[3]);
    return Fill(payload.data(), payload.size());
  }
  void Say(const std::string& payload) {
    std::string frame;
    for (int shift = 24; shift >= 0; shift -= 8) {
      frame += static_cast<char>(payload.size() >> shift & 0xFF);
    }
    frame += payload;
    for (size_t done = 0; done < frame.size();) {
      const ssize_t n = write(out_, frame.data() + done, frame.size() - done);
      if (n <= 0) _exit(1);
      done += static_cast<size_t>(n);
    }
  }

 private:
  bool Fill(char* bytes, size_t size) {
    while (size > 0) {
      const ssize_t n = read(in_, bytes, size);
      if (n <= 0) return false;
      bytes += n;
      size -= static_cast<size_t>(n);
    }
    return true;
  }
  int in_, out_;
};

template <class A>
constexpr bool kWritten =
    std::is_lvalue_reference_v<A> && !std::is_const_v<std::remove_reference_t<A>>;

// Errors travel by name, so that a test may expect one.
#define RETORT_ERRORS(DO) \
  DO(invalid_argument)    \
  DO(out_of_range)        \
  DO(domain_error)        \
  DO(length_error)        \
  DO(logic_error) DO(overflow_error) DO(underflow_error) DO(range_error) DO(runtime_error)

// --- the program's side ---

template <class R, class... A>
std::string Answer(R (*function)(A...), Reader& in) {
  if (in.Items() != 1 + sizeof...(A)) throw Malformed("called with another number of arguments");
  in.Skip(), in.Count(';');  // the handle; there is one function
  std::tuple<std::decay_t<A>...> args{Get<std::decay_t<A>>(in)...};
  std::string out = "rt2;";
  std::apply(
      [&](auto&... arg) {
        if constexpr (std::is_void_v<R>) {
          function(static_cast<A&&>(arg)...);
          out += 'N';
        } else {
          Put(out, static_cast<const std::decay_t<R>&>(function(static_cast<A&&>(arg)...)));
        }
        PutCount(out, 'l', sizeof...(A));
        ((kWritten<A> ? Put(out, arg) : void(out += 'N')), ...);
      },
      args);
  return out;
}

inline std::string ErrorName(const std::exception& error) {
#define RETORT_NAME(kind) \
  if (dynamic_cast<const std::kind*>(&error)) return #kind;
  RETORT_ERRORS(RETORT_NAME)
  return "exception";
}

/// Answers calls of `function` to the end of input.
template <class R, class... A>
int Serve(R (*function)(A...)) {
  Channel channel;
  channel.Say("rt1;N");
  for (std::string request; channel.Hear(request);) {
    Reader in(request, /*converts=*/true);
    try {
      in.Items();
      if (GetText(in) == "get") {
        channel.Say("rt1;h1;");
      } else {
        channel.Say(Answer(function, in));
      }
    } catch (const std::exception& error) {
      std::string out = "xt2;l1;";
      PutText(out, ErrorName(error));
      PutText(out, error.what());
      channel.Say(out);
    } catch (...) {
      channel.Say("xt2;l1;s9:exceptions0:");
    }
  }
  return 0;
}

/// A function object, such as a lambda's.
template <class F>
int Serve(const F&) {
  return Serve(+F{});
}

// --- the script's side ---

inline Channel* to_program = nullptr;

/// What follows the result are the arguments after the call: part of the answer where the task says
/// so, or where there is no other.
inline bool in_place = false;

[[noreturn]] inline void Rethrow(const std::string& answer) {
  std::string name, text = "the program threw";
  try {
    Reader in(answer);
    in.Skip(), in.Items(), in.Items();
    name = GetText(in);
    text = GetText(in);
  } catch (const Malformed&) {
  }
#define RETORT_THROW(kind) \
  if (name == #kind) throw std::kind(text);
  RETORT_ERRORS(RETORT_THROW)
  throw std::runtime_error(text);
}

/// The result and the arguments after the call.
inline std::string Ask(const std::string& request) {
  to_program->Say(request);
  std::string answer;
  if (!to_program->Hear(answer)) _exit(1);
  if (answer.empty() || answer[0] != 'r') Rethrow(answer);
  const std::string start = "rt2;";
  if (answer.compare(0, start.size(), start) != 0) throw Malformed("no answer");
  return answer.substr(start.size());
}

template <class R, class... A>
struct Remote {
  explicit Remote(R (*)(A...)) {}
  R operator()(A... args) const {
    std::string request = "ct3;s4:call";
    PutCount(request, 't', 1 + sizeof...(A));
    request += "h1;";
    (Put(request, static_cast<const std::decay_t<A>&>(args)), ...);
    const std::string answer = Ask(request + "d0;");
    Reader in(answer);
    if constexpr (std::is_void_v<R>) {
      in.Skip();
      in.Items();
      (GetBack(in, std::forward<A>(args)), ...);
    } else {
      std::decay_t<R> result = Get<std::decay_t<R>>(in);
      if (in_place) {
        in.Items();
        (GetBack(in, std::forward<A>(args)), ...);
      }
      return result;
    }
  }

 private:
  template <class T>
  static void GetBack(Reader& in, T&& arg) {
    if constexpr (kWritten<T&&> && !std::is_const_v<std::remove_reference_t<T>>) {
      if (in.Take('N')) return;
      arg = Get<std::decay_t<T>>(in);
    } else {
      in.Skip();
    }
  }
};

/// Says how the script's main ended: every assert held, or nothing is said; and it returned 0.
inline void EndScript(int code, void*) {
  to_program->Say(code == 0 ? "tl2;s0:s0:" : "tl2;s12:wrong-answers20:main did not return 0");
  to_program->Say("d");
}

/// Before the script's main, and whatever it does then.
struct Script {
  explicit Script(bool task_in_place) {
    static Channel channel;
    to_program = &channel;
    in_place = task_in_place;
    channel.Say("ni1;");
    on_exit(EndScript, nullptr);
  }
};

}  // namespace retort_relay
