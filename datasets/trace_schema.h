#pragma once
// Opening a trace database: what is accepted, what is created, what is refused.

#include "datasets/sqlite.h"

namespace retort::datasets {

constexpr int64_t kTraceSchema = 1;

/// Checks that the file is a trace database this program understands; with `write`, switches on WAL
/// and creates the schema in an empty file.
void OpenTraceSchema(Database& database, bool write);

}  // namespace retort::datasets
