// retort tokenizer train: a vocabulary from text.

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <optional>

#include "base/folder.h"
#include "base/plural.h"
#include "base/stopwatch.h"
#include "base/strings.h"
#include "cli/parts/interrupt.h"
#include "cli/parts/memory.h"
#include "cli/parts/option_flags.h"
#include "cli/parts/progress.h"
#include "cli/parts/table.h"
#include "cli/tokenizer.h"
#include "datasets/jsonl.h"
#include "model/bpe_trainer.h"
#include "model/tokenizer_kinds.h"

namespace retort::cli {
namespace {

constexpr int64_t kBadRowsShown = 20;

struct TrainCommand {
  std::vector<std::string> files;
  std::string out, like, kind = "gpt2";
  std::vector<std::string> text_columns;
  model::BpeTrainerOptions options;
  int threads = 0;
  bool json = false;
};

// Rows are what their names say, and everything where columns are named.
bool HasRows(const TrainCommand& command, std::string name) {
  for (const char* packed : {".gz", ".zst"}) {
    if (name.ends_with(packed)) name.erase(name.rfind('.'));
  }
  return !command.text_columns.empty() || name.ends_with(".jsonl") || name.ends_with(".csv");
}

// The texts of all files, one after the other: lines with their ends, or columns of rows.
class Texts {
 public:
  explicit Texts(const TrainCommand& command) : command_(command), columns_(command.text_columns) {
    if (columns_.empty()) columns_ = {"text"};
    std::error_code unknown;
    for (const std::string& file : command.files) {
      const auto size = std::filesystem::file_size(file, unknown);
      total_ += unknown ? 0 : static_cast<double>(size);
    }
  }

  bool Next(std::string& text) {
    if (Interrupted()) Fail("interrupted");
    while (true) {
      if (lines_ && lines_->Next(text)) break;
      if (rows_ && NextOfRows(text)) break;
      if (file_ == command_.files.size()) return false;
      Open(command_.files[file_++]);
    }
    progress_.Update(done_ + static_cast<double>(consumed()), total_, "counting words");
    return true;
  }

  int64_t bad_rows() const { return bad_rows_; }
  int64_t rows() const { return row_count_; }
  Progress& progress() { return progress_; }

 private:
  int64_t consumed() const { return lines_ ? lines_->consumed() : rows_ ? rows_->consumed() : 0; }

  void Open(const std::string& file) {
    done_ += static_cast<double>(consumed());
    lines_.reset();
    rows_.reset();
    column_ = columns_.size();
    if (HasRows(command_, file)) {
      rows_.emplace(file);
    } else {
      lines_.emplace(file);
    }
  }

  bool NextOfRows(std::string& text) {
    while (true) {
      while (column_ == columns_.size()) {
        if (!rows_->Next(row_)) return false;
        ++row_count_;
        column_ = 0;
        if (!row_.row) Skip(row_.error);
      }
      const Json value = row_.row->value(columns_[column_], Json());
      if (value.is_string()) {
        text = value.get<std::string>();
        ++column_;
        return true;
      }
      Skip(StrCat(rows_->Where(row_.number), ": no text in column '", columns_[column_],
                  "'; expected a string, see --text-column"));
    }
  }

  void Skip(const std::string& why) {
    column_ = columns_.size();
    if (++bad_rows_ <= kBadRowsShown) progress_.Note("retort: " + why);
  }

