#include "verifiers/text/boxes.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/strings.h"
#include "verifiers/text/ascii.h"
#include "verifiers/text/internal/passages.h"

namespace retort::verifiers {

namespace {

constexpr size_t kNone = std::string_view::npos;

struct Span {
  size_t begin = 0;
  size_t end = 0;
};

struct Box {
  Span whole;  // the command and its braces
  Span content;
  bool doubled = false;  // "\\boxed": escaped twice
};

// The box command whose backslash is at `at`: where it ends, or `at` when there is none.
size_t CommandEnd(std::string_view text, size_t at) {
  size_t name = at + 1;
  if (name < text.size() && text[name] == '\\') ++name;
  for (const std::string_view command : {"boxed", "fbox"}) {
    if (!text.substr(name).starts_with(command)) continue;
    const size_t end = name + command.size();
    if (end == text.size() || !IsLetter(text[end])) return end;
  }
  return at;
}

// One token after a command: digits with their separators, a letter, or a command with its braces.
size_t TokenEnd(std::string_view text, size_t at) {
  if (at >= text.size()) return at;
  if (text[at] == '\\') {
    size_t end = at + 1;
    while (end < text.size() && IsLetter(text[end])) ++end;
    while (end < text.size() && text[end] == '{') {
      const size_t close = text.find('}', end);
      if (close == kNone) break;
      end = close + 1;
    }
    return end;
  }
  size_t end = SkipAny(text, at + (text[at] == '-' ? 1 : 0), "0123456789,./");
  while (end > at && std::string_view(",./").find(text[end - 1]) != kNone) --end;
  if (end == at && IsWordCharacter(text[at])) ++end;
  return end;
}

// Boxes by the place of their ends; boxes inside boxes are not listed.
std::vector<Box> FindBoxes(std::string_view text, bool lenient) {
  struct Brace {
    size_t command = kNone;  // start of the box command, kNone for a plain brace
    size_t content = 0;
    bool doubled = false;
  };
  std::vector<Box> boxes;
  std::vector<Brace> open;
  Brace command;  // one whose brace has not come yet
  // Braces before the first command cannot matter.
  size_t i = std::min(text.find("boxed"), text.find("fbox"));
  if (i == kNone) return boxes;
  for (i -= std::min<size_t>(i, 2); i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\') {
      const size_t end = CommandEnd(text, i);
      if (end == i) {
        command.command = kNone;
        ++i;  // an escaped brace is no brace
        continue;
      }
      command = {i, 0, text[i + 1] == '\\'};
      const size_t argument = SkipAny(text, end, " ");
      if (lenient && (argument == text.size() || text[argument] != '{')) {
        const size_t token = TokenEnd(text, argument);
        if (token > argument) {
          boxes.push_back({{i, token}, {argument, token}, command.doubled});
        }
        command.command = kNone;
        i = std::max(token, end) - 1;
        continue;
      }
      i = end - 1;
    } else if (c == '{') {
      open.push_back({command.command, i + 1, command.doubled});
      command.command = kNone;
    } else if (c == '}') {
      if (open.empty()) continue;
      const Brace brace = open.back();
      open.pop_back();
      if (brace.command == kNone) continue;
      while (!boxes.empty() && boxes.back().whole.begin > brace.command) boxes.pop_back();
      boxes.push_back({{brace.command, i + 1}, {brace.content, i}, brace.doubled});
    } else if (c != ' ') {
      command.command = kNone;
    }
  }
  if (!lenient) return boxes;
  // An unclosed box after all closed ones.
  const auto unclosed = std::find_if(open.rbegin(), open.rend(),
                                     [](const Brace& brace) { return brace.command != kNone; });
  if (unclosed != open.rend() && (boxes.empty() || boxes.back().whole.end <= unclosed->command)) {
    const size_t end = std::min(
        {text.find('$', unclosed->content), text.find("\n\n", unclosed->content), text.size()});
    boxes.push_back({{unclosed->command, end}, {unclosed->content, end}, unclosed->doubled});
  }
  return boxes;
}

// Calls visit(lower-case word) for the words of a short text until it returns true.
template <class Visit>
bool AnyWord(std::string_view text, const Visit& visit) {
  std::string word;
  for (size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : ' ';
    if (IsLetter(c)) {
      word += Lower(c);
    } else if (!word.empty()) {
      if (visit(word)) return true;
      word.clear();
    }
  }
  return false;
}

// True when two boxes with `gap` between them are one answer.
bool AreNeighbours(std::string_view gap) {
  if (gap.size() < 10) return true;
  if (gap.size() >= 70) return false;
  for (size_t i = 0; i + 1 < gap.size(); ++i) {
    const bool stop = std::string_view(".!?").find(gap[i]) != kNone && IsBlank(gap[i + 1]);
    if (stop || gap.substr(i, 2) == "\n\n") return false;
  }
  const bool corrects = AnyWord(gap, [](std::string_view word) {
    static constexpr std::array<std::string_view, 10> kWords{
        "wrong", "wait", "not", "but", "actually", "instead", "incorrect", "so", "hence", "thus"};
    return std::find(kWords.begin(), kWords.end(), word) != kWords.end();
  });
  if (corrects) return false;
  return gap.find_first_of(",;") != kNone ||
         AnyWord(gap, [](std::string_view word) { return word == "and" || word == "or"; });
}

}  // namespace

BoxedAnswer LastBoxes(std::string_view text, bool lenient) {
  const std::vector<Box> boxes = FindBoxes(text, lenient);
  BoxedAnswer answer;
  for (size_t i = boxes.size(); i-- > 0;) {
    const Box& box = boxes[i];
    const auto [begin, end] = box.content;
    const std::string_view inside = Trim(text.substr(begin, end - begin));
    std::string content = box.doubled ? HalveBackslashes(inside) : std::string(inside);
    if (answer.parts.empty()) {
      answer.behind = text.substr(box.whole.end);
      answer.percent = PercentSize(answer.behind) > 0;
    }
    if (!content.empty() && (answer.parts.empty() || answer.parts.back() != content)) {
      answer.parts.push_back(std::move(content));
    }
    if (i == 0) break;
    const size_t gap = boxes[i - 1].whole.end;
    if (!AreNeighbours(text.substr(gap, box.whole.begin - gap))) break;
  }
  std::reverse(answer.parts.begin(), answer.parts.end());
  return answer;
}

}  // namespace retort::verifiers
