#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# demo.sh - what `make demo` does: installs a compiler if it is missing, builds, and lets ponder-mini answer three questions in
# a quarter of a second each.
set -eu
cd "$(dirname "$0")/.."
build=${BUILD:-build}
CC=${CC:-cc}
model=models/ponder-mini.gguf

missing=
command -v "${CC%% *}" >/dev/null 2>&1 || missing="gcc libc6-dev"
# shellcheck disable=SC2086 # a list of words
[ -z "$missing" ] || scripts/install.sh $missing

echo "building"
${MAKE:-make} --no-print-directory BUILD="$build" all

output=$(mktemp)
errors=$(mktemp)
trap 'rm -f "$output" "$errors"' EXIT

while read -r question; do
    printf '\n%s\n' "$question"
    code=0
    "$build/ponder" solve -m "$model" --strategy auto --budget 250ms --verbose "$question" \
        </dev/null >"$output" 2>"$errors" || code=$?
    case $code in
    0) printf '  answer      ' ;;
    1) echo '  answer      (none found)' ;; # a result too: the model is a very small one
    *)
        cat "$errors" >&2
        exit "$code"
        ;;
    esac
    cat "$output"
done <<'QUESTIONS'
Mia has 12 marbles. She gives 5 marbles to her brother. How many marbles does she have left?
A baker fills 6 trays with 8 rolls each. How many rolls does the baker make?
Tom reads 15 pages on Monday and 20 pages on Tuesday. How many pages does he read in all?
QUESTIONS
