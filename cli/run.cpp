// retort run: a whole recipe, from the first weights to the last table.

#include <CLI/CLI.hpp>
#include <memory>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/parts/option_flags.h"
#include "cli/run_stages.h"
#include "recipes/inputs.h"

namespace retort::cli {
namespace {

struct RunCommand {
  std::string recipe;
  std::vector<std::string> settings;
  recipes::RunOptions options;
  std::string out;
  bool json = false;
};

int Run(const RunCommand& command) {
  recipes::RunOptions options = command.options;
  std::string source = command.recipe;
  if (source.empty()) {
    RETORT_CHECK(
        options.resume && !command.out.empty(),
        "name a recipe (retort recipe list), or a run directory to go on with and --resume");
    source = command.out;
  }
  const recipes::Recipe recipe = recipes::OpenRecipe(source, command.settings);
  if (!command.out.empty()) {
    options.out = command.out;
  } else if (std::filesystem::is_directory(source)) {
    options.out = source;
  } else {
    options.out = std::filesystem::path("runs") / recipe.name;
  }
  return RunStages(recipe, options, {.json = command.json, .recipe_file = source});
}

}  // namespace

void AddRun(CLI::App& program, Action& action) {
  auto command = std::make_shared<RunCommand>();
  CLI::App* app = program.add_subcommand("run", "Run a recipe.");
  app->add_option(
         "RECIPE", command->recipe,
         "A recipe file, or the name of a shipped one; with --resume also a run directory.")
      ->type_name("");
  AddSetFlag(*app, command->settings);
  AddRunFlags(*app, command->options, command->out);
  AddJsonFlag(*app, command->json);
  app->callback([command, &action] { action = [command] { return Run(*command); }; });
}

}  // namespace retort::cli
