#include "verifiers/code_program.h"

#include <vector>

#include "base/strings.h"
#include "verifiers/ascii.h"
#include "verifiers/extract.h"

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

// Open braces of C++ text, comments and literals left out.
int OpenBraces(std::string_view text) {
  int open = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (text.substr(at).starts_with("//")) {
      at += LineAt(text, at).size();
    } else if (text.substr(at).starts_with("/*")) {
      at = std::min(text.find("*/", at + 2), text.size() - 1);
    } else if (c == '"' || (c == '\'' && !(at > 0 && IsDigit(text[at - 1])))) {
      for (++at; at < text.size() && text[at] != c && text[at] != '\n'; ++at)
        at += text[at] == '\\';
    } else {
      open += c == '{' ? 1 : c == '}' ? -1 : 0;
    }
  }
  return open;
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

bool IsNamePart(char c) { return IsLetter(c) || IsDigit(c) || c == '_'; }

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

// "std::vector<int> f(": a name with a type in front of it.
bool CppDefines(std::string_view line, std::string_view name) {
  if (line.empty() || !IsNamePart(line[0]) || line.starts_with("return")) return false;
  for (size_t at = line.find(name); at != kNone; at = line.find(name, at + 1)) {
    size_t end = at + name.size();
    end += Indentation(line.substr(end));
    if (at == 0 || IsNamePart(line[at - 1]) || end >= line.size() || line[end] != '(') continue;
    return line.substr(0, at).find_first_of("=()\".") == kNone;
  }
  return false;
}

}  // namespace

std::optional<size_t> DefinitionOf(std::string_view source, const std::string& name,
                                   Language language) {
  if (name.empty()) return std::nullopt;
  for (size_t at = 0; at < source.size();) {
    const std::string_view line = LineAt(source, at);
    if (language == Language::kCpp ? CppDefines(line, name) : PythonDefines(line, name)) return at;
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
