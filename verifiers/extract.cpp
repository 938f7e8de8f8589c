#include "verifiers/extract.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "base/strings.h"

namespace retort::verifiers {

namespace {

using Span = std::pair<size_t, size_t>;  // [begin, end) of a text

std::optional<std::string> NonEmpty(std::string_view text) {
  text = Trim(text);
  if (text.empty()) return std::nullopt;
  return std::string(text);
}

std::string_view AfterThinking(std::string_view text) {
  constexpr std::string_view kClose = "</think>";
  const size_t close = text.rfind(kClose);
  const size_t open = text.rfind("<think>");
  if (open != std::string_view::npos && (close == std::string_view::npos || open > close))
    return {};
  return close == std::string_view::npos ? text : text.substr(close + kClose.size());
}

std::optional<std::string_view> LastAnswerTag(std::string_view text) {
  constexpr std::string_view kOpen = "<answer>";
  const size_t close = text.rfind("</answer>");
  if (close == std::string_view::npos) return std::nullopt;
  const size_t open = text.substr(0, close).rfind(kOpen);
  if (open == std::string_view::npos) return std::nullopt;
  return text.substr(open + kOpen.size(), close - open - kOpen.size());
}

// A closed box: the whole command, and what is inside its braces.
struct Box {
  Span whole;
  Span content;
};

// Closed boxes by the place of their closing brace; boxes inside boxes are not listed.
std::vector<Box> FindBoxes(std::string_view text) {
  struct Brace {
    size_t command;  // start of \boxed or \fbox, npos for a plain brace
    size_t content;
  };
  std::vector<Brace> open;
  std::vector<Box> boxes;
  size_t command = std::string_view::npos;  // a box command whose brace has not come yet
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      command = std::string_view::npos;
      for (const std::string_view name : {"\\boxed", "\\fbox"}) {
        if (text.substr(i).starts_with(name)) command = i, i += name.size() - 1;
      }
      if (command == std::string_view::npos) ++i;  // an escaped brace is no brace
    } else if (text[i] == '{') {
      open.push_back({command, i + 1});
      command = std::string_view::npos;
    } else if (text[i] == '}' && !open.empty()) {
      const Brace brace = open.back();
      open.pop_back();
      if (brace.command == std::string_view::npos) continue;
      while (!boxes.empty() && boxes.back().whole.first > brace.command) boxes.pop_back();
      boxes.push_back({{brace.command, i + 1}, {brace.content, i}});
    } else if (text[i] != ' ') {
      command = std::string_view::npos;
    }
  }
  return boxes;
}

// True when nothing stands between two boxes but words and marks that join.
bool IsConnector(std::string_view gap) {
  while (!gap.empty()) {
    size_t length = 0;
    for (const std::string_view token :
         {"\\text", "\\quad", "\\qquad", "\\(", "\\)", "\\[", "\\]", "\\,",
          "\\;",    "\\ ",    "and",     "or",  " ",   "\n",  "\r",  "\t",
          ",",      ";",      "$",       "{",   "}",   "&",   "*"}) {
      if (gap.starts_with(token)) length = std::max(length, token.size());
    }
    if (length == 0) return false;
    gap.remove_prefix(length);
  }
  return true;
}

std::optional<std::string> LastHashes(std::string_view text) {
  constexpr std::string_view kMark = "####";
  const size_t at = text.rfind(kMark);
  if (at == std::string_view::npos) return std::nullopt;
  text.remove_prefix(at + kMark.size());
  return NonEmpty(text.substr(0, text.find('\n')));
}

