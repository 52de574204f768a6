#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# deadline.sh [QUESTIONS.jsonl [BUDGET [LIMIT]]] - how late answers come: alone, and with one busy loop for each core beside
# the engine. Needs a quiet machine; a measurement, not a test.
set -eu
cd "$(dirname "$0")/.."
data=${1:-${PONDER_DATA:-../shared/data}/asdiv_dev.jsonl}
budget=${2:-300ms}
limit=${3:-200}
model=${PONDER_MODEL:-models/smollm2-135m.gguf}
busy=
stop_busy() { for pid in $busy; do kill "$pid" 2>/dev/null; done; }
trap stop_busy EXIT

measure() {
    echo "== $1"
    "${BUILD:-build}/ponder" eval -m "$model" --data "$data" --budget "$budget" --limit "$limit" --quiet
}

measure "alone"
i=0
while [ "$i" -lt "$(nproc)" ]; do
    sh -c 'while :; do :; done' &
    busy="$busy $!"
    i=$((i + 1))
done
measure "$(nproc) busy loops beside it"
