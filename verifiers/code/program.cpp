#include "verifiers/code/internal/program.h"

#include <vector>

#include "base/strings.h"
#include "verifiers/text/ascii.h"
#include "verifiers/text/extract.h"

namespace retort::verifiers {

namespace {

constexpr size_t kNone = std::string_view::npos;

// The line that begins at `at`, without its end.
std::string_view LineAt(std::string_view text, size_t at) {
  return text.substr(at, std::min(text.find('\n', at), text.size()) - at);
}

size_t Indentation(std::string_view line) {
  size_t indentation = 0;
  while (indentation < line.size() && (line[indentation] == ' ' || line[indentation] == '\t')) {
    ++indentation;
  }
  return indentation;
}

// --- fences ---

struct Block {
  std::string mark;  // "python", lower case, "" when there is none
  std::string text;
};

size_t FenceSize(std::string_view line, char mark) {
  size_t size = 0;
  while (size < line.size() && line[size] == mark) ++size;
  return size >= 3 ? size : 0;
}

std::vector<Block> FencedBlocks(std::string_view text) {
  std::vector<Block> blocks;
  bool open = false;
  char mark = '`';
  size_t size = 0, indentation = 0;
  for (size_t at = 0; at < text.size();) {
    std::string_view line = LineAt(text, at);
    at += line.size() + 1;
    const size_t indent = Indentation(line);
    const std::string_view bare = Trim(line);
    if (!open) {
      for (const char candidate : {'`', '~'}) {
        const size_t run = FenceSize(bare, candidate);
        // Inline code is no fence: ```x```.
        if (run == 0 || bare.find(candidate, run) != kNone) continue;
        open = true, mark = candidate, size = run, indentation = indent;
        const std::string_view info = Trim(bare.substr(run));
        blocks.push_back({Lowered(info.substr(0, info.find_first_of(" \t{,"))), ""});
      }
      continue;
    }
    const size_t run = FenceSize(bare, mark);
    if (run >= size && run == bare.size()) {
      open = false;
      continue;
    }
    line.remove_prefix(std::min(indentation, indent));
    blocks.back().text.append(line).append("\n");
  }
  // One that ends on its last line of code.
  if (open) {
    std::string& last = blocks.back().text;
    const std::string_view trimmed = Trim(last);
    if (trimmed.ends_with(std::string(size, mark))) {
      last.resize(static_cast<size_t>(trimmed.data() - last.data()) + trimmed.size() - size);
    }
  }
  return blocks;
}

// The last of those with the best mark: the task's language and a definition, the language, none.
const Block* BestBlock(const std::vector<Block>& blocks, const CodeTask& task) {
  const Block* best = nullptr;
  int best_rank = 0;
  for (const Block& block : blocks) {
    const auto language = LanguageOfName(block.mark);
    if (!block.mark.empty() && !language) continue;  // output, json, bash …
    if (language && task.language != Language::kAuto && *language != task.language) continue;
    if (Trim(block.text).empty()) continue;
    const Language assumed =
        task.language == Language::kAuto ? language.value_or(Language::kPython) : task.language;
    const bool defines = DefinitionOf(block.text, task.entry_point, assumed).has_value();
    const int rank = 1 + (language ? 1 : 0) + (defines ? 2 : 0);
    if (rank >= best_rank) best = &block, best_rank = rank;
  }
  return best;
}

// --- the prompt ---

// --- C++ ---

bool IsNamePart(char c) { return IsLetter(c) || IsDigit(c) || c == '_'; }

// The text with spaces in place of comments, literals and lines of the preprocessor.
std::string Blanked(std::string_view text) {
  std::string code(text);
  const auto blank = [&](size_t begin, size_t end) {
    end = std::min(end, code.size());
    for (size_t i = begin; i < end; ++i) {
      if (code[i] != '\n') code[i] = ' ';
    }
    return end;
  };
  bool line_start = true;
  for (size_t at = 0; at < text.size();) {
    const std::string_view rest = text.substr(at);
    const char c = rest[0];
    if (line_start && c == '#') {
      size_t end = at + LineAt(text, at).size();
      while (end < text.size() && text[end - 1] == '\\') {
        ++end;
        end += LineAt(text, end).size();
      }
      at = blank(at, end);
    } else if (rest.starts_with("//")) {
      at = blank(at, at + LineAt(text, at).size());
    } else if (rest.starts_with("/*")) {
      const size_t end = text.find("*/", at + 2);
      at = blank(at, end == kNone ? text.size() : end + 2);
    } else if (rest.starts_with("R\"") && !(at > 0 && IsNamePart(text[at - 1]))) {
      const size_t open = rest.find('(');
      const std::string close =
          ")" + std::string(rest.substr(2, open == kNone ? 0 : open - 2)) + "\"";
      const size_t end = text.find(close, at + 2);
      at = blank(at, end == kNone ? text.size() : end + close.size());
    } else if (c == '"' || (c == '\'' && !(at > 0 && IsNamePart(text[at - 1])))) {
      size_t end = at + 1;
      while (end < text.size() && text[end] != c && text[end] != '\n') {
        end += text[end] == '\\' ? 2 : 1;
      }
      at = blank(at, end + 1);
    } else {
      line_start = c == '\n' || (line_start && IsSpace(c));
      ++at;
      continue;
    }
    line_start = false;
  }
  return code;
}

int OpenBraces(std::string_view text) {
  int open = 0;
  for (const char c : Blanked(text)) open += c == '{' ? 1 : c == '}' ? -1 : 0;
  return open;
}

// The place behind the parenthesis that closes the one at `at`; the end where none does within the
// statement.
size_t BehindParentheses(std::string_view code, size_t at) {
  int open = 0;
  for (; at < code.size() && code[at] != ';' && code[at] != '{' && code[at] != '}'; ++at) {
    open += code[at] == '(' ? 1 : code[at] == ')' ? -1 : 0;
    if (open == 0) return at + 1;
  }
  return code.size();
}

std::string IncludesOf(std::string_view text) {
  std::string includes;
  for (size_t at = 0; at < text.size();) {
    const std::string_view line = LineAt(text, at);
    if (line.starts_with("#")) includes.append(line).append("\n");
    at += line.size() + 1;
  }
  return includes;
}

// What of the prompt goes in front of a program that defines the function itself.
std::string Preamble(std::string_view prompt, size_t definition, const ExtractedProgram& program) {
  const std::string_view before = prompt.substr(0, definition);
  if (program.language == Language::kPython) {
    // A program with such an import has to begin with it.
    return program.source.find("from __future__") != kNone ? "" : std::string(before);
  }
  for (const char* kind : {"union ", "struct "}) {
    const size_t at = before.find(kind);
    if (at != kNone && program.source.find(LineAt(before, at)) != kNone) return IncludesOf(before);
  }
  return std::string(before);
}

std::string Indented(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const std::string_view line = LineAt(text, at);
    out.append(line.empty() ? "" : "    ").append(line).append("\n");
    at += line.size() + 1;
  }
  return out;
}

bool StartsIndented(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  return first != kNone && first > 0 && text[first - 1] != '\n';
}

// Puts the prompt in front where the prompt is code.
void Complete(const CodeTask& task, bool fenced, ExtractedProgram& program) {
  if (task.prompt.empty() || task.entry_point.empty()) return;
  const auto head = DefinitionOf(task.prompt, task.entry_point, program.language);
  if (!head) return;
  if (DefinitionOf(program.source, task.entry_point, program.language)) {
    program.source = Preamble(task.prompt, *head, program) + program.source;
    program.taken += "/function";
    return;
  }
  const bool python = program.language == Language::kPython;
  if (python && fenced && !StartsIndented(program.source)) {
    program.source = Indented(program.source);
  }
  std::string prompt = task.prompt;
  if (fenced && !prompt.ends_with('\n')) prompt += '\n';
  program.source = prompt + program.source;
  // MultiPL-E's completions stop before the last brace.
  if (!python && OpenBraces(program.source) == 1) program.source += "\n}\n";
  program.taken += "/body";
}

// "def f(", "class f:", "f = …" after which no name goes on.
bool PythonDefines(std::string_view line, std::string_view name) {
  if (line.starts_with("async ")) line.remove_prefix(6);
  const bool keyword = line.starts_with("def ") || line.starts_with("class ");
  if (keyword) line = line.substr(line.find(' ') + 1);
  line.remove_prefix(Indentation(line));
  if (!line.starts_with(name)) return false;
  line.remove_prefix(name.size());
  line.remove_prefix(Indentation(line));
  if (line.empty()) return false;
  return keyword ? line[0] == '(' || line[0] == ':' : line[0] == '=' && !line.starts_with("==");
}

}  // namespace

