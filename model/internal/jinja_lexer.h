#pragma once
// A template's source as tokens, white space already controlled: `-` and `+` at the tags,
// trim_blocks and lstrip_blocks.

#include <string>
#include <string_view>
#include <vector>

#include "model/internal/jinja_value.h"

namespace retort::model::jinja {

struct Token {
  enum Kind {
    kData,      ///< text between tags
    kPrint,     ///< {{
    kPrintEnd,  ///< }}
    kBlock,     ///< {%
    kBlockEnd,  ///< %}
    kName,
    kConstant,  ///< a string or number
    kOperator,
    kEnd
  };
  Kind kind;
  int line;
  std::string text;  ///< data, name or operator
  Value value = {};  ///< of a constant
};

/// Throws Error "WHERE: line N: …".
std::vector<Token> Lex(std::string_view source, const std::string& where);

}  // namespace retort::model::jinja
