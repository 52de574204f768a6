#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# smollm2.sh - the adapters of this repository for SmolLM2: they are those that their card describes, have the heads it says, answer
# what a child can, and give the same bytes on every instruction set and for any threads.
# shellcheck disable=SC2154 # real_model.sh sets them
set -u
. tests/support/check.sh
. tests/support/real_model.sh
adapter=models/ponder-smollm2.gguf
verifier=models/ponder-smollm2-verifier.gguf

bytes=0
for file in "$adapter" "$verifier"; do
    check "the card has the hash of $file" grep -q "$(sha256sum "$file" | cut -d ' ' -f 1)" models/ponder-smollm2.md
    bytes=$((bytes + $(wc -c <"$file")))
done
check "both are small" test "$bytes" -lt 24000000
check "says what it has" "$ponder" info --lora "$adapter" --json
shows '"calculator":true,"value_head":true,"difficulty_head":true'

question="A farmer has 5 fields with 12 trees in each field. How many trees are there?"
check "answers" "$ponder" solve --lora "$adapter" --strategy best-of-n-weighted --samples 4 --json "$question"
shows '"answer":"60"'
check "with a judge of its own" "$ponder" solve --lora "$adapter" --strategy best-of-n-weighted --samples 4 --verifier "arithmetic,$verifier" --json "$question"
shows '"answer":"60"'

answers() {
    "$ponder" solve --lora "$adapter" --strategy majority --samples 2 --confidence 1 --max-tokens 24 --json "$@" "$question" |
        sed 's/"ms_[a-z_]*":[0-9.]*,//g; s/"memory_bytes":[0-9]*,//; s/"steps":[0-9]*,//'
}
answers --isa generic --threads 1 >"$work/generic"
for isa in $("$ponder" info --isa none 2>&1 | sed 's/.*here there are: //; s/,//g'); do
    answers --isa "$isa" --threads 2 --lanes 1 >"$work/other" 2>/dev/null || continue # not on this CPU
    check "the same with $isa, 2 threads, 1 lane" cmp "$work/generic" "$work/other"
done
check_end
