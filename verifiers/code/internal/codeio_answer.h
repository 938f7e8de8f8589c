#pragma once
// How CODEI/O answers are found, read and compared.

#include <string>
#include <string_view>

#include "base/json.h"

namespace retort::verifiers {

/// The last complete JSON object in `text`, outermost; braces that are no JSON are passed over.
/// Empty when there is none. Linear.
std::string_view LastJsonObject(std::string_view text);

/// CodeI/O's comparison (hkust-nlp/CodeIO, src): objects with the same keys, lists of the same
/// length, their parts alike; whole numbers exactly; a float agrees with an expected float b when
/// |a-b| <= 1e-3 |b|, with the same whole part. Unlike there, true is not 1 and 5.001 is not 5.
bool IsClose(const Json& answer, const Json& expected);

}  // namespace retort::verifiers