std::optional<CppFunction> FindCppFunction(std::string_view text, std::string_view name) {
  if (name.empty()) return std::nullopt;
  const std::string code = Blanked(text);
  size_t begin = 0;  // of the statement
  bool declares = true;
  int depth = 0;
  for (size_t at = 0; at < code.size(); ++at) {
    const char c = code[at];
    depth += c == '{' ? 1 : c == '}' ? -1 : 0;
    if (c == ';' || c == '{' || c == '}') begin = at + 1, declares = true;
    if (std::string_view("=(.\"").find(c) != kNone) declares = false;
    if (depth > 0 || !IsNamePart(c)) continue;
    const size_t start = at;
    while (at + 1 < code.size() && IsNamePart(code[at + 1])) ++at;
    if (!declares || std::string_view(code).substr(start, at + 1 - start) != name) continue;
    const size_t open = code.find_first_not_of(" \t\r\n", at + 1);
    if (open == kNone || code[open] != '(') continue;
    // A type stands in front, and nothing that makes it a call.
    begin = std::min(code.find_first_not_of(" \t\r\n", begin), start);
    const std::string_view type = Trim(std::string_view(code).substr(begin, start - begin));
    if (type.empty() || type.starts_with("return")) continue;
    const char last = type.back();
    if (!IsNamePart(last) && last != '>' && last != '&' && last != '*') continue;
    const size_t behind = BehindParentheses(code, open);
    const size_t next = std::min(code.find_first_not_of(" \t\r\n", behind), code.size());
    const std::string_view rest = std::string_view(code).substr(next);
    bool goes_on = rest.empty() && behind == code.size() &&
                   code.back() == ')';  // and not as a sentence would: "write f(x) such that"
    for (const char* token : {"{", ";", "->", "const", "noexcept"}) {
      goes_on = goes_on || rest.starts_with(token);
    }
    if (!goes_on) continue;
    const size_t end = std::min(code.find_first_of("{;", behind), code.size());
    CppFunction function;
    function.head = Trim(std::string_view(code).substr(begin, end - begin));
    function.is_declaration = end < code.size() && code[end] == ';';
    function.begin = begin;
    function.end = end + (function.is_declaration ? 1 : 0);
    return function;
  }
  return std::nullopt;
}

