// retort bench, as processes on tiny models: every flag changes what it should. No test looks at a
// time.

#include "bench/bench.h"

#include <list>

#include "tests/cli/cli_fixture.h"

namespace retort::bench::bench_test {
namespace {

class BenchTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    model::LlamaConfig config;
    config.vocab_size = 300;
    config.hidden_size = 16;
    config.num_hidden_layers = 1;
    config.intermediate_size = 24;
    Write("config.json", ToJsonLine(model::WriteModelOptions(config)));
  }

  std::vector<Json> Rows(const std::string& what, std::vector<std::string> flags) const {
    flags.insert(flags.begin(), {"bench", what});
    flags.insert(flags.end(), {"--repeat", "1", "--json"});
    const Outcome outcome = Retort(flags);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome.code == 0 ? outcome.json()["rows"].get<std::vector<Json>>()
                             : std::vector<Json>{};
  }
  std::vector<Json> ModelRows(const std::string& what, std::vector<std::string> flags) const {
    flags.insert(flags.end(), {"--shape", folder_.string()});
    return Rows(what, flags);
  }
};

TEST_F(BenchTest, ACacheOfBfloat16TakesHalfTheBytes) {
  const auto decode = [&](std::vector<std::string> flags) {
    flags.insert(flags.end(), {"--batch", "2", "--length", "20", "--new-tokens", "4"});
    const auto rows = ModelRows("decode", flags);
    return rows.size() == 1 ? rows[0] : Json::object();
  };
  const Json plain = decode({}), rounded = decode({"--cache-dtype", "bfloat16"});
  EXPECT_EQ(plain["cache_dtype"], "float32");
  EXPECT_EQ(rounded["cache_dtype"], "bfloat16");
  EXPECT_EQ(rounded["dtype"], "float32");
  EXPECT_EQ(rounded["cache_bytes_per_token"].get<int64_t>() * 2, plain["cache_bytes_per_token"]);
  EXPECT_LT(rounded["step_bytes"], plain["step_bytes"]);
}

TEST_F(BenchTest, QuantizedWeightsAreReadInFewerBytesAndNotTrained) {
  const auto decode = [&](const std::string& dtype) {
    return ModelRows("decode",
                     {"--batch", "1", "--length", "20", "--new-tokens", "4", "--dtype", dtype})
        .at(0);
  };
  const Json plain = decode("float32"), fp8 = decode("float8_e4m3"), q8 = decode("q8_0");
  EXPECT_EQ(fp8["dtype"], "float8_e4m3");
  EXPECT_EQ(q8["cache_dtype"], "float32");
  EXPECT_LT(fp8["step_bytes"], plain["step_bytes"]);
  EXPECT_LT(q8["step_bytes"], fp8["step_bytes"]) << "its head is quantized, too";
  const Outcome train = Retort({"bench", "train", "--shape", "S", "--dtype", "q8_0"});
  EXPECT_EQ(train.code, 1);
  ExpectContains(train.err, "q8_0, which only samples");
}

TEST_F(BenchTest, TrainingOnGroupsComputesThePromptOnce) {
  const auto rows = ModelRows("train", {"--samples", "4", "--length", "20", "--new-tokens", "5"});
  ASSERT_EQ(rows.size(), 2u);
  for (const Json& row : rows) {
    EXPECT_EQ(row["batch"], 4);
    EXPECT_EQ(row["prompt"], 20);
    EXPECT_EQ(row["length"], 24);
  }
  EXPECT_EQ(rows[0]["samples"], 1);
  EXPECT_EQ(rows[0]["computed_tokens"], 4 * 24);
  EXPECT_EQ(rows[0]["speedup"], 1);
  EXPECT_EQ(rows[1]["samples"], 4);
  EXPECT_EQ(rows[1]["computed_tokens"], 20 + 4 * 4);
  EXPECT_GT(rows[1]["speedup"].get<double>(), 0);
  const auto groups = ModelRows("train", {"--samples", "2", "--length", "20", "--new-tokens", "5",
                                          "--batch", "5"});  // two groups and a half
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[1]["computed_tokens"], 3 * 20 + 5 * 4);
  EXPECT_EQ(Retort({"bench", "train", "--new-tokens", "5"}).code, 2);
  EXPECT_EQ(Retort({"bench", "train", "--samples", "2", "--scaling"}).code, 2);
}

