#pragma once
// What an Error says.

#include <functional>
#include <string>

#include "base/error.h"

namespace retort {

/// The message of the Error that `body` throws, or "(no error)". Anything else passes through and
/// fails the test.
inline std::string ErrorOf(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return "(no error)";
}

}  // namespace retort
