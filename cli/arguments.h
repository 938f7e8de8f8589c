#pragma once
// The words of a command line, made regular before they are parsed.

#include <string>
#include <vector>

#include "cli/command_info.h"

namespace retort::cli {

/// - "help traces list" becomes "traces list --help";
/// - flags are spelled with '-': "--max_length=5" becomes "--max-length=5";
/// - one '-' is enough for a long flag: "-sys TEXT" becomes "--sys TEXT";
/// - a switch may be negated: "--no-json" becomes "--json=false";
/// - a flag that may be repeated takes several values: "--set a=1 b=2 RECIPE" becomes "--set a=1
///   --set b=2 RECIPE". Words that the command's arguments need are left to them, from the end.
/// Values, and all that follows "--", are left alone.
std::vector<std::string> RegularArguments(std::vector<std::string> words,
                                          const CommandInfo& program);

}  // namespace retort::cli
