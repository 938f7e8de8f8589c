#include "train/stage.h"

namespace retort::train {

bool SaveWhenDue(const StageContext& context, StageProgress progress, int64_t total) {
  const bool stopping = context.Stopping();
  const bool due = context.save_steps > 0 && progress.step % context.save_steps == 0;
  if (progress.step < total && (due || stopping)) context.save(progress);
  return stopping && progress.step < total;
}

}  // namespace retort::train
