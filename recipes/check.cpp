#include "recipes/check.h"

#include <algorithm>
#include <deque>
#include <filesystem>
#include <map>
#include <set>

#include "base/plural.h"
#include "base/strings.h"
#include "model/pretrained.h"
#include "recipes/internal/check_parts.h"
#include "train/run_places.h"

namespace retort::recipes {
namespace fs = std::filesystem;
namespace {

constexpr size_t kPreviewed = 3;
constexpr size_t kBadRowsNamed = 3;

// Rows of one source, read once.
struct Source {
  std::vector<Problem> problems;
  std::vector<std::string> bad_rows;
  std::string error;
};

class Checker {
 public:
  Checker(const Recipe& recipe, size_t first_stage, std::function<bool()> stop)
      : recipe_(recipe), first_(first_stage), stop_(std::move(stop)) {}

  RecipeCheck Run() {
    for (const ModelSpec& spec : recipe_.models) CheckModel(spec);
    for (size_t k = 0; k < recipe_.stages.size(); ++k) {
      if (k >= first_) CheckStage(k);
    }
    CheckOverlaps();
    check_.findings = std::move(findings_.all);
    return std::move(check_);
  }

 private:
  void Add(bool error, const std::string& place, const std::string& text) {
    findings_.Add(error, place, text);
  }

  void CheckModel(const ModelSpec& spec) {
    ModelFacts& facts = models_[spec.name];
    facts.origin = &OriginOf(recipe_, spec);
    if (facts.origin != &spec) {  // looked at before
      facts = models_.at(facts.origin->name);
      return;
    }
    const std::string place = "models." + spec.name;
    facts.config = spec.config;
    facts.known = spec.path.empty() || findings_.Try(place + ".path", [&] {
      for (const std::string& note : OpenFolder(spec, facts)) Add(false, place, note);
    });
    if (!facts.known) return;
    const int64_t ids = model::Common(facts.config).vocab_size;
    if (facts.tokenizer.vocab_size() > ids) {
      Add(true, place,
          StrCat("vocab_size ", ids, " is smaller than the tokenizer's ",
                 facts.tokenizer.vocab_size()));
    }
  }

  void CheckStage(size_t k) {
    const Stage& stage = recipe_.stages[k];
    const ModelFacts& facts = models_.at(stage.model);
    const train::StageNeeds needs = stage.Needs();
    CheckStart(stage, facts);
    for (const train::ProblemsNeeded& problems : needs.problems) {
      CheckProblemsOf(stage, facts, problems);
    }
    if (needs.rows && facts.known) {
      const auto rows = CheckRows({recipe_, stage, facts, *needs.rows, stop_}, findings_);
      if (rows) check_.previews.push_back(*rows);
    }
    if (needs.traces) CheckTraces({recipe_, k, models_, *needs.traces, stop_}, findings_);
    if (needs.folder) CheckFolder(stage.name + ".path", *needs.folder);
  }

  void CheckStart(const Stage& stage, const ModelFacts& facts) {
    if (stage.start_from.empty()) return;
    const ModelFacts& from = models_.at(stage.start_from);
    const std::string place = stage.name + ".start_from";
    if (!facts.known || !from.known) return;
    if (model::Network::LayoutOf(facts.config) != model::Network::LayoutOf(from.config)) {
      Add(true, place,
          StrCat("the weights of '", stage.start_from, "' have other shapes than '", stage.model,
                 "'; models that share weights need the same options"));
    } else if (!(facts.tokenizer == from.tokenizer)) {
      Add(true, place,
          StrCat("'", stage.start_from, "' has another tokenizer than '", stage.model,
                 "'; its weights would mean nothing"));
    }
  }

