#include "cli/sampling_flags.h"

#include <CLI/CLI.hpp>

#include "base/strings.h"

namespace retort::cli {
namespace {

constexpr const char* kLength = "max_completion_length";

// What transformers, vLLM and llama.cpp call them where we do not.
const FlagNames& OtherNames() {
  static const FlagNames names{{"temperature", "--temp"},
                               {"repetition_penalty", "--repeat-penalty"},
                               {kLength, "--max-new-tokens,--predict,--n-predict,-n"},
                               {"stop", "--reverse-prompt,-r"}};
  return names;
}

// As Field::set, and remembered as typed.
std::vector<Field> TypedFields(SamplingFlags& flags) {
  std::vector<Field> fields = ListFields(flags.options);
  for (Field& field : fields) {
    field.set = [set = field.set, name = field.name, &flags](const Json& value,
                                                             const std::string& where) {
      set(value, where);
      flags.typed.insert(name);
    };
  }
  return fields;
}

}  // namespace

bool SamplingFlags::HasLength() const {
  return typed.contains(kLength) || folder.contains(kLength);
}

void AddSamplingFlags(CLI::App& app, SamplingFlags& flags) {
  AddOptionFlags(app, TypedFields(flags), OtherNames());
  app.add_flag_function(
         "--greedy",
         [&flags](int64_t count) {
           if (count <= 0) return;
           flags.options.temperature = 0;
           flags.typed.insert("temperature");
         },
         "Take the most probable token, as --temperature 0 does.")
      ->excludes("--temperature");
}

void TakeFolderDefaults(const model::GenerationConfig& config, SamplingFlags& flags) {
  const auto take = [&](const char* name, const auto& value, auto& option) {
    if (!value || flags.typed.contains(name)) return;
    option = *value;
    flags.folder.insert(name);
  };
  rollout::SamplingOptions& options = flags.options;
  const bool greedy = config.do_sample == false;
  take("temperature", greedy ? std::optional<double>(0) : config.temperature, options.temperature);
  take("top_p", config.top_p, options.top_p);
  take("top_k", config.top_k, options.top_k);
  options.top_k = std::max<int64_t>(options.top_k, 0);
  take("min_p", config.min_p, options.min_p);
  take("repetition_penalty", config.repetition_penalty, options.repetition_penalty);
  take(kLength, config.max_new_tokens, options.max_completion_length);
}

void SetSampling(SamplingFlags& flags, const std::string& name, const std::string& value) {
  const std::string wanted = ReplaceAll(name, "-", "_");
  std::vector<std::string> known;
  for (const Field& field : TypedFields(flags)) {
    std::vector<std::string> names{field.name};
    if (const auto other = OtherNames().find(field.name); other != OtherNames().end()) {
      for (const std::string& flag : Split(other->second, ',')) {
        names.push_back(ReplaceAll(flag.substr(flag.find_first_not_of('-')), "-", "_"));
      }
    }
    known.insert(known.end(), names.begin(), names.end());
    if (!std::ranges::count(names, wanted)) continue;
    Json json = JsonOrText(value, field.name);
    if (field.type == "list" && !json.is_array()) json = Json::array({value});
    return field.set(json, field.name);
  }
  Fail("there is no option '", name, "'.", DidYouMean(wanted, known),
       " Known: ", Join(known, ", "));
}

std::string DescribeSampling(const SamplingFlags& flags, const model::GenerationConfig& config,
                             const model::Tokenizer& tokenizer) {
  std::string text;
  rollout::SamplingOptions options = flags.options;
  for (const Field& field : ListFields(options)) {
    const char* source = flags.typed.contains(field.name)    ? "you"
                         : flags.folder.contains(field.name) ? "generation_config.json"
                                                             : "default";
    text += StrCat(field.name, " ", field.get().dump(), " (", source, ")\n");
  }
  std::vector<std::string> ends;
  for (const int32_t id : model::StopIds(config, tokenizer)) {
    const bool known = id < tokenizer.vocab_size();
    ends.push_back(known ? StrCat(id, " ", tokenizer.ContentOf(id)) : StrCat(id));
  }
  return text + StrCat("ends at ", Join(ends, ", "),
                       config.eos_token_id.empty() ? " (the tokenizer's)" : " (the folder's)",
                       "\n");
}

}  // namespace retort::cli
