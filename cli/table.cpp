#include "cli/table.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>

#include "base/error.h"
#include "base/strings.h"

namespace retort::cli {
namespace {

// Characters on the screen: UTF-8 bytes that do not continue another.
size_t Width(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

bool LooksNumeric(std::string_view cell) {
  if (cell.empty() || cell == "-") return true;
  const bool digit =
      std::any_of(cell.begin(), cell.end(), [](char c) { return c >= '0' && c <= '9'; });
  return digit && cell.find_first_not_of("0123456789.,:+-e %sMGKiB") == std::string_view::npos;
}

std::string Printf(const char* format, double value) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, format, value);
  return buffer;
}

}  // namespace

std::string OneLine(std::string_view text) {
  std::string out;
  for (const char c : ToValidUtf8(text)) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      char spelled[8];
      std::snprintf(spelled, sizeof spelled, "\\x%02x", byte);
      out += spelled;
    } else {
      out += c;
    }
  }
  return out;
}

std::string Shorten(std::string_view text, size_t width) {
  // A character has at most four bytes, so this prefix suffices.
  std::string line = OneLine(text.substr(0, 4 * width + 4));
  const bool cut_already = text.size() > 4 * width + 4;
  if (!cut_already && Width(line) <= width) return line;
  size_t end = 0;
  for (size_t shown = 0; end < line.size(); ++end) {
    const bool starts = (static_cast<unsigned char>(line[end]) & 0xC0) != 0x80;
    if (starts && ++shown == width) break;
  }
  return line.substr(0, end) + "…";
}

std::string FormatTable(const Table& table) {
  const size_t columns = table.columns.size();
  std::vector<std::vector<std::string>> lines{table.columns};
  for (const auto& row : table.rows) {
    RETORT_DCHECK(row.size() == columns);
    auto& line = lines.emplace_back();
    for (const std::string& cell : row) line.push_back(OneLine(cell));
  }
  std::vector<size_t> widths(columns, 0);
  std::vector<bool> right(columns, lines.size() > 1);
  for (size_t i = 0; i < lines.size(); ++i) {
    for (size_t c = 0; c < columns; ++c) {
      widths[c] = std::max(widths[c], Width(lines[i][c]));
      if (i > 0 && !LooksNumeric(lines[i][c])) right[c] = false;
    }
  }
  std::string out;
  for (size_t i = 0; i < lines.size(); ++i) {
    std::string line;
    for (size_t c = 0; c < columns; ++c) {
      const std::string padding(widths[c] - Width(lines[i][c]), ' ');
      if (c > 0) line += "  ";
      line += right[c] ? padding + lines[i][c] : lines[i][c] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
    if (i == 0) {
      for (size_t c = 0; c < columns; ++c) {
        out += (c > 0 ? "  " : "") + std::string(widths[c], '-');
      }
      out += "\n";
    }
  }
  return out;
}

std::string Fixed(double value, int digits) {
  if (std::isnan(value)) return "-";
  char buffer[400];
  std::snprintf(buffer, sizeof buffer, "%.*f", digits, value);
  return buffer;
}

std::string Percent(double share) { return std::isnan(share) ? "-" : Fixed(100 * share, 1) + " %"; }

std::string Bytes(double bytes) {
  const char* const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  while (bytes >= 1024 && unit < 4) bytes /= 1024, ++unit;
  return Fixed(bytes, unit == 0 ? 0 : 1) + " " + units[unit];
}

std::string Thousands(long long value) {
  std::string digits = std::to_string(value);
  const int64_t first = value < 0 ? 1 : 0;
  for (int64_t i = static_cast<int64_t>(digits.size()) - 3; i > first; i -= 3) {
    digits.insert(static_cast<size_t>(i), ",");
  }
  return digits;
}

std::string Duration(double seconds) {
  if (seconds < 60) return Printf("%.1f s", seconds);
  const int64_t whole = std::llround(seconds);
  char buffer[48];
  if (whole < 3600) {
    std::snprintf(buffer, sizeof buffer, "%d:%02d", static_cast<int>(whole / 60),
                  static_cast<int>(whole % 60));
  } else {
    std::snprintf(buffer, sizeof buffer, "%lld:%02d:%02d", static_cast<long long>(whole / 3600),
                  static_cast<int>(whole / 60 % 60), static_cast<int>(whole % 60));
  }
  return buffer;
}

}  // namespace retort::cli
