#pragma once

namespace retort {

/// The one place where the version stands; CMakeLists.txt reads it from here.
inline constexpr const char* kVersion = "0.1.0";

}  // namespace retort