  void CheckProblemsOf(const Stage& stage, const ModelFacts& facts,
                       const train::ProblemsNeeded& needed) {
    const std::string place = stage.name + "." + needed.key;
    const std::vector<Problem>* problems =
        CheckProblems(place, facts, *needed.options, needed.completion);
    if (!problems) return;
    if (!needed.completion) {
      CheckAll(place, *problems, "have no answer to learn",
               [](const Problem& problem) { return problem.answer.empty(); });
    }
    if (needed.judges) CheckJudges(stage.name, *needed.judges, *problems);
    if (static_cast<int64_t>(problems->size()) < needed.per_step) {
      Add(false, stage.name + ".prompts_per_step",
          StrCat("is ", needed.per_step, ", but there are only ",
                 Counted(problems->size(), "problem"), ": some are drawn several times in a step"));
    }
  }

  // Null when there are none. What else is wrong with them is looked for all the same.
  const std::vector<Problem>* CheckProblems(const std::string& place, const ModelFacts& facts,
                                            const train::ProblemOptions& options,
                                            std::optional<int64_t> completion) {
    const Source& source = Read(options);
    for (size_t i = 0; i < std::min(source.bad_rows.size(), kBadRowsNamed); ++i) {
      const size_t more = source.bad_rows.size() - kBadRowsNamed;
      const bool last = i + 1 == kBadRowsNamed && source.bad_rows.size() > kBadRowsNamed;
      Add(true, place + ".file",
          source.bad_rows[i] + (last ? StrCat(" (and ", Counted(more, "more bad row"), ")") : ""));
    }
    if (!source.error.empty()) {
      Add(true, place + (options.file.empty() ? ".generator" : ".file"), source.error);
    }
    if (source.problems.empty()) return nullptr;
    const std::vector<Problem>* problems = &source.problems;
    used_[place] = problems;
    if (!facts.known) return problems;
    const bool renders = findings_.Try("prompt_template", [&] {
      model::RenderPrompt(facts.tokenizer, recipe_.prompt_template, "");
    });
    if (!renders) return problems;
    const train::Room room{facts.tokenizer, recipe_.prompt_template, train::Positions(facts.config),
                           completion};
    if (completion.value_or(0) > room.positions) {
      Add(true, place.substr(0, place.find('.')) + ".max_completion_length",
          StrCat("got ", *completion, ", but the model has max_position_embeddings = ",
                 room.positions, " for prompt and completion together"));
      return problems;
    }
    const train::Overlongs overlong = train::FindOverlong(*problems, options, room);
    if (!overlong.problems.empty()) {
      train::Remove(overlong, shortened_.emplace_back(*problems));
      const bool skips = options.overlong == train::Overlong::kSkip && !shortened_.back().empty();
      Add(!skips, place + ".max_prompt_length",
          overlong.Text() + (skips ? "; they are skipped" : ". " + overlong.remedy));
      if (shortened_.back().empty()) return problems;
      problems = used_[place] = &shortened_.back();
    }
    Preview(place, options, room, *problems, overlong);
    return problems;
  }

  const Source& Read(const train::ProblemOptions& options) {
    train::ProblemOptions what = options;
    what.max_prompt_length.reset();
    what.overlong = train::Overlong::kError;
    const auto [found, fresh] = sources_.try_emplace(ToJsonLine(WriteOptions(what)));
    Source& source = found->second;
    if (!fresh) return source;
    try {
      RequireRereadable(options.file);
      source.problems = train::GetProblems(
          options, [&](const std::string& bad) { source.bad_rows.push_back(bad); });
    } catch (const std::exception& error) {
      source.error = error.what();
    }
    return source;
  }

