#include "verifiers/text/extract.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/strings.h"
#include "verifiers/text/ascii.h"
#include "verifiers/text/boxes.h"
#include "verifiers/text/internal/letters.h"
#include "verifiers/text/internal/passages.h"

namespace retort::verifiers {

namespace {

using Found = std::optional<ExtractedAnswer>;

constexpr size_t kNone = std::string_view::npos;

Found Answer(std::string_view text, ExtractionRule rule) {
  text = Trim(text);
  if (text.empty()) return std::nullopt;
  return ExtractedAnswer{std::string(text), rule};
}

Found Answer(Passage&& passage, ExtractionRule rule) {
  return ExtractedAnswer{std::move(passage.text), rule, passage.joined, passage.percent};
}

}  // namespace

// --- what is searched ---

std::string_view AfterThinking(std::string_view text) {
  constexpr std::string_view kOpen = "<think>", kClose = "</think>";
  size_t begin = 0;
  bool open = false;
  for (size_t at = text.find('<'); at != kNone; at = text.find('<', at + 1)) {
    if (text.substr(at).starts_with(kOpen)) open = true;
    if (text.substr(at).starts_with(kClose)) open = false, begin = at + kClose.size();
  }
  return open ? std::string_view() : text.substr(begin);
}

namespace {

// The size of a chat template's mark ("<|im_end|>", "</s>") at the start of `text`, else 0.
size_t TemplateMark(std::string_view text) {
  if (text.starts_with("</s>")) return 4;
  for (const auto& [open, close] : {std::pair<std::string_view, std::string_view>{"<|", "|>"},
                                    {"<\xEF\xBD\x9C", "\xEF\xBD\x9C>"}}) {
    if (!text.starts_with(open)) continue;
    size_t end = open.size();
    const auto is_name = [](char c) {
      return IsWordCharacter(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80;
    };
    while (end < text.size() && end < 40 && is_name(text[end]) &&
           !text.substr(end).starts_with(close)) {
      ++end;
    }
    if (end > open.size() + 1 && text.substr(end).starts_with(close)) return end + close.size();
  }
  return 0;
}

}  // namespace

// One that has something in front of it.
std::string_view WithinTurn(std::string_view text) {
  for (size_t at = text.find('<'); at != kNone; at = text.find('<', at)) {
    const size_t mark = TemplateMark(text.substr(at));
    if (mark == 0) {
      ++at;
    } else if (!Trim(text.substr(0, at)).empty()) {
      return text.substr(0, at);
    } else {
      text.remove_prefix(at + mark);
      if (text.starts_with("assistant")) text.remove_prefix(9);
      at = 0;
    }
  }
  return text;
}

namespace {

// The last kSearchedBytes of a longer text, from a whole character on.
std::string_view LastPart(std::string_view text) {
  if (text.size() <= kSearchedBytes) return text;
  text.remove_prefix(text.size() - kSearchedBytes);
  while (!text.empty() && (static_cast<unsigned char>(text[0]) & 0xC0) == 0x80) {
    text.remove_prefix(1);
  }
  return text;
}

// Where "\n" in two characters, left by bad escaping, stands at or after `at`; \nu and \\n are
// mathematics.
size_t EscapedNewline(std::string_view text, size_t at) {
  for (at = text.find("\\n", at); at != kNone; at = text.find("\\n", at + 2)) {
    const bool command = at + 2 < text.size() && IsLower(text[at + 2]);
    const bool doubled = at > 0 && text[at - 1] == '\\';
    if (!command && !doubled) return at;
  }
  return kNone;
}

// Without the calculator's marks of GSM8K: "5*2 = <<5*2=10>>10".
std::string WithoutCalculations(std::string_view text) {
  constexpr size_t kLongest = 200;
  std::string kept;
  size_t from = 0;
  for (size_t at = text.find("<<"); at != kNone; at = text.find("<<", at + 2)) {
    const size_t end = text.substr(at, kLongest).find(">>");
    if (end == kNone || text.substr(at, end).find_first_of("\n<$\\", 2) != kNone) continue;
    kept += text.substr(from, at - from);
    from = at + end + 2;
  }
  kept += text.substr(from);
  return kept;
}

// --- what announces an answer ---

}  // namespace

std::optional<std::string_view> LastAnswerTag(std::string_view text) {
  constexpr std::string_view kOpen = "<answer>", kClose = "</answer>";
  size_t open = kNone;
  std::optional<std::string_view> tag;
  for (size_t at = text.find('<'); at != kNone; at = text.find('<', at + 1)) {
    const std::string_view rest = text.substr(at);
    if (rest.starts_with(kOpen)) open = at + kOpen.size();
    if (rest.starts_with(kClose) && open != kNone) tag = text.substr(open, at - open);
  }
  return tag;
}

namespace {

bool IsLineStart(std::string_view text, size_t at) {
  while (at > 0 && (text[at - 1] == ' ' || text[at - 1] == '*' || text[at - 1] == '#')) --at;
  return at == 0 || text[at - 1] == '\n';
}

bool FollowsFinal(std::string_view text, size_t at) {
  while (at > 0 && (IsBlank(text[at - 1]) || text[at - 1] == '*')) --at;
  return at >= 5 && StartsWithIgnoringCase(text.substr(at - 5), "final");
}

// Where the answer begins when "answer" stands at `at` and announces one, else kNone: "answer is",
// "answer:", "**Answer** :"; lenient also "Answer $9$" and a heading "Final answer".
struct Start {
  size_t begin = kNone;
  bool is = false;  // "… is"
};
Start AfterAnswerWord(std::string_view text, size_t at, bool lenient) {
  if (at > 0 && IsWordCharacter(text[at - 1])) return {};
  const size_t end = at + 6;
  const size_t verb = SkipAny(text, end, " *_");
  if (verb < text.size() && (text[verb] == ':' || text[verb] == '=')) return {verb + 1};
  const bool is = verb > end && StartsWithIgnoringCase(text.substr(verb), "is") &&
                  (verb + 2 == text.size() || !IsWordCharacter(text[verb + 2]));
  if (is) return {verb + 2, true};
  for (const std::string_view denial : {"isn't ", "is not ", "cannot be ", "can't be "}) {
    if (lenient && verb > end && StartsWithIgnoringCase(text.substr(verb), denial)) return {verb};
  }
  if (!lenient || verb >= text.size()) return {};
  const std::string_view rest = text.substr(verb);
  const bool formula = rest[0] == '$' || rest.starts_with("\\(") || rest.starts_with("\\[");
  if (formula && verb > end && IsLineStart(text, at)) return {verb};
  if (rest[0] == '\n' && FollowsFinal(text, at)) return {verb};
  return {};
}

// How what is announced is taken.
enum class Reading {
  kStrict,   // all of it is the answer
  kLenient,  // it is read into; so are boxes that are not closed
};

struct Announcements {
  size_t phrase = kNone;        // where the answer after the last phrase begins
  size_t final_answer = kNone;  // and after the last "final answer is"
};

Announcements FindAnnouncements(std::string_view text, Reading reading) {
  Announcements last;
  size_t phrase_at = 0;
  for (const char rare : {'w', 'W'}) {  // of the letters of "answer" the one that is rare
    for (size_t w = text.find(rare); w != kNone; w = text.find(rare, w + 1)) {
      if (w < 3 || !StartsWithIgnoringCase(text.substr(w - 3), "answer")) continue;
      const Start start = AfterAnswerWord(text, w - 3, reading == Reading::kLenient);
      if (start.begin == kNone) continue;
      if (last.phrase == kNone || w > phrase_at) last.phrase = start.begin, phrase_at = w;
      if (start.is && FollowsFinal(text, w - 3) &&
          (last.final_answer == kNone || start.begin > last.final_answer)) {
        last.final_answer = start.begin;
      }
    }
  }
  // "The correct option is (A)."
  constexpr size_t kTail = 1000;
  const size_t tail = text.size() - std::min(text.size(), kTail);
  for (const std::string_view option : {"option is ", "choice is "}) {
    for (size_t at = text.find(option, tail); at != kNone; at = text.find(option, at + 1)) {
      if (last.phrase != kNone && at < phrase_at) continue;
      last.phrase = at + option.size();
      phrase_at = at;
    }
  }
  for (const std::string_view chinese : {"答案是", "答案为", "答案：", "答案:", "故选"}) {
    size_t at = kNone;  // the last one
    for (size_t next = text.find(chinese); next != kNone; next = text.find(chinese, next + 1)) {
      at = next;
    }
    if (at == kNone || (last.phrase != kNone && at < phrase_at)) continue;
    last.phrase = at + chinese.size();
    phrase_at = at;
  }
  for (size_t at = text.find("A:"); at != kNone; at = text.find("A:", at + 2)) {
    if (at > 0 && text[at - 1] != '\n') continue;
    if (last.phrase == kNone || at > phrase_at) last.phrase = at + 2, phrase_at = at;
  }
  return last;
}

std::string_view AfterMarks(std::string_view text, size_t begin) {
  return text.substr(SkipAny(text, begin, " \t\r\n:=*_"));
}

// The rest of the sentence that begins with an announced answer.
std::string_view Announced(std::string_view text, size_t begin) {
  text = Trim(FirstSentence(AfterMarks(text, begin)));
  while (!text.empty() && text.back() == '*') text = Trim(text.substr(0, text.size() - 1));
  return text;
}

// --- the answer within what is announced, or in the whole text ---

// "not 5", "at least 5": no answer of 5, whatever the rules make of it.
bool IsDenial(std::string_view text) {
  text = Trim(text);
  if (StartsWithIgnoringCase(text, "never ")) return true;
  const bool word = text.size() > 5 && IsLetter(text[4]) && IsLetter(text[5]);  // "not enough"
  if (text.size() > 4 && StartsWithIgnoringCase(text, "not ") && !word) return true;
  for (const std::string_view denial : {"isn't ", "is not ", "cannot be ", "can't be "}) {
    if (StartsWithIgnoringCase(text, denial)) return true;
  }
  constexpr std::array<std::string_view, 10> kBounds{
      "at least ",     "at most ",      "less than ",    "more than ", "fewer than ",
      "no less than ", "no more than ", "greater than ", "neither ",   "anything but "};
  return std::ranges::any_of(
      kBounds, [&](std::string_view bound) { return StartsWithIgnoringCase(text, bound); });
}

// "Yes, because …": the word that answers, with its comma or period behind it.
std::string_view YesOrNo(std::string_view text) {
  for (const std::string_view word : {"yes", "no"}) {
    if (!StartsWithIgnoringCase(text, word) || text.size() <= word.size()) continue;
    if (text[word.size()] == ',' || text[word.size()] == ';') return text.substr(0, word.size());
  }
  return {};
}

// "I do not know", "cannot be determined" near the end: what is mentioned there is no answer.
bool GivesUp(std::string_view text) {
  constexpr size_t kTail = 400;
  const std::string tail = Lowered(text.substr(text.size() - std::min(text.size(), kTail)));
  constexpr std::array<std::string_view, 12> kPhrases{
      "not know",         "n't know",     "cannot solve", "can't solve",     "cannot be determined",
      "cannot determine", "no idea",      "give up",      "unable to solve", "unable to determine",
      "i refuse",         "not sure what"};
  return std::ranges::any_of(
      kPhrases, [&](std::string_view phrase) { return tail.find(phrase) != std::string::npos; });
}

// A Cyrillic or Greek letter in a command ("\bоxed{") or a full-width tag ("＜answer＞") is to look
// like a mark for an answer, and is none.
bool HasLookAlike(std::string_view text) {
  for (size_t at = text.find('\\'); at != kNone; at = text.find('\\', at + 1)) {
    size_t end = at + 1;
    bool foreign = false;
    for (; end < text.size(); ++end) {
      const auto c = static_cast<unsigned char>(text[end]);
      const bool lead = c == 0xCE || c == 0xCF || c == 0xD0 || c == 0xD1;
      if (lead && end > at + 1) foreign = true;
      if (!IsLetter(text[end]) && !lead && (c & 0xC0) != 0x80) break;
    }
    if (foreign && end < text.size() && text[end] == '{') return true;
    at = end - 1;
  }
  for (const std::string_view tag : {"\xEF\xBC\x9C"
                                     "answer",
                                     "\xEF\xBC\x9C"
                                     "/answer"}) {
    if (text.find(tag) != kNone) return true;
  }
  return false;
}

// Whether a passage is all that a text mentions, or what it comes to ("so the total is 8"): of "Ann
// has 3, Bob has 5" neither is the answer.
bool IsTheOnlyOne(std::string_view text, const Passage& passage) {
  const std::string_view before = text.substr(0, passage.begin);
  const auto mentions = [](std::string_view part) {
    return part.find_first_of("0123456789") != kNone;
  };
  if (mentions(text.substr(passage.end))) return false;
  if (!mentions(before) && before.find('=') == kNone) return true;
  const std::string lower = Lowered(before);
  const std::string_view lead = Trim(lower);
  const bool states = lead.ends_with(" is") || lead.ends_with(" are") || lead.ends_with("=") ||
                      lead.ends_with("is $") || lead.ends_with(" equals");
  constexpr std::array<std::string_view, 7> kConcluding{"so ",    "thus",  "therefore", "hence",
                                                        "answer", "final", "finally"};
  return states && std::ranges::any_of(kConcluding, [&](std::string_view word) {
           return lower.find(word) != std::string::npos;
         });
}

// Without an announcement: all of the text, or its last formula or number; of what is `announced`
// only where that is the only one.
Found FindUnannounced(std::string_view text, bool announced) {
  if (IsDenial(text)) return Answer(text, ExtractionRule::kWhole);
  if (auto whole = WholeAnswer(text)) {
    const ExtractionRule rule = whole->formula ? ExtractionRule::kFormula : ExtractionRule::kWhole;
    return Answer(std::move(*whole), rule);
  }
  if (GivesUp(text) || HasLookAlike(text)) return std::nullopt;
  if (auto last = LastPassage(text); last && (!announced || IsTheOnlyOne(text, *last))) {
    const ExtractionRule rule =
        last->formula ? ExtractionRule::kFormula : ExtractionRule::kLastNumber;
    return Answer(std::move(*last), rule);
  }
  return std::nullopt;
}

// --- the rules ---

struct Rule;

// What rules look at.
struct Place {
  std::string_view text;
  Reading reading = Reading::kStrict;
  std::span<const Rule> rules = {};  // that are asked
  Announcements at = {};             // in `text`

