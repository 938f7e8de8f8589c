// retort recipe: the shipped recipes, and what is wrong with one's own.

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "base/plural.h"
#include "base/strings.h"
#include "cli/commands.h"
#include "cli/parts/option_flags.h"
#include "cli/parts/table.h"
#include "recipes/check.h"
#include "recipes/inputs.h"

namespace retort::cli {
namespace {

constexpr size_t kPromptWidth = 60, kGoldWidth = 24;

struct RecipeCommand {
  std::string recipe;
  std::vector<std::string> settings;
  std::string stage;
  int64_t first_step = 0;
  int64_t steps = 1;
  bool resolved = false;
  bool json = false;
};

recipes::Recipe ReadWithSettings(const RecipeCommand& command) {
  return recipes::OpenRecipe(command.recipe, command.settings);
}

int List(const RecipeCommand& command) {
  Table table{{"recipe", "what it does"}, {}};
  Json list = Json::array();
  for (const auto& [name, text] : recipes::ShippedRecipes()) {
    const std::string description = ParseJson(text, name, true).value("description", "");
    table.rows.push_back({name, description});
    list.push_back({{"name", name}, {"description", description}});
  }
  std::cout << (command.json ? ToJsonLine({{"recipes", list}}) + "\n" : FormatTable(table));
  return kSuccess;
}

int Show(const RecipeCommand& command) {
  if (!command.resolved && command.settings.empty()) {
    for (const auto& [name, text] : recipes::ShippedRecipes()) {
      if (name != command.recipe) continue;
      std::cout << text;  // with its comments
      return kSuccess;
    }
  }
  std::cout << recipes::WriteRecipe(ReadWithSettings(command)).dump(2) << "\n";
  return kSuccess;
}

Json ToJson(const recipes::DataPreview& preview) {
  Json first = Json::array();
  for (const recipes::PreviewProblem& problem : preview.first) {
    first.push_back({{"id", problem.id},
                     {"prompt", ToValidUtf8(problem.prompt)},
                     {"tokens", problem.tokens},
                     {"gold", problem.gold}});
  }
  return {{"places", preview.places},
          {preview.noun + "s", preview.problems},
          {"overlong", preview.overlong},
          {"first", std::move(first)}};
}

void PrintCheck(const recipes::RecipeCheck& check) {
  for (const recipes::DataPreview& preview : check.previews) {
    std::cout << "\n"
              << Join(preview.places, ", ") << ": " << Counted(preview.problems, preview.noun);
    if (preview.overlong > 0) std::cout << ", " << preview.overlong << " more too long";
    std::cout << "\n";
    Table table{{"id", "prompt", "tokens", "gold"}, {}};
    for (const recipes::PreviewProblem& problem : preview.first) {
      table.rows.push_back({problem.id, Shorten(problem.prompt, kPromptWidth),
                            std::to_string(problem.tokens),
                            problem.gold.empty() ? "-" : Shorten(problem.gold, kGoldWidth)});
    }
    std::cout << FormatTable(table);
  }
  if (!check.findings.empty()) std::cout << "\n";
  for (const auto& [error, place, text] : check.findings) {
    std::cout << (error ? "error: " : "warning: ") << place << ": " << text << "\n";
  }
}

// All that is wrong with it, and the first problems as the model will see them.
int Check(const RecipeCommand& command) {
  const recipes::Recipe recipe = ReadWithSettings(command);
  const std::string hash = recipes::RecipeHash(recipe);
  const recipes::RecipeCheck check = recipes::CheckRecipe(recipe);
  if (command.json) {
    Json errors = Json::array(), warnings = Json::array(), previews = Json::array();
    for (const auto& [error, place, text] : check.findings) {
      (error ? errors : warnings).push_back({{"place", place}, {"message", text}});
    }
    for (const recipes::DataPreview& preview : check.previews) previews.push_back(ToJson(preview));
    std::cout << ToJsonLine({{"name", recipe.name},
                             {"stages", recipe.stages.size()},
                             {"hash", hash},
                             {"errors", std::move(errors)},
                             {"warnings", std::move(warnings)},
                             {"previews", std::move(previews)}})
              << "\n";
  } else {
    std::cout << recipe.name << ": " << Counted(recipe.stages.size(), "stage") << ", hash " << hash
              << "\n";
    PrintCheck(check);
  }
  return check.sound() ? kSuccess : kFailure;
}

// The token ids that steps of a stage learn from. They follow from recipe and seed alone, so they
// are those of every run of it.
int Batches(const RecipeCommand& command) {
  const recipes::Recipe recipe = ReadWithSettings(command);
  const train::RowsLook rows = recipes::FindRows(recipe, command.stage);
  for (int64_t step = command.first_step; step < command.first_step + command.steps; ++step) {
    for (const train::LearnGroup& group : rows.batch(step)) {
      Json ids = group.prompt, learned = std::vector<int>(group.prompt.size(), 0);
      for (size_t i = 0; i < group.completions[0].size(); ++i) {
        ids.push_back(group.completions[0][i]);
        learned.push_back(group.learned.empty() || group.learned[i] ? 1 : 0);
      }
      std::cout << ToJsonLine(
                       {{"step", step}, {"ids", std::move(ids)}, {"learned", std::move(learned)}})
                << "\n";
    }
  }
  return kSuccess;
}

int Reference(const RecipeCommand&) {
  std::cout << recipes::RecipeReference();
  return kSuccess;
}

void Add(CLI::App& group, Action& action, const char* name, const char* help,
         int (*run)(const RecipeCommand&), bool of_one) {
  auto command = std::make_shared<RecipeCommand>();
  CLI::App* app = group.add_subcommand(name, help);
  if (of_one) {
    app->add_option("RECIPE", command->recipe, "A recipe file, or the name of a shipped one.")
        ->required()
        ->type_name("");
    AddSetFlag(*app, command->settings);
  }
  if (run == Show) {
    app->add_flag("--resolved", command->resolved, "With every key and its value.");
  } else if (run == Batches) {
    app->add_option("--stage", command->stage, "The stage, by its name.")->required();
    AddInteger(*app, "--first-step", command->first_step, {0, 1e9},
               "From this step on. [default 0]");
    AddInteger(*app, "--steps", command->steps, {1, 1e9}, "So many steps. [default 1]");
  } else if (run != Reference) {
    AddJsonFlag(*app, command->json);
  }
  app->callback([command, run, &action] { action = [command, run] { return run(*command); }; });
}

}  // namespace

void AddRecipe(CLI::App& program, Action& action) {
  CLI::App* group = program.add_subcommand("recipe", "List, show and check recipes.");
  Add(*group, action, "list", "The recipes that come with the program.", List, false);
  Add(*group, action, "show", "A recipe, to start one's own from.", Show, true);
  Add(*group, action, "check", "All that is wrong with a recipe, and its first problems.", Check,
      true);
  Add(*group, action, "batches",
      "The token ids that a stage's steps learn from, of train_files, as JSON Lines.", Batches,
      true);
  Add(*group, action, "reference", "Every key of a recipe, as Markdown.", Reference, false);
}

}  // namespace retort::cli
