// docs/recipes.md from the visitors of every options struct.

#include "base/strings.h"
#include "datasets/generator.h"
#include "recipes/internal/recipe_fields.h"
#include "verifiers/registry.h"

namespace retort::recipes {
namespace {

constexpr const char* kIntroduction = R"(# Recipes

<!-- Generated: retort recipe reference > docs/recipes.md -->

A recipe is one JSON document (comments allowed) that names models and composes stages. The stages
run in order, into one run directory:

```
{
  "name": "mine",
  "models": {
    "policy": {"model_type": "deepseek_v3", "hidden_size": 128},
    "student": {"model_type": "qwen3", "hidden_size": 64}
  },
  "stages": [
    {"name": "warm-up", "type": "pretrain", "model": "policy", "steps": 500},
    {"name": "learn", "type": "grpo", "model": "policy", "learning_rate": 1e-4,
     "reward": [{"verifier": "math", "options": {"extraction": "announced"}},
                {"verifier": "format", "weight": 0.1}]},
    {"type": "collect", "model": "policy"},
    {"type": "distill", "model": "student", "select": {"stage": "collect", "correct": true}},
    {"type": "eval", "model": "student"}
  ]
}
```

- `retort run mine.json` runs it; `--resume` goes on after any interruption and ends in the same bits
  (`retort run runs/zero --resume` needs no recipe: the run directory holds it). What has not run yet may
  change meanwhile: correct a later stage, add stages, give the last training stage more `steps` where its
  rate does not depend on them. What finished stages depended on may not; a changed stage that has begun
  begins anew.
- Paths are relative to the recipe; those typed with `--set`, to the current folder.
- `--set KEY=VALUE` changes a key for one run. KEY is a path with dots that starts at the document
  (`seed=2`, `models.student.hidden_size=96`) or at a stage's name (`learn.learning_rate=3e-4`,
  `learn.problems.generator.count=2000`). VALUE is JSON, or text.
- `retort recipe check mine.json` looks at everything that can be known before the first step (files,
  columns, lengths, counts, judges, shapes, tokenizers), says all that is wrong, and shows the first
  problems as the model will see them; a run begins with the same check. `retort recipe show mine.json
  --resolved` writes every key with its value; `retort recipe list` names the recipes that come with
  the program.
- Every key is checked: an unknown one, a wrong type or a value out of bounds is an error that names
  the place. What is left out has the default below.

Problems that several stages read stand once, beside `models` and `stages`, and a stage names them;
`split` is the side that it uses, and keys it gives itself win:

```
"data": {"school": {"file": "school.jsonl", "split_shares": [0.8, 0.1, 0.1]}},
"stages": [{"type": "grpo", "problems": {"data": "school"}},
           {"type": "eval", "problems": {"data": "school", "split": "held_out"}}]
```

`pretrain` and `sft` also learn from files word for word: texts, conversations, prompts and completions
(`train_files`; [texts.md](texts.md)).

A key with a dot is inside an object: `problems.split` is written `"problems": {"split": "train"}`.
)";

constexpr double kUnbounded = std::numeric_limits<double>::infinity();

std::string Allowed(const Field& field) {
  if (!field.choices.empty()) return "`" + Join(field.choices, "` `") + "`";
  const auto& [min, max] = field.bounds;
  if (min == -kUnbounded && max == kUnbounded) return "";
  return StrCat(FormatNumber(min), " … ", FormatNumber(max));
}

// A cell of a table; a bar would end it.
std::string Cell(const std::string& text) { return ReplaceAll(text, "|", "\\|"); }

void AddRow(const std::vector<std::string>& cells, std::string& out) {
  for (const std::string& cell : cells) out += "| " + Cell(cell) + " ";
  out += "|\n";
}

void AddFields(const std::vector<Field>& fields, const std::string& prefix, std::string& out) {
  for (const Field& field : fields) {
    if (!field.children.empty()) {
      AddFields(field.children, prefix + field.name + ".", out);
    } else {
      AddRow({"`" + prefix + field.name + "`", field.type, "`" + field.get().dump() + "`",
              Allowed(field), field.help},
             out);
    }
  }
}

void AddTable(const std::vector<Field>& fields, std::string& out) {
  if (fields.empty()) {
    out += "\nNo keys.\n";
    return;
  }
  out += "\n| key | type | default | allowed | |\n|---|---|---|---|---|\n";
  AddFields(fields, "", out);
}

template <class T>
void AddOptions(T options, std::string& out) {
  AddTable(ListFields(options), out);
}

void AddModels(std::string& out) {
  out +=
      "\n## Models\n\n`models` is an object: a name of your choice for each model. A model is "
      "built "
      "with random weights from\n`model_type` and the keys of its family, or it comes from "
      "elsewhere:\n";
  AddOptions(ModelFields{}, out);
  for (const model::ModelFamily& family : model::ModelFamilies()) {
    out += StrCat("\n### ", Join(family.model_types, ", "), "\n\n", family.help,
                  " `model_type` is needed.\n");
    std::visit([&](const auto& config) { AddOptions(config, out); }, family.config);
  }
}

void AddStages(std::string& out) {
  out += "\n## Stages\n\n`stages` is a list. Every stage has\n";
  AddOptions(StageFields{}, out);
  for (const train::StageKind* kind : StageKinds()) {
    out += StrCat("\n### ", kind->type, "\n\n", kind->help, "\n");
    train::StageOptions options = kind->defaults;
    AddTable(kind->fields(options), out);
  }
}

void AddJudges(std::string& out) {
  out +=
      "\n## Judges\n\n`reward` is a list of judges, each\n`{\"verifier\": NAME, \"weight\": 1, "
      "\"options\": {…}}`. A completion's reward is the sum of the scores of those\nthat could "
      "judge it times their weights, and none when nobody could. It is wrong when one judge\nsays "
      "so, else unjudged when one could not judge, else correct. What is unjudged enters no "
      "mean.\n\n";
  AddOptions(train::JudgeSpec{}, out);
  for (const verifiers::VerifierEntry& entry : verifiers::Verifiers()) {
    out += StrCat("\n### ", entry.name, "\n\n", entry.help, "\n");
    entry.describe([&](const std::vector<Field>& fields) { AddTable(fields, out); });
  }
}

void AddFamilies(std::string& out) {
  out +=
      "\n## Families of generated problems\n\nFor `generator.families`: `\"name\"` or "
      "`\"name:difficulty\"`.\n\n| family | difficulty | default | |\n|---|---|---|---|\n";
  for (const datasets::GeneratorEntry& entry : datasets::Generators()) {
    AddRow({StrCat("`", entry.name, "`"), StrCat(entry.min_difficulty, " … ", entry.max_difficulty),
            StrCat(entry.default_difficulty), entry.help},
           out);
  }
}

}  // namespace

std::string RecipeReference() {
  std::string out = kIntroduction;
  out += "\n## The document\n";
  AddOptions(RecipeFields{}, out);
  AddModels(out);
  AddStages(out);
  AddJudges(out);
  AddFamilies(out);
  return out;
}

}  // namespace retort::recipes
