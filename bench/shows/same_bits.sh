#!/usr/bin/env bash
# Whether two builds of the program compute the same: runs shortened recipes with both and compares
# final weights and everything in their trace databases but times.
#
#   bench/shows/same_bits.sh OLD NEW [OUT] [quickstart|r1-zero-mini|code-mini|turns|distill-vs-rl|moe-balance …]
#
# OLD and NEW are programs. OUT keeps the runs (by default a temporary folder, removed at the end);
# what is there already is not run again, so calling again goes on (another NEW: remove OUT/new). "turns" is code-mini followed by a
# collection with second turns and a student of those. A line per recipe; exits 1 when anything
# differs but what same_bits.py lists as intended. 15 minutes on two cores.
set -euo pipefail

if [ $# -lt 2 ]; then
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"
  exit 2
fi
shows=$(cd "$(dirname "$0")" && pwd)
old=$(realpath "$1")
new=$(realpath "$2")
shift 2
if [ $# -gt 0 ]; then
  mkdir -p "$1"
  work=$(cd "$1" && pwd)
  shift
else
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi
[ $# -gt 0 ] || set -- quickstart r1-zero-mini code-mini turns distill-vs-rl moe-balance

few() { # STAGE… : fewer problems for stages that ask
  local stage
  for stage in "$@"; do echo "--set $stage.problems.generator.count=100"; done
}
recipe() { # NAME SIDE : the arguments of `retort run`
  case $1 in
    quickstart) echo quickstart --set pretrain.steps=500 --set pretrain.decay_steps=200 --set grpo.steps=4 --set distill.steps=40 \
      --set collect.problems.generator.count=400 "$(few eval-before eval-after eval-student)" ;;
    r1-zero-mini) echo r1-zero-mini --set pretrain.steps=500 --set pretrain.decay_steps=200 --set grpo.steps=4 "$(few eval-before eval-after)" ;;
    code-mini) echo code-mini --set pretrain.steps=500 --set pretrain.decay_steps=200 --set grpo.steps=4 "$(few eval-before eval-after)" ;;
    turns) echo "$work/turns.json" ;;
    distill-vs-rl) echo distill-vs-rl --set "models.teacher.path=$work/$2/r1-zero-mini/final" \
      --set student-base.steps=200 --set student-base.decay_steps=100 --set collect.problems.generator.count=400 \
      --set distilled.max_tera_operations=0.02 --set rl.max_tera_operations=0.02 --set worked.max_tera_operations=0.02 \
      --set both-distill.max_tera_operations=0.01 --set both-rl.max_tera_operations=0.01 \
      "$(few eval-teacher eval-distilled eval-rl eval-both eval-worked)" ;;
    moe-balance) echo moe-balance --set train-loss-free.steps=30 --set train-auxiliary.steps=30 --set train-loss-free.decay_steps=0 --set train-auxiliary.decay_steps=0 --set train-neither.decay_steps=0 \
      --set train-neither.steps=30 "$(few eval-loss-free eval-auxiliary eval-neither)" ;;
    *) echo "$1: no such recipe here" >&2 && return 2 ;;
  esac
}
# Second turns, and a student that learns them, last answers and whole conversations.
"$new" recipe show code-mini --resolved | python3 "$shows/same_bits.py" turns > "$work/turns.json"

failed=0
for name in "$@"; do
  for side in old new; do
    run=$work/$side/$name
    [ -e "$run/stages.json" ] && [ -e "$run/final" ] && continue
    rm -rf "$run"
    mkdir -p "$work/$side"
    arguments=$(recipe "$name" "$side")
    # shellcheck disable=SC2086 # words of a command line
    "${!side}" run $arguments --out "$run" > "$work/$side/$name.log" 2>&1 || {
      tail -n 5 "$work/$side/$name.log"
      exit 1
    }
  done
  python3 "$shows/same_bits.py" compare "$name" "$work/old/$name" "$work/new/$name" || failed=1
done
exit $failed