  void Preview(const std::string& place, const train::ProblemOptions& options,
               const train::Room& room, const std::vector<Problem>& problems,
               const train::Overlongs& overlong) {
    DataPreview preview{{place},
                        "problem",
                        static_cast<int64_t>(problems.size()),
                        static_cast<int64_t>(overlong.problems.size()),
                        {}};
    for (size_t i = 0; i < std::min(problems.size(), kPreviewed); ++i) {
      const Problem& problem = problems[i];
      const std::vector<int32_t> ids =
          model::RenderPrompt(room.tokenizer, room.prompt_template, problem.prompt);
      preview.first.push_back({problem.id, room.tokenizer.Decode(ids),
                               static_cast<int64_t>(ids.size()), problem.answer});
    }
    const std::string key = StrCat(ToJsonLine(WriteOptions(options)), preview.problems,
                                   preview.first.empty() ? 0 : preview.first[0].tokens);
    const auto [found, fresh] = previewed_.try_emplace(key, check_.previews.size());
    if (fresh) {
      check_.previews.push_back(std::move(preview));
    } else {
      check_.previews[found->second].places.push_back(place);
    }
  }

  // An error when all rows are so, a warning that names the first when some are.
  template <class Is>
  void CheckAll(const std::string& place, const std::vector<Problem>& problems,
                const std::string& what, const Is& is) {
    const auto count = std::ranges::count_if(problems, is);
    if (count == 0) return;
    const auto first = std::ranges::find_if(problems, is);
    Add(true, place,
        StrCat(count, " of ", Counted(problems.size(), "problem"), " ", what, ", the first is '",
               first->id, "'"));
  }

  void CheckJudges(const std::string& stage, const std::vector<train::JudgeSpec>& judges,
                   const std::vector<Problem>& problems) {
    const train::RewardPanel panel(judges, stage + ".reward");
    std::vector<bool> taken(problems.size());
    for (size_t j = 0; j < panel.judges().size(); ++j) {
      const train::JudgeSpec& judge = panel.judges()[j];
      const std::string place = StrCat(stage, ".reward[", j, "]");
      size_t takes = 0, cannot = 0;
      std::string first;
      for (size_t i = 0; i < problems.size(); ++i) {
        const Problem& problem = problems[i];
        if (!panel.Takes(j, problem)) continue;
        taken[i] = true;
        ++takes;
        const std::string why = panel.CannotJudge(j, problem);
        if (!why.empty() && cannot++ == 0) first = StrCat("'", problem.id, "': ", why);
      }
      if (takes == 0) {
        Add(false, place + ".values",
            StrCat("judge '", judge.name, "' takes none of the ",
                   Counted(problems.size(), "problem"), ": column '", judge.column, "' never is ",
                   Join(judge.values, " or ")));
      } else if (cannot > 0) {
        Add(cannot == takes, place,
            StrCat("judge '", judge.name, "' can judge ", cannot == takes ? "none" : "not all",
                   " of ", Counted(takes, "problem"), ": ", cannot, " stay unjudged, the first is ",
                   first));
      }
    }
    const auto nobody = std::ranges::count(taken, false);
    if (nobody == 0) return;
    const auto first = static_cast<size_t>(std::ranges::find(taken, false) - taken.begin());
    Add(nobody == static_cast<std::ptrdiff_t>(taken.size()), stage + ".reward",
        StrCat("no judge takes ", nobody, " of ", Counted(taken.size(), "problem"),
               ", the first is '", problems[first].id, "'; they stay unjudged"));
  }

  void CheckFolder(const std::string& place, const std::string& folder) {
    const fs::path path = fs::path(folder).lexically_normal();
    const std::string first = path.empty() ? "" : path.begin()->string();
    const bool ours = first == "." || first == "final" || first == "tb" || first == "traces.db" ||
                      first == "metrics.jsonl" || first == "recipe.json" ||
                      first == "stages.json" || first.starts_with("checkpoint-");
    if (folder.empty() || ours) {
      Add(true, place,
          StrCat("'", folder,
                 "' is what the run itself writes there; choose "
                 "another folder"));
    } else if (fs::exists(path) && path.is_absolute() && !fs::is_directory(path)) {
      Add(true, place, StrCat(folder, " is a file, expected a folder or nothing"));
    } else if (!exports_.insert(path.string()).second) {
      Add(true, place,
          StrCat("'", folder,
                 "' is written by an earlier export; choose "
                 "another folder"));
    }
  }