TEST_F(BenchTest, ScalingRunsOneThreadBesideSeveral) {
  for (const char* what : {"train", "decode"}) {
    const auto rows = ModelRows(what, {"--scaling", "--threads", "2", "--batch", "2", "--length",
                                       "8", "--cache-dtype", "bfloat16"});
    ASSERT_EQ(rows.size(), 2u) << what;
    EXPECT_EQ(rows[0]["threads"], 1);
    EXPECT_EQ(rows[1]["threads"], 2);
    for (const Json& row : rows) EXPECT_EQ(row["cache_dtype"], "bfloat16");
    EXPECT_EQ(rows[0]["peak_speedup"], 1);
    const double share = rows[1]["fraction_of_peak_speedup"].get<double>();
    EXPECT_NEAR(share * rows[1]["peak_speedup"].get<double>(), rows[1]["speedup"].get<double>(),
                1e-9 * share);
  }
  const Outcome one = Retort({"bench", "train", "--scaling", "--threads", "1"});
  EXPECT_EQ(one.code, 1);
  ExpectContains(one.err, "--threads");
}

TEST_F(BenchTest, DecodingIsHeldAgainstTheReadBandwidth) {
  const auto bytes = [&](const std::string& samples) {
    const auto rows = ModelRows(
        "decode", {"--batch", "4", "--samples", samples, "--length", "32", "--new-tokens", "4"});
    EXPECT_EQ(rows.size(), 1u);
    EXPECT_GT(rows[0]["bandwidth_gbs"].get<double>(), 0);
    EXPECT_GT(rows[0]["fraction_of_bandwidth"].get<double>(), 0);
    return std::pair(rows[0]["step_bytes"].get<int64_t>(),
                     rows[0]["cache_bytes_per_token"].get<int64_t>());
  };
  const auto [alone, per_token] = bytes("1");
  EXPECT_EQ(alone - bytes("4").first, 3 * 32 * per_token);  // three prompts less
}

TEST_F(BenchTest, AGrpoStepObeysItsFlags) {
  const std::string timeline = folder_ / "timeline.json";
  const auto rows =
      ModelRows("grpo", {"--batch", "3", "--samples", "2", "--length", "40", "--new-tokens", "5",
                         "--threads", "1", "--profile", timeline});
  ASSERT_EQ(rows.size(), 1u);
  const Json& row = rows[0];
  EXPECT_EQ(row["batch"], 3);
  EXPECT_EQ(row["samples"], 2);
  EXPECT_EQ(row["threads"], 1);
  EXPECT_EQ(row["all_seconds"].size(), 1u);
  ExpectContains(ReadFile(timeline), "\"rollout\"");
  const double seconds = row["seconds"].get<double>();
  EXPECT_NEAR(row["tokens_per_second"].get<double>() * seconds, 3 * 2 * 5, 1e-6);
  // 2 N per token sampled and per prompt, 6 N per token trained on; every answer has its length.
  const double active = ActiveParameters(FindShape(folder_.string()));
  const double expected = active * (2 * (3 * 40 + 3 * 2 * 5) + 6 * (3 * 40 + 3 * 2 * 4));
  EXPECT_NEAR(row["gflops"].get<double>() * 1e9 * seconds, expected, 1e-6 * expected);
  EXPECT_NEAR(row["rollout_seconds"].get<double>() + row["judge_seconds"].get<double>() +
                  row["update_seconds"].get<double>() + row["record_seconds"].get<double>(),
              seconds, 1e-9);
  EXPECT_GT(row["peak_bytes"].get<int64_t>(), 0);

  // What is sampled with other weights than those that learn does not agree with them.
  EXPECT_EQ(row["rollout_dtype"], "float32");
  EXPECT_EQ(row["sampling_logp_difference"], 0);
  const auto quantized = ModelRows("grpo", {"--batch", "3", "--samples", "2", "--length", "40",
                                            "--new-tokens", "5", "--rollout-dtype", "q8_0"});
  ASSERT_EQ(quantized.size(), 1u);
  EXPECT_EQ(quantized[0]["rollout_dtype"], "q8_0");
  EXPECT_GT(quantized[0]["sampling_logp_difference"], 0);

  // All six answers end together, so none of the waiting is hidden, but they wait at once.
  const auto slow = ModelRows("grpo", {"--batch", "3", "--samples", "2", "--length", "40",
                                       "--new-tokens", "5", "--judge-ms", "50"});
  ASSERT_EQ(slow.size(), 2u);
  EXPECT_EQ(slow[0]["judge_ms"], 0);
  EXPECT_EQ(slow[1]["judge_ms"], 50);
  EXPECT_GE(slow[1]["judge_seconds"].get<double>(), 0.04);

  const Outcome shorter = Retort({"bench", "grpo", "--length", "10"});
  EXPECT_EQ(shorter.code, 1);
  ExpectContains(shorter.err, "--length: got 10");
  ExpectContains(shorter.err, "or more");
}

