#include "base/strings.h"
#include "fuzz/fuzz.h"
#include "fuzz/rows.h"

namespace retort {

void FuzzCsv(std::string_view text) {
  size_t columns = 0;
  for (const Json& row : ReadRows(text, datasets::RowFormat::kCsv)) {
    Require(columns == 0 || row.size() == columns, "rows of one file have other columns");
    columns = row.size();
    for (const Json& field : row) {
      Require(field.is_string() && IsUtf8(field.get_ref<const std::string&>()),
              "a field is no text");
    }
  }
}

}  // namespace retort
