// retort recipe: the shipped recipes, and what is wrong with one's own.

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "base/strings.h"
#include "cli/commands.h"
#include "cli/option_flags.h"
#include "cli/table.h"
#include "recipes/inputs.h"

namespace retort::cli {
namespace {

struct RecipeCommand {
  std::string recipe;
  std::vector<std::string> settings;
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

int Check(const RecipeCommand& command) {
  const recipes::Recipe recipe = ReadWithSettings(command);
  const std::string hash = recipes::RecipeHash(recipe);
  if (command.json) {
    std::cout << ToJsonLine(
                     {{"name", recipe.name}, {"stages", recipe.stages.size()}, {"hash", hash}})
              << "\n";
  } else {
    std::cout << recipe.name << ": " << recipe.stages.size() << " stages, hash " << hash << "\n";
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
  Add(*group, action, "check", "Read a recipe and say what is wrong with it.", Check, true);
  Add(*group, action, "reference", "Every key of a recipe, as Markdown.", Reference, false);
}

}  // namespace retort::cli
