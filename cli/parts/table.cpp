#include "cli/parts/table.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>

#include "base/error.h"
#include "base/plural.h"
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

struct Column {
  size_t width = 0;
  size_t cells = 0;  // width of the widest cell, the head apart
  bool right = false;
};

struct Layout {
  std::vector<Column> columns;
  size_t gap = 2;  // between columns

  size_t Total() const {
    size_t total = columns.empty() ? 0 : gap * (columns.size() - 1);
    for (const Column& column : columns) total += column.width;
    return total;
  }
};

// Makes the widest columns narrower until the table fits; false when it had to. A column of numbers
// keeps the width of its numbers.
bool Fit(Layout& layout, const std::vector<std::string>& heads, size_t width) {
  if (width == 0 || layout.Total() <= width) return true;
  for (size_t c = 0; c < heads.size(); ++c) {  // heads break at spaces first
    size_t word = 0;
    for (const std::string& part : Split(heads[c], ' ')) word = std::max(word, Width(part));
    layout.columns[c].width = std::max(layout.columns[c].cells, word);
  }
  for (const size_t narrowest_text : {8, 4}) {
    while (layout.Total() > width) {
      Column* widest = nullptr;
      for (Column& column : layout.columns) {
        const size_t least = column.right ? std::max<size_t>(column.cells, 3) : narrowest_text;
        if (column.width > least && (!widest || column.width > widest->width)) widest = &column;
      }
      if (!widest) break;  // nothing but numbers to take from
      --widest->width;
    }
  }
  if (layout.Total() > width) layout.gap = 1;
  return false;
}

// The head in lines of at most `width`, words unbroken where they fit.
std::vector<std::string> BreakHead(const std::string& head, size_t width) {
  std::vector<std::string> lines;
  for (const std::string& word : Split(head, ' ')) {
    if (!lines.empty() && Width(lines.back()) + 1 + Width(word) <= width) {
      lines.back() += " " + word;
    } else {
      lines.push_back(Shorten(word, width));
    }
  }
  return lines;
}

std::string FormatLine(const Layout& layout, const std::vector<std::string>& cells) {
  std::string line;
  for (size_t c = 0; c < cells.size(); ++c) {
    const Column& column = layout.columns[c];
    const std::string cell = Shorten(cells[c], column.width);
    const std::string padding(column.width - Width(cell), ' ');
    if (c > 0) line += std::string(layout.gap, ' ');
    line += column.right ? padding + cell : cell + padding;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

// A line per cell, an empty line between rows.
std::string FormatRecords(const std::vector<std::string>& heads,
                          const std::vector<std::vector<std::string>>& rows, size_t width) {
  size_t head_width = 0;
  for (const std::string& head : heads) head_width = std::max(head_width, Width(head));
  const size_t room = std::max(width, head_width + 10) - head_width - 2;
  std::string out;
  for (const auto& row : rows) {
    if (!out.empty()) out += "\n";
    for (size_t c = 0; c < row.size(); ++c) {
      out += heads[c] + std::string(head_width - Width(heads[c]) + 2, ' ');
      out += (LooksNumeric(row[c]) ? row[c] : Shorten(row[c], room)) + "\n";
    }
  }
  return out;
}

std::string Printf(const char* format, double value) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, format, value);
  return buffer;
}

}  // namespace

std::string OneLine(std::string_view text) {
  return ReplaceAll(ReplaceAll(Spelled(text), "\n", "\\n"), "\t", "\\t");
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

std::string FormatTable(const Table& table, size_t width) {
  const size_t columns = table.columns.size();
  std::vector<std::vector<std::string>> lines;
  for (const auto& row : table.rows) {
    RETORT_DCHECK(row.size() == columns);
    auto& line = lines.emplace_back();
    for (const std::string& cell : row) line.push_back(OneLine(cell));
  }
  Layout layout;
  for (size_t c = 0; c < columns; ++c) {
    Column& column = layout.columns.emplace_back();
    column.right = !lines.empty();
    for (const auto& line : lines) {
      column.cells = std::max(column.cells, Width(line[c]));
      column.right = column.right && LooksNumeric(line[c]);
    }
    column.width = std::max(column.cells, Width(OneLine(table.columns[c])));
  }
  std::vector<std::vector<std::string>> heads;  // per column, its lines
  const bool fits = Fit(layout, table.columns, width);
  if (width > 0 && layout.Total() > width && !lines.empty()) {
    return FormatRecords(table.columns, lines, width);
  }
  size_t head_lines = 1;
  for (size_t c = 0; c < columns; ++c) {
    const std::string head = OneLine(table.columns[c]);
    heads.push_back(fits ? std::vector{head} : BreakHead(head, layout.columns[c].width));
    head_lines = std::max(head_lines, heads.back().size());
  }
  std::string out;
  for (size_t i = 0; i < head_lines; ++i) {
    std::vector<std::string> line;
    for (const auto& head : heads) {  // short heads stand at the bottom
      const size_t blank = head_lines - head.size();
      line.push_back(i < blank ? "" : head[i - blank]);
    }
    out += FormatLine(layout, line);
  }
  for (size_t c = 0; c < columns; ++c) {
    out += std::string(c > 0 ? layout.gap : 0, ' ') + std::string(layout.columns[c].width, '-');
  }
  out += "\n";
  for (const auto& line : lines) out += FormatLine(layout, line);
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

std::string TokenSpeed(int64_t tokens, double seconds) {
  const double speed = static_cast<double>(tokens) / std::max(seconds, 1e-9);
  return StrCat(Thousands(tokens), " ", Plural(tokens, "token"), " in ", Duration(seconds), ", ",
                Fixed(speed, 1), " a second");
}

}  // namespace retort::cli
