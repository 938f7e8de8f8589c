#pragma once
// Tables for people: columns padded to their widest cell, numbers to the right.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/parts/terminal.h"

namespace retort::cli {

struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;  ///< as many cells as columns
};

/// The table with a rule under its head, every line ended. A column whose cells all look like
/// numbers is aligned to the right. Cells are passed through OneLine. Where it would be wider than
/// `width` (0: any), heads break at spaces and the widest texts are shortened; numbers never are:
/// where they alone are too wide, every row becomes a list of "column  cell".
std::string FormatTable(const Table& table, size_t width = TableWidth());

/// Text from outside, fit for one line: Spelled, with newline and tab as \n and \t.
std::string OneLine(std::string_view text);

/// At most `width` characters of OneLine(text); what was cut off ends in "…".
std::string Shorten(std::string_view text, size_t width);

/// A number for people: at most `digits` after the point, "-" for NaN.
std::string Fixed(double value, int digits);

/// "93.1 %".
std::string Percent(double share);

/// "1.5 GiB".
std::string Bytes(double bytes);

/// "1,234,567".
std::string Thousands(long long value);

/// "1:02:03", "2:03", "4.5 s".
std::string Duration(double seconds);

/// "50 tokens in 2 s, 25 a second".
std::string TokenSpeed(int64_t tokens, double seconds);

}  // namespace retort::cli
