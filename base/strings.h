#pragma once
// Small text helpers that several rooms need.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace retort {

std::vector<std::string> Split(std::string_view text, char separator);
std::string Join(const std::vector<std::string>& parts, std::string_view separator);
std::string_view Trim(std::string_view text);
/// Replaces every non-overlapping `from` (not empty) by `to`, left to right. Linear.
std::string ReplaceAll(std::string text, std::string_view from, std::string_view to);
/// `" Did you mean 'x'?"` for the candidate with the smallest edit distance, or "" when none is
/// near.
std::string DidYouMean(std::string_view name, const std::vector<std::string>& candidates);
/// Shortest decimal text that reads back to the same double ("0.1", "3", "nan").
std::string FormatNumber(double value);
/// True when `text` is well-formed UTF-8.
bool IsUtf8(std::string_view text);
/// Replaces each malformed byte by U+FFFD, so that the result is well-formed UTF-8.
std::string ToValidUtf8(std::string_view text);
/// Bytes at the end that begin a character whose rest may still come; 0 to 3.
size_t UnfinishedUtf8(std::string_view text);

}  // namespace retort
