// retort inspect: what is in a model folder, without loading the weights.

#include <CLI/CLI.hpp>
#include <cctype>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <set>

#include "base/error.h"
#include "base/plural.h"
#include "base/strings.h"
#include "cli/commands.h"
#include "cli/parts/model_argument.h"
#include "cli/parts/option_flags.h"
#include "cli/parts/table.h"
#include "model/config.h"
#include "model/cost.h"
#include "model/safetensors.h"
#include "model/tokenizer.h"

namespace retort::cli {
namespace {
namespace fs = std::filesystem;

struct InspectCommand {
  std::string folder;
  bool json = false;
};

/// Tensors that differ only in the numbers of their names (layers, experts).
struct TensorGroup {
  std::string name;  ///< "model.layers.{1-3}.mlp.experts.{0-7}.up_proj.weight"
  std::string dtype;
  std::vector<int64_t> shape;
  int64_t count = 0;
  int64_t parameters = 0;
  int64_t bytes = 0;
};

// "3" or "0-7", "0,2-4".
std::string Ranges(const std::set<int64_t>& numbers) {
  std::vector<std::string> parts;
  for (auto it = numbers.begin(); it != numbers.end();) {
    const int64_t first = *it;
    int64_t last = first;
    while (++it != numbers.end() && *it == last + 1) last = *it;
    parts.push_back(first == last ? StrCat(first) : StrCat(first, "-", last));
  }
  return numbers.size() == 1 ? parts[0] : "{" + Join(parts, ",") + "}";
}

bool IsNumber(const std::string& part) {
  return !part.empty() && part.size() < 10 && part.find_first_not_of("0123456789") == part.npos;
}

std::vector<TensorGroup> GroupTensors(const model::TensorSource& weights) {
  struct Group {
    TensorGroup sums;
    std::vector<std::string> parts;          // of the dotted name
    std::vector<std::set<int64_t>> numbers;  // per part, empty for a word
  };
  std::map<std::string, Group> groups;
  std::vector<std::string> order;
  for (const model::StoredTensor& tensor : weights.tensors()) {
    const std::string dtype = model::StoredTypeName(tensor.type);
    std::vector<std::string> parts = Split(tensor.name, '.');
    std::string key = StrCat(dtype, Json(tensor.shape).dump());
    for (const std::string& part : parts) key += "." + (IsNumber(part) ? "*" : part);
    Group& group = groups[key];
    if (group.sums.count++ == 0) {
      order.push_back(key);
      group.sums.dtype = dtype;
      group.sums.shape = tensor.shape;
      group.parts = parts;
      group.numbers.resize(parts.size());
    }
    group.sums.parameters += tensor.elements();
    group.sums.bytes += static_cast<int64_t>(tensor.data.size());
    for (size_t i = 0; i < parts.size(); ++i) {
      if (IsNumber(parts[i])) group.numbers[i].insert(std::stoll(parts[i]));
    }
  }
  std::vector<TensorGroup> result;
  for (const std::string& key : order) {
    Group& group = groups[key];
    for (size_t i = 0; i < group.parts.size(); ++i) {
      if (!group.numbers[i].empty()) group.parts[i] = Ranges(group.numbers[i]);
    }
    group.sums.name = Join(group.parts, ".");
    result.push_back(std::move(group.sums));
  }
  return result;
}

std::string ShapeText(const std::vector<int64_t>& shape) {
  std::vector<std::string> sizes;
  for (const int64_t size : shape) sizes.push_back(StrCat(size));
  return "[" + Join(sizes, ", ") + "]";
}

bool HasWeights(const fs::path& folder) {
  return fs::exists(folder / "model.safetensors") ||
         fs::exists(folder / "model.safetensors.index.json");
}

int Inspect(const InspectCommand& command) {
  const fs::path folder = ModelFolder(command.folder);
  const model::ModelConfig config = model::ReadModelConfig(folder);
  const model::ParameterCount count = model::CountParameters(config);
  const model::CacheSize cache = model::CacheOf(config);
  const auto cache_bytes = static_cast<int64_t>(sizeof(float)) * cache.own;
  const auto times_own = [&](int64_t numbers) {
    return static_cast<double>(numbers) / static_cast<double>(cache.own);
  };
  std::vector<TensorGroup> groups;
  if (HasWeights(folder)) groups = GroupTensors(model::OpenWeights(folder));
  int64_t bytes = 0, tensors = 0;
  for (const TensorGroup& group : groups) bytes += group.bytes, tensors += group.count;
  int64_t vocabulary = 0;
  std::string tokenizer_problem;
  if (fs::exists(folder / "tokenizer.json")) {
    try {
      vocabulary = model::Tokenizer::Load(folder).vocab_size();
    } catch (const Error& error) {  // a tokenizer that Retort cannot run yet
      tokenizer_problem = error.what();
    }
  }

  if (command.json) {
    Json json{{"folder", folder.string()},
              {"model_type", model::ModelType(config)},
              {"parameters", count.total},
              {"active_parameters", count.active},
              {"cache_bytes_per_token", cache_bytes},
              {"cache_of_all_heads", times_own(cache.all_heads)},
              {"cache_of_8_heads", times_own(cache.eight_heads)},
              {"tensors", tensors},
              {"bytes", bytes},
              {"tokenizer", vocabulary == 0 ? Json(nullptr) : Json(vocabulary)},
              {"config", model::WriteModelOptions(config)}};
    Json& shapes = json["shapes"] = Json::array();
    for (const TensorGroup& group : groups) {
      shapes.push_back({{"name", group.name},
                        {"dtype", group.dtype},
                        {"shape", group.shape},
                        {"count", group.count},
                        {"parameters", group.parameters},
                        {"bytes", group.bytes}});
    }
    std::cout << ToJsonLine(json) << "\n";
    return kSuccess;
  }

  std::cout << folder.string() << ": " << model::ModelType(config) << "\n\n"
            << "parameters  " << Thousands(count.total) << "\n"
            << "active      " << Thousands(count.active) << " per token\n"
            << "cache       " << Bytes(static_cast<double>(cache_bytes))
            << " per token in fp32; keys and values of all heads would take "
            << Fixed(times_own(cache.all_heads), 2) << " x, of 8 heads "
            << Fixed(times_own(cache.eight_heads), 2) << " x\n"
            << "weights     "
            << (groups.empty()
                    ? "none in the folder"
                    : StrCat(Counted(tensors, "tensor"), ", ", Bytes(static_cast<double>(bytes))))
            << "\ntokenizer   "
            << (vocabulary > 0              ? Thousands(vocabulary) + " tokens"
                : tokenizer_problem.empty() ? "none in the folder"
                                            : tokenizer_problem)
            << "\n\n";
  Table settings{{"setting", "value"}, {}};
  const Json options = model::WriteModelOptions(config);
  for (const auto& [name, value] : options.items()) settings.rows.push_back({name, value.dump()});
  std::cout << FormatTable(settings);
  if (groups.empty()) return kSuccess;
  Table table{{"tensor", "dtype", "shape", "count", "parameters", "size"}, {}};
  for (const TensorGroup& group : groups) {
    table.rows.push_back({group.name, group.dtype, ShapeText(group.shape), Thousands(group.count),
                          Thousands(group.parameters), Bytes(static_cast<double>(group.bytes))});
  }
  std::cout << "\n" << FormatTable(table);
  return kSuccess;
}

}  // namespace

void AddInspect(CLI::App& program, Action& action) {
  auto command = std::make_shared<InspectCommand>();
  CLI::App* app = program.add_subcommand("inspect", "Show what a model folder holds.");
  AddModelArgument(*app, command->folder);
  AddJsonFlag(*app, command->json);
  app->callback([command, &action] { action = [command] { return Inspect(*command); }; });
}

}  // namespace retort::cli
