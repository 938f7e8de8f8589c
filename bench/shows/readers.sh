#!/usr/bin/env bash
# What reading costs: every reader of what others write, over every shape that is meant to hurt it.
#
#     bench/shows/readers.sh [BUILD [KIB]]
#
# Prints a table: bytes; how often the counted work grows from half to all of them, and from a quarter to half
# (2 is linear, 4 quadratic); work and peak memory per byte. 256 KiB by default; nothing is timed.
set -euo pipefail
cd "$(dirname "$0")/../.."
table=$(mktemp)
trap 'rm -f "$table"' EXIT
status=0
RETORT_GROWTH_KIB=${2:-256} RETORT_GROWTH_TABLE=$table "${1:-build/dev}/tests/growth/retort_growth_test" --gtest_brief=1 >&2 || status=$?
echo "| reader | shape | bytes | n/4 to n/2 | n/2 to n | work per byte | memory per byte |"
echo "|---|---|---|---|---|---|---|"
cat "$table"
exit "$status"
