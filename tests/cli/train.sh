#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# train.sh - the trainer from outside: help, and that the runtime is free of it. Whole runs: tests/train/test_train.c.
set -u
. tests/support/check.sh

train=${BUILD:-build}/ponder-train
if [ ! -x "$train" ]; then
    skip "the trainer from outside" "no $train: OpenBLAS is missing, or another machine's build"
    check_end
fi

check "prints its help" "$train" --help
missing=
for word in sft revise verify difficulty distill bench --base --new --data --lora --resume "Exit codes"; do
    "$train" --help | grep -q -e "$word" || missing="$missing $word"
done
check "its help has everything" test -z "$missing"
check_exit 2 "wants an objective" "$train"
check_exit 2 "refuses an unknown objective" "$train" paint
check_exit 2 "refuses an unknown option" "$train" sft --no-such-thing
check_exit 3 "names a base that is not there" "$train" sft --base /nowhere/x.gguf --data x --out x
if grep -q "^ponder-train: /nowhere/x.gguf: " "$check_output" && [ "$(wc -l <"$check_output")" -eq 1 ]; then
    pass "in one line"
else
    fail "in one line" "$(cat "$check_output")"
fi
if command -v readelf >/dev/null 2>&1; then
    check "the runtime does not depend on OpenBLAS" \
        sh -c 'readelf -d "$1" | grep NEEDED && ! readelf -d "$1" | grep -qi blas' sh "${BUILD:-build}/ponder"
fi
check_end
