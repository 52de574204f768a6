#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# search-share.sh [STRATEGY...] - the share of the time that a search itself takes: of perf's samples, those in functions of
# src/search, with 16 samples of MODEL (models/smollm2-135m.gguf). Needs perf and the release build.
set -u
cd "$(dirname "$0")/.." || exit 1
build=${BUILD:-build}
model=${MODEL:-models/smollm2-135m.gguf}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ $# -gt 0 ] || set -- majority best-of-n-weighted beam dvts halving

nm --defined-only "$build"/src/search/*.o | awk '$2 ~ /[tT]/ { print $3 }' | sed 's/\.\(part\|isra\|constprop\|cold\).*//' |
    sort -u >"$work/names"
# Lines, so that there are steps to judge.
question="Count, a line each number with its square:
1 1
2 4
"
for strategy in "$@"; do
    perf record -q -o "$work/data" "$build/ponder" solve --raw -m "$model" --samples 16 --lanes 16 --confidence 1 \
        --temp 1 --max-tokens 96 --strategy "$strategy" --verifier arithmetic,confidence "$question" >/dev/null 2>&1
    perf report -i "$work/data" --stdio -F overhead,symbol 2>/dev/null | grep '\[.\]' |
        awk -v strategy="$strategy" -v names="$work/names" '
            BEGIN { while ((getline name < names) > 0) is_ours[name] = 1 }
            { sub(/\.(part|isra|constprop|cold).*/, "", $3); if ($3 in is_ours) sum += $1 }
            END { printf "%-20s %.2f%%\n", strategy, sum }'
done