TEST_F(BenchTest, VerdictsPerSecond) {
  const auto rows = Rows("score", {"--cases", "30", "--threads", "2"});
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0]["threads"], 1);
  EXPECT_EQ(rows[1]["threads"], 2);
  for (const Json& row : rows) {
    EXPECT_EQ(row["cases"], 30);
    EXPECT_EQ(row["right"], 20);
    EXPECT_EQ(row["all_seconds"].size(), 1u);
    EXPECT_GT(row["p50_us"].get<double>(), 0);
    EXPECT_GE(row["p99_us"].get<double>(), row["p50_us"].get<double>());
    EXPECT_GE(row["max_us"].get<double>(), row["p99_us"].get<double>());
  }
  EXPECT_EQ(Rows("score", {"--cases", "30", "--threads", "1"}).size(), 1u);
}

TEST_F(BenchTest, TracesAreWrittenQueriedAndRead) {
  const auto rows = Rows("traces", {"--batch", "8", "--batch", "20", "--steps", "3"});
  ASSERT_EQ(rows.size(), 6u);
  const char* works[] = {"write", "query", "read"};
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(rows[i]["work"], works[i]);
  EXPECT_EQ(rows[0]["all_seconds"].size(), 1u);
  EXPECT_EQ(rows[0]["traces"], 24);
  EXPECT_EQ(rows[2]["traces"], 12);  // the right ones
  EXPECT_EQ(rows[3]["traces"], 60);
  const auto bytes = [&](const std::string& flag, const std::string& tokens) {
    return Rows("traces", {"--batch", "64", "--steps", "2", flag, tokens})[0]["bytes_per_trace"]
        .get<int64_t>();
  };
  // Ids and log-probabilities take 4 bytes each; of a prompt there is one copy per group.
  EXPECT_GT(bytes("--new-tokens", "1000"), bytes("--new-tokens", "10") + 8 * 900);
  EXPECT_GT(bytes("--length", "4000"), bytes("--length", "10") + 4 * 3900 / 16);
}

TEST(MachineWarningsTest, OnlyWhatIsFarBelowTheReference) {
  const auto row = [](int threads, double peak, double bandwidth) {
    return Json{{"threads", threads}, {"peak_gflops", peak}, {"bandwidth_gbs", bandwidth}};
  };
  EXPECT_TRUE(MachineWarnings({row(2, 170, 22), row(1, 90, 18), row(64, 1, 1)}).empty());
  const auto slow = MachineWarnings({row(2, 160, 22), row(2, 100, 30)});
  ASSERT_EQ(slow.size(), 1u);
  ExpectContains(slow[0], "100.0 with threads = 2");
  ExpectContains(slow[0], "209");
  ExpectContains(slow[0], "reference machine of docs/performance.md");
  EXPECT_EQ(MachineWarnings({row(1, 80, 10)}).size(), 2u);
}

model::DeepseekConfig LatentAttentionOfV3() {
  model::DeepseekConfig config;
  config.num_attention_heads = 128;
  config.kv_lora_rank = 512;
  config.qk_nope_head_dim = 128;
  config.qk_rope_head_dim = 64;
  config.v_head_dim = 128;
  return config;
}

TEST_F(BenchTest, InspectShowsWhatIsCached) {
  model::DeepseekConfig config = LatentAttentionOfV3();
  config.num_hidden_layers = 61;
  Write("config.json", ToJsonLine(model::WriteModelOptions(config)));
  const Json json = Retort({"inspect", folder_, "--json"}).json();
  EXPECT_EQ(json["cache_bytes_per_token"], 4 * 61 * 576);
  EXPECT_NEAR(json["cache_of_all_heads"].get<double>(), 56.9, 0.05);
  EXPECT_NEAR(json["cache_of_8_heads"].get<double>(), 3.56, 0.005);
  ExpectContains(Retort({"inspect", folder_}).out, "56.89 x, of 8 heads 3.56 x");
}

}  // namespace
}  // namespace retort::bench::bench_test
