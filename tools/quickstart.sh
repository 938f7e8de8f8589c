#!/usr/bin/env bash
# From a fresh Debian 12 or Ubuntu 24.04 to a finished run: installs what is missing, builds the
# release program and runs recipes/quickstart.json into runs/quickstart.
#
#   tools/quickstart.sh [further arguments of `retort run`]
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/packages.sh

install_missing "${PACKAGES_BUILD[@]}"
cmake --preset release
cmake --build --preset release --parallel "$(nproc)" --target retort

out=(--out runs/quickstart)
for argument in "$@"; do
  case "$argument" in --out | --out=*) out=() ;; esac
done
exec build/release/retort run recipes/quickstart.json "${out[@]}" "$@"
