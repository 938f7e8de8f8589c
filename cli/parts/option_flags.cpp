#include "cli/parts/option_flags.h"

#include <CLI/CLI.hpp>
#include <cmath>

#include "base/strings.h"
#include "cli/parts/command.h"

namespace retort::cli {
namespace {

std::string HelpOf(const Field& field) {
  std::string help = field.help;
  std::vector<std::string> notes;
  if (!field.choices.empty()) notes.push_back("one of " + Join(field.choices, ", "));
  if (std::isfinite(field.bounds.min) && std::isfinite(field.bounds.max)) {
    notes.push_back(FormatNumber(field.bounds.min) + " to " + FormatNumber(field.bounds.max));
  }
  const Json value = field.get();
  if (!value.is_null() && !value.empty() && value != "") notes.push_back("default " + value.dump());
  return notes.empty() ? help : help + " [" + Join(notes, "; ") + "]";
}

// Turns Retort's own message into a usage error.
template <class Body>
void OrUsageError(const Body& body) {
  try {
    body();
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
}

void SetList(const Field& field, const std::string& flag, const std::vector<std::string>& values) {
  try {
    field.set(Json(values), flag);
    return;
  } catch (const Error&) {
    // Not a list of texts: a list of numbers, whose own message is the one to show.
  }
  Json list = Json::array();
  for (const std::string& value : values) list.push_back(JsonOrText(value, flag));
  field.set(list, flag);
}

// What the value may be, as completions and help read it.
std::string ChoicesType(const std::vector<std::string>& names) {
  return "{" + Join(names, ",") + "}";
}

template <class T>
CLI::Option* AddNumber(CLI::App& app, const std::string& flag, T& value, Bounds bounds,
                       const std::string& help) {
  const std::string name = flag.substr(0, flag.find(','));
  const auto read = [name, bounds, &value](const std::string& text) {
    OrUsageError([&] { options_internal::ReadValue(JsonOrText(text, name), name, bounds, value); });
  };
  return app.add_option_function<std::string>(flag, read, help)->type_name("N")->take_last();
}

void AddFields(CLI::App& app, const std::vector<Field>& fields, const std::string& prefix,
               const FlagNames& names) {
  for (const Field& field : fields) {
    const std::string flag = prefix + ReplaceAll(field.name, "_", "-");
    if (!field.children.empty()) {
      AddFields(app, field.children, flag + ".", {});
      continue;
    }
    const std::string help = HelpOf(field);
    const auto more = names.find(field.name);
    const std::string all = more == names.end() ? flag : flag + "," + more->second;
    if (field.type == "boolean") {
      app.add_flag_function(
             all,
             [field, flag](int64_t count) { OrUsageError([&] { field.set(count > 0, flag); }); },
             help)
          ->take_last();
    } else if (field.type == "list") {
      app.add_option_function<std::vector<std::string>>(
             all,
             [field, flag](const std::vector<std::string>& values) {
               OrUsageError([&] { SetList(field, flag, values); });
             },
             help)
          ->allow_extra_args(false)  // cli/arguments.h repeats the flag
          ->type_name(field.choices.empty() ? "VALUE" : ChoicesType(field.choices));
    } else {
      const bool text = field.type == "string";
      app.add_option_function<std::string>(
             all,
             [field, flag, text](const std::string& value) {
               OrUsageError([&] { field.set(text ? Json(value) : JsonOrText(value, flag), flag); });
             },
             help)
          ->type_name(!field.choices.empty() ? ChoicesType(field.choices)
                      : text                 ? "TEXT"
                                             : "N")
          ->take_last();
    }
  }
}

}  // namespace

void AddOptionFlags(CLI::App& app, const std::vector<Field>& fields, const FlagNames& names) {
  AddFields(app, fields, "--", names);
}

CLI::Option* AddInteger(CLI::App& app, const std::string& flag, int64_t& value, Bounds bounds,
                        const std::string& help) {
  return AddNumber(app, flag, value, bounds, help);
}

CLI::Option* AddInteger(CLI::App& app, const std::string& flag, int& value, Bounds bounds,
                        const std::string& help) {
  return AddNumber(app, flag, value, bounds, help);
}

CLI::Option* AddIntegers(CLI::App& app, const std::string& flag, std::vector<int64_t>& values,
                         Bounds bounds, const std::string& help) {
  const auto read = [flag, bounds, &values](const std::vector<std::string>& texts) {
    Json list = Json::array();
    for (const std::string& text : texts) list.push_back(JsonOrText(text, flag));
    OrUsageError([&] { options_internal::ReadValue(list, flag, bounds, values); });
  };
  return app.add_option_function<std::vector<std::string>>(flag, read, help)
      ->type_name("N")
      ->allow_extra_args(false);
}

CLI::Option* AddChoice(CLI::App& app, const std::string& flag, std::string& value,
                       const std::vector<std::string>& names, const std::string& help) {
  const auto read = [flag, names, &value](const std::string& text) {
    OrUsageError([&] { value = options_internal::ReadChoice(Json(text), flag, names); });
  };
  return app.add_option_function<std::string>(flag, read, help)->type_name(ChoicesType(names));
}

CLI::Option* AddKeyValueFlag(CLI::App& app, const std::string& flag,
                             std::vector<std::string>& settings, const std::string& help) {
  return app.add_option(flag, settings, help)
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false)
      ->check([](const std::string& setting) {
        const size_t equals = setting.find('=');
        const bool good = equals != 0 && equals != std::string::npos;
        return good ? std::string() : "got '" + setting + "', expected KEY=VALUE";
      });
}

void AddSetFlag(CLI::App& app, std::vector<std::string>& settings) {
  AddKeyValueFlag(app, "--set", settings,
                  "Change keys of the recipe, such as grpo.learning_rate=1e-4 (may be repeated).");
}

void AddSeedFlag(CLI::App& app, int64_t& seed) {
  AddInteger(app, "--seed", seed, {0, 9e15},
             "Names the random numbers. [default " + std::to_string(seed) + "]");
}

void AddJsonFlag(CLI::App& app, bool& json) {
  app.add_flag("--json", json, "Print JSON for programs instead of a table.");
}

void AddThreadsFlag(CLI::App& app, int& threads) {
  AddInteger(app, "--threads,-t", threads, {0, 4096},
             "Threads; 0 is one per core. Never changes a result.");
}

void AddDtypeFlag(CLI::App& app, const std::string& flag, const std::string& help,
                  const std::function<void(nn::Dtype)>& set) {
  const auto read = [flag, set](const std::string& name) {
    nn::Dtype dtype{};
    OrUsageError([&] { options_internal::ReadValue(Json(name), flag, {}, dtype); });
    set(dtype);
  };
  std::vector<std::string> names;
  for (const auto& [value, name] : EnumNames(nn::Dtype{})) names.push_back(name);
  app.add_option_function<std::string>(flag, read, help)->type_name("DTYPE:" + ChoicesType(names));
}

void AddPrecisionFlags(CLI::App& app, nn::Precision& precision) {
  // Callbacks run in the order of definition, so --cache-dtype has the last word.
  AddDtypeFlag(app, "--dtype",
               "What matrix products multiply: float32; bfloat16, which needs AVX-512 BF16 and "
               "sums in float32; or weights quantized to float8_e4m3 or q8_0, for sampling only. "
               "[default float32]",
               [&precision](nn::Dtype dtype) {
                 precision = {dtype, nn::CacheFor(dtype)};
               });
  AddDtypeFlag(app, "--cache-dtype",
               "What keys and values are rounded to, float32 or bfloat16. [default bfloat16 where "
               "--dtype is, else float32]",
               [&precision](nn::Dtype dtype) { precision.cache = dtype; });
}

}  // namespace retort::cli
