#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# pack.sh - packed weights from outside: `ponder pack` writes and checks them, other commands use them when they fit,
# say so, and give the same answer. On a real model.
# shellcheck disable=SC2086,SC2059 # lists of options are words
set -u
. tests/support/check.sh
. tests/support/real_model.sh

cp "$model" "$work/m.gguf" || exit 1
PONDER_MODEL=$work/m.gguf
sidecar=$PONDER_MODEL.ponder

answer() { "$ponder" solve $quick --json "$@" "$question" 2>"$work/err" | sed 's/,"steps".*//'; }
answer >"$work/without"

check "packs a model" "$ponder" pack
shows "^$sidecar: [0-9.]+ MiB, packed in [0-9.]+ s$"
check "checks what it wrote" "$ponder" pack --check
shows "sound"
check "replaces a sidecar, quietly" "$ponder" pack -q
lines 0
if ls "$work"/*.tmp >/dev/null 2>&1; then fail "leaves nothing else behind"; else pass "leaves nothing else behind"; fi

answer -v >"$work/with"
check "answers the same" diff "$work/without" "$work/with"
check "and says that it used it" grep -q "sidecar: $sidecar$" "$work/err"
check "info says so too" "$ponder" info
shows "sidecar +$sidecar, [0-9.]+ MiB mapped"
check "info as JSON" "$ponder" info --json
shows "\"sidecar\":\"$sidecar\",\"mapped_bytes\":[1-9][0-9]+"
check "does without where told to" "$ponder" info --sidecar none
shows "sidecar +none"

# A plan that is too large with panels in the block fits without them.
need=$("$ponder" info --json --samples 1 | sed 's/.*"memory_bytes":\([0-9]*\).*/\1/')
check "needs less memory of its own" "$ponder" solve $quick --memory "$need" "$question"
check_exit 4 "which it would not fit without" "$ponder" solve $quick --memory "$need" --sidecar none "$question"

# For another instruction set: a quiet no, but a visible one.
if "$ponder" pack -q --isa avx2 -o "$work/avx2" 2>/dev/null && "$ponder" info --isa avx512 >/dev/null 2>&1; then
    check_exit 3 "refuses panels for other kernels" "$ponder" solve $quick --isa avx512 --sidecar "$work/avx2" "$question"
    shows "sidecar $work/avx2 has panels of 8 rows, this instruction set reads panels of 16"
    lines 1
    check "but not for their own" "$ponder" solve $quick --isa avx2 --sidecar "$work/avx2" "$question"
    check "one beside the model is passed over" "$ponder" solve $quick --isa avx2 "$question"
    lines 1
    check "and info says why" "$ponder" info --isa avx2
    shows "sidecar +not used: it has panels of 16 rows"
else
    skip "refuses panels for other kernels" "no two instruction sets here"
fi

# Not a sidecar, not to be written --------------------------------------------------------------------
echo "dear diary" >"$work/diary"
check_exit 3 "leaves a file alone that is none" "$ponder" pack -o "$work/diary"
shows "is no sidecar"
check "as it was" grep -q diary "$work/diary"
check_exit 3 "refuses to overwrite the model" "$ponder" pack -o "$PONDER_MODEL"
check_exit 3 "cannot use what is none" "$ponder" solve $quick --sidecar "$work/diary" "$question"
shows "sidecar $work/diary is no sidecar of packed weights"
check_exit 3 "cannot write where there is no folder" "$ponder" pack -o "$work/nowhere/m"
shows "cannot write $work/nowhere/m: No such file"
check_exit 3 "checks only what is there" "$ponder" pack --check -o "$work/nowhere/m"
check_exit 2 "takes no words" "$ponder" pack model.gguf
if [ "$(id -u)" -ne 0 ]; then
    mkdir "$work/locked" && chmod 555 "$work/locked"
    check_exit 3 "cannot write without permission" "$ponder" pack -o "$work/locked/m"
    shows "Permission denied"
else
    skip "cannot write without permission" "root may do anything"
fi
# A limit on the size of files is a full disk with another errno; the signal is ignored.
check_exit 3 "says that the disk is full" sh -c "trap '' XFSZ; ulimit -f 20000; exec '$ponder' pack -o '$work/small'"
shows "cannot write $work/small: "
if ls "$work"/small* >/dev/null 2>&1; then fail "and leaves no torn file"; else pass "and leaves no torn file"; fi

# Stale and damaged -----------------------------------------------------------------------------------
cp "$sidecar" "$work/good"
printf 'x' | dd of="$PONDER_MODEL" bs=1 seek=50000001 conv=notrunc 2>/dev/null
check "a changed model makes it stale" "$ponder" solve $quick "$question"
shows "^ponder: sidecar $sidecar is stale: .*; run ponder pack$"
check "not a word when quiet" "$ponder" solve $quick -q "$question"
lines 1
check_exit 3 "and the check fails" "$ponder" pack --check
check_exit 3 "one that was asked for must fit" "$ponder" solve $quick --sidecar "$sidecar" "$question"
cp "$model" "$PONDER_MODEL"
check "the same model in a new file is the same" "$ponder" solve $quick "$question"
lines 1
printf 'x' | dd of="$sidecar" bs=1 seek=50000001 conv=notrunc 2>/dev/null
check "damage is found at start" "$ponder" solve $quick "$question"
shows "^ponder: sidecar $sidecar is damaged: .*; run ponder pack$"
head -c 1000000 "$work/good" >"$sidecar"
check "a torn one too" "$ponder" info
shows "sidecar +not used: it has [0-9]+ bytes of panels where [0-9]+ were written"
check "packing again mends it" "$ponder" pack
check "as the check says" "$ponder" pack --check
check_end
