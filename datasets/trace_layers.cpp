// Layers of verdicts and selections: what is said of traces after they were stored.

#include "base/error.h"
#include "base/fingerprint.h"
#include "base/strings.h"
#include "base/version.h"
#include "datasets/internal/trace_rows.h"
#include "datasets/trace_store.h"

namespace retort::datasets {

std::vector<Layer> TraceStore::Layers() const {
  Statement rows(impl_->database,
                 "SELECT id, name, judges, retort, created, (SELECT count(*) FROM layer_rewards "
                 "WHERE layer = l.id) FROM layers l ORDER BY id");
  std::vector<Layer> layers;
  while (rows.Step()) {
    layers.push_back({rows.Int(0), rows.Text(1),
                      ParseJson(rows.Text(2), "judges of layer " + rows.Text(1)), rows.Text(3),
                      rows.Text(4), rows.Int(5)});
  }
  return layers;
}

Layer TraceStore::FindLayer(const std::string& name) const {
  std::vector<std::string> names;
  for (Layer& layer : Layers()) {
    if (layer.name == name) return layer;
    names.push_back(layer.name);
  }
  Fail(impl_->database.path().string(), ": there is no layer '", name, "'.",
       DidYouMean(name, names), " Layers: ", names.empty() ? "none" : Join(names, ", "));
}

Layer TraceStore::OpenLayer(const std::string& name, const Json& judges) {
  Database& database = impl_->database;
  RETORT_CHECK(!name.empty(), "the name of a layer cannot be empty");
  Transaction transaction(database);
  Statement insert(database, "INSERT OR IGNORE INTO layers(name, judges, retort) VALUES (?,?,?)");
  insert.With(name, ToJsonLine(judges), kVersion).Run();
  transaction.Commit();
  Layer layer = FindLayer(name);
  RETORT_CHECK(layer.judges == judges, database.path().string(), ": layer '", name,
               "' was judged by ", ToJsonLine(layer.judges), ", now ", ToJsonLine(judges),
               ". Give the new judgement a name of its own");
  return layer;
}

void TraceStore::AddToLayer(int64_t layer, const std::vector<Trace>& traces) {
  Database& database = impl_->database;
  Transaction transaction(database);
  Statement exists(database, "SELECT 1 FROM completions WHERE id = ?");
  Statement judged(database, "SELECT 1 FROM layer_rewards WHERE layer = ? AND completion = ?");
  Statement reward(database, "INSERT INTO layer_rewards VALUES (?,?,?,NULL)");
  Statement verdict(database, "INSERT INTO layer_verdicts VALUES (?,?,?,?,?,?,?,?)");
  for (const Trace& trace : traces) {
    RETORT_CHECK(exists.With(trace.id).Step(), database.path().string(), ": there is no trace ",
                 trace.id);
    RETORT_CHECK(!judged.With(layer, trace.id).Step(), database.path().string(), ": trace ",
                 trace.id, " is in layer ", layer, " already; a layer never changes");
    reward.With(layer, trace.id, trace.reward).Run();
    int64_t position = 0;
    for (const auto& [verifier, v] : trace.verdicts) {
      verdict
          .With(layer, trace.id, position++, verifier, EnumName(v.status), v.score,
                ToValidUtf8(v.reason), ToValidUtf8(v.extracted))
          .Run();
    }
  }
  transaction.Commit();
}

void TraceStore::SetLayerAdvantages(int64_t layer,
                                    const std::vector<std::pair<int64_t, double>>& advantages) {
  Transaction transaction(impl_->database);
  Statement update(impl_->database,
                   "UPDATE layer_rewards SET advantage = ? WHERE layer = ? AND completion = ?");
  for (const auto& [id, advantage] : advantages) update.With(advantage, layer, id).Run();
  transaction.Commit();
}

std::vector<int64_t> TraceStore::MissingIn(int64_t layer, const std::vector<int64_t>& ids) const {
  Statement judged(impl_->database,
                   "SELECT 1 FROM layer_rewards WHERE layer = ? AND completion = ?");
  std::vector<int64_t> missing;
  for (const int64_t id : ids) {
    if (!judged.With(layer, id).Step()) missing.push_back(id);
  }
  return missing;
}

void TraceStore::ForEachLayerStep(int64_t layer,
                                  const std::function<void(const LayerStep&)>& visit) const {
  Statement rows(impl_->database,
                 "SELECT c.run, c.stage_index, c.step, c.group_id, c.id, w.completion, w.reward "
                 "FROM completions c LEFT JOIN layer_rewards w ON w.layer = ?1 AND "
                 "w.completion = c.id WHERE (c.run, c.stage_index, c.step) IN (SELECT t.run, "
                 "t.stage_index, t.step FROM layer_rewards v JOIN completions t ON "
                 "t.id = v.completion WHERE v.layer = ?1) ORDER BY 1, 2, 3, 4, 5");
  LayerStep step;
  int64_t group = 0;
  for (rows.With(layer); rows.Step();) {
    const StepKey key{rows.Int(0), rows.Int(1), rows.Int(2)};
    if (key.run != step.key.run || key.stage_index != step.key.stage_index ||
        key.step != step.key.step) {
      if (!step.groups.empty()) visit(step);
      step = {key, {}};
    }
    if (step.groups.empty() || rows.Int(3) != group) step.groups.emplace_back();
    group = rows.Int(3);
    step.groups.back().ids.push_back(rows.Int(4));
    step.groups.back().rewards.push_back(rows.MaybeReal(6));
    step.groups.back().complete = step.groups.back().complete && !rows.IsNull(5);
  }
  if (!step.groups.empty()) visit(step);
}

std::string TraceStore::SelectionHash(const std::vector<int64_t>& ids) const {
  Statement tokens(impl_->database,
                   "SELECT g.prompt_ids, c.token_ids, c.said FROM completions c JOIN groups g "
                   "ON g.id = c.group_id WHERE c.id = ?");
  const auto bytes = [&](int column) {
    const Blob blob = tokens.Bytes(column);
    return std::string(static_cast<const char*>(blob.data), blob.size);
  };
  Fingerprint hash;
  for (const int64_t id : ids) {
    tokens.With(id).Step();
    std::string before = bytes(0), turn = bytes(1);
    // What precedes the last turn is what it answers, as it was before turns were stored together.
    const std::string said = tokens.IsNull(2) ? "" : bytes(2);
    const size_t first = said.empty() ? 0 : said.find_last_of('\0') + 1;
    const size_t cut = std::min(turn.size(), first * sizeof(int32_t));
    before += turn.substr(0, cut);
    hash.Add(before).Add(std::string_view(turn).substr(cut));
  }
  return hash.Hex();
}

}  // namespace retort::datasets
