#pragma once
// Reads bytes as JsonlReader reads a file.

#include <string_view>
#include <vector>

#include "base/error.h"
#include "datasets/jsonl.h"
#include "fuzz/fuzz.h"
#include "fuzz/memory_file.h"

namespace retort {

/// The good rows. Aborts when the reader breaks its contract.
inline std::vector<Json> ReadRows(std::string_view bytes, datasets::RowFormat format) {
  std::vector<Json> rows;
  const MemoryFile file(bytes);
  try {
    datasets::JsonlReader reader(file.path(), format);
    int64_t last = 0;
    for (datasets::JsonlLine line; reader.Next(line);) {
      Require(line.number > last, "line numbers do not grow");
      last = line.number;
      Require(line.row.has_value() == line.error.empty(), "neither a row nor an error");
      if (line.row) {
        Require(line.row->is_object(), "a row is no object");
        rows.push_back(std::move(*line.row));
      } else {
        Require(line.error.starts_with(reader.Where(line.number) + ": "), "no place is named");
      }
    }
    Require(reader.consumed() == static_cast<int64_t>(bytes.size()), "bytes were left");
  } catch (const Error&) {
    // A stream that is cut off or corrupt; a header that names a column twice.
  }
  return rows;
}

}  // namespace retort
