// The fuzzers' functions over their seeds, over each start of them and over small changes, so that
// what they ask holds without a fuzzer, too.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "base/random.h"
#include "fuzz/fuzz.h"

namespace retort {
namespace {

std::vector<std::string> Seeds(const char* target) {
  const auto folder = std::filesystem::path(RETORT_SOURCE_DIR) / "tests/fuzz/seeds" / target;
  std::vector<std::string> seeds;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    seeds.push_back(ReadFile(entry.path()));
  }
  std::sort(seeds.begin(), seeds.end());
  return seeds;
}

void RunOver(const char* target, void (*run)(std::string_view)) {
  const std::vector<std::string> seeds = Seeds(target);
  EXPECT_GE(seeds.size(), 10u);
  RandomStream random({.seed = 1, .purpose = "fuzz-seeds"});
  const std::string_view kBytes = "{}()[]\\$^_,.;|&=<>+-*/!%09ax \"\n\x80\xFF";
  for (const std::string& seed : seeds) {
    run(seed);
    for (size_t size = 0; size < seed.size(); ++size) run(std::string_view(seed).substr(0, size));
    for (int i = 0; i < 200; ++i) {
      std::string changed = seed;
      for (int64_t change = random.Between(1, 4); change > 0; --change) {
        const size_t at = random.Below(changed.size() + 1);
        switch (random.Below(3)) {
          case 0:
            changed.insert(at, 1, kBytes[random.Below(kBytes.size())]);
            break;
          case 1:
            changed.erase(at, random.Between(1, 5));
            break;
          default:
            changed.insert(at, changed.substr(random.Below(changed.size() + 1), 8));
        }
      }
      run(changed);
    }
  }
}

TEST(FuzzSeeds, Extract) { RunOver("extract", FuzzExtract); }
TEST(FuzzSeeds, Parse) { RunOver("parse", FuzzParse); }
TEST(FuzzSeeds, Equal) { RunOver("equal", FuzzEqual); }
TEST(FuzzSeeds, Json) { RunOver("json", FuzzJson); }
TEST(FuzzSeeds, Csv) { RunOver("csv", FuzzCsv); }
TEST(FuzzSeeds, ChatTemplate) { RunOver("chat_template", FuzzChatTemplate); }
TEST(FuzzSeeds, Wire) { RunOver("wire", FuzzWire); }
TEST(FuzzSeeds, Tokenizer) { RunOver("tokenizer", FuzzTokenizer); }
TEST(FuzzSeeds, Config) { RunOver("config", FuzzConfig); }
TEST(FuzzSeeds, Safetensors) { RunOver("safetensors", FuzzSafetensors); }
TEST(FuzzSeeds, Rows) { RunOver("rows", FuzzRows); }

}  // namespace
}  // namespace retort