std::optional<size_t> DefinitionOf(std::string_view source, const std::string& name,
                                   Language language) {
  if (name.empty()) return std::nullopt;
  if (language == Language::kCpp) {
    const auto function = FindCppFunction(source, name);
    return function ? std::optional(function->begin) : std::nullopt;
  }
  for (size_t at = 0; at < source.size();) {
    const std::string_view line = LineAt(source, at);
    if (PythonDefines(line, name)) return at;
    at += line.size() + 1;
  }
  return std::nullopt;
}

std::optional<ExtractedProgram> ExtractProgram(std::string_view response, const CodeTask& task,
                                               const Json& columns) {
  ExtractedProgram program;
  program.language = task.language == Language::kAuto ? Language::kPython : task.language;
  const auto column = columns.is_object() ? columns.find("program") : columns.end();
  if (column != columns.end() && column->is_string() &&
      column->get_ref<const std::string&>() == response && !Trim(response).empty()) {
    program.source = response;
    program.taken = "program";
    return program;
  }

  const std::string_view said = AfterThinking(response);
  const auto tagged = LastAnswerTag(said);
  const std::vector<Block> blocks = FencedBlocks(tagged.value_or(said));
  const Block* block = BestBlock(blocks, task);
  if (block) {
    program.source = block->text;
    program.taken = "fence";
    if (task.language == Language::kAuto) {
      program.language = LanguageOfName(block->mark).value_or(program.language);
    }
  } else if (!blocks.empty()) {
    return std::nullopt;  // in another language
  } else {
    // What a chat template left behind is no code.
    program.source = tagged ? *tagged : WithinTurn(said);
    program.taken = tagged ? "answer-tag" : "text";
  }
  if (Trim(program.source).empty()) return std::nullopt;
  Complete(task, block != nullptr || tagged, program);
  return program;
}

}  // namespace retort::verifiers
