#!/usr/bin/env bash
# Wine, for the tests on Windows CPython, and the compiler of the one DLL that Wine 8 lacks. From the distribution's own packages; no i386.
set -uo pipefail
{ command -v wine64 || command -v wine; } >/dev/null && command -v x86_64-w64-mingw32-gcc >/dev/null && exit 0
if [ "$(id -u)" != 0 ]; then
  echo "make test needs Wine and mingw-w64 for the tests on Windows: sudo bash tests/servers/wine.sh" >&2
  exit 1
fi
log=$(mktemp)
if ! { apt-get update -q || true; DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
       -o DPkg::Lock::Timeout=300 wine wine64 gcc-mingw-w64-x86-64-win32; } >"$log" 2>&1; then
  tail -20 "$log" >&2
  echo "Wine could not be installed (above)." >&2
  exit 1
fi
rm -f "$log"
