#!/usr/bin/env bash
# distill-vs-rl for several seeds: every arm's accuracy with mean and spread, and what it cost. Resumable.
#
#   bench/shows/distill_vs_rl.sh OUT TEACHERS [SEED…]   (default seeds: 1 2 3; RETORT names the program)
#
# TEACHERS is the folder that r1_zero.sh filled; every seed has a teacher of its own.
set -euo pipefail
retort=${RETORT:-build/release/retort}
out=$1
teachers=$2
shift 2
seeds=("$@")
if [ ${#seeds[@]} -eq 0 ]; then seeds=(1 2 3); fi
mkdir -p "$out"

for seed in "${seeds[@]}"; do
  dir=$out/seed-$seed
  if [ -e "$dir/done" ]; then continue; fi
  resume=()
  if [ -e "$dir/recipe.json" ]; then resume=(--resume); fi
  "$retort" run distill-vs-rl --set seed="$seed" \
    --set models.teacher.path="$teachers/seed-$seed/final" --out "$dir" "${resume[@]}" >"$dir.table"
  touch "$dir/done"
done

query() { # DIR SQL -> rows of tab-separated cells, without the header
  "$retort" traces sql --json "$1" "$2" | tr -d '\n' | sed 's/.*"rows"://; s/\],/\n/g' | tr -d '[]{}"' |
    tr ',' '\t'
  echo  # ends the last row
}

echo "accuracy at temperature 1 on held-out problems"
for seed in "${seeds[@]}"; do
  query "$out/seed-$seed" "SELECT substr(stage, 6), value FROM curves
    WHERE name = 'accuracy' AND stage LIKE 'eval-%' AND step = 0 ORDER BY stage_index"
done | awk '{n[$1]++; s[$1] += $2; q[$1] += $2 * $2; v[$1] = v[$1] " " $2}
  END {for (a in n) {m = s[a] / n[a]; d = n[a] > 1 ? sqrt((q[a] - n[a] * m * m) / (n[a] - 1)) : 0;
       printf "%-12s mean %.3f  spread %.3f  (%s )\n", a, m, d < 1e-9 ? 0 : d, v[a]}}' | sort

echo "training operations and sampling operations by stage, first seed"
query "$out/seed-${seeds[0]}" "SELECT stage, max(CASE name WHEN 'operations' THEN value END),
  max(CASE name WHEN 'sampling_operations' THEN value END) FROM curves
  WHERE name IN ('operations', 'sampling_operations') GROUP BY stage_index ORDER BY stage_index"
