#!/bin/sh
# Makes .venv from uv.lock, on a machine that has nothing but python3 (3.11 or newer): no pip, no venv, no root.
#
#   environment.sh            what running onroll needs
#   environment.sh --dev      and what its tests need
#
# pip's own wheel lies beside this script and is run as it is (Debian's python3 comes without one); it fetches uv by hash, and uv
# installs what uv.lock names, by hash.
set -eu
cd "$(dirname "$0")/../.."
tools=.cache/tools

python=
for candidate in "${PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11; do
  if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$candidate; break; fi
done
if [ -z "$python" ]; then
  echo "onroll needs Python 3.11 or newer, and none was found. On Debian 12 or Ubuntu 24.04: apt-get install python3" >&2
  exit 1
fi
if [ ! -x "$tools/bin/uv" ] || ! "$tools/bin/uv" --version >/dev/null 2>&1; then
  rm -rf "$tools"
  mkdir -p "$tools"
  "$python" packaging/bootstrap/pip-25.3-py3-none-any.whl/pip install --quiet --disable-pip-version-check \
    --no-cache-dir --root-user-action ignore --only-binary :all: --require-hashes --target "$tools" -r packaging/bootstrap/uv.txt
fi
# A .venv whose interpreter is gone (a copied checkout, an upgraded Python) is made anew.
if [ -d .venv ] && ! .venv/bin/python -c '' 2>/dev/null; then rm -rf .venv; fi
if [ "${1:-}" = --dev ]; then
  set -- --group dev --extra postgresql
else
  set -- --no-dev --inexact
fi
exec "$tools/bin/uv" sync --quiet --locked --python "$(command -v "$python")" "$@"
