// What a recipe takes from the folder of a published model: its chat format, the ids that end its
// answers, how it likes to be sampled; and the system message in front of every question.

#include "model/pretrained.h"
#include "recipes/check.h"
#include "tests/recipes/run_fixture.h"

namespace retort::recipes::published_test {
namespace {

constexpr const char* kChat =
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}{{ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}";

class Published : public RunFixture {
 protected:
  /// A small model of a stranger's, whose answers end with any of these ids.
  fs::path Folder(const std::vector<int64_t>& stops, const std::string& chat = kChat) const {
    const fs::path folder = folder_ / "published";
    fs::create_directories(folder);
    model::LlamaConfig config;
    config.hidden_size = 16;
    config.num_hidden_layers = 1;
    config.intermediate_size = 24;
    config.initializer_range = 0.1;
    const model::Tokenizer tokenizer = model::Tokenizer::ByteLevel();
    model::GenerationConfig generation;
    generation.eos_token_id = stops;
    generation.temperature = 0.6;
    generation.repetition_penalty = 1.1;
    model::SavePretrained(*model::NewModel(config, 1), tokenizer, generation,
                          model::PromptTemplate::kShort, folder);
    WriteFileAtomic(folder / "chat_template.jinja", chat);
    return folder;
  }
  Json Recipe(const fs::path& folder, const std::string& system = "Be brief.") const {
    Json recipe = ParseJson(R"({
      "name": "published", "prompt_template": "chat",
      "stages": [
        {"type": "grpo", "steps": 1, "prompts_per_step": 2, "num_generations": 8,
         "max_completion_length": 24, "unjudged": "wrong"},
        {"type": "collect", "samples": 8, "max_completion_length": 24, "revision": true},
        {"type": "eval", "max_completion_length": 24},
        {"type": "sft", "steps": 1, "batch_size": 2, "warmup_steps": 0},
        {"type": "export", "path": "exported"}]})",
                            "published");
    recipe["models"]["m"] = {{"path", folder.string()}};
    if (!system.empty()) recipe["system_prompt"] = system;
    const Json problems = {{"generator", {{"families", {"addition:1"}}, {"count", 4}}}};
    for (size_t k : {0, 1, 2, 3}) recipe["stages"][k]["problems"] = problems;
    return recipe;
  }
  static std::vector<Trace> Traces(const fs::path& out) {
    datasets::TraceStore store(out / "traces.db", datasets::TraceStore::Mode::kRead);
    std::vector<Trace> traces;
    store.ForEach(store.Select({}), [&](const Trace& trace) { traces.push_back(trace); });
    return traces;
  }
};

TEST_F(Published, ItsStopIdsEndEveryStagesAnswersAndStayInItsFolders) {
  std::vector<int64_t> stops;
  for (int64_t id = 40; id < 80; ++id) stops.push_back(id);
  const fs::path folder = Folder(stops), out = folder_ / "out";
  RunWhole(Recipe(folder), out, {});
  std::map<std::string, int> ended;
  for (const Trace& trace : Traces(out)) {
    const Trajectory& t = trace.trajectory;
    const bool stopped = t.finish == FinishReason::kStop;
    ended[trace.stage] += stopped;
    for (size_t i = t.last_turn(); i < t.completion.size(); ++i) {
      const bool is_stop = std::ranges::count(stops, t.completion[i]) > 0;
      EXPECT_EQ(is_stop, stopped && i + 1 == t.completion.size()) << trace.stage;
    }
  }
  for (const char* stage : {"grpo", "collect", "eval"}) EXPECT_GT(ended[stage], 0) << stage;
  EXPECT_GT(ended["collect/revision"], 0);
  const model::GenerationConfig wanted = model::ReadGenerationConfig(folder);
  EXPECT_EQ(wanted.eos_token_id, stops);
  for (const char* name : {"final", "exported", "checkpoint-1"}) {
    EXPECT_EQ(model::ReadGenerationConfig(out / name), wanted) << name;
  }
}

TEST_F(Published, ASystemPromptIsInFrontOfEveryQuestion) {
  const fs::path folder = Folder({256}), out = folder_ / "out";
  RunWhole(Recipe(folder), out, {});
  const model::Tokenizer tokenizer = model::Tokenizer::ByteLevel();
  std::set<std::string> stages;
  for (const Trace& trace : Traces(out)) {
    stages.insert(trace.stage);
    EXPECT_EQ(tokenizer.Decode(trace.trajectory.prompt),
              StrCat("<system>Be brief.<|end|><user>", trace.problem.prompt, "<|end|><assistant>"));
  }
  EXPECT_EQ(stages, (std::set<std::string>{"grpo", "collect", "collect/revision", "eval"}));
  // The same without one has other weights, what sft has learned included.
  const fs::path plain = folder_ / "plain";
  RunWhole(Recipe(folder, ""), plain, {});
  EXPECT_TRUE(ReadFile(plain / "final" / "model.safetensors") !=
              ReadFile(out / "final" / "model.safetensors"));
  for (const Trace& trace : Traces(plain)) {
    EXPECT_EQ(tokenizer.Decode(trace.trajectory.prompt).find("<system>"), std::string::npos);
  }
}

TEST_F(Published, ARunGoesOnWithItsSystemPromptOnly) {
  const fs::path folder = Folder({256}), out = folder_ / "out";
  Json recipe = Recipe(folder);
  RunWhole(recipe, out, {});
  recipe["system_prompt"] = "Be verbose.";
  EXPECT_NE(RecipeHash(ReadRecipe(recipe, "r")), RecipeHash(ReadRecipe(Recipe(folder), "r")));
  const ChildEnd end = RunChild(recipe, out, {.resume = true});
  EXPECT_EQ(end.code, 1);
  EXPECT_NE(end.message.find("system_prompt: \"Be brief.\", now \"Be verbose.\""),
            std::string::npos)
      << end.message;
}

TEST_F(Published, TheCheckShowsTheSystemPromptAndFindsTemplatesWithoutAPlaceForIt) {
  const auto check = [](const Json& recipe) { return CheckRecipe(ReadRecipe(recipe, "mine")); };
  const RecipeCheck good = check(Recipe(Folder({256})));
  ASSERT_TRUE(good.sound());
  EXPECT_TRUE(good.previews.at(0).first.at(0).prompt.starts_with("<system>Be brief.<|end|><user>"));
  const RecipeCheck bad = check(Recipe(Folder(
      {256},
      "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}")));
  ASSERT_EQ(bad.findings.size(), 1u);  // once for all stages
  EXPECT_TRUE(bad.findings[0].error);
  EXPECT_EQ(bad.findings[0].place, "prompt_template");
  EXPECT_NE(bad.findings[0].text.find("no system"), std::string::npos);
}

}  // namespace
}  // namespace retort::recipes::published_test
