#pragma once
// Opening a trace database: what is accepted, what is created, what is refused.

#include "datasets/internal/sqlite.h"

namespace retort::datasets {

constexpr int64_t kTraceSchema = 3;

/// Checks that the file is a trace database this program understands: its tables and views are
/// those that Retort makes, so that nothing else decides what our statements do. Other tables,
/// views and indexes may be there; triggers too, unless it is opened to be written. With `write`,
/// switches on WAL, creates the schema in an empty file and moves an older one forward (in one
/// transaction). Without, an older file is left as it is, and what it lacks is put before it as
/// temporary tables and views.
void OpenTraceSchema(Database& database, bool write);

}  // namespace retort::datasets
