#!/usr/bin/env bash
# Make a virtual environment: make_venv.sh FOLDER [PYTHON]. One that is there already is kept.
set -euo pipefail

folder=$1
wanted=${2:-}
locks=$(dirname "${BASH_SOURCE[0]}")/../requirements

say() { printf 'setup: %s\n' "$*" >&2; }

is_recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

if [ -x "$folder/bin/python" ] && is_recent "$folder/bin/python" && "$folder/bin/python" -m pip --version >/dev/null 2>&1; then
    exit 0
fi

python=
for candidate in ${wanted:-python3.11 python3.12 python3.13 python3}; do
    if is_recent "$candidate"; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    say "expected Python 3.11 or newer as ${wanted:-python3.11, python3.12, python3.13 or python3}, found none;"
    say "install it (Debian 12: apt-get install python3 python3-venv), or name it: make PYTHON=/path/to/python3.11 setup"
    exit 2
fi

if "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    "$python" -m venv --clear "$folder"
elif "$python" -c 'import venv, pip' >/dev/null 2>&1; then
    # Debian splits ensurepip off into python3-venv; the pip of the system can stand in for it.
    "$python" -m venv --clear --without-pip "$folder"
    "$python" -m pip --python "$folder/bin/python" install --quiet --require-hashes -r "$locks/pip.txt"
else
    say "$python cannot make virtual environments: its modules venv and ensurepip are not both there;"
    say "on Debian: apt-get install python3-venv"
    exit 2
fi
say "made $folder with $("$folder/bin/python" --version)"
