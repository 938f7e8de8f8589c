#pragma once
// Regular expressions as tokenizer.json writes them. The syntax there is Oniguruma's; what
// published tokenizers use of it means the same to PCRE2, once \s is Unicode's White_Space.
//
// Immutable after construction and safe to share between threads.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace retort::model {

class Regex {
 public:
  /// Throws Error (starting with `where`) on what is no pattern.
  Regex(std::string_view pattern, const std::string& where);

  /// A scan of one text, on one thread. Bytes that are no UTF-8 match nothing.
  class Matches {
   public:
    Matches(const Regex& regex, std::string_view text);
    ~Matches();
    Matches(const Matches&) = delete;
    Matches& operator=(const Matches&) = delete;

    struct Span {
      size_t begin, end;
    };
    /// The next one, leftmost, behind the last; it may be empty, but not where the last one ended.
    /// Throws Error where the pattern needs too many steps.
    std::optional<Span> Next();

   private:
    const Regex& regex_;
    std::string_view text_;
    size_t at_ = 0;
    std::optional<size_t> last_end_;
    void* data_;  // pcre2_match_data
  };

 private:
  struct Compiled;
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace retort::model
