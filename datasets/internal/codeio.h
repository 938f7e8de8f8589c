#pragma once
// What CODEI/O asks of the inputs and outputs of a task.

#include "base/json.h"

namespace retort::datasets {

/// The size rules of CodeI/O (hkust-nlp/CodeIO, src) on an input or output: not null, below 1024
/// bytes of JSON, objects and lists below 20 elements, text below 100 bytes.
bool FitsIoRules(const Json& value);

}  // namespace retort::datasets
