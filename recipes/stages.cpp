#include "recipes/stages.h"

#include "distill/distill.h"
#include "distill/supervised.h"
#include "rl/grpo.h"
#include "train/stage_collect.h"
#include "train/stage_eval.h"
#include "train/stage_export.h"

namespace retort::recipes {

const std::vector<const train::StageKind*>& StageKinds() {
  static const std::vector<const train::StageKind*> kinds{
      &distill::PretrainKind(), &distill::SftKind(), &rl::GrpoKind(),     &train::CollectKind(),
      &distill::DistillKind(),  &train::EvalKind(),  &train::ExportKind()};
  return kinds;
}

std::vector<std::pair<StageType, const char*>> EnumNames(StageType) {
  std::vector<std::pair<StageType, const char*>> names;
  for (const train::StageKind* kind : StageKinds()) {
    names.emplace_back(StageType{kind}, kind->type.c_str());
  }
  return names;
}

}  // namespace retort::recipes
