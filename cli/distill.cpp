// retort distill: a student learns the stored traces of a teacher. A recipe of one stage, so that
// it has a run directory, checkpoints and --resume like any other.

#include "distill/distill.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.h"
#include "cli/parts/model_argument.h"
#include "cli/parts/option_flags.h"
#include "cli/run_stages.h"
#include "recipes/recipe.h"
#include "train/run_places.h"

namespace retort::cli {
namespace {

struct DistillCommand {
  std::string student;
  distill::DistillOptions stage;
  int64_t seed = 1;
  recipes::RunOptions options;
  std::string out = "runs/distill";
  bool json = false;
};

/// A model to open, or the JSON of a new student's configuration.
Json StudentSpec(const std::string& student) {
  if (student.starts_with("{")) return ParseJson(student, "--student");
  return {{"path", ModelFolder(student).string()}};
}

int Distill(const DistillCommand& command) {
  const Json student = StudentSpec(command.student);
  Json stage{{"name", "distill"}, {"type", "distill"}, {"model", "student"}};
  stage.update(WriteOptions(command.stage));
  const auto database = train::FindTraces(command.stage.database);
  datasets::TraceStore(database, datasets::TraceStore::Mode::kRead)
      .CheckFilter(command.stage.select);
  stage["database"] = database.string();
  const Json document{{"name", "distill"},
                      {"seed", command.seed},
                      {"models", {{"student", student}}},
                      {"stages", Json::array({stage})}};
  recipes::RunOptions options = command.options;
  options.out = command.out;
  return RunStages(recipes::ReadRecipe(document, "retort distill"), options,
                   {.json = command.json, .recipe_file = {}});
}

}  // namespace

void AddDistill(CLI::App& program, Action& action) {
  auto command = std::make_shared<DistillCommand>();
  CLI::App* app = program.add_subcommand("distill", "Train a student on stored traces.");
  app->add_option(
         "DATABASE", command->stage.database,
         "The teacher's traces: a run directory, its final/ or a checkpoint, or a traces.db.")
      ->required()
      ->type_name("");
  app->add_option(
         "--student", command->student,
         "A model folder or run directory to start from, or the JSON of a new model, such as "
         "'{\"model_type\": \"qwen3\", \"hidden_size\": 64}'.")
      ->required()
      ->type_name("MODEL");
  std::vector<Field> fields = ListFields(command->stage);
  std::erase_if(fields, [](const Field& field) { return field.name == "database"; });
  AddOptionFlags(*app, fields);
  AddSeedFlag(*app, command->seed);
  AddRunFlags(*app, command->options, command->out);
  AddJsonFlag(*app, command->json);
  app->callback([command, &action] { action = [command] { return Distill(*command); }; });
}

}  // namespace retort::cli
