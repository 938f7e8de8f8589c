// retort chat: a conversation with a model in its own chat format. What the model has read stays in
// its cache from turn to turn. The same seed and messages give the same answers.

#include "model/chat.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "base/output_file.h"
#include "base/plural.h"
#include "base/strings.h"
#include "cli/commands.h"
#include "cli/conversation.h"
#include "cli/line_reader.h"
#include "cli/parts/interrupt.h"
#include "cli/parts/model_argument.h"
#include "cli/parts/option_flags.h"
#include "cli/parts/table.h"
#include "cli/prompt_template.h"
#include "cli/sampling_flags.h"
#include "cli/thinking.h"
#include "model/pretrained.h"
#include "model/text_stream.h"
#include "rollout/session.h"
#include "train/problems.h"

namespace retort::cli {
namespace {
namespace fs = std::filesystem;

struct ChatCommand {
  std::string folder;
  std::string system;
  std::string template_file;
  std::string load;
  SamplingFlags sampling;
  int64_t seed = 0;
  int64_t context = 0;  ///< 0: the model's
  bool ignore_eos = false;
  bool show_thinking = true;
  bool verbose = false;
  nn::Precision precision;
  int threads = 0;
};

model::JinjaTemplate TemplateOf(const ChatCommand& command, const model::Tokenizer& tokenizer) {
  if (!command.template_file.empty()) {
    return model::JinjaTemplate(ReadFile(command.template_file), command.template_file);
  }
  RETORT_CHECK(
      tokenizer.has_chat_template() || fs::exists(fs::path(command.folder) / "chat_template.jinja"),
      command.folder,
      ": has no chat template, so it is no model to talk to. Name one with "
      "--chat-template-file, or let it complete text with retort generate");
  return tokenizer.chat_template();
}

// Writes an answer as it comes: on a terminal what is reasoning is faint; or it is left out.
class AnswerWriter {
 public:
  AnswerWriter(bool open, bool show_thinking)
      : splitter_(open), shows_(show_thinking), faint_(isatty(STDOUT_FILENO) == 1) {}
  ~AnswerWriter() { SetFaint(false); }

  void Write(std::string_view text) {
    splitter_.Add(text, [this](auto part, bool thinking) { Put(part, thinking); });
    FlushOutput();
  }
  void Finish() {
    splitter_.Finish([this](auto part, bool thinking) { Put(part, thinking); });
    SetFaint(false);
    std::cout << "\n";
    FlushOutput();
  }

 private:
  void Put(std::string_view part, bool thinking) {
    if (thinking && !shows_) {
      left_out_ = true;
      return;
    }
    if (left_out_) {  // nor the blank lines behind it
      const size_t begin = part.find_first_not_of(" \n");
      if (begin == std::string_view::npos) return;
      part.remove_prefix(begin);
      left_out_ = false;
    }
    SetFaint(thinking);
    std::cout << part;
  }
  // Beside std::cout, which spells control characters on a terminal.
  void SetFaint(bool faint) {
    if (!faint_ || faint == is_faint_) return;
    std::cout.flush();
    std::fputs(faint ? "\x1b[2m" : "\x1b[0m", stdout);
    std::fflush(stdout);
    is_faint_ = faint;
  }

  ThinkingSplitter splitter_;
  bool shows_, faint_, is_faint_ = false, left_out_ = false;
};

class Chat {
 public:
  Chat(ChatCommand& command, const model::PackedModel& pretrained, nn::Compute& compute)
      : command_(command),
        pretrained_(pretrained),
        conversation_(pretrained.tokenizer, TemplateOf(command, pretrained.tokenizer), LocalTime()),
        session_(pretrained.weights, compute, &pretrained.tokenizer),
        positions_(train::Positions(pretrained.weights->network().config())) {
    if (command.context > 0) positions_ = std::min(positions_, command.context);
    if (!command.ignore_eos) {
      stop_ids_ = model::StopIds(pretrained.generation, pretrained.tokenizer);
    }
    if (!command.load.empty()) Load(command.load);
    if (!command.system.empty()) SetSystem(command.system);
  }

