#include "model/internal/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/error.h"
#include "base/excerpt.h"

namespace retort::model {
namespace {

constexpr uint32_t kOptions = PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF | PCRE2_MULTILINE;
constexpr uint32_t kMostSteps = 50'000'000;

// Oniguruma's \w, in a class.
constexpr const char* kWord =
    "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\x{b2}\\x{b3}\\x{b9}\\x{bc}-\\x{be}";

// What is written otherwise for PCRE2: \s has U+180E there, which Unicode took back, \w has fewer
// characters, and \b follows it. What means something else there is refused.
class Translation {
 public:
  Translation(std::string_view pattern, const std::string& where)
      : pattern_(pattern), where_(where) {}

  std::string Run() {
    for (size_t i = 0; i < pattern_.size(); ++i) {
      const char c = pattern_[i];
      const char next = i + 1 < pattern_.size() ? pattern_[i + 1] : '\0';
      if (c == '\\' && next != '\0') {
        Escape(next);
        ++i;
        continue;
      }
      out_ += c;
      if (c == '(' && next == '?') Group(pattern_.substr(i + 2));
      if (class_begin_ == kOutside) {
        if (c == '[') class_begin_ = out_.size() + (next == '^' ? 1 : 0);
      } else if (c == ']' && out_.size() - 1 > class_begin_) {
        class_begin_ = kOutside;
      } else if (c == '[' || (c == '&' && next == '&')) {
        Refuse("a class within a class");
      }
    }
    return std::move(out_);
  }

 private:
  [[noreturn]] void Refuse(std::string_view what) const {
    Fail(where_, ": ", what, " is unsupported");
  }
  void Escape(char c) {
    const bool in_class = class_begin_ != kOutside;
    switch (c) {
      case 's':
        out_ += "\\p{White_Space}";
        break;
      case 'S':
        out_ += "\\P{White_Space}";
        break;
      case 'w':
        out_ += in_class ? kWord : StrCat("[", kWord, "]");
        break;
      case 'W':
        if (in_class) Refuse("\\W in a class");
        out_ += StrCat("[^", kWord, "]");
        break;
      case 'b':
      case 'B': {
        const char* behind = c == 'b' ? "])(?!" : "])(?=";  // a word ends, or goes on
        const char* before = c == 'b' ? "])(?=" : "])(?!";
        out_ += in_class ? StrCat("\\", c)
                         : StrCat("(?:(?<=[", kWord, behind, "[", kWord, "])|(?<![", kWord, before,
                                  "[", kWord, "]))");
        break;
      }
      case 'h':
      case 'H':
      case 'y':
      case 'Y':
      case 'O':
        Refuse(StrCat("\\", c));
      default:
        out_.append({'\\', c});
    }
  }
  // (?m) lets a dot match the end of a line there.
  void Group(std::string_view flags) const {
    for (const char flag : flags) {
      if (flag == 'm') Refuse("(?m)");
      if (flag != 'i' && flag != 'x' && flag != '-') return;
    }
  }

  static constexpr size_t kOutside = std::string::npos;
  std::string_view pattern_;
  const std::string& where_;
  std::string out_;
  size_t class_begin_ = kOutside;  // where a ] would be a character of it
};

std::string MessageOf(int code) {
  PCRE2_UCHAR text[200];
  pcre2_get_error_message(code, text, sizeof text);
  return reinterpret_cast<const char*>(text);
}

}  // namespace

struct Regex::Compiled {
  std::string shown;  // for messages
  pcre2_code* code = nullptr;
  pcre2_match_context* context = nullptr;
  ~Compiled() {
    pcre2_match_context_free(context);
    pcre2_code_free(code);
  }
};

Regex::Regex(std::string_view pattern, const std::string& where) {
  auto compiled = std::make_shared<Compiled>();
  compiled->shown = where + ": the pattern '" + Excerpt(pattern) + "'";
  const std::string text = Translation(pattern, compiled->shown).Run();
  int error = 0;
  PCRE2_SIZE at = 0;
  compiled->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), kOptions,
                                 &error, &at, nullptr);
  RETORT_CHECK(compiled->code, compiled->shown, ": ", MessageOf(error), " at byte ", at);
  pcre2_jit_compile(compiled->code, PCRE2_JIT_COMPLETE);  // where it cannot, it is slower
  compiled->context = pcre2_match_context_create(nullptr);
  RETORT_CHECK(compiled->context, compiled->shown, ": out of memory");
  pcre2_set_match_limit(compiled->context, kMostSteps);
  compiled_ = std::move(compiled);
}

Regex::Matches::Matches(const Regex& regex, std::string_view text)
    : regex_(regex),
      text_(text),
      data_(pcre2_match_data_create_from_pattern(regex.compiled_->code, nullptr)) {
  RETORT_CHECK(data_, regex.compiled_->shown, ": out of memory");
}

Regex::Matches::~Matches() { pcre2_match_data_free(static_cast<pcre2_match_data*>(data_)); }

std::optional<Regex::Matches::Span> Regex::Matches::Next() {
  const Compiled& compiled = *regex_.compiled_;
  auto* data = static_cast<pcre2_match_data*>(data_);
  const auto* text = reinterpret_cast<PCRE2_SPTR>(text_.data());
  while (at_ <= text_.size()) {
    int found = pcre2_match(compiled.code, text, text_.size(), at_, 0, data, compiled.context);
    if (found == PCRE2_ERROR_JIT_STACKLIMIT) {  // the interpreter has room
      found =
          pcre2_match(compiled.code, text, text_.size(), at_, PCRE2_NO_JIT, data, compiled.context);
    }
    if (found == PCRE2_ERROR_NOMATCH) break;
    RETORT_CHECK(found > 0, compiled.shown, ": ", MessageOf(found), " in a text of ", text_.size(),
                 " bytes");
    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data);
    const Span span{ends[0], ends[1]};
    RETORT_CHECK(span.begin <= span.end, compiled.shown, ": ends before it begins");  // \K
    if (span.begin < span.end || last_end_ != span.end) {
      last_end_ = at_ = span.end;
      return span;
    }
    ++at_;
    while (at_ < text_.size() && (static_cast<unsigned char>(text_[at_]) & 0xc0) == 0x80) ++at_;
  }
  at_ = text_.size() + 1;
  return std::nullopt;
}

}  // namespace retort::model
