#include "verifiers/text/clean.h"

#include <array>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "verifiers/text/ascii.h"

namespace retort::verifiers {

namespace {

using Replacement = std::pair<std::string_view, std::string_view>;

// Commands by their whole name. The font commands lose their braces too, see kGroupCommands.
constexpr std::array<Replacement, 15> kCommands{{
    {"left", ""},
    {"right", ""},
    {"big", ""},
    {"Big", ""},
    {"bigl", ""},
    {"bigr", ""},
    {"Bigl", ""},
    {"Bigr", ""},
    {"displaystyle", ""},
    {"textstyle", ""},
    {"quad", " "},
    {"qquad", " "},
    {"degree", ""},
    {"lbrace", "{"},
    {"rbrace", "}"},
}};

constexpr std::array<std::string_view, 14> kGroupCommands{
    "text",   "textbf", "textit", "textrm", "textnormal",   "mathrm", "mathbf",
    "mathit", "mathsf", "mbox",   "hbox",   "operatorname", "boxed",  "fbox"};

// A backslash and one mark. `\!` and `\,` are treated apart: they separate thousands.
constexpr std::array<Replacement, 11> kEscapes{{{"%", "%"},
                                                {"$", " "},
                                                {"{", "{"},
                                                {"}", "}"},
                                                {"(", " "},
                                                {")", " "},
                                                {"[", " "},
                                                {"]", " "},
                                                {";", " "},
                                                {":", " "},
                                                {" ", " "}}};

constexpr std::array<Replacement, 20> kMarks{{
    {"{,}", ","},    {"$", " "},      {"~", " "},      {"`", " "},      {"\n", " "},
    {"\r", " "},     {"\t", " "},     {"\u2212", "-"}, {"\u2013", "-"}, {"\u00d7", "\\times "},
    {"\u00f7", "/"}, {"\u00b0", ""},  {"\u20ac", " "}, {"\u00a3", " "}, {"\u00a5", " "},
    {"\u00a0", " "}, {"\u2009", " "}, {"\u202f", " "}, {"\u201c", ""},  {"\u201d", ""},
}};

template <size_t n>
const Replacement* Find(const std::array<Replacement, n>& table, std::string_view key) {
  for (const Replacement& entry : table) {
    if (entry.first == key) return &entry;
  }
  return nullptr;
}

class Cleaner {
 public:
  explicit Cleaner(std::string_view text) : text_(text) {}

  std::string Run() {
    while (at_ < text_.size()) Step();
    return std::move(out_);
  }

 private:
  std::string_view rest() const { return text_.substr(at_); }

  void Emit(std::string_view replacement, size_t consumed) {
    out_ += replacement;
    at_ += consumed;
  }

  void Step() {
    if (text_[at_] == '\\') return Command();
    for (const auto& [from, to] : kMarks) {
      if (rest().starts_with(from)) return Emit(to, from.size());
    }
    if (rest().starts_with("**")) return Stars();
    if (text_[at_] == '{') {
      group_dropped_.push_back(false);
    } else if (text_[at_] == '}' && !group_dropped_.empty()) {
      const bool dropped = group_dropped_.back();
      group_dropped_.pop_back();
      if (dropped) return Emit(" ", 1);
    } else if (rest().size() >= 3 && rest().starts_with("\xEF\xBC") && text_[at_ + 2] >= '\x81') {
      // Full-width forms U+FF01…U+FF3F stand for ASCII ! … _.
      const auto low = static_cast<unsigned char>(text_[at_ + 2]);
      const char ascii = static_cast<char>(low - 0x60);
      return Emit({&ascii, 1}, 3);
    }
    Emit(rest().substr(0, 1), 1);
  }

  void Command() {
    size_t length = 1;
    while (length < rest().size() && IsLetter(rest()[length])) ++length;
    if (length > 1) return NamedCommand(rest().substr(1, length - 1));
    const std::string_view mark = rest().substr(1, 1);
    if (mark == "!") {
      at_ += 2;
      while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    } else if (mark == ",") {
      Emit(SeparatesThousands() ? "" : " ", 2);
    } else if (const Replacement* found = Find(kEscapes, mark)) {
      Emit(found->second, 2);
    } else {
      Emit(rest().substr(0, 2), std::min<size_t>(2, rest().size()));
    }
  }

  void NamedCommand(std::string_view name) {
    const size_t length = name.size() + 1;
    for (const std::string_view group : kGroupCommands) {
      if (name != group) continue;
      size_t brace = length;
      while (brace < rest().size() && rest()[brace] == ' ') ++brace;
      if (brace == rest().size() || rest()[brace] != '{') return Emit(" ", length);
      group_dropped_.push_back(true);
      return Emit(" ", brace + 1);
    }
    const Replacement* found = Find(kCommands, name);
    Emit(found ? found->second : rest().substr(0, length), length);
  }

  // `\,` at at_ between a digit and exactly three more.
  bool SeparatesThousands() const {
    const std::string_view after = rest().substr(2);
    size_t digits = 0;
    while (digits < after.size() && IsDigit(after[digits])) ++digits;
    return digits == 3 && !out_.empty() && IsDigit(out_.back());
  }

  // Markdown bold opens after and closes before a space, an end or a mark; `2**3` is a power.
  void Stars() {
    const char before = out_.empty() ? ' ' : out_.back();
    const char after = rest().size() > 2 ? rest()[2] : ' ';
    const auto outside = [](char c) {
      return std::string_view(" .,;:!?)").find(c) != std::string_view::npos;
    };
    const bool bold = outside(before) != outside(after);
    Emit(bold ? "" : "**", 2);
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string out_;
  std::vector<bool> group_dropped_;  // open braces; true when a font command opened it
};

}  // namespace

std::string CleanAnswer(std::string_view answer) {
  std::string out = Cleaner(answer).Run();
  for (const std::string_view degree : {"^{\\circ}", "^\\circ", "\\circ"}) {
    out = ReplaceAll(std::move(out), degree, "");
  }
  std::string_view view = Trim(out);
  while (view.ends_with('.') || view.ends_with(',') || view.ends_with(';')) {
    view = Trim(view.substr(0, view.size() - 1));
  }
  if (view.size() >= 2 && view.front() == view.back() && (view[0] == '"' || view[0] == '\'')) {
    view = Trim(view.substr(1, view.size() - 2));
  }
  return std::string(view);
}

}  // namespace retort::verifiers
