#pragma once
// The one exception type of Retort and the checks that throw it.
//
// A message says where, what was got, what was expected, and what to do. Library code never prints
// and never aborts on input.

#include <concepts>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace retort {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

namespace internal {

// A stream costs a microsecond to set up, so texts and integers do without.
template <class T>
void AppendTo(std::string& text, const T& value) {
  if constexpr (std::convertible_to<const T&, std::string_view>) {
    text += std::string_view(value);
  } else if constexpr (std::same_as<T, char>) {
    text += value;
  } else if constexpr (std::integral<T> && sizeof(T) > 1) {
    text += std::to_string(value);
  } else {
    std::ostringstream out;
    out.precision(9);
    out << value;
    text += out.str();
  }
}

}  // namespace internal

/// Concatenates anything that can be streamed: `StrCat("row ", 3, ": ", name)`.
template <class... Args>
std::string StrCat(const Args&... args) {
  std::string text;
  (internal::AppendTo(text, args), ...);
  return text;
}

template <class... Args>
[[noreturn]] void Fail(const Args&... args) {
  throw Error(StrCat(args...));
}

}  // namespace retort

/// Throws `retort::Error` with the streamed message when the condition does not hold.
#define RETORT_CHECK(condition, ...) \
  do {                               \
    if (!(condition)) [[unlikely]] { \
      ::retort::Fail(__VA_ARGS__);   \
    }                                \
  } while (false)

/// A check of Retort's own logic, compiled out of release builds.
#ifdef NDEBUG
#define RETORT_DCHECK(condition) ((void)0)
#else
#define RETORT_DCHECK(condition) \
  RETORT_CHECK(condition, __FILE__, ":", __LINE__, ": internal check failed: " #condition)
#endif
