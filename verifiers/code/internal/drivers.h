#pragma once
// The files that the code verifier hands to programs in the sandbox, embedded by the build.

#include <string_view>

namespace retort::verifiers {

/// Of "wire.py", "candidate.py", "script.py", "relay.hpp" and
/// "undeclared.hpp"; "" for others.
std::string_view CodeDriver(std::string_view name);

}  // namespace retort::verifiers
