#!/bin/sh
# Prints the path of a Python that has numpy. Where the system's has none, makes one in .deps/venv.
set -eu
cd "$(dirname "$0")/.."

has_numpy() { "$1" -c 'import numpy' 2>/dev/null; }

for python in .deps/venv/bin/python "$(command -v python3 || true)"; do
  if [ -n "$python" ] && [ -x "$python" ] && has_numpy "$python"; then
    case $python in /*) echo "$python" ;; *) echo "$PWD/$python" ;; esac
    exit 0
  fi
done
if ! python3 -m pip --version >/dev/null 2>&1; then
  echo "setup_python: python3 with pip is missing: install python3 and python3-pip" >&2
  exit 1
fi
echo "setup_python: installing numpy into .deps/venv" >&2
# --without-pip: Debian keeps the files that a full environment needs in a package of its own
python3 -m venv --without-pip .deps/venv
python3 -m pip --python .deps/venv/bin/python install --quiet numpy >&2
echo "$PWD/.deps/venv/bin/python"
