#pragma once
// The one exception type of Retort and the checks that throw it.
//
// A message says where, what was got, what was expected, and what to do. Library code never prints
// and never aborts on input.

#include <sstream>
#include <stdexcept>
#include <string>

namespace retort {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Concatenates anything that can be streamed: `StrCat("row ", 3, ": ", name)`.
template <class... Args>
std::string StrCat(const Args&... args) {
  std::ostringstream out;
  out.precision(9);
  (out << ... << args);
  return out.str();
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