  const TrainCommand& command_;
  std::vector<std::string> columns_;
  Progress progress_{"train"};
  double done_ = 0, total_ = 0;  // bytes of files
  size_t file_ = 0;              // the next one
  std::optional<Lines> lines_;
  std::optional<datasets::JsonlReader> rows_;
  datasets::JsonlLine row_;
  size_t column_ = 0;  // the next one of the row
  int64_t row_count_ = 0, bad_rows_ = 0;
};

int TrainTokenizer(const TrainCommand& command) {
  CatchInterrupts();
  const Stopwatch watch;
  const MemoryGrowth memory;
  const model::Tokenizer like = command.like.empty()
                                    ? model::TokenizerOfKind(command.kind)
                                    : model::Tokenizer::Load(TokenizerFolder(command.like));
  AtomicFolder folder(command.out, NewOwner(),
                      {{"kind", "tokenizer"}, {"options", WriteOptions(command.options)}});
  model::BpeTrainer trainer(like, command.options);
  Texts texts(command);
  trainer.Count([&](std::string& text) { return texts.Next(text); }, command.threads);
  if (texts.bad_rows() > kBadRowsShown) {
    texts.progress().Note(
        StrCat("retort: ", Counted(texts.bad_rows() - kBadRowsShown, "more bad row")));
  }
  RETORT_CHECK(texts.bad_rows() == 0 || texts.bad_rows() < texts.rows(),
               Counted(texts.rows(), "row"),
               ", none of which could be read; see the messages above and --text-column");
  const double counted = watch.seconds();
  const model::Tokenizer tokenizer = trainer.Train([&](int64_t tokens) {
    if (Interrupted()) Fail("interrupted");
    texts.progress().Update(static_cast<double>(tokens),
                            static_cast<double>(command.options.vocab_size), "learning merges");
  });
  tokenizer.Save(folder.temporary(), like.has_chat_template() ? like.chat_template().source() : "");
  folder.Commit();
  texts.progress().Clear();

  const model::BpeTrainer::Corpus corpus = trainer.corpus();
  const Json merges = tokenizer.Describe()["merges"];
  if (command.json) {
    std::cout << ToJsonLine({{"out", command.out},
                             {"vocab_size", tokenizer.vocab_size()},
                             {"merges", merges},
                             {"texts", corpus.texts},
                             {"bad_rows", texts.bad_rows()},
                             {"bytes", corpus.bytes},
                             {"words", corpus.words},
                             {"distinct_words", corpus.distinct_words},
                             {"seconds_counting", counted},
                             {"seconds", watch.seconds()},
                             {"peak_bytes", memory.peak()}})
              << "\n";
  } else {
    Table table{{"part", "value"}, {}};
    table.rows = {{"vocabulary", Thousands(tokenizer.vocab_size())},
                  {"merges", Thousands(merges.get<int64_t>())},
                  {"texts", Thousands(corpus.texts)},
                  {"bytes", Bytes(static_cast<double>(corpus.bytes))},
                  {"words", Thousands(corpus.words)},
                  {"distinct words", Thousands(corpus.distinct_words)},
                  {"time", Duration(watch.seconds())},
                  {"memory", Bytes(static_cast<double>(memory.peak()))}};
    if (texts.bad_rows() > 0) table.rows.push_back({"bad rows", Thousands(texts.bad_rows())});
    std::cout << FormatTable(table);
  }
  if (tokenizer.vocab_size() < command.options.vocab_size) {
    std::cerr << "retort: " << Thousands(tokenizer.vocab_size()) << " tokens instead of "
              << Thousands(command.options.vocab_size)
              << ": the texts hold no further pair that is frequent enough\n";
  }
  return texts.bad_rows() == 0 ? kSuccess : kFailure;
}

}  // namespace

void AddTokenizerTrain(CLI::App& tokenizer, Action& action) {
  auto command = std::make_shared<TrainCommand>();
  CLI::App* app = tokenizer.add_subcommand(
      "train", "Learn a vocabulary from text, as Hugging Face's BpeTrainer does.");
  app->add_option("FILES", command->files,
                  "Texts, also as .gz and .zst: each line is one, or each row of .jsonl and .csv; "
                  "- is standard input.")
      ->required()
      ->type_name("");
  app->add_option("--out", command->out, "The folder to write, which must not be there yet.")
      ->required()
      ->type_name("DIR");
  CLI::Option* like =
      app->add_option("--like", command->like,
                      "Take all but the vocabulary from this tokenizer: stages, added tokens, chat "
                      "template.")
          ->type_name("MODEL");
  AddChoice(
      *app, "--kind", command->kind, model::TokenizerKinds(),
      "The kind of tokenizer, where none is to be like: how it cuts texts, and which tokens are "
      "added. [one of " +
          Join(model::TokenizerKinds(), ", ") + "; default gpt2]")
      ->excludes(like);
  app->add_option("--text-column", command->text_columns,
                  "Columns of the rows that hold a text. [default text]")
      ->type_name("COL,...")
      ->delimiter(',')
      ->allow_extra_args(false);
  AddOptionFlags(*app, ListFields(command->options));
  AddThreadsFlag(*app, command->threads);
  AddJsonFlag(*app, command->json);
  app->callback([command, &action] { action = [command] { return TrainTokenizer(*command); }; });
}

}  // namespace retort::cli
