#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# valgrind.sh - memcheck: the kernels' test, and an answer of a little model of each format, must not read what
# was never written or is not theirs. Valgrind (3.19) knows no AVX-512: what it shows to programs is a CPU
# with AVX2, so generic and AVX2 are checked; for AVX-512 there are the guard pages of tests/kernels.
# Environment: BUILD (build), CC (cc).
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/support/check.sh

build=${BUILD:-build}
if ! command -v valgrind >/dev/null 2>&1; then
    skip "memcheck" "no valgrind"
    check_end
fi
work=$(mktemp -d)
trap 'rm -rf "$work" "$check_output"' EXIT



check "the test of the kernels" valgrind -q --error-exitcode=99 --leak-check=full \
    "$build/tests/kernels/test_kernels"
check "compiles what writes little models" "${CC:-cc}" -std=c11 -O1 -Isrc -I. tests/cross/write_tiny.c \
    tests/support/tiny_*.c tests/support/gguf_builder.c quant/*.c -lm -o "$work/write_tiny"
for model in llama:Q4_0 llama:Q4_1 gemma3:Q5_0 gemma3:Q5_1 qwen3:Q8_0 qwen2:Q4_K llama:Q5_K llama:Q6_K llama:F16; do
    "$work/write_tiny" "${model%:*}" "${model#*:}" "$work/model"
    for isa in generic avx2; do
        [ "$isa" = generic ] || grep -qw "$isa" /proc/cpuinfo || continue
        # 1: no answer in what it wrote
        check "answers with $isa, $model" sh -c \
            'valgrind -q --error-exitcode=99 --leak-check=full "$@" || [ $? -eq 1 ]' sh \
            "$build/ponder" solve -m "$work/model" --isa "$isa" --raw --samples 4 --max-tokens 8 --threads 2 \
            --json -q "2, 4, 6, 8,"
    done
done
check_end
