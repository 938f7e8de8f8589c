#!/usr/bin/env bash
# Three seeds of recipes/smollm2-grpo.json, one after the other, and what they come to. An interrupted
# show goes on where it was.
#
#   bench/shows/smollm2_grpo.sh RETORT MODEL OUT
set -euo pipefail
retort=$(realpath "$1") model=$(realpath "$2") out=$(realpath -m "$3") here=$(realpath "$(dirname "$0")")
mkdir -p "$out"
for seed in 1 2 3; do
  [ -e "$out/$seed.json" ] && continue
  resume=(); [ -e "$out/$seed" ] && resume=(--resume)
  "$retort" run "$here/../../recipes/smollm2-grpo.json" --set models.policy.path="$model" --set seed=$seed \
    --out "$out/$seed" --json "${resume[@]}" > "$out/$seed.json.part"
  mv "$out/$seed.json.part" "$out/$seed.json"
done
python3 "$here/smollm2_grpo.py" "$out/1" "$out/2" "$out/3"
