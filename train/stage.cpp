#include "train/stage.h"

#include <algorithm>
#include <cmath>

namespace retort::train {

bool OperationBudget::Spent(double operations) const {
  return max_tera_operations > 0 && operations >= max_tera_operations * 1e12;
}

int64_t OperationBudget::ExpectedSteps(int64_t steps, int64_t done, double operations) const {
  if (max_tera_operations == 0 || operations == 0) return steps;
  const double expected = max_tera_operations * 1e12 / operations * static_cast<double>(done);
  return expected < static_cast<double>(steps) ? static_cast<int64_t>(std::ceil(expected)) : steps;
}

void AddMaxViolation(const std::vector<double>& violations, Metrics& metrics) {
  double sum = 0;
  for (size_t l = 0; l < violations.size(); ++l) {
    metrics.emplace_back(StrCat("moe/max_violation/", l), violations[l]);
    sum += violations[l];
  }
  if (!violations.empty()) {
    metrics.emplace_back("moe/max_violation", sum / static_cast<double>(violations.size()));
  }
}

bool SaveWhenDue(const StageContext& context, const StageProgress& progress, int64_t total,
                 int64_t save_steps) {
  const bool stopping = context.Stopping();
  const bool due = save_steps > 0 && progress.step % save_steps == 0;
  if (progress.step < total && (due || stopping)) context.save(progress);
  return stopping && progress.step < total;
}

}  // namespace retort::train
