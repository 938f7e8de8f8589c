// retort run: a whole recipe, from the first weights to the last table.

#include <CLI/CLI.hpp>
#include <memory>

#include "base/strings.h"
#include "cli/commands.h"
#include "cli/option_flags.h"
#include "cli/run_stages.h"
#include "recipes/recipe.h"

namespace retort::cli {
namespace {

struct RunCommand {
  std::string recipe;
  std::vector<std::string> settings;
  recipes::RunOptions options;
  std::string out;
  bool json = false;
};

// A word as a shell takes it.
std::string Quoted(const std::string& word) {
  const bool plain = !word.empty() && word.find_first_not_of(
                                          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "0123456789-_./=:,+@%") == std::string::npos;
  return plain ? word : "'" + ReplaceAll(word, "'", "'\\''") + "'";
}

std::string ResumeCommand(const RunCommand& command, const recipes::RunOptions& options) {
  std::string text = "retort run " + Quoted(command.recipe);
  for (const std::string& setting : command.settings) text += " --set " + Quoted(setting);
  return text + " --out " + Quoted(options.out.string()) + " --resume";
}

int Run(const RunCommand& command) {
  Json document = recipes::LoadRecipeDocument(command.recipe);
  for (const std::string& setting : command.settings) recipes::ApplySetting(document, setting);
  const recipes::Recipe recipe = recipes::ReadRecipe(document, command.recipe);
  recipes::RunOptions options = command.options;
  options.out = command.out.empty() ? std::filesystem::path("runs") / recipe.name
                                    : std::filesystem::path(command.out);
  return RunStages(recipe, options,
                   {.json = command.json,
                    .resume_command = ResumeCommand(command, options),
                    .recipe_file = command.recipe});
}

}  // namespace

void AddRun(CLI::App& program, Action& action) {
  auto command = std::make_shared<RunCommand>();
  CLI::App* app = program.add_subcommand("run", "Run a recipe.");
  app->add_option("RECIPE", command->recipe, "A recipe file, or the name of a shipped one.")
      ->required()
      ->type_name("");
  AddSetFlag(*app, command->settings);
  AddRunFlags(*app, command->options, command->out);
  AddJsonFlag(*app, command->json);
  app->callback([command, &action] { action = [command] { return Run(*command); }; });
}

}  // namespace retort::cli
