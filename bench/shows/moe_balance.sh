#!/usr/bin/env bash
# moe-balance: loss and expert load on the validation side for the three ways of balancing. Resumable.
#
#   bench/shows/moe_balance.sh OUT        (RETORT names the program)
set -euo pipefail
retort=${RETORT:-build/release/retort}
out=$1
if [ ! -e "$out/done" ]; then
  resume=()
  if [ -e "$out/recipe.json" ]; then resume=(--resume); fi
  "$retort" run moe-balance --out "$out" "${resume[@]}"
  touch "$out/done"
fi
"$retort" traces sql "$out" "SELECT substr(stage, 6) AS balancing,
  max(CASE name WHEN 'validation/loss' THEN value END) AS loss,
  max(CASE name WHEN 'moe/max_violation' THEN value END) AS max_violation
  FROM curves WHERE stage LIKE 'eval-%' GROUP BY stage_index"
