#!/usr/bin/env bash
# Fuzzes the mathematics verifier (extraction, parser, equality), the readers of JSON, CSV and compressed
# rows, what programs answer (wire), chat templates, and those of a model folder (tokenizer.json,
# config.json, safetensors), with libFuzzer.
#
#   bench/shows/fuzz.sh OUT MINUTES [extract|parse|equal|json|csv|rows|wire|chat_template|tokenizer|config|safetensors …]     (CXX=clang++, JOBS=1)
#
# Builds the fuzzers with AddressSanitizer and UBSan under OUT/build, then runs each for MINUTES from
# tests/fuzz/seeds and what was found before: OUT/corpus/TARGET and OUT/found/TARGET stay, so calling
# again goes on. OUT should lie outside the repository. Exits 1 when a fuzzer found something, 77
# when there is no clang++ with libFuzzer. One that was found is run again with
# OUT/build/tests/fuzz/retort_fuzz_TARGET FILE.
set -euo pipefail

if [[ $# -lt 2 || ! "$2" =~ ^[1-9][0-9]*$ ]]; then
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"
  exit 2
fi
mkdir -p "$1"
out=$(cd "$1" && pwd)
minutes=$2
shift 2
[ $# -gt 0 ] || set -- extract parse equal json csv rows wire chat_template tokenizer config safetensors
root=$(cd "$(dirname "$0")/../.." && pwd)

cxx=${CXX:-}
for name in clang++ clang++-{20..14}; do
  [ -n "$cxx" ] || cxx=$(command -v "$name" || true)
done
if [ -z "$cxx" ] || ! echo 'extern "C" int LLVMFuzzerTestOneInput(const char*, long) { return 0; }' |
    "$cxx" -fsanitize=fuzzer -x c++ -o "$out/probe" - 2> "$out/probe.log"; then
  echo "skipped: no clang++ with libFuzzer (Debian: clang and libclang-rt-dev of one version)"
  exit 77
fi

cmake -S "$root" -B "$out/build" -G Ninja -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_BUILD_TYPE= \
  -DCMAKE_CXX_FLAGS="-O1 -g1" -DRETORT_SANITIZE=address,undefined,fuzzer-no-link -DRETORT_FUZZ=ON \
  > "$out/cmake.log" || { tail -n 20 "$out/cmake.log"; exit 1; }
ninja -C "$out/build" -j "${JOBS:-1}" $(printf 'retort_fuzz_%s ' "$@")

found=0
for target in "$@"; do
  corpus=$out/corpus/$target
  results=$out/found/$target
  mkdir -p "$corpus" "$results"
  dictionary=()
  case $target in
    extract | parse | equal) dictionary=(-dict="$root/tests/fuzz/latex.dict") ;;
    chat_template) dictionary=(-dict="$root/tests/fuzz/jinja.dict") ;;
    tokenizer | config | safetensors) dictionary=(-dict="$root/tests/fuzz/model.dict" -malloc_limit_mb=64) ;;
  esac
  status=0
  "$out/build/tests/fuzz/retort_fuzz_$target" "$corpus" "$root/tests/fuzz/seeds/$target" \
    "${dictionary[@]}" -artifact_prefix="$results/" -timeout=20 -rss_limit_mb=2048 \
    -max_len=4096 -print_final_stats=1 -max_total_time=$((60 * minutes)) \
    > "$out/$target.log" 2>&1 || status=$?
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$out/$target.log")
  files=$(find "$corpus" -type f | wc -l)
  echo "$target: ${runs:-?} runs, $files inputs in the corpus, exit code $status, log $out/$target.log"
  if [ "$status" -ne 0 ]; then
    found=1
    grep -E 'ERROR|fuzz: |runtime error|SUMMARY|Test unit written' "$out/$target.log" | head -n 5
  fi
done
exit $found
