// What stands behind a number and is no factor: units, "million", the base.

#include <array>

#include "verifiers/math/internal/parser-inl.h"
#include "verifiers/math/internal/quantity.h"
#include "verifiers/math/internal/units.h"
#include "verifiers/math/internal/words.h"
#include "verifiers/text/ascii.h"

namespace retort::verifiers {

namespace {

struct Scale {
  std::string_view word;
  size_t zeros;
};
constexpr std::array kScales{
    Scale{"hundred", 2},   Scale{"thousand", 3}, Scale{"million", 6},  Scale{"billion", 9},
    Scale{"trillion", 12}, Scale{"lakh", 5},     Scale{"十", 1},       Scale{"億", 8},
    Scale{"萬", 4},        Scale{"миллион", 6},  Scale{"миллиард", 9}, Scale{"crore", 7},
    Scale{"百", 2},        Scale{"千", 3},       Scale{"万", 4},       Scale{"亿", 8},
    Scale{"тыс", 3},       Scale{"тысяч", 3},    Scale{"млн", 6},      Scale{"млрд", 9}};

// The number of zeros of "million", 0 for other words.
size_t Zeros(std::string_view text) {
  std::string word = Lowered(text);
  if (word.size() > 6 && word.ends_with('s')) word.pop_back();  // millions
  for (const Scale& scale : kScales) {
    if (word == scale.word) return scale.zeros;
  }
  return 0;
}

}  // namespace

// What may follow an item of a list, or a side of a relation.
bool Parser::EndsItem(const Token& token) const {
  switch (token.lexeme) {
    case Lexeme::kEnd:
    case Lexeme::kComma:
    case Lexeme::kSemicolon:
    case Lexeme::kConjunction:
    case Lexeme::kRelation:
    case Lexeme::kNewRow:
    case Lexeme::kArrow:
    case Lexeme::kDots:
      return true;
    case Lexeme::kClose:
      return open_ > 0 && in_items_;
    default:
      return StartsCondition(token);
  }
}

// The unit that begins here, as it is written, and the token behind it.
std::optional<Parser::UnitHere> Parser::UnitAt(bool constant) {
  if (!in_items_ || bars_ > 0 || calls_ > 0) return std::nullopt;
  if (!Is(Lexeme::kWord) && !Is(Lexeme::kText) && !Is(Lexeme::kSymbol) && !Is(Lexeme::kFraction) &&
      !Is(Lexeme::kDegree) && !Is(Lexeme::kOpen, Bracket::kGroup)) {
    return std::nullopt;
  }
  // Behind \mathrm there is only its group.
  const size_t begin = Now().begin;
  const std::string_view before = answer_.substr(0, begin);
  const bool group = Is(Lexeme::kOpen, Bracket::kGroup);
  const bool roman = group && (before.ends_with("\\mathrm") || before.ends_with("\\mathsf") ||
                               before.ends_with("\\mathit") || before.ends_with("\\rm"));
  if (group && !roman) return std::nullopt;
  tree_.Spend(2000);
  const auto read = ReadUnit(answer_.substr(begin), roman);
  if (!read || (read->unit.letter && !(after_number_ && constant))) return std::nullopt;
  const size_t end = begin + read->size;
  size_t next = i_;
  while (tokens_[next].lexeme != Lexeme::kEnd && tokens_[next].begin < end) ++next;
  // The rest of its last token would be lost.
  const size_t rest = tokens_[next].lexeme == Lexeme::kEnd ? answer_.size() : tokens_[next].begin;
  constexpr std::string_view kNothing = " ~\t\n{}$.,;:!\\";
  if (rest > end &&
      answer_.substr(end, rest - end).find_first_not_of(kNothing) != std::string_view::npos) {
    return std::nullopt;
  }
  // A lower-case letter may be meant for a number of things; those that may not are few.
  const std::string_view written = answer_.substr(begin, read->size);
  if (read->unit.letter) {
    const bool run = written.size() > 1 && IsLower(written[0]) && IsLower(written[1]);
    const bool capital = IsUpper(written[0]) || written[0] == '\\';
    const bool common = std::string_view("mgshl").find(written[0]) != std::string_view::npos;
    if (!letters_ && !capital) return std::nullopt;
    if (!run && !capital && !common) return std::nullopt;
    if (!Now().space && (run || written.size() == 1)) return std::nullopt;
  }
  return UnitHere{read->unit, roman ? tree_.Keep("\\mathrm" + std::string(written)) : written,
                  next};
}

// The unit of all that stands before it in this item, which ends with it.
bool Parser::Measured(bool constant) {
  const auto unit = UnitAt(constant);
  if (!unit || !EndsItem(tokens_[unit->next])) return false;
  unit_ = unit->text;
  i_ = unit_end_ = unit->next;
  return true;
}

// 2 h 30 min, 3 ft 6 in: a sum in the last of the units.
bool Parser::SeveralUnits(NodeId& value) {
  if (!after_number_ || !tree_[value].constant) return false;
  const size_t back = i_;
  Nodes values{value};
  std::vector<UnitHere> units;
  while (auto unit = UnitAt(true)) {
    units.push_back(*unit);
    if (units.size() > 4 || tokens_[unit->next].lexeme != Lexeme::kNumber) break;
    i_ = unit->next;
    values.push_back(Number());
  }
  const bool sum = units.size() > 1 && units.size() == values.size() &&
                   EndsItem(tokens_[units.back().next]) &&
                   std::ranges::all_of(units, [&](const UnitHere& unit) {
                     return unit.unit.SameKind(units.back().unit) && unit.unit.mantissa > 0;
                   });
  if (!sum) {
    i_ = back;
    return false;
  }
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = Converted(tree_, values[i], units[i].unit, units.back().unit);
  }
  value = tree_.Add(Op::kAdd, {}, values);
  unit_ = units.back().text;
  i_ = unit_end_ = units.back().next;
  return true;
}

