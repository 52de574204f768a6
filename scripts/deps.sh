#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# deps.sh - installs what the tests need and the system lacks (scripts/install.sh), and fetches the two
# real models that the golden tests run. Without network the models are left out, and their tests skip.
set -eu
cd "$(dirname "$0")/.."

has_command() { command -v "$1" >/dev/null 2>&1; }
has_header() { echo "#include <$1>" | cc -E - >/dev/null 2>&1; }
has_openblas() { echo "#include <cblas.h>" | cc -E - 2>/dev/null | grep -q openblas_set; } # not another BLAS's header
has_pip() { python3 -c 'import importlib.util as u, sys; sys.exit(u.find_spec("pip") is None)' 2>/dev/null; }
has_fuzzer() {
    [ -n "$(find /usr/lib/llvm-*/lib/clang /usr/lib/clang -name '*fuzzer*.a' 2>/dev/null | head -n 1)" ]
}

missing=
need() {
    package=$1
    shift
    "$@" || missing="$missing $package"
}

# To build.
need gcc has_command cc
need libc6-dev has_header stdio.h
need binutils has_command readelf
need python3-pip has_pip
# To test: the framework, the second compiler, fuzzing.
need libcmocka-dev has_header cmocka.h
need clang has_command clang
need libclang-rt-14-dev has_fuzzer
# To make models, and to test what makes them.
need libopenblas-dev has_openblas
# Other machines: cross compilers with their C libraries, and an emulator.
if has_command apt-get; then
    need qemu-user has_command qemu-aarch64
    for machine in arm64:aarch64-linux-gnu armhf:arm-linux-gnueabihf riscv64:riscv64-linux-gnu; do
        triplet=${machine#*:}
        need "gcc-$triplet" has_command "$triplet-gcc"
        need "libc6-dev-${machine%:*}-cross" test -f "/usr/$triplet/include/stdio.h"
    done
fi

if [ -n "$missing" ]; then
    # shellcheck disable=SC2086 # a list of words
    scripts/install.sh $missing
fi

models=${PONDER_MODELS:-models}
for model in smollm2-135m gemma3-270m; do
    # fetch.sh puts only checked files there: no need to hash them at each call.
    [ -f "$models/$model.gguf" ] || models/fetch.sh "$model" "$models" ||
        echo "deps: no $model; the tests that run it will be skipped" >&2
done
