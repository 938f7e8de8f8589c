#pragma once
// GPT-2's byte alphabet: every byte as one printable character, so that vocabularies fit in JSON.
// Printable Latin-1 bytes stand for themselves; the other 68, in increasing order, for U+0100 on
// (space is U+0120, newline U+010A).

#include <string>
#include <string_view>

namespace retort::model {

/// Each byte as its character, in UTF-8.
std::string BytesToAlphabet(std::string_view bytes);

/// The inverse. A text with a character outside the alphabet (an added token listed in a
/// vocabulary) is returned as it is.
std::string AlphabetToBytes(std::string_view text);

}  // namespace retort::model
