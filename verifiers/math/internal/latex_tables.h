#pragma once
// What the lexer knows by heart: commands of LaTeX, words of plain text, characters beyond ASCII.

#include <string>
#include <string_view>

#include "verifiers/math/internal/lexer.h"

namespace retort::verifiers {

/// The token that a name stands for.
struct Command {
  std::string_view name;
  Lexeme lexeme;  ///< kEnd: no token at all
  Meaning meaning = {};
  std::string_view text = {};
};

/// A command by its name without the backslash ("frac"); null for those that are symbols.
const Command* FindCommand(std::string_view name);
/// A word that means something in a formula ("sqrt", "or"), in lower case; null for others.
const Command* FindWord(std::string_view word);

/// `answer` with everything beyond ASCII in LaTeX; what is unknown becomes a space.
std::string ToLatex(std::string_view answer);

}  // namespace retort::verifiers