  int Run() {
    if (command_.verbose) Say(DescribeAll());
    if (reader_.is_terminal()) {
      Say("Type a message, or /help. Ctrl-C stops an answer, Ctrl-D ends the chat.");
    }
    if (conversation_.IsAsked()) Try([this] { Answer(); });
    while (!quit_) {
      if (Interrupted() && !GoesOn()) return kInterrupted;
      std::string message;
      switch (ReadMessage(reader_, message)) {
        case LineReader::Got::kEnd:
          if (reader_.is_terminal()) std::cerr << "\n";
          return Interrupted() && !GoesOn() ? kInterrupted : kSuccess;
        case LineReader::Got::kInterrupted:
          if (reader_.is_terminal() && !AskedToEnd()) std::cerr << "\n(Ctrl-D or /quit ends)\n";
          break;
        case LineReader::Got::kLine:
          Try([&] { Take(ToValidUtf8(message)); });
      }
    }
    return kSuccess;
  }

 private:
  struct Command {
    const char *name, *value, *help;
    void (Chat::*run)(const std::string& value);
  };
  static const std::vector<Command>& Commands();

  // Ctrl-C goes back to the terminal's prompt, and ends what is fed by a program.
  bool GoesOn() {
    if (!reader_.is_terminal() || AskedToEnd()) return false;
    ForgetInterrupt();
    return true;
  }

  static void Say(const std::string& text) {
    for (const std::string& line : Split(std::string(Trim(text)), '\n')) {
      std::cerr << "retort: " << line << "\n";
    }
  }

  // On a terminal the chat survives what goes wrong in a turn.
  template <class Body>
  void Try(const Body& body) {
    try {
      body();
    } catch (const BrokenPipe&) {
      throw;
    } catch (const Error& error) {
      if (!reader_.is_terminal()) throw;
      std::cerr << "retort: error: " << error.what() << "\n";
    }
  }

  void Take(const std::string& message) {
    if (Trim(message).empty()) return;
    if (!message.starts_with('/')) {
      attempt_ = 0;
      conversation_.Add("user", message);
      return Answer();
    }
    const size_t space = std::min(message.find_first_of(" \n"), message.size());
    const std::string name = message.substr(0, space);
    std::vector<std::string> known;
    for (const Command& command : Commands()) {
      if (name == command.name) {
        return (this->*command.run)(std::string(Trim(message.substr(space))));
      }
      known.push_back(command.name);
    }
    Fail("there is no command '", name, "'.", DidYouMean(name, known),
         " /help lists them. A message that begins with / needs a space in front of it");
  }

  rollout::Request MakeRequest(std::vector<int32_t> ids) const {
    rollout::Request request{
        .prompt = std::move(ids),
        .sampling = command_.sampling.options,
        .stop_ids = stop_ids_,
        .stream = {.seed = static_cast<uint64_t>(command_.seed),
                   .purpose = "chat",
                   .step = static_cast<uint64_t>(attempt_),
                   .problem = static_cast<uint64_t>(conversation_.questions())}};
    // The last token of an answer needs no position.
    const int64_t room = positions_ - std::ssize(request.prompt) + 1;
    int64_t& length = request.sampling.max_completion_length;
    length = command_.sampling.HasLength() ? std::min(length, room) : room;
    return request;
  }

  // A question that cannot be answered is taken back.
  void Answer() {
    try {
      Ask();
    } catch (const Error&) {
      conversation_.Undo();
      throw;
    }
  }