bool IsWordCharacter(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

size_t SkipAny(std::string_view text, size_t at, std::string_view characters) {
  return std::min(text.find_first_not_of(characters, at), text.size());
}

bool StartsWithIgnoringCase(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() &&
         std::equal(lower.begin(), lower.end(), text.begin(), [](char a, char b) {
           return a == std::tolower(static_cast<unsigned char>(b));
         });
}

// Where the answer begins when a phrase that announces it starts at `at`, else npos:
// "answer is", "answer:", "**Answer** :" anywhere, "A:" at the start of a line.
size_t AfterPhrase(std::string_view text, size_t at) {
  const std::string_view rest = text.substr(at);
  const bool line_start = at == 0 || text[at - 1] == '\n';
  if (line_start && rest.starts_with("A:")) return at + 2;
  if (!StartsWithIgnoringCase(rest, "answer")) return std::string_view::npos;
  if (at > 0 && IsWordCharacter(text[at - 1])) return std::string_view::npos;
  const size_t verb = SkipAny(text, at + 6, " *_");
  if (verb < text.size() && (text[verb] == ':' || text[verb] == '=')) return verb + 1;
  const bool is = StartsWithIgnoringCase(text.substr(verb), "is") && verb > at + 6;
  if (!is || (verb + 2 < text.size() && IsWordCharacter(text[verb + 2]))) {
    return std::string_view::npos;
  }
  return verb + 2;
}

// The rest of the line or sentence after the last announcing phrase.
std::optional<std::string> LastPhrase(std::string_view text) {
  size_t begin = std::string_view::npos;
  for (size_t at = text.size(); at-- > 0 && begin == std::string_view::npos;) {
    if (text[at] == 'A' || text[at] == 'a') begin = AfterPhrase(text, at);
  }
  if (begin == std::string_view::npos) return std::nullopt;
  begin = SkipAny(text, begin, " \t\r\n:=*_");
  for (const std::string_view display : {"$$", "\\["}) {  // a formula on lines of its own
    if (text.substr(begin).starts_with(display)) begin = SkipAny(text, begin + 2, " \t\r\n");
  }
  std::string_view answer = text.substr(begin, text.substr(begin).find('\n'));
  for (size_t i = 0; i + 1 < answer.size(); ++i) {
    if (answer[i] == '.' && (answer[i + 1] == ' ' || answer[i + 1] == '\t')) {
      answer = answer.substr(0, i);
    }
  }
  return NonEmpty(answer);
}

std::optional<std::string> LastNumber(std::string_view text) {
  const size_t last = text.find_last_of("0123456789");
  if (last == std::string_view::npos) return std::nullopt;
  size_t begin = last;
  while (begin > 0 && std::string_view("0123456789.,/").find(text[begin - 1]) != text.npos) --begin;
  begin = text.find_first_not_of(",/", begin);
  if (begin > 0 && text[begin - 1] == '-' && (begin == 1 || !IsWordCharacter(text[begin - 2]))) {
    --begin;
  }
  return std::string(text.substr(begin, last + 1 - begin));
}

}  // namespace

std::vector<std::string> LastBoxes(std::string_view text) {
  const std::vector<Box> boxes = FindBoxes(text);
  std::vector<std::string> last;
  for (size_t i = boxes.size(); i-- > 0;) {
    const auto [begin, end] = boxes[i].content;
    std::string content(Trim(text.substr(begin, end - begin)));
    if (!content.empty() && (last.empty() || last.back() != content)) last.push_back(content);
    if (i == 0) break;
    const size_t gap = boxes[i - 1].whole.second;
    if (!IsConnector(text.substr(gap, boxes[i].whole.first - gap))) break;
  }
  std::reverse(last.begin(), last.end());
  return last;
}

std::optional<ExtractedAnswer> ExtractAnswer(std::string_view text, Extraction extraction,
                                             bool last_number) {
  using Found = std::optional<ExtractedAnswer>;
  const auto found = [](std::optional<std::string> answer, ExtractionRule rule) -> Found {
    if (!answer) return std::nullopt;
    return ExtractedAnswer{std::move(*answer), rule};
  };
  const auto boxed = [](std::string_view part) -> Found {
    const std::vector<std::string> boxes = LastBoxes(part);
    if (boxes.empty()) return std::nullopt;
    return ExtractedAnswer{Join(boxes, ", "), ExtractionRule::kBoxed, boxes.size() > 1};
  };
  // Box, hashes or phrase; also applied to the content of an answer tag.
  const auto marked = [&](std::string_view part) {
    Found answer = boxed(part);
    if (!answer) answer = found(LastHashes(part), ExtractionRule::kHashes);
    if (!answer) answer = found(LastPhrase(part), ExtractionRule::kPhrase);
    return answer;
  };

  text = AfterThinking(text);
  if (extraction == Extraction::kBoxed) return boxed(text);
  if (const auto tagged = LastAnswerTag(text)) {
    Found inner = marked(*tagged);
    if (!inner) return found(NonEmpty(*tagged), ExtractionRule::kAnswerTag);
    inner->rule = ExtractionRule::kAnswerTag;
    return inner;
  }
  if (extraction == Extraction::kAnswerTag) return std::nullopt;
  Found answer = marked(text);
  if (!answer && last_number) answer = found(LastNumber(text), ExtractionRule::kLastNumber);
  return answer;
}

}  // namespace retort::verifiers
