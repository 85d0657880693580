#!/usr/bin/env bash
# Our `standard` signatures before the official library of npm. The library comes from the lock in
# tests/contracts/js (hashes, no addresses) into a folder that is thrown away.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    echo "NOT CHECKED: there is no node and npm here, so npm's standardwebhooks was not asked."
    exit 0
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp tests/contracts/js/package.json tests/contracts/js/package-lock.json tests/contracts/js/check.mjs "$folder"
(cd "$folder" && npm ci --silent --no-audit --no-fund --ignore-scripts)
"$python" tests/contracts/cases.py | node "$folder/check.mjs"
