#include "base/excerpt.h"

#include "base/error.h"

namespace retort {

std::string Excerpt(std::string_view text, size_t bytes) {
  if (text.size() <= bytes) return std::string(text);
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
  return std::string(text.substr(0, bytes)) + "…";
}

std::string ListNames(const std::vector<std::string>& names) {
  constexpr size_t kShown = 20;
  if (names.empty()) return "none";
  std::string list;
  for (size_t i = 0; i < names.size() && i < kShown; ++i) {
    list += (i > 0 ? ", " : "") + Excerpt(names[i]);
  }
  return names.size() > kShown ? StrCat(list, ", … (", names.size() - kShown, " more)") : list;
}

}  // namespace retort