  void Ask() {
    int64_t reserve = std::max<int64_t>(positions_ / 4, 1);  // kept for the answer
    if (command_.sampling.HasLength()) {
      reserve = std::min(reserve, command_.sampling.options.max_completion_length);
    }
    Conversation::Prompt prompt = conversation_.Render(positions_ - reserve + 1);
    if (prompt.dropped > dropped_) {
      Say(StrCat("the conversation has outgrown the context of ", Counted(positions_, "token"),
                 ": the model no longer sees the first ",
                 prompt.dropped == 1 ? "question and its answer"
                                     : StrCat(prompt.dropped, " questions and their answers"),
                 ". /clear begins anew"));
    }
    dropped_ = prompt.dropped;
    const size_t tail = std::min<size_t>(prompt.ids.size(), 8);
    const std::string before = pretrained_.tokenizer.Decode(std::span(prompt.ids).last(tail));
    AnswerWriter writer(Trim(before).ends_with(model::kThinkOpen), command_.show_thinking);
    model::TextStream stream(pretrained_.tokenizer, model::SpecialTokens::kSkip);
    std::string answer;
    const auto write = [&](const std::string& text) {
      answer += text;
      writer.Write(text);
    };
    rollout::Request request = MakeRequest(std::move(prompt.ids));
    request.on_token = [&](int64_t, int32_t id) { write(stream.Add(id)); };
    const rollout::SessionAnswer said = session_.Answer(request, Interrupted);
    write(stream.Finish());
    writer.Finish();
    conversation_.Add("assistant", answer);
    Report(said);
    if (reader_.is_terminal()) std::cerr << "\n";
  }

  void Report(const rollout::SessionAnswer& said) const {
    const Trajectory& t = said.trajectory;
    if (t.finish == FinishReason::kLength) {
      const bool full = std::ssize(t.prompt) + std::ssize(t.completion) > positions_;
      Say(full ? StrCat("the answer ends where the context of ", Counted(positions_, "token"),
                        " does")
               : StrCat("the answer ends after ", Counted(t.completion.size(), "token"),
                        " (--max-completion-length)"));
    }
    if (!command_.verbose) return;
    const int64_t fresh = std::ssize(t.prompt) - said.reused;
    Say(StrCat("prompt: ", TokenSpeed(fresh, said.prompt_seconds), ", beside ", said.reused,
               " from the cache"));
    Say(StrCat("answer: ", TokenSpeed(std::ssize(t.completion), said.answer_seconds)));
  }

  std::string DescribeAll() const {
    return StrCat(
        DescribeSampling(command_.sampling, pretrained_.generation, pretrained_.tokenizer),
        command_.ignore_eos ? "which is ignored\n" : "", "seed ", command_.seed, "\ncontext ",
        positions_, "\n");
  }

  void SetSystem(const std::string& text) {
    conversation_.SetSystem(text);
    dropped_ = 0;
  }

  void Load(const std::string& file) {
    conversation_.Load(ParseJson(ReadFile(file), file), file);
    own_files_.insert(fs::weakly_canonical(file));
    dropped_ = 0;
  }

  void Help(const std::string&) {
    std::string text;
    for (const Command& command : Commands()) {
      std::string line = StrCat(command.name, " ", command.value);
      line.resize(std::max<size_t>(line.size() + 1, 18), ' ');
      text += line + command.help + "\n";
    }
    text += "A line that ends in \\ goes on in the next one; \"\"\" begins and ends many lines.\n";
    if (!reader_.edits() && reader_.is_terminal()) {
      text += "Cursor keys and history need a retort that was built with libedit (libedit-dev).\n";
    }
    std::cerr << text;
  }
  void Clear(const std::string&) {
    conversation_.Clear();
    dropped_ = 0;
  }
  void System(const std::string& text) { SetSystem(text); }
  void Undo(const std::string&) {
    RETORT_CHECK(conversation_.Undo(), "/undo: nothing has been said yet");
    dropped_ = 0;
  }
  void Again(const std::string&) {
    RETORT_CHECK(conversation_.questions() > 0, "/regen: nothing has been asked yet");
    conversation_.TakeBackAnswer();
    ++attempt_;
    Answer();
  }
  void Save(const std::string& file) {
    RETORT_CHECK(!file.empty(), "/save: needs the name of a file");
    const fs::path path = fs::weakly_canonical(file);
    RETORT_CHECK(!fs::exists(path) || own_files_.contains(path), "/save: ", file,
                 " is there already; choose another name");
    WriteFileAtomic(path, conversation_.messages().dump(2) + "\n");
    own_files_.insert(path);
    Say(StrCat(Counted(conversation_.messages().size(), "message"), " in ", file));
  }
  void LoadFile(const std::string& file) {
    RETORT_CHECK(!file.empty(), "/load: needs the name of a file");
    Load(file);
    Say(StrCat(Counted(conversation_.messages().size(), "message"), " from ", file));
    if (conversation_.IsAsked()) Answer();
  }
  void Set(const std::string& text) {
    const size_t space = std::min(text.find(' '), text.size());
    const std::string name = text.substr(0, space), value(Trim(text.substr(space)));
    RETORT_CHECK(!name.empty() && !value.empty(),
                 "/set: expected NAME VALUE, such as temperature "
                 "0.5; /params lists the names");
    if (name == "seed") {
      options_internal::ReadValue(JsonOrText(value, name), name, {0, 9e15}, command_.seed);
    } else {
      SetSampling(command_.sampling, name, value);
    }
  }
  void Params(const std::string&) { std::cerr << DescribeAll(); }
  void Quit(const std::string&) { quit_ = true; }

