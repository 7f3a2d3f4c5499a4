#!/usr/bin/env bash
# What the tests talk to for real: Samba as Active Directory, PostgreSQL for the store, Chromium for the console, Wine for Windows. Starts nothing.
# Root installs what is missing with apt; anybody else is told what to ask for.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
missing=()
export PATH=$PATH:/usr/sbin:/sbin
command -v samba >/dev/null && command -v ldbsearch >/dev/null && command -v kinit >/dev/null && command -v ldapadd >/dev/null || missing+=(samba)
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
command -v chromium >/dev/null || command -v google-chrome >/dev/null ||
  compgen -G "${PLAYWRIGHT_BROWSERS_PATH:-$HOME/.cache/ms-playwright}/chromium*" >/dev/null || missing+=(chromium)
{ command -v wine64 || command -v wine; } >/dev/null && command -v x86_64-w64-mingw32-gcc >/dev/null || missing+=(wine)
[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" != 0 ]; then
  echo "make test needs servers that are not installed: ${missing[*]}." >&2
  echo "Ask for them: sudo bash tests/servers/install.sh" >&2
  exit 1
fi
for what in "${missing[@]}"; do
  if [ "$what" = samba ]; then
    bash "$here/ad-dc.sh" install || exit 1
  elif [ "$what" = wine ]; then
    bash "$here/wine.sh" || exit 1
  elif [ "$what" = chromium ]; then
    log=$(mktemp)
    # Ubuntu's package of that name is a snap, which needs a running snapd; there Playwright fetches its own.
    apt-get update -q >"$log" 2>&1 || true
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 chromium >>"$log" 2>&1 || true
    if ! command -v chromium >/dev/null && ! "$here/../../.venv/bin/python" -m playwright install --with-deps chromium >>"$log" 2>&1; then
      tail -20 "$log" >&2
      echo "Chromium could not be installed (above). Install it, or Google Chrome, by hand." >&2
      exit 1
    fi
    rm -f "$log"
  else
    # The package's script would make and start a cluster of its own; the tests make theirs.
    policy=/usr/sbin/policy-rc.d made=
    if [ ! -e $policy ]; then printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy && made=1; fi
    log=$(mktemp)
    if ! { apt-get update -q || true; DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
           -o DPkg::Lock::Timeout=300 postgresql; } >"$log" 2>&1; then
      tail -20 "$log" >&2
      [ -z "$made" ] || rm -f $policy
      echo "PostgreSQL could not be installed (above)." >&2
      exit 1
    fi
    [ -z "$made" ] || rm -f $policy
    rm -f "$log"
  fi
done
