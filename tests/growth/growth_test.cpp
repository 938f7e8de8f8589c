// Every reader of what strangers write, given n, 2n and 4n bytes of each shape that is meant to
// hurt: its work grows at most as n log n, and its memory is at most a constant times n. Work is
// counted, not timed (counted.h).
//
// RETORT_GROWTH_KIB sets the largest size (64), RETORT_GROWTH_TABLE=FILE adds a line per row to
// FILE.

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "base/file.h"
#include "base/folder.h"
#include "datasets/jsonl.h"
#include "datasets/learn_rows.h"
#include "datasets/trace_store.h"
#include "model/bpe_trainer.h"
#include "model/config.h"
#include "model/cost.h"
#include "model/pretrained.h"
#include "model/safetensors.h"
#include "model/tokenizer.h"
#include "model/tokenizer_kinds.h"
#include "recipes/recipe.h"
#include "tests/growth/counted.h"
#include "tests/support/trace_step.h"
#include "train/checkpoint.h"
#include "verifiers/code/internal/codeio_answer.h"
#include "verifiers/code/internal/compare.h"
#include "verifiers/code/internal/task.h"
#include "verifiers/code/internal/wire.h"
#include "verifiers/score.h"

namespace retort {
namespace {

namespace fs = std::filesystem;

/// About so many bytes of something.
using Make = std::function<std::string(size_t bytes)>;
struct Shape {
  std::string name;
  Make make;
};
struct Reader {
  std::string name;
  std::function<void(const std::string& text, const fs::path& folder)> read;
  std::vector<Shape> shapes;
  double memory = 250;  ///< bytes for each byte of the text at most
};

/// `head` part(0) part(1) … `tail`, with commas between.
Make List(const std::string& head, const std::function<std::string(size_t)>& part,
          const std::string& tail, const std::string& comma = ",") {
  return [=](size_t bytes) {
    std::string text = head;
    for (size_t i = 0; text.size() < bytes; ++i) text += (i == 0 ? "" : comma) + part(i);
    return text + tail;
  };
}
Make Same(const std::string& head, const std::string& part, const std::string& tail,
          const std::string& comma = "") {
  return List(
      head, [=](size_t) { return part; }, tail, comma);
}
std::string Times(size_t count, const std::string& text) {
  std::string all;
  for (size_t i = 0; i < count; ++i) all += text;
  return all;
}
Make Around(const std::string& before, const Make& make, const std::string& after) {
  return [=](size_t bytes) { return before + make(bytes) + after; };
}
std::string Quoted(const std::string& text) { return Json(text).dump(); }

/// What can be wrong with any JSON.
std::vector<Shape> JsonShapes() {
  const auto key = [](size_t i) { return StrCat("\"k", i, "\":", i); };
  return {
      {"keys", List("{", key, "}")},
      {"keys, the last one twice", List("{", key, ",\"k0\":0}")},
      {"keys of one beginning",
       List(
           "{", [](size_t i) { return Quoted(Times(300, "a") + StrCat(i)) + ":0"; }, "}")},
      {"empty objects", Same("{\"a\":[", "{}", "]}", ",")},
      {"small objects", Same("{\"a\":[", R"({"a":1,"b":2})", "]}", ",")},
      {"one in another", [](size_t n) { return Times(n, "["); }},
      {"one in another, to the limit",
       Same("{\"a\":[", Times(500, "[") + Times(500, "]"), "]}", ",")},
      {"a text below two members each",
       Around(Times(500, R"({"a":)"), Same("\"", "x", "\""), Times(500, ",\"b\":1}"))},
      {"a text", Same("{\"a\":\"", "x", "\"}")},
      {"a text as key", Same("{\"", "x", "\":1}")},
      {"escapes", Same("{\"a\":\"", "\\u0001", "\"}")},
      {"a number", Same("{\"a\":", "1", "}")},
      {"a fraction", Same("{\"a\":0.", "1", "}")},
      {"numbers", Same("{\"a\":[", "1", "]}", ",")},
      {"spaces", Same("{", " ", "}")},
      {"lines and an error", Same("{", "\n", "!")},
      {"comments", Same("{", "/**/", "}")},
      {"cut off", Same("{\"a\":[", "[1],", "")},
      {"a text cut off", Same("{\"a\":\"", "x", "")},
  };
}

/// JSON shapes, and others.
std::vector<Shape> With(std::vector<Shape> own, const std::string& before = "",
                        const std::string& after = "") {
  for (const Shape& shape : JsonShapes()) {
    own.push_back({shape.name, Around(before, shape.make, after)});
  }
  return own;
}

void Ignore(const std::function<void()>& read) {
  try {
    read();
  } catch (const Error&) {  // a message is as good an end as any
  }
}

void Put(const fs::path& file, std::string_view bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

std::string Safetensors(const std::string& header) {
  const uint64_t size = header.size();
  return std::string(reinterpret_cast<const char*>(&size), sizeof size) + header;
}
std::string Tensor(const std::string& name) {
  return Quoted(name) + R"(:{"dtype":"F32","shape":[0],"data_offsets":[0,0]})";
}

// --- readers ---

Reader JsonReader() {
  return {"JSON",
          [](const std::string& text, const fs::path&) {
            Ignore([&] {
              Json value = ParseJson(text, "text", /*comments=*/true);
              const Json copy = value;
              EXPECT_EQ(copy, value);
              ToJsonLine(copy);
              for (const auto& [key, member] : copy.items()) {
                if (value.is_object()) value.erase(key);
              }
            });
            Ignore([&] { JsonOrText(text, "--set a"); });
          },
          With({})};
}

Reader RowsReader() {
  const auto row = [](size_t i) { return StrCat(R"({"prompt":"p)", i, R"(","answer":1})"); };
  const std::string question = R"({"answer":1,"prompt":)";
  return {"rows.jsonl",
          [](const std::string& text, const fs::path& folder) {
            Put(folder / "rows.jsonl", text);
            Ignore([&] {
              datasets::ForEachProblem((folder / "rows.jsonl").string(), {}, [](const Problem&) {},
                                       [](const std::string&) {});
            });
          },
          With({{"rows", List("", row, "", "\n")},
                {"empty lines", Same("", "\n", "")},
                {"bad lines", Same("", "{", "", "\n")},
                {"columns of a problem",
                 List(
                     question + "\"p\"", [](size_t i) { return StrCat("\"k", i, "\":0"); }, "}")},
                {"messages", Same(question + "[", R"({"role":"user","content":"x"})", "]}", ",")},
                {"boxes", Same(R"({"prompt":"p","solution":")", "\\\\boxed{", "\"}")},
                {"marks", Same(R"({"prompt":"p","answer":")", "#### 1\\n", "\"}")}})};
}

Reader LearnRowsReader() {
  const auto row = [](size_t i) { return StrCat(R"({"prompt":"p)", i, R"(","completion":"c"})"); };
  const std::string message = R"({"role":"user","content":"x"})";
  return {"learned.jsonl",
          [](const std::string& text, const fs::path& folder) {
            for (const char* name : {"learned.jsonl", "learned.txt"}) {
              Put(folder / name, text);
              Ignore([&] {
                datasets::LearnRowReader reader((folder / name).string());
                for (datasets::LearnLine line; reader.Next(line);) {
                }
              });
            }
          },
          With({{"completions", List("", row, "", "\n")},
                {"a document", Same("{\"text\":\"", "x", "\"}")},
                {"messages", Same("{\"messages\":[", message, "]}", ",")},
                {"short conversations", Same("", "{\"messages\":[" + message + "]}", "", "\n")},
                {"messages of a prompt",
                 Same("{\"completion\":[" + message + "],\"prompt\":[", message, "]}", ",")},
                {"tools in a text", Around("{\"messages\":[" + message + "],\"tools\":\"",
                                           Same("[", "{},", "{}]"), "\"}")}})};
}

Reader CsvReader() {
  const auto column = [](size_t i) { return StrCat("c", i); };
  return {"rows.csv",
          [](const std::string& text, const fs::path& folder) {
            Put(folder / "rows.csv", text);
            Ignore([&] {
              datasets::JsonlReader reader((folder / "rows.csv").string());
              for (datasets::JsonlLine line; reader.Next(line);) {
              }
            });
          },
          {{"columns",
            [=](size_t n) { return List("", column, "\n")(2 * n / 3) + Times(n / 18, ","); }},
           {"a column of a long name",
            [](size_t n) { return Times(n / 2, "x") + "\n" + Times(n / 4, "1\n"); }},
           {"columns of long names",
            [](size_t n) {
              return List(
                         "", [](size_t i) { return Times(900, "x") + StrCat(i); }, "\n")(n / 2) +
                     Times(n / 2 / (n / 2 / 900 + 1), Times(n / 2 / 900, ",") + "\n");
            }},
           {"rows", Same("a,b\n", "1,2\n", "")},
           {"rows of other lengths", Same("a,b\n", "1\n", "")},
           {"quotes", Same("a,b\n", "\"\"", "")},
           {"an open quote", Same("a,b\n\"", "1\n", "")},
           {"open quotes", Same("a,b\n", "\"\n\"x", "")}}};
}

Reader SafetensorsReader() {
  const auto tensor = [](size_t i) { return Tensor(StrCat("t", i)); };
  return {
      "model.safetensors",
      [](const std::string& text, const fs::path& folder) {
        Put(folder / "model.safetensors", Safetensors(text));
        Ignore([&] {
          const model::TensorSource files = model::OpenWeights(folder);
          for (const std::string& name : files.Names()) files.Find(name);
        });
        Ignore([&] { model::CheckWeights(model::LlamaConfig(), folder); });
      },
      With({{"tensors", List("{", tensor, "}")},
            {"metadata", List(R"({"__metadata__":{)",
                              [](size_t i) { return StrCat("\"k", i, "\":\"\""); }, "}}")},
            {"dimensions",
             Same(R"({"t":{"dtype":"F32","data_offsets":[0,0],"shape":[)", "0", "]}}", ",")},
            {"a name", Same("{\"", "x", R"(":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})")},
            {"layers", List(
                           "{",
                           [](size_t i) {
                             return Tensor(StrCat("model.layers.", i, ".input_layernorm.weight"));
                           },
                           "}")}})};
}

Reader IndexReader() {
  const auto tensor = [](size_t i) { return StrCat("\"t", i, "\":\"a.safetensors\""); };
  return {"model.safetensors.index.json",
          [](const std::string& text, const fs::path& folder) {
            Put(folder / "model.safetensors.index.json", text);
            std::string header;
            for (size_t i = 0; 25 * i < text.size(); ++i) {
              header += (i == 0 ? "{" : ",") + Tensor(StrCat("t", i));
            }
            Put(folder / "a.safetensors", Safetensors(header + "}"));
            Ignore([&] { model::OpenWeights(folder); });
          },
          With({{"tensors", List(R"({"weight_map":{)", tensor, "}}")}})};
}

/// A vocabulary of `more` and the bytes, with `merges` and `added`.
std::string TokenizerFile(const std::string& more, const std::string& merges,
                          const std::string& added) {
  static const std::string file = [] {
    const TemporaryFolder folder;
    model::Tokenizer::ByteLevel().Save(folder.path());
    return ParseJson(ReadFile(folder.path() / "tokenizer.json"), "tokenizer.json").dump();
  }();
  std::string text = file;
  const auto insert = [&](const std::string& after, const std::string& what) {
    text.insert(text.find(after) + after.size(), what);
  };
  insert("\"vocab\":{", more);
  insert("\"merges\":[", merges);
  insert("\"added_tokens\":[", added);
  return text;
}

/// Words that differ from the one before by a letter at the end, then in the middle, …
std::string Word(size_t i) {
  std::string word;
  for (; i > 0; i /= 26) word += static_cast<char>('a' + i % 26);
  return word + "q";
}

Reader TokenizerReader() {
  const auto added = [](const std::function<std::string(size_t)>& content, bool normalized) {
    return [=](size_t bytes) {
      const std::string rest = normalized ? ",\"normalized\":true}," : "},";
      std::string list;
      for (size_t i = 0; list.size() < bytes; ++i) {
        list += StrCat("{\"id\":", 300 + i, ",\"content\":", Quoted(content(i)), rest);
      }
      return TokenizerFile("", "", list);
    };
  };
  const auto numbered = [](size_t i) { return StrCat("<", i, ">"); };
  const auto longer = [](size_t i) { return Times(i % 900, "<") + StrCat("<a", i); };
  return {
      "tokenizer.json",
      [](const std::string& text, const fs::path& folder) {
        Put(folder / "tokenizer.json", text);
        Ignore([&] {
          const auto tokenizer = model::Tokenizer::Load(folder);
          for (const char* part : {"<", "a", "<1", "Abq", " "}) {
            tokenizer.Encode(Times(text.size() / 4, part), model::AddedTokens::kMatch);
          }
          tokenizer.Save(folder);
        });
      },
      With(
          {{"added tokens", added(numbered, false)},
           {"added tokens of the second pass", added(numbered, true)},
           {"added tokens that begin alike", added(longer, false)},
           {"a long added token",
            [&](size_t n) { return added([=](size_t) { return Times(n, "<") + "y"; }, false)(1); }},
           {"pieces",
            [](size_t n) {
              std::string vocabulary;
              for (size_t i = 0; vocabulary.size() < n; ++i) {
                vocabulary += Quoted(Word(i + 1)) + StrCat(":", 300 + i, ",");
              }
              return TokenizerFile(vocabulary, "", "");
            }},
           {"merges",
            [](size_t n) {
              std::string vocabulary, merges;
              for (size_t i = 1; vocabulary.size() + merges.size() < n; ++i) {
                vocabulary += Quoted(Word(i)) + StrCat(":", 300 + 2 * i, ",") +
                              Quoted("A" + Word(i)) + StrCat(":", 301 + 2 * i, ",");
                merges += (i == 1 ? "[\"A\"," : ",[\"A\",") + Quoted(Word(i)) + "]";
              }
              return TokenizerFile(vocabulary, merges, "");
            }},
           {"a far id",
            [](size_t n) { return TokenizerFile("\"zz\":9999999,", "", "") + Times(n, " "); }}})};
}

Reader TrainingReader() {
  return {"training text",
          [](const std::string& text, const fs::path&) {
            for (const char* kind : {"gpt2", "llama2"}) {
              Ignore([&] {
                model::BpeTrainer trainer(model::TokenizerOfKind(kind), {.vocab_size = 1'000'000});
                bool given = false;
                trainer.Count([&](std::string& next) {
                  next = text;
                  return !std::exchange(given, true);
                });
                trainer.Train();
              });
            }
          },
          {{"words", List("", Word, "", " ")},
           {"a word of one letter", Same("", "a", "")},
           {"a word of two letters",
            List(
                "", [](size_t i) { return std::popcount(i) % 2 ? "a" : "b"; }, "", "")},
           {"a word of all letters", List("", Word, "", "")},
           {"characters",
            [](size_t n) {
              std::string text;
              for (char32_t code = 0x4e00; text.size() < n; ++code) {
                text += {static_cast<char>(0xe0 | code >> 12),
                         static_cast<char>(0x80 | (code >> 6 & 0x3f)),
                         static_cast<char>(0x80 | (code & 0x3f))};
              }
              return text;
            }}},
          // Of a text that repeats nothing every byte is a place in a pair, a merge and a token.
          1200};
}

Reader ConfigReader() {
  return {
      "config.json",
      [](const std::string& text, const fs::path& folder) {
        Put(folder / "config.json", text);
        Ignore([&] { model::CountParameters(model::ReadModelConfig(folder)); });
      },
      With({{"dense layers",
             List(R"({"model_type":"qwen3_moe","vocab_size":8,"hidden_size":8,"num_hidden_layers":)"
                  R"(100000,"intermediate_size":8,"num_experts":2,"num_experts_per_tok":1,)"
                  R"("moe_intermediate_size":8,"norm_topk_prob":true,"num_attention_heads":1,)"
                  R"("num_key_value_heads":1,"max_position_embeddings":8,"mlp_only_layers":[)",
                  [](size_t i) { return StrCat(i); }, "]}")}},
           R"({"model_type":"llama","rope_parameters":)", "}")};
}

Reader RecipeReader() {
  const std::string model = R"({"models":{"m":{)";
  return {
      "recipe",
      [](const std::string& text, const fs::path&) {
        Ignore([&] {
          Json document = ParseJson(text, "recipe", /*comments=*/true);
          recipes::ApplySetting(document, "seed=1");
          recipes::ReadRecipe(document, "recipe");
        });
        Ignore([&] {
          Json document = Json::object();
          recipes::ApplySetting(document, Times(text.size() / 2, "a.") + "a=1");
          ToJsonLine(document);
        });
      },
      With(
          {{"models", List(R"({"name":"r","stages":[{"type":"eval"}],"models":{"k":{})",
                           [](size_t i) { return StrCat(",\"k", i, R"(":{"same_start_as":"k"})"); },
                           "}}", "")},
           {"stages",
            Same(R"({"name":"r","models":{"m":{}},"stages":[)", R"({"type":"eval"})", "]}", ",")},
           {"stages with data",
            [](size_t n) {
              return R"({"name":"r","models":{"m":{}},"data":{"d":{"file":")" + Times(n / 2, "x") +
                     R"("}},"stages":[)" +
                     Same("", R"({"type":"eval","problems":{"data":"d"}})", "]}", ",")(n / 2);
            }},
           {"an unknown key",
            Same(R"({"name":"r","models":{"m":{}},"stages":[{"type":"eval",")", "x", "\":1}]}")}})};
}

Reader StateReader() {
  return {"trainer_state.json",
          [](const std::string& text, const fs::path& folder) {
            Put(folder / "trainer_state.json", text);
            Ignore([&] { train::ReadTrainerState(folder); });
          },
          With({},
               R"({"recipe_hash":"","model":"m","stage":"s","stage_index":0,"step":0,)"
               R"("global_step":0,"environment":{},"stage_state":)",
               "}")};
}

Reader MarkerReader() {
  return {"folder marker",
          [](const std::string& text, const fs::path& folder) {
            Put(folder / kMarkerFile, text);
            ReadMarker(folder);
          },
          With({{"files", List(R"({"owner":"o","name":"n","files":[)",
                               [](size_t i) { return StrCat("\"f", i, "\""); }, "]}")},
                {"a deep file", Same(R"({"owner":"o","name":"n","files":["a)", "/a", "\"]}")}})};
}

Reader ScoreReader() {
  const std::string row = R"({"answer":"1","response":)";
  return {"score columns",
          [](const std::string& text, const fs::path&) {
            verifiers::ScoreOptions options;
            options.keep = {"a.b.c", "k1", "a.0.0.0.0"};
            options.by = {"a.a.a.a.a.a.a.a"};
            Ignore([&] { verifiers::ReadScoreTask(ParseJson(text, "row"), "row", options); });
            Ignore([&] { verifiers::ScoredFromJson(ParseJson(text, "row"), "row"); });
          },
          With({{"columns",
                 List(
                     row + "\"r\"", [](size_t i) { return StrCat(",\"k", i, "\":0"); }, "}", "")},
                {"responses", Same(row + "[", "\"r\"", "]}", ",")},
                {"conversations",
                 Same(row + "[", R"([{"role":"assistant","content":"x"}])", "]}", ",")},
                {"turns", Same(row + "[", R"({"role":"user","content":"x"})", "]}", ",")},
                {"envelopes", Around(row + Times(500, "{\"body\":"),
                                     Same("{\"text\":\"", "x", "\"}"), Times(500, "}") + "}")},
                {"choices", Same(row + "{\"choices\":[", R"({"text":"x"})", "]}}", ",")}})};
}

Reader CodeTestReader() {
  return {
      "code tests",
      [](const std::string& text, const fs::path&) {
        Problem problem;
        Ignore([&] { problem.extra = ParseJson(text, "row"); });
        Ignore([&] { verifiers::ReadCodeTask(problem, {}); });
      },
      With({{"calls",
             Same(R"({"entry_point":"f","tests":[)", R"({"args":[1],"expected":1})", "]}", ",")},
            {"named arguments", List(R"({"entry_point":"f","tests":[{"expected":1,"kwargs":{)",
                                     [](size_t i) { return StrCat("\"k", i, "\":0"); }, "}}]}")},
            {"asserts", Same("{\"tests\":\"", "assert ((len(", "\"}")},
            {"asserts in a list", Same("{\"tests\":[", "\"assert f(1)\"", "]}", ",")},
            {"texts of Python", Same("{\"tests\":\"[", "'a', ", "]\"}")},
            {"lists", [](size_t n) {
               const std::string list = Same("[", "\"1\"", "]", ",")(n / 2);
               return R"({"input_output":{"inputs":)" + list + ",\"outputs\":" + list + "}}";
             }}})};
}

/// The result, a line end, what was expected.
Reader ResultReader() {
  const auto both = [](const std::function<std::string(size_t)>& wire,
                       const std::function<std::string(size_t)>& json) {
    return [=](size_t n) {
      std::string got, expected;
      size_t count = 0;
      for (; got.size() + expected.size() < n; ++count) {
        got += wire(count);
        expected = expected + (count == 0 ? "[" : ",") + json(count);
      }
      return StrCat("e", count, ";", got, "\n", expected, "]");
    };
  };
  const auto hex = [](size_t i) { return verifiers::ToWire(Json(i)); };
  const auto number = [](size_t i) { return StrCat(i); };
  return {"a program's result",
          [](const std::string& text, const fs::path&) {
            const size_t end = std::min(text.find('\n'), text.size());
            const std::string wire = text.substr(0, end);
            const auto expected = TryParseJson(text.substr(std::min(end + 1, text.size())));
            for (const bool unordered : {true, false}) {
              const verifiers::ResultRule rule{.tolerance = 1e-6, .unordered = unordered};
              if (expected) verifiers::SameResult(wire, *expected, rule);
            }
            if (expected) verifiers::ToWire(*expected);
            verifiers::SameOutput(text, text, verifiers::OutputRule::kJson, 1e-6);
            verifiers::SameOutput(text, text + " ", verifiers::OutputRule::kTokens, 1e-6);
            verifiers::SameOutput(text, text + "\n", verifiers::OutputRule::kText, {});
          },
          With({{"a set of numbers", both(hex, number)},
                {"a set of other numbers", both(hex, [](size_t i) { return StrCat(i, ".5"); })},
                {"a set of texts", both([](size_t i) { return "s5:" + StrCat(10000 + i); },
                                        [](size_t i) { return Quoted(StrCat(10000 + i)); })},
                {"a set of pairs", both([&](size_t i) { return "t2;" + hex(i) + hex(1); },
                                        [&](size_t i) { return "[" + number(i) + ",1]"; })},
                {"a set of other pairs", both([&](size_t i) { return "t2;" + hex(i) + hex(1); },
                                              [&](size_t i) { return "[1," + number(i) + "]"; })},
                {"a set of sets",
                 both([&](size_t i) { return "z20;" + Times(19, hex(1)) + hex(i); },
                      [&](size_t i) { return "[" + number(i) + Times(19, ",1") + "]"; })},
                {"a list", [](size_t n) { return StrCat("l", n, ";", Times(n, "N")); }},
                {"a count", Same("l", "9", ";")},
                {"numbers without end", Same("l100;", "i1", "")},
                {"lists in lists", [](size_t n) { return Times(n, "l1;") + "N"; }}},
               "N\n")};
}

Reader AnswerReader() {
  return {"CODEI/O answer",
          [](const std::string& text, const fs::path&) {
            const std::string_view object = verifiers::LastJsonObject(text);
            const auto value = TryParseJson(object);
            if (value) verifiers::IsClose(*value, *value);
            TryParseJson(text);
          },
          With({{"braces", Same("", "{", "")},
                {"pairs of braces", Same("", "{}", "")},
                {"objects", Same("", "{\"a\":1} ", "")},
                {"objects that are none", Same("", "{\"a\" 1} ", "")},
                {"open texts", Same("{", "\"{", "}")}})};
}

Reader DatabaseReader() {
  return {"traces.db",
          [](const std::string& text, const fs::path& folder) {
            // Made of the text without being counted: its first letter says of what.
            const fs::path file = folder / "traces.db";
            if (!fs::exists(file)) {
              datasets::TraceStore store(file, datasets::TraceStore::Mode::kWrite);
              const int64_t run = store.CreateRun("r", Json::object(), "u");
              TraceStep record{{run, 0, 0}, "s", {}, {}};
              const size_t rows = text[0] == 'r' ? text.size() / 400 : 4;
              for (size_t i = 0; i < rows; ++i) {
                Trace trace;
                trace.problem.id = StrCat("p", text[0] == 'r' ? i / 2 : i);
                trace.trajectory.sample = static_cast<int64_t>(i % 2);
                if (text[0] == 'l') {
                  trace.text = text.substr(0, text.size() / 8);
                  trace.problem.prompt = trace.text;
                }
                if (text[0] == 'k') {
                  for (size_t k = 0; 32 * k < text.size(); ++k) trace.problem.extra[StrCat(k)] = 0;
                }
                if (text[0] == 'v') trace.verdicts.resize(text.size() / 160, {"v", {}});
                record.traces.push_back(trace);
              }
              store.AppendStep(record);
              return;
            }
            datasets::TraceStore store(file, datasets::TraceStore::Mode::kRead);
            store.ForEach(store.Select({}), [](const Trace& trace) {
              ToJsonLine(datasets::TraceToJson(trace, true));
            });
            store.Stats();
            store.Runs();
            store.Sql("SELECT * FROM traces");
          },
          {{"rows", Same("r", "x", "")},
           {"large cells", Same("l", "x", "")},
           {"columns of a problem", Same("k", "x", "")},
           {"verdicts", Same("v", "x", "")}}};
}

std::vector<Reader> Readers() {
  return {JsonReader(),        RowsReader(),     LearnRowsReader(), CsvReader(),
          SafetensorsReader(), IndexReader(),    TokenizerReader(), TrainingReader(),
          ConfigReader(),      RecipeReader(),   StateReader(),     MarkerReader(),
          ScoreReader(),       CodeTestReader(), ResultReader(),    AnswerReader(),
          DatabaseReader()};
}

// --- the test ---

class Growth : public ::testing::TestWithParam<Reader> {};

int CountSteps(void*) {
  testing::AddWork(100);
  return 0;
}
int OnOpen(sqlite3* database, const char**, const void*) {
  sqlite3_progress_handler(database, 100, CountSteps, nullptr);
  return SQLITE_OK;
}

testing::Counted CountReading(const Reader& reader, const std::string& text) {
  const TemporaryFolder folder;
  if (reader.name == "traces.db") reader.read(text, folder.path());
  return testing::Count([&] { reader.read(text, folder.path()); });
}

TEST_P(Growth, IsAtMostNLogN) {
  sqlite3_auto_extension(reinterpret_cast<void (*)()>(OnOpen));
  const char* kib = std::getenv("RETORT_GROWTH_KIB");
  const char* table = std::getenv("RETORT_GROWTH_TABLE");
  const size_t most = static_cast<size_t>(kib ? std::atoi(kib) : 64) << 10;
  double most_per_byte = 0;
  for (const Shape& shape : GetParam().shapes) {
    SCOPED_TRACE(GetParam().name + ", " + shape.name);
    std::vector<double> sizes, work;
    int64_t peak = 0;
    for (const size_t bytes : {most / 4, most / 2, most}) {
      const std::string text = shape.make(bytes);
      const testing::Counted counted = CountReading(GetParam(), text);
      sizes.push_back(static_cast<double>(text.size()));
      work.push_back(static_cast<double>(counted.work));
      peak = counted.peak;
    }
    const auto n_log_n = [](double n) { return n * std::log2(n); };
    for (const size_t i : {1, 2}) {
      const double allowed = n_log_n(sizes[i]) / n_log_n(sizes[i - 1]);
      // Less than a block per byte is the reading of the file alone.
      EXPECT_LE(work[i], std::max(1.15 * allowed * work[i - 1], sizes[i])) << sizes[i] << " bytes";
    }
    most_per_byte = std::max(most_per_byte, work[2] / sizes[2]);
    constexpr double kOnce = 4 << 20;  // SQLite, buffers, the bytes of a vocabulary
    EXPECT_LE(static_cast<double>(peak), kOnce + GetParam().memory * sizes[2]);
    if (table) {
      std::ofstream(table, std::ios::app)
          << "| " << GetParam().name << " | " << shape.name << " | " << sizes[2] << " | "
          << std::setprecision(3) << work[1] / work[0] << " | " << work[2] / work[1] << " | "
          << work[2] / sizes[2] << " | " << static_cast<double>(peak) / sizes[2] << " |\n";
    }
  }
  EXPECT_GT(most_per_byte, 10) << "the copy that counts is not the one that ran";
}

// What the count is for: the library's own ordered object looks each key up among those before it.
TEST(Count, SeesAnObjectThatIsSearchedForEachKey) {
  const Make keys = JsonShapes().front().make;
  const auto work = [&](size_t bytes) {
    const std::string text = keys(bytes);
    return testing::Count([&] { EXPECT_TRUE(nlohmann::ordered_json::parse(text).is_object()); })
        .work;
  };
  EXPECT_GT(work(64 << 10), 3 * work(32 << 10));
}

INSTANTIATE_TEST_SUITE_P(Readers, Growth, ::testing::ValuesIn(Readers()), [](const auto& info) {
  std::string name;
  for (const char c : info.param.name) {
    if (std::isalnum(static_cast<unsigned char>(c))) name += c;
  }
  return name;
});

}  // namespace
}  // namespace retort
