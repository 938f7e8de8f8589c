#!/usr/bin/env bash
# Four newcomers' paths from end to end, on data made here: own problems with an own split; 5,000
# answers from several layouts; a distilled student opened elsewhere; a trace database on a read-only
# mount, and another user's.
#
#   bench/shows/newcomers.sh [FOLDER]     (RETORT=path of the program)
#
# Needs python3; transformers, root and a second user are used where they are there. FOLDER keeps
# everything; by default a temporary one is removed at the end. A line per path says what was
# measured; exits 1 at the first thing that is not as it should be. A few minutes on two cores.
set -euo pipefail
set -m # so that Ctrl-C can be sent to programs in the background

shows=$(cd "$(dirname "$0")" && pwd)
if [ $# -gt 0 ]; then
  mkdir -p "$1"
  work=$(cd "$1" && pwd)
  [ -z "$(ls -A "$work")" ] || { echo "$work: is not empty" >&2; exit 2; }
else
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi
chmod 755 "$work"
cp "${RETORT:-build/release/retort}" "$work/retort" # where every user may run it
retort=$work/retort
said=$work/said

fail() {
  echo "newcomers: $*" >&2
  [ ! -e "$said" ] || tail -n 20 "$said" >&2
  exit 1
}
# Runs a command that must end with exit code CODE; what it says is in $said.
expect() { # CODE COMMAND…
  local want=$1 code=0
  shift
  "$@" >"$said" 2>&1 || code=$?
  [ "$code" = "$want" ] || fail "exit code $code, expected $want: $*"
}
says() { grep -qF -- "$1" "$said" || fail "this does not say '$1':"; }
same() { cmp -s "$1" "$2" || fail "$1 and $2 differ"; }
# Waits for a condition, a minute at most.
await() {
  local i
  for ((i = 0; i < 3000; ++i)); do
    if "$@" 2>/dev/null; then return; fi
    sleep 0.02
  done
  fail "waited in vain: $*"
}
interrupt() { # PID: as Ctrl-C; the program saves and ends with 130
  local code=0
  kill -INT "$1"
  wait "$1" || code=$?
  [ "$code" = 130 ] || fail "exit code $code after an interruption, expected 130"
}
number() { # RUN QUERY -> the one number it gives
  "$retort" traces sql "$1" "$2" --json | tr -d ' \n' | sed -n 's/.*"rows":\[\[\([-0-9.e]*\)\]\].*/\1/p'
}
# Everything a run has said, was told and measured, but times.
traces_of() { # RUN
  local query
  for query in "SELECT id, stage, step, sample, hex(token_ids), hex(logprobs), reward, advantage
      FROM completions ORDER BY id" "SELECT * FROM verdicts ORDER BY 1, 2" \
    "SELECT * FROM metrics WHERE name NOT LIKE 'step_time%' ORDER BY 1, 2, 3, 4"; do
    "$retort" traces sql "$1" "$query"
  done | sha256sum
}
python() { python3 "$shows/newcomers.py" "$@" || fail "see above"; }

# 1. Own problems, own split.
own_problems() {
  local recipe=$work/project/recipes/plums.json run=$work/run unbroken=$work/unbroken pid problems
  python problems "$work/project"
  expect 1 "$retort" recipe check "$recipe" --set data.plums.overlong=error
  says "plums.jsonl:608"
  expect 0 "$retort" recipe check "$recipe"
  says "User: Sam has" # the preview: as the model will see them
  says "they are skipped"
  problems=$(sed -n 's/^read.problems.*: \([0-9]*\) problems, 1 more.*/\1/p' "$said")

  mkdir -p "$work/taken/final" # somebody's model is in the way
  echo mine >"$work/taken/final/model.safetensors"
  expect 1 "$retort" run "$recipe" --out "$work/taken"
  says "in the way"
  [ "$(cat "$work/taken/final/model.safetensors")" = mine ] || fail "somebody's file was overwritten"
  [ "$(find "$work/taken" -type f | wc -l)" = 1 ] || fail "a refused run left files"

  expect 0 "$retort" run "$recipe" --out "$unbroken" --threads 2
  "$retort" run "$recipe" --out "$run" --threads 1 >"$work/log" 2>&1 &
  pid=$!
  await test -e "$run/checkpoint-304" # in the middle of GRPO
  expect 1 "$retort" run "$run" --resume
  says "is being written by retort run (process $pid"
  interrupt $pid
  [ ! -e "$run/final" ] || fail "the run was over before it was interrupted"
  local steps
  steps=$(number "$run" "SELECT count(*) FROM steps WHERE stage = 'practise'")
  mkdir -p "$work/elsewhere"
  cd "$work/elsewhere"
  expect 0 "$retort" run "$run" --resume
  cd "$work"
  [ -z "$(ls "$work/elsewhere")" ] || fail "a resume wrote into another folder"
  local model
  for model in final final-teacher; do
    same "$run/$model/model.safetensors" "$unbroken/$model/model.safetensors"
  done
  [ "$(traces_of "$run")" = "$(traces_of "$unbroken")" ] || fail "the resumed run has other traces"
  local counted
  counted=$(python split "$run" "$work/project/data/plums.jsonl")
  [ "${counted%% *}" = "$problems" ] || fail "the check promised $problems rows: $counted"
  echo "own problems: $counted; stopped after $steps of 12 steps, resumed elsewhere to the same bits"
}

# 2. Answers in several layouts.
score() { # LAYOUT FILE COLUMN FLAG…
  local layout=$1 file=$2 by=$3
  shift 3
  "$retort" score "$file" "$@" --label ok --keep "id,$by" --by "$by" --json --out "$layout.out" \
    --disagreements "$layout.differ" >"$layout.json" 2>"$said" || fail "score $file"
}
# Scores rows that come in slowly, stops in the middle, goes on with the file.
interrupted_score() { # LAYOUT FILE COLUMN FLAG…
  local layout=$1 file=$2 by=$3 pid kept
  shift 3
  mkfifo "$layout.pipe"
  "$retort" score "$layout.pipe" "$@" --keep "id,$by" --out "$layout.again" >"$said" 2>&1 &
  pid=$!
  exec 9>"$layout.pipe"
  head -c $(($(stat -c %s "$file") * 3 / 5)) "$file" >&9
  await test -s "$layout.again.partial"
  kill -INT $pid
  exec 9>&-
  local code=0
  wait $pid || code=$?
  [ $code = 130 ] || fail "exit code $code after an interruption, expected 130"
  says "--resume"
  [ ! -e "$layout.again" ] || fail "half a file under its whole name"
  kept=$(wc -l <"$layout.again.partial")
  expect 0 "$retort" score "$file" "$@" --keep "id,$by" --out "$layout.again" --resume
  same "$layout.again" "$layout.out"
  echo "$kept"
}
many_answers() {
  python answers "$work/answers"
  cd "$work/answers"
  score plain plain.jsonl split
  score chats chats.jsonl.gz split --answer gold
  score batch batch.jsonl custom_id
  score table table.csv split
  local layout counted=() kept=()
  for layout in plain chats batch table; do
    counted+=("$(python verdicts . $layout "$([ $layout = batch ] && echo custom_id || echo split)")")
  done
  kept+=("$(interrupted_score plain plain.jsonl split)")
  kept+=("$(interrupted_score batch batch.jsonl custom_id)")

  "$retort" score - --keep id,split --out - <plain.jsonl 2>/dev/null | cmp -s - plain.out || fail "a pipe"
  "$retort" score <(zcat chats.jsonl.gz) --answer gold --keep id,split --out >(gzip >chats.copy.gz) \
    >"$said" 2>&1 || fail "process substitution"
  await gzip -t chats.copy.gz
  zcat chats.copy.gz | cmp -s - chats.out || fail "process substitution gives other rows"
  expect 1 "$retort" score plain.jsonl --out plain.jsonl # the input itself
  echo "answers: $(printf '%s, ' "${counted[@]}")stopped with ${kept[0]} and ${kept[1]} rows kept," \
    "resumed to the same bytes; pipes too"
}

# 3. The student elsewhere, the teacher beside.
student_elsewhere() {
  local label
  cp -r "$work/run/final" "$work/student"
  label=$(python model "$work/student" "$work/run")
  expect 0 "$retort" generate "$work/student" --temperature 0 --prompt \
    "Sam has 31 plums, Ann has 9. How many has the richer one?"
  says "<answer>"
  grep -q '"model": "student"' "$work/run/final/retort.json" || fail "final/ is not labelled"
  grep -q '"model": "teacher"' "$work/run/final-teacher/retort.json" || fail "no label of the teacher"
  grep -q '"stage": "practise"' "$work/run/final-teacher/retort.json" || fail "no stage of the teacher"
  same "$work/run/final-teacher/model.safetensors" "$work/run/checkpoint-312/model.safetensors"
  expect 0 "$retort" eval "$work/run/final-teacher" --file "$work/project/data/plums.jsonl" \
    --split-shares 0.8 0.05 0.15 --max-completion-length 48 --temperature 0 --json
  says '"problems":'
  echo "student: $label; final-teacher/ is the policy after GRPO's last step"
}

# 4. Traces that can only be read.
mounted=
for flags in -m -rm; do
  if unshare $flags true 2>/dev/null && [ -z "$mounted" ]; then mounted=$flags; fi
done
# Runs a command that sees FOLDER read-only.
read_only() { # FOLDER COMMAND…
  local code=0
  if [ -n "$mounted" ]; then
    unshare $mounted sh -c 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"' "$@"
    return
  fi
  local as=()
  [ "$(id -u)" != 0 ] || as=(setpriv --bounding-set -dac_override) # or root would write all the same
  chmod -R a-w "$1"
  "${as[@]}" "${@:2}" || code=$?
  chmod -R u+w "$1"
  return $code
}
# Runs a command as nobody.
as_another() { setpriv --reuid 65534 --regid 65534 --clear-groups env HOME=/nonexistent "$@"; }
read_everything() { # RUN HOW… -> the number of lines read by four commands, which must be as expected
  local run=$1 n
  shift
  cd / # nothing of this is said into the folder
  expect 0 "$@" "$retort" traces stats "$run"
  same "$said" "$work/stats"
  expect 0 "$@" "$retort" traces list "$run" --stage exam --limit 3
  says "3 of 564 traces"
  "$@" "$retort" traces export "$run" --tokens 2>/dev/null | cmp -s - "$work/export" || fail "export: $*"
  n=$("$@" "$retort" traces sql "$run" "SELECT count(*) AS traces FROM traces" 2>"$said" | tail -n 1)
  [ "$n" -eq "$traces" ] || fail "sql finds $n of $traces traces: $*"
}
only_to_read() {
  local pid frames steps sum trained right other="no second user here"
  "$retort" traces stats "$work/run" >"$work/stats" 2>&1
  "$retort" traces export "$work/run" --tokens >"$work/export" 2>/dev/null
  traces=$(wc -l <"$work/export")
  cp -r "$work/run" "$work/medium"
  read_only "$work/medium" touch "$work/medium/x" 2>/dev/null && [ -n "$mounted" ] && fail "not read-only"
  read_everything "$work/medium" read_only "$work/medium"
  expect 1 read_only "$work/medium" "$retort" traces rescore "$work/medium" --as late
  says "Check that its folder may be written"

  if as_another true 2>/dev/null; then
    read_everything "$work/medium" as_another
    expect 1 as_another "$retort" traces rescore "$work/medium" --as late
    says "$work/medium"
    other="as well as another user's"
  fi

  # A run that was killed leaves steps in the -wal, which only a writable folder can give back.
  "$retort" run "$work/project/recipes/plums.json" --out "$work/killed" --set read.steps=2 \
    --set read.decay_steps=0 --set practise.steps=100000 >"$work/log" 2>&1 &
  pid=$!
  await test -e "$work/killed/checkpoint-6"
  kill -KILL $pid
  wait $pid 2>/dev/null || true
  frames=$((($(stat -c %s "$work/killed/traces.db-wal") - 32) / 4120))
  [ $frames -gt 0 ] || fail "no frames in the -wal"
  rm -f "$work/killed/traces.db-shm" # not every copy has it
  expect 1 read_only "$work/killed" "$retort" traces stats "$work/killed"
  says "Copy the database, its -wal and its -shm"
  mkdir "$work/copied" # which is what it says
  cp "$work/killed"/traces.db* "$work/copied"
  steps=$(number "$work/copied" "SELECT count(*) FROM steps WHERE stage = 'practise'")
  [ "${steps:-0}" -ge 4 ] || fail "the copy has ${steps:-no} steps"

  # Judged again on a copy: a layer, after a look at what would change.
  cp -r "$work/run" "$work/judged"
  sum=$(sha256sum <"$work/judged/traces.db")
  right=$(number "$work/judged" "SELECT count(*) FROM traces WHERE correct")
  for dry in --dry-run ""; do
    expect 0 "$retort" traces rescore "$work/judged" --option extraction=boxed --as boxed --json $dry
    says "\"became_wrong\":$right" # nobody boxed an answer
    [ -z "$dry" ] || [ "$sum" = "$(sha256sum <"$work/judged/traces.db")" ] || fail "a dry run wrote"
  done
  trained=$(number "$work/judged" "SELECT count(*) FROM traces WHERE correct")
  [ "$trained" = "$right" ] || fail "the verdicts that were trained on have changed"
  [ "$(number "$work/judged" "SELECT count(*) FROM rescored WHERE layer = 'boxed' AND NOT correct")" \
    = "$traces" ] || fail "the layer does not hold all traces"
  echo "read-only ($([ -n "$mounted" ] && echo a mount || echo chmod)): $traces traces by stats, list, export and sql, $other;" \
    "$frames frames in a -wal refused with what to do, $steps steps in the copy;" \
    "a layer on a copy, $right flips shown first"
}

own_problems
many_answers
student_elsewhere
only_to_read
echo "newcomers: all as it should be"
