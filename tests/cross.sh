#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# cross.sh - other machines under qemu: the program compiles for them without a warning and starts; every
# instruction set that such a CPU has gives generic's bits (tests/kernels); little models give the same
# answers, byte for byte, as here.
# Environment: BUILD (build), CC (cc).
set -u
. tests/support/check.sh

# As if the user had called make: nothing of the build that runs this test.
unset MAKEFLAGS MAKELEVEL MFLAGS MAKEOVERRIDES EXTRA_CFLAGS EXTRA_LDFLAGS OPT
build=${BUILD:-build}
work=$(mktemp -d)
trap 'rm -rf "$work" "$check_output"' EXIT

# Compiles tests with the cmocka.h beside them: cmocka itself is rarely there for another machine.
compile() { # compile COMPILER ARGUMENT...
    compiler=$1
    shift
    $compiler -std=c11 -O1 -ffp-contract=off -fno-math-errno -Itests/cross -Isrc -I. "$@" -pthread -lm
}

models='llama:Q4_0 gemma3:Q5_1 qwen3:Q8_0 qwen2:Q4_K llama:Q6_K llama:F16'

# What the models answer, less what time and the machine decide.
answers() { # answers COMMAND...
    for model in $models; do
        "$@" -m "$work/$model" --raw --samples 4 --max-tokens 16 --seed 3 --threads 1 --json -q "2, 4, 6, 8,"
        [ $? -le 1 ] || break # 1: no answer in what it wrote
    done | sed -E 's/"(ms_[a-z_]+|memory_bytes)":[0-9.]+,?//g'
}

same_answers() { # same_answers NAME COMMAND...
    name=$1
    shift
    answers "$@" >"$work/got" 2>&1
    check "$name" diff "$work/want" "$work/got"
}

check "compiles a test that fails" compile "${CC:-cc}" tests/cross/fails.c -o "$work/fails"
check_exit 1 "a failed assertion fails the test" "$work/fails"
check "compiles what writes little models" compile "${CC:-cc}" tests/cross/write_tiny.c \
    tests/support/tiny_*.c tests/support/gguf_builder.c quant/*.c -o "$work/write_tiny"
for model in $models; do
    check "writes $model" "$work/write_tiny" "${model%:*}" "${model#*:}" "$work/$model"
done
answers "$build/ponder" solve --isa generic >"$work/want"
check "answers each" test "$(grep -c '"status":"complete"' "$work/want")" -eq 6
same_answers "answers alike here with what this CPU has" "$build/ponder" solve

# Triplet, emulator, CPU, the best instruction set that ponder finds in it.
while read -r triplet qemu cpu isa; do
    if ! command -v "$triplet-gcc" >/dev/null 2>&1; then
        skip "compiles for $triplet" "no $triplet-gcc"
        continue
    fi
    [ -d "$work/$triplet" ] ||
        check "compiles for $triplet without a warning" make -j2 CROSS="$triplet" WERROR=1 \
            BUILD="$build/$triplet" all
    mkdir -p "$work/$triplet" # once is enough
    if ! command -v "$qemu" >/dev/null 2>&1; then
        skip "runs on $cpu ($triplet)" "no $qemu"
        continue
    fi
    run="$qemu -cpu $cpu -L /usr/$triplet"
    # shellcheck disable=SC2086 # a command with options
    {
        check "starts on $cpu" $run "$build/$triplet/ponder" --version
        [ -f "$work/$triplet/test_kernels" ] ||
            check "compiles the kernels' test for $triplet" compile "$triplet-gcc" \
                tests/kernels/test_kernels.c tests/kernels/levels.c tests/support/guarded.c tests/support/weights.c quant/encode*.c \
                "$build/$triplet/libponder.a" -o "$work/$triplet/test_kernels"
        check "kernels up to $isa equal generic on $cpu" $run "$work/$triplet/test_kernels"
        same_answers "answers alike on $cpu with $isa" $run "$build/$triplet/ponder" solve --isa "$isa"
    }
done <<'MACHINES'
aarch64-linux-gnu qemu-aarch64 max dotprod
aarch64-linux-gnu qemu-aarch64 cortex-a53 neon
arm-linux-gnueabihf qemu-arm cortex-a7 neon
arm-linux-gnueabihf qemu-arm cortex-a9 generic
riscv64-linux-gnu qemu-riscv64 rv64 generic
MACHINES
check_end
