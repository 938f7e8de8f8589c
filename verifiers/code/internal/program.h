#pragma once
// Which part of a response is the program.
//
// After the think block: what <answer>…</answer> holds, else the whole text; in it, the last fenced
// block in the task's language that defines the entry point, else the last in that language, else
// the last without a mark; without a fence, all of it. A fence that is never closed ends with the
// text.
//
// Where the prompt is code that ends inside the function to be written, a program that defines that
// function itself gets what the prompt has in front of it (imports, helpers); any other is taken
// for the function's body and appended to the prompt.
//
// A response that equals the row's column `program` is the program as it stands.

#include <optional>
#include <string>
#include <string_view>

#include "verifiers/code/internal/task.h"

namespace retort::verifiers {

struct ExtractedProgram {
  Language language = Language::kPython;
  std::string source;
  std::string
      taken;  ///< "program", "fence", "answer-tag" or "text"; "/body" or "/function" after it
};

/// Nothing when the response holds no program. Linear in the size of the response.
std::optional<ExtractedProgram> ExtractProgram(std::string_view response, const CodeTask& task,
                                               const Json& columns);

/// A function of C++ at the outermost level of a text: "auto f(int x)\n    -> int", without
/// comments.
struct CppFunction {
  std::string head;             ///< up to its brace or semicolon
  size_t begin = 0, end = 0;    ///< in the text; the semicolon of a declaration is within
  bool is_declaration = false;  ///< it ends with a semicolon
};
std::optional<CppFunction> FindCppFunction(std::string_view text, std::string_view name);

/// Where a line of `source` defines `name` at its outermost level: the start of that line,
/// in C++ of the function's head.
std::optional<size_t> DefinitionOf(std::string_view source, const std::string& name,
                                   Language language);

}  // namespace retort::verifiers
