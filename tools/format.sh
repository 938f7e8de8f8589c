#!/usr/bin/env bash
# Formats the C++ sources, or with --check only says which are not formatted (exit 1).
# One major version of clang-format decides (Debian 12's), because versions disagree; where there is
# no such version the check is skipped (exit 77, which ctest shows as skipped).
set -euo pipefail
cd "$(dirname "$0")/.."
wanted=14

for tool in "clang-format-$wanted" clang-format; do
  if [[ "$("$tool" --version 2>/dev/null)" == *"version $wanted."* ]]; then
    mode=(-i)
    if [ "${1:-}" = --check ]; then mode=(--dry-run -Werror); fi
    find . -path ./build -prune -o -path './.*' -prune -o \( -name '*.h' -o -name '*.[ch]pp' \) -print0 |
      xargs -0 "$tool" "${mode[@]}"
    exit
  fi
done
echo "skipped: clang-format $wanted is not installed"
exit 77
