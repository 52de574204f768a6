#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# compilers.sh - everything compiles without a warning with the other compiler.
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
        BUILD="$build/$other" all examples makers
    check "$other's program starts" "$build/$other/ponder" --version
else
    skip "$other compiles everything without a warning" "no $other"
fi
check_end
