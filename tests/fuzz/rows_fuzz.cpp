#include "fuzz/fuzz.h"
#include "fuzz/rows.h"

namespace retort {

void FuzzRows(std::string_view bytes) { ReadRows(bytes, datasets::RowFormat::kJsonl); }

}  // namespace retort
