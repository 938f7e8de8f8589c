#!/bin/sh
# Runs a test program as an ordinary user. 77, a skip: this user is one, or cannot become one.
#
#   tests/exec/as_user.sh PROGRAM [ARGUMENT…]
if [ "$(id -u)" -ne 0 ]; then
  echo "skipped: not root, so the tests have run as an ordinary user already"
  exit 77
fi
# The program and its data must be readable to others; a checkout below /root is not.
if ! setpriv --reuid=65534 --regid=65534 --clear-groups test -x "$1"; then
  echo "skipped: nobody cannot read $1"
  exit 77
fi
TMPDIR=${TMPDIR:-/tmp} exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
