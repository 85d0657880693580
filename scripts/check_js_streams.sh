#!/usr/bin/env bash
# Our streams before npm's `EventSource`. It comes from the lock in tests/contracts/js (hashes, no
# addresses) into a folder that is thrown away.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    echo "NOT CHECKED: there is no node and npm here, so npm's eventsource followed no stream."
    exit 0
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp tests/contracts/js/package.json tests/contracts/js/package-lock.json tests/contracts/js/follow.mjs "$folder"
(cd "$folder" && npm ci --silent --no-audit --no-fund --ignore-scripts)
PRIVATA_JS_CHECKS="$folder" "$python" -m pytest -q tests/contracts/js/check_streams.py
