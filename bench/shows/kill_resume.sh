#!/usr/bin/env bash
# Kills runs of recipes at random moments, N times in every stage, resumes, and compares the bits. At
# random a second process tries to enter the run directory meanwhile; one of the two must be refused.
#
#   bench/shows/kill_resume.sh [-n KILLS] [-o FOLDER] [RECIPE…]     (RETORT=path of the program)
#
# Without a recipe: kill_resume.json beside this script, small stages of every kind. Needs python3.
# Per recipe: one unbroken run with 1 thread, one with 2 threads, and one that is killed (SIGKILL)
# KILLS times inside every stage and resumed each time. FOLDER keeps everything: call again to go on.
# Prints a table; exits 1 when the sha256 of final/model.safetensors or the stored traces differ.
set -uo pipefail

kills=20
folder=kill-resume
retort=${RETORT:-build/release/retort}
while getopts n:o: flag; do
  case $flag in
    n) kills=$OPTARG ;;
    o) folder=$OPTARG ;;
    *) exit 2 ;;
  esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- "$(dirname "$0")/kill_resume.json"
mkdir -p "$folder"

resumed() { [ -e "$1/recipe.json" ] && echo --resume; }
finished() { [ -e "$1/done" ]; }
# Runs RECIPE in OUT with THREADS to the end, unless that is done already.
whole() {
  finished "$2" && return
  # shellcheck disable=SC2046
  "$retort" run "$1" --out "$2" --threads "$3" $(resumed "$2") >>"$2.log" 2>&1 && touch "$2/done"
}
hash_of() { sha256sum "$1/final/model.safetensors" 2>/dev/null | cut -c1-16; }
stages_done() { if [ -e "$1/stages.json" ]; then grep -c '"details":' "$1/stages.json"; else echo 0; fi; }
# Everything the run said and was told, and what it measured but times.
traces_of() {
  {
    "$retort" traces sql "$1" "SELECT id, stage, step, sample, hex(token_ids), hex(logprobs), reward,
      advantage FROM completions ORDER BY id"
    "$retort" traces sql "$1" "SELECT * FROM verdicts ORDER BY 1, 2"
    "$retort" traces sql "$1" "SELECT * FROM metrics WHERE name NOT LIKE 'step_time%'
      ORDER BY 1, 2, 3, 4"
  } 2>&1 | sha256sum | cut -c1-16
}

# Kills the run KILLS times in each stage: a session lives for the time of starting up and a random
# part, a KILLSth at most, of what the unbroken run spent in the stage the session begins in.
# Counts survive in OUT.kills.
torment() {
  local recipe=$1 out=$2 whole=$3 stage count milliseconds pid intruder killed code code2
  finished "$out" && return
  touch "$out.kills"
  while :; do
    stage=$(stages_done "$out")
    count=$(grep -cx "$stage" "$out.kills")
    if [ "$count" -ge "$kills" ]; then
      milliseconds=0 # enough of this stage: let it end, kill in the next one
    else
      milliseconds=$(python3 -c "
import json, random, sys
stages = json.load(open('$whole/stages.json'))['stages']
seconds = stages[$stage]['seconds'] if $stage < len(stages) else 1
print(int(1000 * (0.1 + random.uniform(0, seconds / $kills))))")
    fi
    # shellcheck disable=SC2046
    "$retort" run "$recipe" --out "$out" --threads $((1 + RANDOM % 2)) $(resumed "$out") \
      >"$out.session" 2>&1 &
    pid=$!
    intruder=
    : >"$out.intruder"
    if [ $((RANDOM % 3)) = 0 ] && [ -e "$out/recipe.json" ]; then
      sleep "0.$((RANDOM % 4))"
      "$retort" run "$recipe" --out "$out" --resume >"$out.intruder" 2>&1 &
      intruder=$!
    fi
    if [ "$milliseconds" -gt 0 ]; then
      sleep "$(printf '%d.%03d' $((milliseconds / 1000)) $((milliseconds % 1000)))"
    else
      while kill -0 $pid 2>/dev/null && [ "$(stages_done "$out")" = "$stage" ]; do sleep 0.02; done
    fi
    kill -9 $pid 2>/dev/null
    killed=$?
    wait $pid 2>/dev/null
    code=$?
    if [ -n "$intruder" ]; then
      kill -9 "$intruder" 2>/dev/null && killed=0
      wait "$intruder" 2>/dev/null
      code2=$?
      echo tried >>"$out.intruders"
      cat "$out.session" "$out.intruder" | grep -q "is being written by" && echo refused >>"$out.intruders"
      [ $code2 = 0 ] && code=0
    fi
    cat "$out.session" "$out.intruder" >>"$out.log"
    if [ $killed = 0 ]; then
      stages_done "$out" >>"$out.kills"
    elif [ $code = 0 ]; then
      touch "$out/done"
      return
    elif ! grep -q "is being written by" "$out.session"; then
      return 1
    fi
  done
}

printf '%-24s %-10s %6s  %-16s %-16s  %s\n' recipe run kills model traces same
status=0
for recipe in "$@"; do
  name=$(basename "$recipe" .json)
  base=$folder/$name
  whole "$recipe" "$base-1" 1
  whole "$recipe" "$base-2" 2
  torment "$recipe" "$base-killed" "$base-1"
  model=$(hash_of "$base-1")
  traces=$(traces_of "$base-1")
  for run in 1 2 killed; do
    out=$base-$run
    same=no
    if finished "$out" && [ -n "$model" ] && [ "$(hash_of "$out")" = "$model" ] &&
      [ "$(traces_of "$out")" = "$traces" ]; then
      same=yes
    else
      status=1
    fi
    count=0
    [ -e "$out.kills" ] && count=$(wc -l <"$out.kills")
    printf '%-24s %-10s %6s  %-16s %-16s  %s\n' "$name" "$run" "$count" "$(hash_of "$out")" \
      "$(traces_of "$out")" "$same"
  done
  if [ -e "$base-killed.intruders" ]; then
    echo "second processes: $(grep -c tried "$base-killed.intruders") tried to enter," \
      "$(grep -c refused "$base-killed.intruders") met a live one and were refused"
  fi
done
exit $status
