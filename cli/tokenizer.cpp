// retort tokenizer: text to ids and back, what a tokenizer is made of, and new ones.

#include "cli/tokenizer.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>

#include "base/error.h"
#include "base/excerpt.h"
#include "base/pipeline.h"
#include "base/strings.h"
#include "cli/commands.h"
#include "cli/parts/model_argument.h"
#include "cli/parts/option_flags.h"
#include "cli/parts/table.h"
#include "cli/prompt_template.h"
#include "model/chat.h"
#include "model/tokenizer.h"

namespace retort::cli {
namespace {

constexpr int64_t kLinesAtOnce = 512, kBatches = 16;

struct TokenizerCommand {
  std::string folder;
  std::string file = "-";
  bool json = false;
  bool special = false;  ///< encode: add them; decode: leave them out
  bool as_text = false;
  std::string name;     ///< render: of the template
  bool prompt = false;  ///< render: up to where the model goes on
  bool ids = false;
  int threads = 0;
};

// line -> line, several at once, in order. `convert(line, where)`
template <class Convert>
int ForLines(const TokenizerCommand& command, const Convert& convert) {
  struct Batch {
    int64_t first = 0;
    std::vector<std::string> lines;
    std::string out;
  };
  Lines lines(command.file);
  int64_t row = 0;
  RunPipeline<Batch>(
      command.threads, kBatches,
      [&](Batch& batch) {
        batch.first = row + 1;
        std::string line;
        while (std::ssize(batch.lines) < kLinesAtOnce && lines.Next(line)) {
          if (line.ends_with('\n')) line.pop_back();
          batch.lines.push_back(line);
          ++row;
        }
        return !batch.lines.empty();
      },
      [&](Batch& batch) {
        for (size_t i = 0; i < batch.lines.size(); ++i) {
          const int64_t number = batch.first + static_cast<int64_t>(i);
          const std::string where = StrCat(lines.name(), ": line ", number);
          batch.out += convert(batch.lines[i], where) + "\n";
        }
      },
      [&](Batch& batch) { std::cout << batch.out; });
  std::cout.flush();
  return kSuccess;
}

int Encode(const TokenizerCommand& command) {
  const model::Tokenizer tokenizer = model::Tokenizer::Load(TokenizerFolder(command.folder));
  const auto added = command.as_text ? model::AddedTokens::kAsText : model::AddedTokens::kMatch;
  return ForLines(command, [&](const std::string& line, const std::string& where) {
    std::string text = line;
    if (command.json) {
      const Json json = ParseJson(line, where);
      RETORT_CHECK(json.is_string(), where, ": got ", Excerpt(line), ", expected a JSON string");
      text = json.get<std::string>();
    }
    std::vector<int32_t> ids = tokenizer.Encode(text, added);
    if (command.special) ids = tokenizer.WithSpecialTokens(std::move(ids));
    std::string out;
    for (const int32_t id : ids) {
      if (!out.empty()) out += command.json ? "," : " ";
      out += std::to_string(id);
    }
    return command.json ? "[" + out + "]" : out;
  });
}

std::vector<int32_t> ReadIds(const std::string& line, const std::string& where) {
  const bool list = Trim(line).starts_with('[');
  std::string text(Trim(line));
  if (!list) {
    std::ranges::replace(text, '\t', ' ');
    std::vector<std::string> words = Split(text, ' ');
    std::erase(words, "");
    text = "[" + Join(words, ",") + "]";
  }
  const Json json = ParseJson(text, where);
  std::vector<int32_t> ids;
  for (const Json& id : json) {
    RETORT_CHECK(id.is_number_unsigned() && id.get<uint64_t>() <= INT32_MAX, where, ": got ",
                 Excerpt(ToJsonLine(id)), ", expected token ids");
    ids.push_back(id.get<int32_t>());
  }
  return ids;
}

int Decode(const TokenizerCommand& command) {
  const model::Tokenizer tokenizer = model::Tokenizer::Load(TokenizerFolder(command.folder));
  const auto special = command.special ? model::SpecialTokens::kSkip : model::SpecialTokens::kKeep;
  return ForLines(command, [&](const std::string& line, const std::string& where) {
    const std::string text = ToValidUtf8(tokenizer.Decode(ReadIds(line, where), special));
    return command.json ? ToJsonLine(text) : text;
  });
}

// A conversation a line: a list of messages, or an object with "messages".
int Render(const TokenizerCommand& command) {
  const auto folder = TokenizerFolder(command.folder);
  const model::Tokenizer tokenizer = model::Tokenizer::Load(folder);
  const auto chat = model::LoadChatTemplate(folder, command.name);
  RETORT_CHECK(chat, folder.string(),
               ": no chat template: expected chat_template.jinja, or chat_template in "
               "tokenizer_config.json");
  const std::tm now = LocalTime();
  return ForLines(command, [&](const std::string& line, const std::string& where) {
    Json conversation = ParseJson(line, where);
    if (conversation.is_array()) conversation = {{"messages", conversation}};
    if (command.prompt) conversation["add_generation_prompt"] = true;
    try {
      if (command.ids) {
        return ToJsonLine(Json(model::EncodeConversation(tokenizer, *chat, conversation, now)));
      }
      const std::string text =
          ToValidUtf8(model::RenderConversation(tokenizer, *chat, conversation, now));
      return command.json ? ToJsonLine(text) : text;
    } catch (const Error& error) {
      Fail(where, ": ", error.what());
    }
  });
}

int InspectTokenizer(const TokenizerCommand& command) {
  const model::Tokenizer tokenizer = model::Tokenizer::Load(TokenizerFolder(command.folder));
  const Json described = tokenizer.Describe();
  if (command.json) {
    std::cout << ToJsonLine(described) << "\n";
    return kSuccess;
  }
  Table table{{"part", "value"}, {}};
  for (const auto& [name, value] : described.items()) {
    if (name == "added_tokens") continue;
    table.rows.push_back({name, value.is_string() ? value.get<std::string>() : value.dump()});
  }
  std::cout << FormatTable(table) << "\n";
  Table added{{"id", "added token", "flags"}, {}};
  for (const Json& token : described["added_tokens"]) {
    std::vector<std::string> flags;
    for (const auto& [flag, value] : token.items()) {
      if (value == true) flags.push_back(flag);
    }
    added.rows.push_back({token["id"].dump(), token["content"].dump(), Join(flags, " ")});
  }
  std::cout << FormatTable(added);
  return kSuccess;
}

CLI::App* AddPart(CLI::App& tokenizer, const char* name, const char* help,
                  const std::shared_ptr<TokenizerCommand>& command, Action& action,
                  int (*run)(const TokenizerCommand&)) {
  CLI::App* app = tokenizer.add_subcommand(name, help);
  AddModelArgument(*app, command->folder);
  app->callback([command, run, &action] { action = [command, run] { return run(*command); }; });
  return app;
}

}  // namespace

std::filesystem::path TokenizerFolder(const std::string& path) {
  if (std::filesystem::exists(std::filesystem::path(path) / "tokenizer.json")) return path;
  return ModelFolder(path);
}

bool Lines::Next(std::string& line) {
  line.clear();
  while (!line.ends_with('\n')) {
    if (rest_.empty()) rest_ = source_.Next();
    if (rest_.empty()) return !line.empty();
    const size_t size = std::min(rest_.find('\n'), rest_.size() - 1) + 1;
    line += rest_.substr(0, size);
    rest_.remove_prefix(size);
  }
  return true;
}

void AddTokenizer(CLI::App& program, Action& action) {
  auto command = std::make_shared<TokenizerCommand>();
  CLI::App* tokenizer = program.add_subcommand(
      "tokenizer", "Turn text into token ids and back, as a model does; train vocabularies.");
  tokenizer->require_subcommand(1);
  CLI::App* encode =
      AddPart(*tokenizer, "encode", "Print the ids of each line of text.", command, action, Encode);
  CLI::App* decode =
      AddPart(*tokenizer, "decode", "Print the text of each line of ids.", command, action, Decode);
  CLI::App* inspect = AddPart(*tokenizer, "inspect", "Show what a tokenizer is made of.", command,
                              action, InspectTokenizer);
  CLI::App* render =
      AddPart(*tokenizer, "render", "Print each conversation as the model's chat template has it.",
              command, action, Render);
  for (CLI::App* app : {encode, decode, render}) {
    app->add_option("FILE", command->file, "Lines to read; - or nothing is standard input.");
    AddThreadsFlag(*app, command->threads);
  }
  encode->add_flag("--json", command->json,
                   "A line is a JSON string, and its ids are printed as a list.");
  encode->add_flag("--add-special-tokens", command->special,
                   "Put what the model expects around a text, often a begin token.");
  encode->add_flag("--as-text", command->as_text,
                   "Read what looks like an added token as plain text.");
  decode->add_flag("--json", command->json, "Print each text as a JSON string.");
  decode->add_flag("--skip-special-tokens", command->special, "Leave special tokens out.");
  render->add_flag("--add-generation-prompt", command->prompt,
                   "End where the model's answer begins.");
  render->add_option("--name", command->name, "Of several templates, this one. [default default]")
      ->type_name("NAME");
  render->add_flag("--ids", command->ids, "Print the ids, as a list.");
  render->add_flag("--json", command->json, "Print each text as a JSON string.");
  AddJsonFlag(*inspect, command->json);
  AddTokenizerTrain(*tokenizer, action);
}

}  // namespace retort::cli
