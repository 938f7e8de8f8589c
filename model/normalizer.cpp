#include "model/internal/normalizer.h"

#include <utf8proc.h>

#include <cstdlib>

#include "base/error.h"
#include "model/internal/described.h"
#include "model/internal/regex.h"
#include "model/internal/utf8.h"

namespace retort::model {
namespace {

constexpr const char* kKnownNormalizers =
    "NFC, NFD, NFKC, NFKD, Lowercase, Strip, Prepend, Replace or a Sequence of them";

// One run of UTF-8.
std::string Mapped(std::string_view text, int options) {
  utf8proc_uint8_t* out = nullptr;
  const utf8proc_ssize_t size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                             static_cast<utf8proc_ssize_t>(text.size()), &out,
                                             static_cast<utf8proc_option_t>(options));
  RETORT_CHECK(size >= 0, "normalisation: ", utf8proc_errmsg(size));
  std::string mapped(reinterpret_cast<const char*>(out), static_cast<size_t>(size));
  std::free(out);
  return mapped;
}

std::string NormalForm(std::string text, int options) {
  if (IsAscii(text)) return text;
  std::string out, run;
  const auto end_run = [&] {
    if (!run.empty()) out += Mapped(run, options);
    run.clear();
  };
  ForCharacters(text, [&](const Character& character) {
    if (character.code < 0) end_run();
    (character.code < 0 ? out : run) += character.bytes;
  });
  end_run();
  return out;
}

std::string Lower(std::string_view text) {
  constexpr int32_t kDottedI = 0x130;  // the one whose lower case is two
  std::string out;
  ForCharacters(text, [&](const Character& character) {
    if (character.code < 0) {
      out += character.bytes;
    } else if (character.code == kDottedI) {
      out += "i\u0307";
    } else {
      AppendCharacter(out, utf8proc_tolower(character.code));
    }
  });
  return out;
}

}  // namespace

Normalizer::Normalizer(Json described, const std::string& where)
    : described_(std::move(described)) {
  for (const Json& member : Members(described_, "normalizers", where)) Add(member, where);
}

void Normalizer::Add(const Json& described, const std::string& where) {
  const std::string type = TypeOf(described);
  const auto form = [&](int options) {
    steps_.push_back([options](std::string text) { return NormalForm(std::move(text), options); });
  };
  const auto replace = [&](const std::string& pattern, std::string content) {
    const Regex regex(pattern, where);
    steps_.push_back([regex, content = std::move(content)](std::string text) {
      std::string out;
      size_t done = 0;
      Regex::Matches matches(regex, text);
      while (const auto match = matches.Next()) {
        out.append(text, done, match->begin - done).append(content);
        done = match->end;
      }
      return out.append(text, done);
    });
  };
  if (type == "NFC") return form(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  if (type == "NFD") return form(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE);
  if (type == "NFKC") return form(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT);
  if (type == "NFKD") return form(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT);
  if (type == "Lowercase") return steps_.push_back([](std::string text) { return Lower(text); });
  if (type == "Strip") {
    if (FlagOf(described, "strip_left", true, where)) replace("\\A\\s+", "");
    if (FlagOf(described, "strip_right", true, where)) replace("\\s+\\z", "");
  } else if (type == "Prepend") {
    steps_.push_back([prefix = TextOf(described, "prepend", where)](std::string text) {
      return text.empty() ? text : prefix + text;
    });
  } else if (type == "Replace") {
    replace(PatternOf(described, where), TextOf(described, "content", where));
  } else {
    FailUnsupported("normalizer", described, kKnownNormalizers, where);
  }
}

std::string Normalizer::operator()(std::string_view text) const {
  std::string out(text);
  for (const Step& step : steps_) out = step(std::move(out));
  return out;
}

}  // namespace retort::model
