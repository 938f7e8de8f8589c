#!/usr/bin/env bash
# r1-zero-mini for several seeds, then its controls from the base of the first. Resumable: run it again
# and it goes on where it was.
#
#   bench/shows/r1_zero.sh OUT [SEED…]        (default seeds: 1 2 3; RETORT names the program)
set -euo pipefail
retort=${RETORT:-build/release/retort}
out=$1
shift
seeds=("$@")
if [ ${#seeds[@]} -eq 0 ]; then seeds=(1 2 3); fi
mkdir -p "$out"

run() { # RUNDIR ARGUMENT…
  local dir=$1
  shift
  if [ -e "$dir/done" ]; then return; fi
  local resume=()
  if [ -e "$dir/recipe.json" ]; then resume=(--resume); fi
  "$retort" run "$@" --out "$dir" "${resume[@]}" >"$dir.table"
  touch "$dir/done"
}

for seed in "${seeds[@]}"; do
  run "$out/seed-$seed" r1-zero-mini --set seed="$seed"
done
run "$out/controls" r1-zero-controls --set seed="${seeds[0]}" \
  --set models.shuffled.path="$out/seed-${seeds[0]}/base"

for dir in "$out"/seed-* "$out/controls"; do
  if [ ! -d "$dir" ]; then continue; fi
  echo "== $dir"
  cat "$dir.table"
  # Recomputed from the stored traces: every evaluation by temperature and mode …
  "$retort" traces sql "$dir" "
    SELECT t.stage, m.value AS temperature, count(*) AS answers, round(avg(t.correct), 4) AS accuracy,
           round(avg(t.length), 1) AS length,
           round(avg(t.text NOT LIKE '<think></think>%'), 4) AS reasoning_share,
           round(avg(CASE WHEN t.text NOT LIKE '<think></think>%' THEN t.correct END), 4)
             AS reasoning_accuracy
    FROM traces t JOIN metrics m ON m.run = 1 AND m.stage_index = t.stage_index AND m.step = t.step
         AND m.name = 'temperature' GROUP BY t.stage_index, t.step"
  "$retort" traces sql "$dir" "
    SELECT t.stage, p.family, round(avg(t.correct), 4) AS accuracy_at_1
    FROM traces t JOIN problems p ON p.id = t.problem
    WHERE t.stage LIKE 'eval-%' AND t.step = 0 GROUP BY t.stage_index, p.family"
  # … and the curve of reward, accuracy and length of GRPO.
  "$retort" traces sql "$dir" "
    SELECT step, round(avg(reward), 3) AS reward, round(avg(correct), 3) AS accuracy,
           round(avg(length), 1) AS length FROM traces WHERE stage = 'grpo' AND step % 5 = 0
    GROUP BY step"
  # Law 1: the log-probability that was sampled is the one that was trained on.
  "$retort" traces sql "$dir" "
    SELECT stage, count(*) AS steps, max(value) AS largest_logp_difference FROM curves
    WHERE name = 'sampling/sampling_logp_difference/max' GROUP BY stage_index"
done
