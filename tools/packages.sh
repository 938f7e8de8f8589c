# The one list of Debian/Ubuntu packages that Retort needs, and how missing ones are installed.
# To be sourced: . tools/packages.sh; install_missing "${PACKAGES_BUILD[@]}"
# But for FLINT's, the names are the same on Debian 12 and Ubuntu 24.04.

PACKAGES_BUILD=(
  g++ cmake ninja-build pkg-config
  nlohmann-json3-dev libtbb-dev        # base
  libhwy-dev                           # nn
  libpcre2-dev libutf8proc-dev         # model
  libsqlite3-dev zlib1g-dev libzstd-dev  # datasets
  libflint-dev                         # verifiers
  libcli11-dev                         # cli
  libedit-dev                          # cli: cursor keys and history in retort chat; may be missing
)
# Arb is part of FLINT since FLINT 3; Debian 12 has FLINT 2.
if grep -qsx VERSION_CODENAME=bookworm /etc/os-release; then
  PACKAGES_BUILD+=(libflint-arb-dev)
fi
PACKAGES_TEST=(libgtest-dev python3)    # programs to be judged are Python and C++
# Pleasant to have when changing the code; nothing installs them by itself.
PACKAGES_DEV=(clang-format ccache)

# Installs those of the named packages that are missing; touches nothing when none is.
install_missing() {
  local missing=() package
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "Not a Debian or Ubuntu system: expecting the equivalents of: $*" >&2
    return 0
  fi
  for package in "$@"; do
    dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
      missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0

  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "Missing packages: ${missing[*]}" >&2
      echo "Neither root nor sudo is available. As root, run: apt-get install ${missing[*]}" >&2
      return 1
    fi
    as_root=(sudo)
  fi
  echo "Installing ${missing[*]}" >&2
  local install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive
                 apt-get install -y --no-install-recommends)
  # A fresh system has no package lists yet.
  apt-cache show "${missing[@]}" >/dev/null 2>&1 || "${as_root[@]}" apt-get update >&2 || true
  "${install[@]}" "${missing[@]}" >&2 && return 0
  # They may be old.
  "${as_root[@]}" apt-get update >&2 && "${install[@]}" "${missing[@]}" >&2 && return 0
  echo "Could not install ${missing[*]}. Install them by hand and run again." >&2
  return 1
}
