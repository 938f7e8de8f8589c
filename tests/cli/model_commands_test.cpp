// retort inspect and generate, as processes, on a tiny model of each kind.

#include "base/strings.h"
#include "tests/cli/cli_fixture.h"
#include "tests/cli/tiny_model.h"

namespace retort::cli::model_commands_test {
namespace {

class ModelCommandsTest : public CliTest {
 protected:
  static void SetUpTestSuite() {
    temporary_ = std::make_unique<TemporaryFolder>();
    models_ = temporary_->path();
    SaveTinyDense(models_ / "dense");
    model::DeepseekConfig mixture;
    mixture.hidden_size = 16;
    mixture.moe_intermediate_size = 8;
    SaveTinyModel(mixture, models_ / "mixture");
  }
  static void TearDownTestSuite() { temporary_.reset(); }

  Outcome Generate(std::vector<std::string> flags) const {
    flags.insert(flags.begin(),
                 {"generate", models_ / "mixture", "--json", "--max-completion-length", "12"});
    return Retort(flags);
  }

  static inline std::unique_ptr<TemporaryFolder> temporary_;
  static inline std::filesystem::path models_;
};

TEST_F(ModelCommandsTest, InspectCountsParametersAndShapes) {
  const Outcome outcome = Retort({"inspect", models_ / "mixture", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const Json json = outcome.json();
  EXPECT_EQ(json["model_type"], "deepseek_v3");
  EXPECT_EQ(json["tokenizer"], 264);
  EXPECT_EQ(json["config"]["hidden_size"], 16);
  EXPECT_LT(json["active_parameters"], json["parameters"]);
  int64_t parameters = 0, tensors = 0, bytes = 0;
  bool experts = false;
  for (const Json& group : json["shapes"]) {
    parameters += group["parameters"].get<int64_t>();
    tensors += group["count"].get<int64_t>();
    bytes += group["bytes"].get<int64_t>();
    if (group["name"] == "model.layers.{1-2}.mlp.experts.{0-7}.up_proj.weight") {
      experts = true;
      EXPECT_EQ(group["count"], 16);
      EXPECT_EQ(group["shape"], (std::vector<int>{8, 16}));
    }
  }
  EXPECT_TRUE(experts) << outcome.out;
  EXPECT_EQ(parameters, json["parameters"]);  // the closed form against the file
  EXPECT_EQ(tensors, json["tensors"]);
  EXPECT_EQ(bytes, json["bytes"]);

  const Outcome table = Retort({"inspect", models_ / "dense"});
  EXPECT_EQ(table.code, 0);
  ExpectContains(table.out, "qwen3");
  ExpectContains(table.out, "model.layers.{0-1}.self_attn.q_proj.weight");
}

TEST_F(ModelCommandsTest, InspectNeedsNoWeights) {
  std::filesystem::copy_file(models_ / "dense" / "config.json", folder_ / "config.json");
  const Outcome outcome = Retort({"inspect", folder_.string()});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  ExpectContains(outcome.out, "none in the folder");
  const Outcome nothing = Retort({"inspect", (folder_ / "nowhere").string()});
  EXPECT_EQ(nothing.code, 1);
  ExpectContains(nothing.err, "nowhere");
}

TEST_F(ModelCommandsTest, GenerateDependsOnTheSeedAndNotOnTheThreads) {
  const Outcome first = Generate({"--prompt", "2+3", "--samples", "3", "--threads", "1"});
  ASSERT_EQ(first.code, 0) << first.err;
  const Json completions = first.json()["completions"];
  ASSERT_EQ(completions.size(), 3u);
  EXPECT_NE(completions[0]["completion_ids"], completions[1]["completion_ids"]);
  for (const Json& completion : completions) {
    EXPECT_LE(completion["length"], 12);
    EXPECT_EQ(completion["logprobs"].size(), completion["completion_ids"].size());
  }
  EXPECT_EQ(Generate({"--prompt", "2+3", "--samples", "3", "--threads", "8"}).out, first.out);
  EXPECT_NE(Generate({"--prompt", "2+3", "--samples", "3", "--seed", "1"}).out, first.out);
}

TEST_F(ModelCommandsTest, EverySamplingFlagReachesTheSampler) {
  const std::string plain = Generate({"--prompt", "2+3"}).out;
  const std::string greedy = Generate({"--prompt", "2+3", "--temperature", "0"}).out;
  EXPECT_NE(greedy, plain);
  const auto ids = [](const std::string& out) {
    return ParseJson(out, "output")["completions"][0]["completion_ids"];
  };
  for (const char* flag : {"--top-k=1", "--top-p=0", "--min-p=1", "--temp=0", "--greedy"}) {
    EXPECT_EQ(ids(Generate({"--prompt", "2+3", flag}).out), ids(greedy)) << flag;
  }
  for (const char* flag : {"--repetition-penalty=9", "--presence-penalty=9",
                           "--frequency-penalty=9", "--presence-penalty=-9"}) {
    EXPECT_NE(ids(Generate({"--prompt", "2+3", flag}).out), ids(plain)) << flag;
  }
  EXPECT_EQ(Generate({"--prompt", "2+3", "--repeat-penalty", "9"}).out,
            Generate({"--prompt", "2+3", "--repetition-penalty", "9"}).out);
  for (const char* flag : {"-n", "--predict", "--n-predict", "--max-new-tokens"}) {
    EXPECT_EQ(ids(Generate({"--prompt", "2+3", flag, "3"}).out).size(), 3u) << flag;
  }
  EXPECT_EQ(Generate({"--prompt", "2+3", "--greedy", "--temperature", "1"}).code, 2);
  std::string letter;  // one that the model says
  for (const int id : ids(plain).get<std::vector<int>>()) {
    if (id > ' ' && id < 127) letter = static_cast<char>(id);
  }
  ASSERT_NE(letter, "");
  const Outcome stopped = Generate({"--prompt", "2+3", "--stop", "never in it", "--stop", letter});
  EXPECT_EQ(stopped.json()["completions"][0]["finish_reason"], "stop_string") << stopped.err;
}

TEST_F(ModelCommandsTest, PrecisionReachesTheModel) {
  const Outcome plain = Generate({"--prompt", "2+3"});
  EXPECT_EQ(Generate({"--prompt", "2+3", "--dtype", "float32"}).out, plain.out);
  const Outcome rounded_cache = Generate({"--prompt", "2+3", "--cache-dtype", "bfloat16"});
  EXPECT_EQ(rounded_cache.code, 0) << rounded_cache.err;
  EXPECT_NE(rounded_cache.out, plain.out);
  const Outcome rounded = Generate({"--prompt", "2+3", "--dtype", "bfloat16"});
  if (rounded.code == 0) {
    EXPECT_NE(rounded.out, rounded_cache.out);
    const Outcome products =
        Generate({"--prompt", "2+3", "--cache-dtype", "float32", "--dtype", "bfloat16"});
    EXPECT_NE(products.out, rounded.out);
    EXPECT_NE(products.out, plain.out);
  } else {  // no such instructions here
    ExpectContains(rounded.err, "AVX-512 BF16");
  }
  EXPECT_NE(Generate({"--prompt", "2+3", "--dtype", "float8_e4m3"}).out,
            Generate({"--prompt", "2+3", "--dtype", "q8_0"}).out);
  EXPECT_EQ(Generate({"--prompt", "2+3", "--dtype", "float17"}).code, 2);
}

TEST_F(ModelCommandsTest, TemplatesAndFilesOfPrompts) {
  const auto prompt_ids = [&](const char* name) {
    return Generate({"--prompt", "2+3", "--template", name}).json()["completions"][0]["prompt_ids"];
  };
  EXPECT_EQ(prompt_ids("auto"), prompt_ids("short"));
  EXPECT_EQ(prompt_ids("none"), (std::vector<int>{'2', '+', '3'}));
  EXPECT_GT(prompt_ids("r1_zero").size(), prompt_ids("short").size());

  const std::string file =
      Write("p.jsonl", "{\"question\": \"1+1\"}\n{\"question\": \"2+2\", \"solution\": [1]}\n");
  const Json completions = Generate({"--prompts", file}).json()["completions"];
  ASSERT_EQ(completions.size(), 2u);
  EXPECT_EQ(completions[1]["prompt"], "2+2");
  const Outcome broken = Generate({"--prompts", Write("b.jsonl", "{\"a\": 1}\n")});
  EXPECT_EQ(broken.code, 1);
  ExpectContains(broken.err, "b.jsonl:1");
}

TEST_F(ModelCommandsTest, GeneratePrintsText) {
  const Outcome outcome = Retort({"generate", models_ / "dense", "--prompt", "2+3", "--samples",
                                  "2", "--max-completion-length", "5"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  ExpectContains(outcome.out, "[prompt 1, sample 2, ");
}

TEST_F(ModelCommandsTest, ASingleCompletionIsTheSameTextStreamedOrNot) {
  for (const char* seed : {"1", "2", "3"}) {
    const std::vector<std::string> words{"generate", models_ / "dense", "-p", "2+3", "-n",
                                         "200",      "--seed",          seed};
    const auto with = [&](const std::vector<std::string>& more) {
      std::vector<std::string> all = words;
      all.insert(all.end(), more.begin(), more.end());
      return Retort(all);
    };
    const Outcome streamed = with({});
    ASSERT_EQ(streamed.code, 0) << streamed.err;
    EXPECT_TRUE(IsUtf8(streamed.out));
    EXPECT_EQ(with({"--no-stream"}).out, streamed.out);
    const Json row = with({"--json"}).json()["completions"][0];
    const auto ids = row["completion_ids"].get<std::vector<int32_t>>();
    const model::Tokenizer tokenizer = model::Tokenizer::ByteLevel();
    EXPECT_EQ(streamed.out, ToValidUtf8(tokenizer.Decode(ids)) + "\n");
    const Outcome skipped = with({"--skip-special-tokens", "--ignore-eos"});
    EXPECT_EQ(skipped.out.find("<|end|>"), std::string::npos);
    EXPECT_EQ(with({"--skip-special-tokens", "--ignore-eos", "--no-stream"}).out, skipped.out);
  }
}

TEST_F(ModelCommandsTest, IgnoreEosGoesOn) {
  int64_t ended = 0;
  for (const char* seed : {"1", "2", "3", "4", "5", "6"}) {
    const std::vector<std::string> words{"-p", "1", "--samples", "8", "-n", "60", "--seed", seed};
    const Json normal = Generate(words).json()["completions"];
    std::vector<std::string> more = words;
    more.push_back("--ignore-eos");
    const Json ignored = Generate(more).json()["completions"];
    for (size_t i = 0; i < normal.size(); ++i) {
      ended += normal[i]["finish_reason"] == "stop";
      EXPECT_EQ(ignored[i]["length"], 60);
    }
  }
  EXPECT_GT(ended, 0);
}

TEST_F(ModelCommandsTest, AFileIsAPrompt) {
  const std::string file = Write("prompt.txt", "2+3\n");
  EXPECT_EQ(Generate({"-f", file}).out, Generate({"-p", "2+3"}).out);
  EXPECT_EQ(Generate({"-p", "1", "--file", file}).json()["completions"].size(), 2u);
}

TEST_F(ModelCommandsTest, AFoldersWishesAreDefaultsAndFlagsOverrideThem) {
  const auto folder = folder_ / "wishes";
  std::filesystem::copy(models_ / "mixture", folder);
  const auto ids = [&](const Json& wishes, std::vector<std::string> flags = {},
                       const char* part = "completion_ids") {
    WriteFileAtomic(folder / "generation_config.json", wishes.dump());
    flags.insert(flags.begin(), {"generate", folder, "-p", "2+3", "--json"});
    const Outcome outcome = Retort(flags);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome.json()["completions"][0][part];
  };
  const Json none = Json::object();
  const Json plain = ids(none), greedy = ids(none, {"--greedy"});
  EXPECT_EQ(ids({{"do_sample", false}, {"temperature", 0.7}}), greedy);
  EXPECT_EQ(ids({{"temperature", 0.0}}), greedy);
  EXPECT_EQ(ids({{"top_k", 1}}), greedy);
  EXPECT_EQ(ids({{"top_k", -1}}), plain);
  EXPECT_EQ(ids({{"top_p", 0.0}}), greedy);
  EXPECT_EQ(ids({{"min_p", 1.0}}), greedy);
  EXPECT_EQ(ids({{"temperature", 0.2}}), ids(none, {"--temp", "0.2"}));
  EXPECT_EQ(ids({{"repetition_penalty", 3.0}}), ids(none, {"--repeat-penalty", "3"}));
  EXPECT_EQ(ids({{"max_new_tokens", 9}}).size(), 9u);
  const Json all = {{"do_sample", false}, {"top_k", 1},          {"top_p", 0.0},
                    {"min_p", 1.0},       {"max_new_tokens", 9}, {"repetition_penalty", 3.0}};
  EXPECT_EQ(ids(all, {"--temp", "1", "--top-k", "0", "--top-p", "1", "--min-p", "0", "-n", "256",
                      "--repetition-penalty", "1"}),
            plain);
  // Each of a list of ids ends it.
  const Json stops = {{"eos_token_id", {greedy[4], greedy[2]}}, {"do_sample", false}};
  const Json stopped = ids(stops);
  EXPECT_LE(stopped.size(), 3u);
  EXPECT_EQ(ids(stops, {}, "finish_reason"), "stop");
  EXPECT_EQ(ids(stops, {"--ignore-eos"}), greedy);

  WriteFileAtomic(folder / "generation_config.json", all.dump());
  const Outcome told = Retort({"generate", folder, "-p", "1", "--top-k", "5", "-v"});
  for (const char* part :
       {"temperature 0.0 (generation_config.json)", "top_k 5 (you)",
        "presence_penalty 0.0 (default)", "ends at 261 </answer>, 256 <|end|> (the tokenizer's)",
        "answer: 9 tokens in"}) {
    ExpectContains(told.err, part);
  }
  EXPECT_EQ(Retort({"generate", folder, "-p", "1"}).err, "");
}

TEST_F(ModelCommandsTest, ASystemMessageReachesThePrompt) {
  SaveTinyChat(folder_ / "chat");
  const auto prompt = [&](const std::vector<std::string>& flags) {
    std::vector<std::string> words{"generate", folder_ / "chat", "-p", "2+3", "-n", "1", "--json"};
    words.insert(words.end(), flags.begin(), flags.end());
    const auto ids =
        Retort(words).json()["completions"][0]["prompt_ids"].get<std::vector<int32_t>>();
    return model::Tokenizer::ByteLevel().Decode(ids);
  };
  EXPECT_EQ(prompt({}), "<user>2+3<|end|><assistant>");
  for (const char* flag : {"--system", "--system-prompt", "-sys", "--sys"}) {
    EXPECT_EQ(prompt({flag, "Be kind."}), "<system>Be kind.<|end|><user>2+3<|end|><assistant>");
  }
  const auto eval = [&](const std::vector<std::string>& flags) {
    const std::string out = folder_ / "judged.jsonl";
    std::filesystem::remove(out);
    std::vector<std::string> words{
        "eval", folder_ / "chat", "--generator.count", "2", "-n", "8", "--out", out};
    words.insert(words.end(), flags.begin(), flags.end());
    EXPECT_EQ(Retort(words).code, 0);
    return ReadFile(out);
  };
  EXPECT_NE(eval({"--system", "Be kind."}), eval({}));
  const Outcome refused =
      Retort({"eval", models_ / "dense", "--system", "x", "--generator.count", "2"});
  EXPECT_EQ(refused.code, 1);
  ExpectContains(refused.err, "--system: prompts have no place for a system message");
}

TEST_F(ModelCommandsTest, GenerateNamesWhatIsMissing) {
  const Outcome none = Retort({"generate", folder_ / "no-model", "--prompt", "x"});
  EXPECT_EQ(none.code, 1);
  ExpectContains(none.err, "no-model");
  EXPECT_EQ(Retort({"generate", models_ / "dense"}).code, 2);
}

TEST_F(ModelCommandsTest, EvalWorksWithItsDefaults) {
  const Outcome outcome =
      Retort({"eval", models_ / "dense", "--json", "--max-completion-length", "4"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_GT(outcome.json()["problems"], 100);
  EXPECT_TRUE(outcome.json()["accuracy"].is_number());
  EXPECT_EQ(outcome.err.find("warning"), std::string::npos) << outcome.err;
}

TEST_F(ModelCommandsTest, CompletionsFitASmallContextByDefault) {
  model::LlamaConfig small;
  small.hidden_size = 16;
  small.max_position_embeddings = 48;
  SaveTinyModel(small, folder_ / "small");
  const Outcome eval =
      Retort({"eval", folder_ / "small", "--json", "--generator.count", "3", "--samples", "2"});
  ASSERT_EQ(eval.code, 0) << eval.err;
  ExpectContains(eval.err, "tokens here; the model has 48 positions");
  const Outcome generated = Retort(
      {"generate", folder_ / "small", "--prompt", "12345", "1", "--template", "none", "--json"});
  ASSERT_EQ(generated.code, 0) << generated.err;
  ExpectContains(generated.err, "up to 44 tokens here");
  EXPECT_EQ(
      Retort({"generate", folder_ / "small", "--prompt", "1", "--max-completion-length", "100"})
          .code,
      1);
  const Outcome long_prompt =
      Retort({"generate", folder_ / "small", "--prompt", std::string(40, '1')});
  EXPECT_EQ(long_prompt.code, 1) << "not to be cut to a few tokens";
}

TEST_F(ModelCommandsTest, EvalSaysWhenNothingIsJudged) {
  const Outcome outcome = Retort({"eval", models_ / "dense", "--json", "--max-completion-length",
                                  "4", "--verifier", "code", "--generator.count", "5"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(outcome.json()["accuracy"].is_null());
  EXPECT_EQ(outcome.json()["unjudged"], 5);
  ExpectContains(outcome.err, "warning: judge 'code' could judge none of 5 completions (no-tests");
}

TEST_F(ModelCommandsTest, EvalRefusesOrSkipsWhatIsTooLong) {
  const std::string file =
      Write("school.jsonl", "{\"prompt\":\"1+1\",\"answer\":\"2\"}\n{\"prompt\":\"" +
                                std::string(3000, '1') + "\",\"answer\":\"2\"}\n");
  const std::vector<std::string> words{
      "eval", models_ / "dense",     "--json", "--file", file, "--max-completion-length",
      "4",    "--max-prompt-length", "100"};
  const Outcome refused = Retort(words);
  EXPECT_EQ(refused.code, 1);
  ExpectContains(refused.err, "'school.jsonl:2'");
  std::vector<std::string> skipping = words;
  skipping.insert(skipping.end(), {"--overlong", "skip"});
  const Outcome skipped = Retort(skipping);
  ASSERT_EQ(skipped.code, 0) << skipped.err;
  EXPECT_EQ(skipped.json()["problems"], 1);
  ExpectContains(skipped.err, "they are skipped");
}

}  // namespace
}  // namespace retort::cli::model_commands_test