  ChatCommand& command_;
  const model::PackedModel& pretrained_;
  Conversation conversation_;
  rollout::Session session_;
  int64_t positions_;  // of the model that are used
  std::vector<int32_t> stop_ids_;
  LineReader reader_;
  int64_t attempt_ = 0;  // to answer the last question
  int64_t dropped_ = 0;  // questions that the model did not see the last time
  std::set<fs::path> own_files_;
  bool quit_ = false;
};

const std::vector<Chat::Command>& Chat::Commands() {
  static const std::vector<Command> commands{
      {"/help", "", "Print this.", &Chat::Help},
      {"/clear", "", "Forget the conversation but for the system message.", &Chat::Clear},
      {"/system", "TEXT", "Change the system message; without TEXT there is none.", &Chat::System},
      {"/undo", "", "Forget the last message and its answer.", &Chat::Undo},
      {"/regen", "", "Answer the last message once more, by other random numbers.", &Chat::Again},
      {"/save", "FILE", "Write the messages as JSON.", &Chat::Save},
      {"/load", "FILE", "Go on with the messages of a file.", &Chat::LoadFile},
      {"/set", "NAME VALUE", "Change how answers are sampled: temperature 0.5.", &Chat::Set},
      {"/params", "", "Print how answers are sampled.", &Chat::Params},
      {"/quit", "", "End the chat.", &Chat::Quit},
      {"/exit", "", "The same.", &Chat::Quit},
      {"/bye", "", "The same.", &Chat::Quit}};
  return commands;
}

int RunChat(ChatCommand command) {
  CatchEachInterrupt();
  command.folder = ModelFolder(command.folder);
  const Executor executor(command.threads);
  nn::Compute compute(executor);
  const model::PackedModel pretrained =
      model::LoadPacked(command.folder, compute, command.precision);
  TakeFolderDefaults(pretrained.generation, command.sampling);
  return Chat(command, pretrained, compute).Run();
}

}  // namespace

void AddChat(CLI::App& program, Action& action) {
  auto command = std::make_shared<ChatCommand>();
  CLI::App* app = program.add_subcommand("chat", "Talk to a model in its own chat format.");
  AddModelArgument(*app, command->folder);
  AddSystemFlag(*app, command->system);
  app->add_option("--load", command->load,
                  "Go on with the messages of a JSON file, such as /save writes.")
      ->type_name("FILE");
  app->add_option("--chat-template-file", command->template_file,
                  "A Jinja template in place of the folder's.")
      ->type_name("FILE");
  AddSeedFlag(*app, command->seed);
  AddSamplingFlags(*app, command->sampling);
  app->get_option("--max-completion-length")
      ->description("Longest answer in tokens. [default what the context leaves]");
  AddInteger(*app, "--ctx-size,-c", command->context, {0, 1e9},
             "Use so many tokens of the model's context; 0 is all. [default 0]");
  app->add_flag("--ignore-eos", command->ignore_eos, "Go on behind the ids that end an answer.");
  app->add_flag("--show-thinking", command->show_thinking,
                "Print what stands between <think> and </think>, too. [default true]");
  app->add_flag("-v,--verbose", command->verbose,
                "Tell where the options are from, and the speed of each turn.");
  AddPrecisionFlags(*app, command->precision);
  AddThreadsFlag(*app, command->threads);
  app->callback([command, &action] { action = [command] { return RunChat(*command); }; });
}

}  // namespace retort::cli
