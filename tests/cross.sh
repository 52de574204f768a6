#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# cross.sh - other machines under qemu: program and tests compile for them without a warning; the test suite
# passes there, with every instruction set that such a CPU has (tests/kernels: generic's bits); little
# models give the same answers, byte for byte, as here. And here, as on a CPU without extensions.
# Environment: BUILD (build), CC (cc); PONDER_CROSS=full (`make cross`): the slow tests too, on each CPU.
set -u
. tests/support/check.sh

# As if the user had called make: nothing of the build that runs this test.
unset MAKEFLAGS MAKELEVEL MFLAGS MAKEOVERRIDES EXTRA_CFLAGS EXTRA_LDFLAGS OPT
build=${BUILD:-build}
work=$(mktemp -d)
trap 'rm -rf "$work" "$check_output"' EXIT

# shellcheck disable=SC2317 # check runs it
compile() { # compile COMPILER ARGUMENT...
    compiler=$1
    shift
    $compiler -std=c11 -O1 -ffp-contract=off -fno-math-errno -Itests/cross -Isrc -I. "$@" -pthread -lm
}

# Minutes each under an emulator: real models, thousands of damaged files, many answers.
slow='data/test_generate decode/test_damaged_engine decode/test_exact decode/test_families decode/test_golden decode/test_head
decode/test_memory decode/test_sampler model/test_damage model/test_gguf model/test_model model/test_tokenizer
search/test_answer search/test_vote'

is_full() { [ "${PONDER_CROSS:-}" = full ]; }

# suite FOLDER: the programs of the suite there that are to run
suite() {
    for source in tests/*/test_*.c; do
        test=${source#tests/}
        case $test in quantize/* | train/*) continue ;; esac # on OpenBLAS, for this machine
        is_full || ! echo " $slow " | tr '\n' ' ' | grep -q " ${test%.c} " || continue
        echo "$1/${source%.c}"
    done
}

# Says how many tests passed in a check's name.
run_suite() { # run_suite CPU FOLDER COMMAND...
    cpu=$1
    folder=$2
    shift 2
    # shellcheck disable=SC2046 # a list of programs
    if BUILD=$folder RUN_WITH="$*" TEST_LIMIT=3600 scripts/run-tests.sh $(suite "$folder") \
        >"$check_output" 2>&1 </dev/null; then
        pass "tests on $cpu: $(tail -1 "$check_output")"
    else
        fail "tests on $cpu" "$(cat "$check_output")"
    fi
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

check "compiles a test that fails" compile "${CC:-cc}" tests/cross/fails.c tests/cross/cmocka.c -o "$work/fails"
check_exit 1 "a failed assertion fails the test" "$work/fails"
check "compiles what writes little models" compile "${CC:-cc}" tests/cross/write_tiny.c \
    tests/support/tiny_*.c tests/support/gguf_builder.c quant/*.c -o "$work/write_tiny"
for model in $models; do
    check "writes $model" "$work/write_tiny" "${model%:*}" "${model#*:}" "$work/$model"
done
answers "$build/ponder" solve --isa generic >"$work/want"
check "answers each" test "$(grep -c '"status":"complete"' "$work/want")" -eq 6
same_answers "answers alike here with what this CPU has" "$build/ponder" solve

if ! is_full; then
    skip "slow tests on other machines" "make cross runs them: $(echo "$slow" | tr '\n' ' ')"
fi

# An x86 CPU that has none of the extensions, and one that has AVX2.
if [ "$(uname -m)" != x86_64 ] || ! command -v qemu-x86_64 >/dev/null 2>&1; then
    skip "runs on old x86 CPUs" "no qemu-x86_64, or not an x86-64"
elif grep -q __asan_init "$build/ponder"; then
    skip "runs on old x86 CPUs" "a sanitizer's shadow memory is more than the emulator has"
else
    same_answers "answers alike on a Nehalem" qemu-x86_64 -cpu Nehalem "$build/ponder" solve
    check_exit 2 "refuses --isa avx2 on a Nehalem" qemu-x86_64 -cpu Nehalem "$build/ponder" solve \
        -m "$work/llama:Q4_0" --isa avx2 -q "2, 4, 6, 8,"
    if grep -q "lacks instruction set 'avx2'" "$check_output"; then
        pass "says that the CPU lacks it"
    else
        fail "says that the CPU lacks it" "$(cat "$check_output")"
    fi
fi

# Triplet, emulator, CPU, the best instruction set that ponder finds in it.
tried=
while read -r triplet qemu cpu isa; do
    if ! command -v "$triplet-gcc" >/dev/null 2>&1; then
        skip "compiles for $triplet" "no $triplet-gcc"
        continue
    fi
    folder=$build/$triplet
    is_first=false
    if [ "$tried" != "$triplet" ]; then
        tried=$triplet
        is_first=true
        # shellcheck disable=SC2046 # a list of programs
        check "compiles for $triplet without a warning" make -j2 CROSS="$triplet" WERROR=1 BUILD="$folder" \
            EXTRA_CFLAGS=-DPD_DEBUG all $(suite "$folder")
    fi
    if ! command -v "$qemu" >/dev/null 2>&1; then
        skip "runs on $cpu ($triplet)" "no $qemu"
        continue
    fi
    run="$qemu -cpu $cpu -L /usr/$triplet"
    # shellcheck disable=SC2086 # a command with options
    {
        check "starts on $cpu" $run "$folder/ponder" --version
        if is_full || $is_first; then
            run_suite "$cpu" "$folder" $run
        else
            check "kernels up to $isa equal generic on $cpu" $run "$folder/tests/kernels/test_kernels"
        fi
        same_answers "answers alike on $cpu with $isa" $run "$folder/ponder" solve --isa "$isa"
    }
done <<'MACHINES'
aarch64-linux-gnu qemu-aarch64 max i8mm
aarch64-linux-gnu qemu-aarch64 neoverse-n1 dotprod
aarch64-linux-gnu qemu-aarch64 cortex-a53 neon
arm-linux-gnueabihf qemu-arm cortex-a7 neon
arm-linux-gnueabihf qemu-arm cortex-a9 generic
riscv64-linux-gnu qemu-riscv64 rv64 generic
MACHINES
check_end