// \$, €, USD and the like before a number.
void Parser::TakeMoney() {
  while (Is(Lexeme::kWord) || Is(Lexeme::kText)) {
    const Token& next = Next();
    const bool before = next.lexeme == Lexeme::kNumber || next.lexeme == Lexeme::kWord ||
                        next.lexeme == Lexeme::kText;
    if (!before || Now().text.size() > 4) return;
    const auto read = ReadUnit(Now().text, true);
    if (!read || read->size != Now().text.size() || read->unit.currency.empty()) return;
    money_ = Now().text;
    ++i_;
  }
}

// All that follows is a unit.
bool Parser::OnlyUnits(bool spaced) const {
  size_t looked_at = 0;
  const bool unit = IsUnit(answer_.substr(Now().begin), spaced, looked_at);
  tree_.Spend(50 * static_cast<int64_t>(looked_at));
  return unit;
}

// Words behind a value: a unit is left out, "million" multiplies. False when it is neither.
bool Parser::Unit(NodeId& value) {
  const bool named = Is(Lexeme::kWord) && std::ranges::all_of(Now().text, IsUpper);
  if (named && tree_[value].op == Op::kSymbol) return false;  // \triangle ABC
  if (tree_[value].op == Op::kNumber && StatesBase(value)) return true;
  if (Is(Lexeme::kFraction) && after_number_ && UnitFraction()) return true;
  if (after_number_ && Is(Lexeme::kOpen, Bracket::kRound)) {  // 5 (five), 72 (pieces of track)
    size_t end = i_ + 1;
    bool long_word = false;
    bool plain = true;
    for (; tokens_[end].lexeme == Lexeme::kWord || tokens_[end].lexeme == Lexeme::kText; ++end) {
      long_word = long_word || tokens_[end].text.size() > 2;
      const auto number = NumberInWords(tokens_[end].text);
      const bool same = number && tree_[value].text == std::to_string(*number);
      plain = plain && (same || (!number && IsUnit(tokens_[end].text, true)));
    }
    long_word = long_word && plain;
    if (long_word && Closes(tokens_[end], Bracket::kRound)) {
      i_ = end + 1;
      return true;
    }
  }
  if (!Is(Lexeme::kWord) && !Is(Lexeme::kText)) return false;
  // All that follows only says what is counted: "18 dollars every day".
  if (!tree_[value].constant) return false;
  if (const auto unit = UnitAt(true)) {  // 2 m + 3 cm: no unit of the whole
    const Lexeme next = tokens_[unit->next].lexeme;
    if (next == Lexeme::kSign || next == Lexeme::kTimes || next == Lexeme::kOver) {
      Fail();
      return true;
    }
  }
  if (open_ == 0 && OnlyUnits(Now().space)) {
    i_ = tokens_.size() - 1;
    return true;
  }
  if (const size_t zeros = Zeros(Now().text); zeros > 0) {
    ++i_;
    Multiply(value, tree_.Add(Op::kNumber, "1" + std::string(zeros, '0')));
    return true;
  }
  const bool foreign =
      Is(Lexeme::kText) && !Now().text.empty() && static_cast<signed char>(Now().text[0]) < 0;
  if (foreign && tree_[value].constant) {  // 3万元, 5百万, 5 миллионов
    std::string_view rest = Now().text;
    size_t zeros = 0;
    for (bool found = true; found && !rest.empty();) {
      found = false;
      for (const Scale& scale : kScales) {
        if (static_cast<signed char>(scale.word[0]) >= 0 || !rest.starts_with(scale.word)) continue;
        zeros += scale.zeros;
        rest.remove_prefix(scale.word.size());
        // Russian goes on with an ending.
        if (scale.word.size() > 4 && scale.word[0] == '\xD0') rest = {};
        if (scale.word.size() > 4 && scale.word[0] == '\xD1') rest = {};
        found = true;
        break;
      }
    }
    if (zeros > 0) {
      Multiply(value, tree_.Add(Op::kNumber, "1" + std::string(zeros, '0')));
      ++i_;
      if (!rest.empty() && open_ == 0 && EndsItem(Now())) {
        unit_ = rest;
        unit_end_ = i_;
      }
      return true;
    }
  }
  if (foreign && tree_[value].constant && open_ == 0 && EndsItem(Next())) {  // 5 метров, 5个
    unit_ = Now().text;
    unit_end_ = ++i_;
    return true;
  }
  if (FirstWord(Now().text) == "dozen") {
    ++i_;
    Multiply(value, tree_.Number(12));
    return true;
  }
  return SkipUnit();
}

