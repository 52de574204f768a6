#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# compilers.sh - the library and the program compile without a warning with the other compiler, and for
# other machines; what was built for them starts under qemu.
# Environment: BUILD (build), CC (cc).
set -u
. tests/support/check.sh

# As if the user had called make: nothing of the build that runs this test.
unset MAKEFLAGS MAKELEVEL MFLAGS MAKEOVERRIDES
build=${BUILD:-build}

case ${CC:-cc} in
*clang*) other=gcc ;;
*) other=clang ;;
esac
if command -v $other >/dev/null 2>&1; then
    check "$other compiles everything without a warning" make -j2 CC=$other WERROR=1 \
        BUILD="$build/$other" all examples
    check "$other's program starts" "$build/$other/ponder" --version
else
    skip "$other compiles everything without a warning" "no $other"
fi

for target in aarch64-linux-gnu:qemu-aarch64 arm-linux-gnueabihf:qemu-arm riscv64-linux-gnu:qemu-riscv64; do
    triplet=${target%:*}
    qemu=${target#*:}
    if ! command -v "$triplet-gcc" >/dev/null 2>&1; then
        skip "compiles for $triplet" "no $triplet-gcc"
        continue
    fi
    check "compiles for $triplet without a warning" make -j2 CROSS="$triplet" WERROR=1 \
        BUILD="$build/$triplet" all
    if command -v "$qemu" >/dev/null 2>&1; then
        check "starts on $triplet" "$qemu" -L "/usr/$triplet" "$build/$triplet/ponder" --version
    else
        skip "starts on $triplet" "no $qemu"
    fi
done
check_end
