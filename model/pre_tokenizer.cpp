#include "model/internal/pre_tokenizer.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/strings.h"
#include "model/internal/described.h"
#include "model/internal/regex.h"

namespace retort::model {
namespace {

constexpr const char* kKnownPreTokenizers =
    "Split, Digits, Punctuation, Whitespace, WhitespaceSplit, ByteLevel, Metaspace or a Sequence "
    "of them";
// GPT-2's.
constexpr const char* kByteLevelPattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr const char* kPunctuationPattern = R"([\p{P}$+<=>^`|~])";
// A word is what Unicode's regular expressions mean by it, which is not quite \w.
constexpr const char* kWordPattern =
    R"([\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{200c}\x{200d}]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{200c}\x{200d}\s]+)";

/// What becomes of a match.
enum class Behavior { kIsolated, kRemoved, kMergedWithPrevious, kMergedWithNext, kContiguous };
constexpr std::array<std::pair<const char*, Behavior>, 5> kBehaviors{{
    {"Isolated", Behavior::kIsolated},
    {"Removed", Behavior::kRemoved},
    {"MergedWithPrevious", Behavior::kMergedWithPrevious},
    {"MergedWithNext", Behavior::kMergedWithNext},
    {"Contiguous", Behavior::kContiguous},
}};

Behavior BehaviorOf(const Json& described, const std::string& where) {
  const std::string& name = TextOf(described, "behavior", where);
  std::vector<std::string> names;
  for (const auto& [known, behavior] : kBehaviors) {
    if (name == known) return behavior;
    names.emplace_back(known);
  }
  Fail(where, ": ", TypeOf(described), ": behavior '", name, "', expected ", Join(names, ", "));
}

struct Part {
  std::string_view text;
  bool match;
};

// A match joins what stands beside it, unless that is a match too. `parts` begin there.
void JoinNeighbours(std::vector<Part>& parts, bool with_next) {
  std::vector<Part> merged;
  bool previous_match = false;
  if (with_next) std::ranges::reverse(parts);
  for (const Part& part : parts) {
    if (part.match && !previous_match && !merged.empty()) {
      std::string_view& text = merged.back().text;
      const char* begin = with_next ? part.text.data() : text.data();
      text = {begin, text.size() + part.text.size()};
    } else {
      merged.push_back(part);
    }
    previous_match = part.match;
  }
  if (with_next) std::ranges::reverse(merged);
  parts = std::move(merged);
}

// What touches and is of one kind is one.
void JoinRuns(std::vector<Part>& parts) {
  std::vector<Part> joined;
  for (const Part& part : parts) {
    if (!joined.empty() && joined.back().match == part.match) {
      joined.back().text = {joined.back().text.data(),
                            joined.back().text.size() + part.text.size()};
    } else {
      joined.push_back(part);
    }
  }
  parts = std::move(joined);
}

void SplitInto(std::string_view text, const Regex& regex, Behavior behavior, bool invert,
               std::vector<Part>& parts, std::vector<std::string_view>& out) {
  parts.clear();
  size_t done = 0;
  const auto add = [&](size_t begin, size_t end, bool match) {
    if (begin < end) parts.push_back({text.substr(begin, end - begin), match != invert});
  };
  Regex::Matches matches(regex, text);
  while (const auto match = matches.Next()) {
    add(done, match->begin, false);
    add(match->begin, match->end, true);
    done = match->end;
  }
  add(done, text.size(), false);
  if (behavior == Behavior::kMergedWithPrevious) JoinNeighbours(parts, false);
  if (behavior == Behavior::kMergedWithNext) JoinNeighbours(parts, true);
  if (behavior == Behavior::kContiguous) JoinRuns(parts);
  for (const Part& part : parts) {
    if (behavior != Behavior::kRemoved || !part.match) out.push_back(part.text);
  }
}

std::function<void(Pieces&)> Splitter(const std::string& pattern, Behavior behavior, bool invert,
                                      const std::string& where) {
  return [regex = Regex(pattern, where), behavior, invert](Pieces& pieces) {
    std::vector<std::string_view> out;
    std::vector<Part> parts;
    for (const std::string_view text : pieces.texts) {
      SplitInto(text, regex, behavior, invert, parts, out);
    }
    pieces.texts = std::move(out);
  };
}

// Every piece begins with a space.
void PrefixSpace(Pieces& pieces) {
  for (std::string_view& text : pieces.texts) {
    if (text.starts_with(' ')) continue;
    text = pieces.changed.emplace_back(" " + std::string(text));
  }
}

enum class Prepend { kAlways, kFirst, kNever };

Prepend PrependOf(const Json& described, const std::string& where) {
  if (IsNothing(described, "prepend_scheme")) {  // as older files have it
    return FlagOf(described, "add_prefix_space", true, where) ? Prepend::kAlways : Prepend::kNever;
  }
  const std::string& name = TextOf(described, "prepend_scheme", where);
  if (name == "always") return Prepend::kAlways;
  if (name == "first") return Prepend::kFirst;
  RETORT_CHECK(name == "never", where, ": Metaspace: prepend_scheme '", name,
               "', expected always, first or never");
  return Prepend::kNever;
}

// Spaces are written as another character, often ▁.
std::function<void(Pieces&)> SpaceMarker(const std::string& mark, Prepend prepend) {
  return [mark, prepend](Pieces& pieces) {
    for (std::string_view& text : pieces.texts) {
      std::string marked = ReplaceAll(std::string(text), " ", mark);
      const bool first = pieces.at_start && &text == pieces.texts.data();
      const bool may = prepend == Prepend::kAlways || (prepend == Prepend::kFirst && first);
      if (may && !marked.starts_with(mark)) marked.insert(0, mark);
      text = pieces.changed.emplace_back(std::move(marked));
    }
  };
}

}  // namespace

PreTokenizer::PreTokenizer(Json described, const std::string& where)
    : described_(std::move(described)) {
  for (const Json& member : Members(described_, "pretokenizers", where)) {
    RETORT_CHECK(!byte_level_, where, ": pre_tokenizer ", TypeOf(member),
                 " behind ByteLevel is unsupported, expected ByteLevel last");
    Add(member, where);
  }
}

void PreTokenizer::Add(const Json& described, const std::string& where) {
  const std::string type = TypeOf(described);
  const auto split = [&](const std::string& pattern, Behavior behavior, bool invert = false) {
    steps_.push_back(Splitter(pattern, behavior, invert, where));
  };
  if (type == "Split") {
    split(PatternOf(described, where), BehaviorOf(described, where),
          FlagOf(described, "invert", false, where));
  } else if (type == "Digits") {
    const bool individual = FlagOf(described, "individual_digits", false, where);
    split("\\p{N}", individual ? Behavior::kIsolated : Behavior::kContiguous);
  } else if (type == "Punctuation") {
    const bool says = !IsNothing(described, "behavior");
    split(kPunctuationPattern, says ? BehaviorOf(described, where) : Behavior::kIsolated);
  } else if (type == "Whitespace") {
    split(kWordPattern, Behavior::kRemoved, /*invert=*/true);
  } else if (type == "WhitespaceSplit") {
    split("\\s", Behavior::kRemoved);
  } else if (type == "ByteLevel") {
    byte_level_ = true;
    if (FlagOf(described, "add_prefix_space", true, where)) steps_.emplace_back(PrefixSpace);
    if (FlagOf(described, "use_regex", true, where)) split(kByteLevelPattern, Behavior::kIsolated);
  } else if (type == "Metaspace") {
    const std::string mark = TextOf(described, "replacement", where);
    steps_.push_back(SpaceMarker(mark, PrependOf(described, where)));
    if (FlagOf(described, "split", true, where)) split(Quoted(mark), Behavior::kMergedWithNext);
  } else {
    FailUnsupported("pre_tokenizer", described, kKnownPreTokenizers, where);
  }
}

void PreTokenizer::Cut(Pieces& pieces) const {
  std::erase_if(pieces.texts, [](std::string_view text) { return text.empty(); });
  for (const Step& step : steps_) step(pieces);
}

}  // namespace retort::model