  // Problems of evaluations that are also learned from. What is collected is learned from where a
  // later stage distils it.
  void CheckOverlaps() {
    using Role = train::ProblemsNeeded::Role;
    const bool distils = std::ranges::any_of(recipe_.stages, [](const Stage& stage) {
      const auto traces = stage.Needs().traces;
      return traces && traces->database.empty();
    });
    std::map<std::string, std::set<std::string>> learned;  // by stage
    for (const Stage& stage : recipe_.stages) {
      for (const train::ProblemsNeeded& needed : stage.Needs().problems) {
        const auto used = used_.find(stage.name + "." + needed.key);
        if (used == used_.end()) continue;
        if (needed.role == Role::kMeasure) {
          for (const auto& [name, texts] : learned) WarnOverlap(stage, *used->second, name, texts);
        } else if (needed.role == Role::kLearn || (needed.role == Role::kCollect && distils)) {
          for (const Problem& p : *used->second) learned[stage.name].insert(p.canonical);
        }
      }
    }
  }

  void WarnOverlap(const Stage& stage, const std::vector<Problem>& asked, const std::string& name,
                   const std::set<std::string>& learned) {
    const auto count = std::ranges::count_if(
        asked, [&](const Problem& p) { return learned.contains(p.canonical); });
    if (count == 0) return;
    Add(false, stage.name + ".problems",
        StrCat(PartIs(count, asked.size(), "problem"), " also learned from in stage '", name,
               "', so their accuracy says nothing about new ones. Give a file split_shares and the "
               "stages other sides of the split"));
  }

  const Recipe& recipe_;
  size_t first_;
  std::function<bool()> stop_;
  RecipeCheck check_;
  Findings findings_;
  std::map<std::string, ModelFacts> models_;
  std::map<std::string, Source> sources_;                    // by their options
  std::deque<std::vector<Problem>> shortened_;               // sources without what is too long
  std::map<std::string, const std::vector<Problem>*> used_;  // by place
  std::map<std::string, size_t> previewed_;
  std::set<std::string> exports_;
};

}  // namespace

const ModelSpec& OriginOf(const Recipe& recipe, const ModelSpec& spec) {
  const ModelSpec* origin = &spec;
  while (!origin->same_start_as.empty()) {
    origin = &*std::ranges::find(recipe.models, origin->same_start_as, &ModelSpec::name);
  }
  return *origin;
}

std::vector<std::string> OpenFolder(const ModelSpec& spec, ModelFacts& facts) {
  RETORT_CHECK(fs::exists(spec.path), "there is no folder ", spec.path,
               ". Name a Hugging Face folder or a run directory by --set models.", spec.name,
               ".path=FOLDER");
  const fs::path folder = train::FindModel(spec.path).folder;
  facts.config = model::ReadModelConfig(folder);
  facts.tokenizer = model::Tokenizer::Load(folder);
  return model::CheckWeights(facts.config, folder);
}

void RequireRereadable(const std::string& file) {
  RETORT_CHECK(
      file.empty() || !fs::exists(file) || fs::is_directory(file) || fs::is_regular_file(file),
      file,
      ": is no regular file, and a run reads its data several times; "
      "save it in a file first");
}

bool RecipeCheck::sound() const {
  return std::ranges::none_of(findings, [](const Finding& finding) { return finding.error; });
}

RecipeCheck CheckRecipe(const Recipe& recipe, size_t first_stage, std::function<bool()> stop) {
  return Checker(recipe, first_stage, std::move(stop)).Run();
}

void RequireSound(const RecipeCheck& check, const std::function<void(const std::string&)>& note) {
  std::string errors;
  for (const auto& [error, place, text] : check.findings) {
    if (error) {
      errors += StrCat(errors.empty() ? "" : "\n", place, ": ", text);
    } else if (note) {
      note(StrCat(place, ": ", text));
    }
  }
  RETORT_CHECK(errors.empty(), errors);
}

}  // namespace retort::recipes