// \frac{\text{km}}{\text{h}}, \frac{m}{s^2}
bool Parser::UnitFraction() {
  size_t end = i_ + 1;
  int depth = 0, groups = 0;
  while (groups < 2 && tokens_[end].lexeme != Lexeme::kEnd) {
    if (tokens_[end].lexeme == Lexeme::kOpen) ++depth;
    if (tokens_[end].lexeme == Lexeme::kClose && --depth == 0) ++groups;
    if (depth == 0 && groups == 0) return false;
    ++end;
  }
  tree_.Spend(5 * static_cast<int64_t>(end - i_));
  if (groups < 2) return false;
  const bool upright = Next(2).lexeme == Lexeme::kText;
  const bool metres = Next(2).lexeme == Lexeme::kSymbol && Next(2).text == "m" &&
                      Next(5).lexeme == Lexeme::kSymbol &&
                      (Next(5).text == "s" || Next(5).text == "h");
  const size_t begin = Now().begin;
  if (!(upright || metres) || !IsUnitFormula(answer_.substr(begin, tokens_[end].begin - begin))) {
    return false;
  }
  i_ = end;
  return true;
}

// "204 base 5", 204 \text{ (base 5)}: the number gets its base.
bool Parser::StatesBase(NodeId& value) {
  std::string words;
  size_t end = i_;
  const bool bracket = Is(Lexeme::kOpen, Bracket::kRound);
  for (; end < tokens_.size() && end < i_ + 5; ++end) {
    const Token& token = tokens_[end];
    const bool part = token.lexeme == Lexeme::kWord || token.lexeme == Lexeme::kText ||
                      token.lexeme == Lexeme::kNumber || (bracket && end == i_) ||
                      (bracket && token.lexeme == Lexeme::kClose);
    if (!part) break;
    words += std::string(token.text) + " ";
    if (token.lexeme == Lexeme::kClose) {
      ++end;
      break;
    }
  }
  const auto base = BaseNamed(words);
  if (!base || words.find("base") == std::string::npos) return false;
  value = InBase(value, *base);
  if (value == kNoNode) return true;
  i_ = end;
  return true;
}

bool Parser::SkipUnit() {
  const Token& token = Now();
  if (token.lexeme == Lexeme::kWord && !token.space && !IsUnit(token.text, false)) return false;
  if (!IsUnit(token.text, true) && !IsUnitFormula(token.text)) return false;
  // A word of three letters or less may be a product of variables unless it is a known unit.
  if (token.lexeme == Lexeme::kWord && token.text.size() <= 3 && !IsUnit(token.text, false)) {
    return false;
  }
  ++i_;
  while (true) {
    const bool times = Is(Lexeme::kTimes) && Next().lexeme == Lexeme::kText;
    const bool over =
        Is(Lexeme::kOver) && (Next().lexeme == Lexeme::kWord || Next().lexeme == Lexeme::kText ||
                              (Next().lexeme == Lexeme::kSymbol && ReadUnit(Next().text, true)));
    if (Is(Lexeme::kCaret)) {
      ++i_;
      Argument();
    } else if (times || over) {
      i_ += 2;
    } else if ((Is(Lexeme::kWord) || Is(Lexeme::kText)) &&
               (IsUnit(Now().text, true) || IsUnitFormula(Now().text))) {
      ++i_;
    } else {
      return true;
    }
  }
}

}  // namespace retort::verifiers
