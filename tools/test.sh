#!/usr/bin/env bash
# Builds Retort and runs its tests, ending with ctest's summary.
#
#   tools/test.sh               warnings as errors, all tests
#   tools/test.sh --sanitize    all tests under AddressSanitizer + UBSan, then under ThreadSanitizer
#
# Everything else is handed to ctest: tools/test.sh -R '^base\.'
#
# The environment of the sanitizer runs stands in CMakePresets.json, so that `ctest --preset asan`
# alone does the same.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/packages.sh

presets=(dev)
if [ "${1:-}" = --sanitize ]; then
  presets=(asan tsan)
  shift
fi
install_missing "${PACKAGES_BUILD[@]}" "${PACKAGES_TEST[@]}"
if command -v ccache >/dev/null; then
  export CMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER-ccache}
  export CCACHE_SLOPPINESS=${CCACHE_SLOPPINESS-pch_defines,time_macros}  # precompiled headers
fi

# ThreadSanitizer of g++ 12 does not know the memory layout of kernels with wide address
# randomisation; without randomisation it works everywhere.
fixed_addresses=()
if setarch -R true 2>/dev/null; then fixed_addresses=(setarch -R); fi

status=0
for preset in "${presets[@]}"; do
  echo "== $preset"
  run=()
  if [ "$preset" = tsan ]; then run=("${fixed_addresses[@]}"); fi
  cmake --preset "$preset"
  "${run[@]}" cmake --build --preset "$preset" --parallel "$(nproc)"
  "${run[@]}" ctest --preset "$preset" --parallel "$((2 * $(nproc)))" "$@" || status=$?
done
exit "$status"
