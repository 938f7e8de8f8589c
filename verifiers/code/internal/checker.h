#pragma once
// Problems with many right outputs: a program of the data set tells which are.
//
// It runs in the sandbox with three files as its arguments, and as it is published it is either
//
//   Python   `input expected output`; prints its verdict last: a number, of which 1 or more is
//   right
//            and less is wrong, or true, yes, ok, accepted and their opposites (open-r1/codeforces,
//            "generated_checker")
//   C++      `input output expected`; ends with exit code 0 for right, 1, 2, 4, 7 or 8 for wrong
//            (testlib's order and codes; testlib.h itself where it is installed)

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "exec/sandbox.h"
#include "verifiers/code/internal/run.h"

namespace retort::verifiers {

/// Runs a checker on what a program printed for a test.
using RunChecker = std::function<exec::RunResult(const StdioTest& test, std::string_view output)>;

/// It reads all of what the program wrote, and is no part of its time.
exec::Limits CheckerLimits(const exec::Limits& program);
/// By its source.
Language LanguageOfChecker(std::string_view source);

/// What the run of a checker says; nothing when it failed or said nothing that is known.
std::optional<bool> CheckerVerdict(const exec::RunResult& result, Language language);

/// A checker that does not find the expected output of a test right has no say in it: "bad-tests".
/// One that fails on what a program printed only, finds it wrong.
OutputJudge JudgeByChecker(Language language, RunChecker run);

}  // namespace retort::verifiers
