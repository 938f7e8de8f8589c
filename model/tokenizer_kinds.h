#pragma once
// The shapes of published tokenizers, to train vocabularies for.

#include <string>
#include <string_view>
#include <vector>

#include "model/tokenizer.h"

namespace retort::model {

/// gpt2, llama3, qwen2 and deepseek are byte-level and differ in where they cut a text; llama2 has
/// characters, and bytes in place of those it does not know; retort cuts as qwen2 does (digits one
/// by one) and has the added tokens of Retort's recipes.
std::vector<std::string> TokenizerKinds();

/// Its stages, flags, added and named tokens, with a vocabulary of nothing but these tokens. Throws
/// Error naming the kinds on another name.
Tokenizer TokenizerOfKind(std::string_view name);

}  // namespace retort::model