  bool Asks(ExtractionRule rule) const;
};

struct Rule {
  ExtractionRule name;
  Found (*find)(const Place& place);
};

bool Place::Asks(ExtractionRule rule) const {
  return std::ranges::find(rules, rule, &Rule::name) != rules.end();
}

// "42 if n is even and 43 if n is odd", "42, unless …", "42, but it is 43".
bool Hedges(std::string_view rest) {
  const std::string lower = " " + Lowered(rest);
  const auto says = [&](std::string_view word) { return lower.find(word) != std::string::npos; };
  if (says(" unless ") || says(" otherwise") || says(" else ") || says(" but it is ")) return true;
  const auto names_another = [&](size_t from) {  // a number, or the letter of an option
    const std::string_view behind = rest.substr(std::min(from, rest.size()));
    if (behind.find_first_of("0123456789") != kNone) return true;
    for (size_t i = 0; i < behind.size(); ++i) {
      const bool alone = (i == 0 || !IsWordCharacter(behind[i - 1])) &&
                         (i + 1 == behind.size() || !IsWordCharacter(behind[i + 1]));
      if (behind[i] >= 'A' && behind[i] <= 'J' && alone) return true;
    }
    return false;
  };
  const size_t but = lower.find(" but "), condition = lower.find(" if ");
  const size_t but_text = lower.find(" but }");
  return (but != std::string::npos && names_another(but)) ||
         (but_text != std::string::npos && names_another(but_text)) ||
         (condition != std::string::npos && names_another(condition));
}

// In an announced sentence. What follows the answer explains it ("12, since …"); what comes before
// it leads to it ("the largest n is 34").
Found FindAnnounced(std::string_view sentence, ExtractionRule rule, Reading reading) {
  if (IsDenial(sentence)) return Answer(sentence, rule);
  if (auto whole = WholeAnswer(sentence)) return Answer(std::move(*whole), rule);
  if (reading == Reading::kStrict) return Answer(sentence, rule);
  if (const std::string_view word = YesOrNo(sentence); !word.empty()) return Answer(word, rule);
  const std::string_view head = AnswerAtStart(sentence);
  if (!head.empty() && Hedges(sentence.substr(head.size()))) return Answer(sentence, rule);
  Found answer = FindUnannounced(head.empty() ? sentence : head, true);
  if (!answer) return Answer(sentence, rule);
  answer->rule = rule;
  return answer;
}

Found BoxesOf(std::string_view text, Reading reading) {
  const BoxedAnswer boxes = LastBoxes(text, reading == Reading::kLenient);
  if (boxes.parts.empty()) return std::nullopt;
  ExtractedAnswer answer{Join(boxes.parts, ", "), ExtractionRule::kBoxed, boxes.parts.size() > 1};
  if (boxes.percent && !answer.joined && answer.text.back() != '%') {
    answer.text += '%';
    answer.outside_percent = true;
  }
  // "\\boxed{42} or 43" is two answers.
  std::string_view behind = boxes.behind;
  behind.remove_prefix(SkipAny(behind, 0, "$})]\\"));
  const bool more = behind.starts_with(" or ") && behind.size() > 4 &&
                    (IsDigit(behind[4]) || behind[4] == '$' || behind[4] == '-');
  if (more) {
    answer.text += FirstSentence(behind);
    answer.joined = true;
  }
  return answer;
}

size_t BoxIn(std::string_view text) { return std::min(text.find("\\boxed"), text.find("\\fbox")); }

// After "final answer is": a box there, else what is said. A sentence that only explains
// ("positive, because …") leaves the answer to the other rules.
Found FindFinalAnswer(const Place& place) {
  if (place.at.final_answer == kNone) return std::nullopt;
  std::string_view sentence = Announced(place.text, place.at.final_answer);
  if (const size_t box = BoxIn(sentence); box != kNone) {
    if (place.Asks(ExtractionRule::kBoxed)) return BoxesOf(sentence, Reading::kStrict);
    sentence = sentence.substr(0, box);
  }
  const std::string_view head = AnswerAtStart(sentence);
  const bool value =
      WholeAnswer(sentence) ||
      (place.reading == Reading::kLenient && FindUnannounced(head.empty() ? sentence : head, true));
  if (!value) return std::nullopt;
  return FindAnnounced(sentence, ExtractionRule::kFinalAnswer, place.reading);
}

Found FindBoxed(const Place& place) { return BoxesOf(place.text, place.reading); }

Found FindHashes(const Place& place) {
  constexpr std::string_view kMark = "####";
  std::string_view text = place.text;
  size_t mark = kNone;
  for (size_t at = text.find(kMark); at != kNone; at = text.find(kMark, at + 1)) mark = at;
  if (mark == kNone) return std::nullopt;
  text.remove_prefix(mark + kMark.size());
  text = Trim(text.substr(0, text.find('\n')));
  if (IsDenial(text)) return Answer(text, ExtractionRule::kHashes);
  // "#### Step 3" is a heading.
  const bool heading =
      !text.empty() && text.find_first_of("0123456789$\\") != kNone && AnswerAtStart(text).empty();
  if (place.reading == Reading::kLenient && heading) return std::nullopt;
  return Answer(text, ExtractionRule::kHashes);
}

// "I do not think the answer is", "It is false that the answer is", "whether the answer is".
bool IsDoubted(std::string_view text, size_t at) {
  size_t begin = text.find_last_of(".\n!?,;:", at > 0 ? at - 1 : 0);
  begin = begin == kNone || begin > at ? 0 : begin + 1;
  constexpr size_t kLongest = 120;
  if (at - begin > kLongest) begin = at - kLongest;
  const std::string lower = " " + Lowered(text.substr(begin, at - begin));
  const size_t word = lower.rfind("answer");
  if (word == std::string::npos) return false;
  const std::string_view before = std::string_view(lower).substr(0, word);
  if (before.ends_with(" if the ")) return true;
  constexpr std::array kDoubts = std::to_array<std::string_view>(
      {" not think", " not believe", " not say", " not sure", " not true", " not the case",
       " not claim", "n't think", "n't believe", "n't say", "n't true", " doubt ", " false ",
       " whether ", " never ", " could be ", " may say ", " nobody ", " wrong if "});
  return std::ranges::any_of(
      kDoubts, [&](std::string_view doubt) { return before.find(doubt) != std::string::npos; });
}

Found FindPhrase(const Place& place) {
  if (place.at.phrase == kNone) return std::nullopt;
  if (IsDoubted(place.text, place.at.phrase)) {
    return Answer("doubted: " + std::string(place.text.substr(place.at.phrase)),
                  ExtractionRule::kPhrase);
  }
  return FindAnnounced(Announced(place.text, place.at.phrase), ExtractionRule::kPhrase,
                       place.reading);
}

// What announces an answer, the most certain first. The name is the end of a verdict's reason.
constexpr Rule kAnnouncing[] = {{ExtractionRule::kFinalAnswer, FindFinalAnswer},
                                {ExtractionRule::kBoxed, FindBoxed},
                                {ExtractionRule::kHashes, FindHashes},
                                {ExtractionRule::kPhrase, FindPhrase}};
constexpr Rule kBoxesAlone[] = {{ExtractionRule::kBoxed, FindBoxed}};
constexpr Rule kWithoutBoxes[] = {{ExtractionRule::kFinalAnswer, FindFinalAnswer},
                                  {ExtractionRule::kHashes, FindHashes},
                                  {ExtractionRule::kPhrase, FindPhrase}};

Found FirstFound(std::string_view text, std::span<const Rule> rules, Reading reading) {
  Place place{text, reading, rules};
  if (place.Asks(ExtractionRule::kPhrase)) place.at = FindAnnouncements(text, reading);
  for (const Rule& rule : rules) {
    if (Found answer = rule.find(place)) return answer;
  }
  return std::nullopt;
}

Found FindTagged(std::string_view tagged, Reading reading) {
  Found answer = FirstFound(tagged, kAnnouncing, reading);
  if (!answer && reading == Reading::kLenient) answer = FindUnannounced(tagged, true);
  if (!answer) answer = Answer(tagged, ExtractionRule::kAnswerTag);
  if (answer) answer->rule = ExtractionRule::kAnswerTag;
  return answer;
}

// How each way to search goes about it: in a tag, if there is one and tags are asked for, else by
// the rules, else without an announcement.
struct Search {
  Extraction name;
  std::optional<Reading> tags;
  std::span<const Rule> rules;
  Reading reading;
  bool unannounced;
};
constexpr Search kSearches[] = {
    {Extraction::kAny, Reading::kLenient, kAnnouncing, Reading::kLenient, true},
    {Extraction::kAnnounced, Reading::kStrict, kAnnouncing, Reading::kStrict, false},
    {Extraction::kAnswerTag, Reading::kStrict, {}, Reading::kStrict, false},
    {Extraction::kBoxed, std::nullopt, kBoxesAlone, Reading::kStrict, false},
    {Extraction::kUnboxed, Reading::kStrict, kWithoutBoxes, Reading::kLenient, true}};

// --- letters of options ---

Found FindLetter(std::string_view text) {
  const auto found = [](std::string letters, ExtractionRule rule) -> Found {
    if (letters.empty()) return std::nullopt;
    const bool joined = letters.size() > 1;
    return ExtractedAnswer{std::move(letters), rule, joined};
  };
  if (const auto tagged = LastAnswerTag(text)) {
    if (Found letters = found(LettersIn(*tagged), ExtractionRule::kAnswerTag)) return letters;
  }
  const Announcements at = FindAnnouncements(text, Reading::kLenient);
  const auto announced = [&](size_t begin, ExtractionRule rule) {
    return begin == kNone ? std::nullopt
                          : found(LettersIn(FirstSentence(AfterMarks(text, begin))), rule);
  };
  if (Found letters = announced(at.final_answer, ExtractionRule::kFinalAnswer)) return letters;
  const std::string boxes = Join(LastBoxes(text).parts, ", ");
  if (Found letters = found(LettersIn(boxes), ExtractionRule::kBoxed)) return letters;
  if (Found letters = announced(at.phrase, ExtractionRule::kPhrase)) return letters;
  const auto letter = UnannouncedLetter(text);
  return letter ? found(std::string(1, *letter), ExtractionRule::kLetter) : std::nullopt;
}

}  // namespace

std::optional<ExtractedAnswer> ExtractAnswer(std::string_view text, Extraction extraction) {
  // A later turn cannot end this one's thinking.
  text = LastPart(AfterThinking(WithinTurn(text)));
  std::string unannotated, unescaped;
  if (text.find("<<") != kNone) text = unannotated = WithoutCalculations(text);
  if (size_t at = EscapedNewline(text, 0); at != kNone) {
    unescaped = text;
    for (; at != kNone; at = EscapedNewline(unescaped, at + 2)) unescaped.replace(at, 2, " \n");
    text = unescaped;
  }
  if (extraction == Extraction::kLetter) return FindLetter(text);
  const Search& search = *std::ranges::find(kSearches, extraction, &Search::name);
  if (search.tags) {
    if (const auto tagged = LastAnswerTag(text)) return FindTagged(*tagged, *search.tags);
  }
  if (Found answer = FirstFound(text, search.rules, search.reading)) return answer;
  const bool box = extraction == Extraction::kUnboxed && BoxIn(text) != kNone;
  return search.unannounced && !box ? FindUnannounced(text, false) : std::nullopt;
}

}  // namespace retort::verifiers
