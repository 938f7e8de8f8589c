#pragma once
// The files that the code verifier hands to programs in the sandbox, embedded by the build.

#include <string_view>

namespace retort::verifiers {

/// Of "code_wire.py", "code_candidate.py", "code_script.py", "code_relay.hpp" and
/// "code_undeclared.hpp"; "" for others.
std::string_view CodeDriver(std::string_view name);

}  // namespace retort::verifiers
