#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# symbols.sh - what the library's object code promises, read from the archive itself:
#   names: all begin with ponder_ or pd_; exported are the functions that ponder.h declares, no others;
#   libc only, and of it no allocation, no printing, no locale, no environment: the list below;
#   no globals: nothing in it can be written to.
# Environment: BUILD (build), CC (cc).
set -u
. tests/support/check.sh

archive=${BUILD:-build}/libponder.a
if nm "$archive" 2>/dev/null | grep -q ' U __\(asan\|tsan\|ubsan\)_'; then
    skip "the library's symbols" "a sanitizer adds its own"
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work" "$check_output"' EXIT

# Everything that the library may ask of libc and of the compiler's own library.
allowed='
memchr memcmp memcpy memmove memset strchr strcmp strlen strstr strncmp
snprintf vsnprintf
floorf sqrt sqrtf
open open64 close fstat fstat64 mmap mmap64 munmap madvise sysconf clock_gettime __clock_gettime64
__fstat64_time64 __errno_location
sched_getaffinity __sched_cpucount sched_yield
pthread_create pthread_join pthread_attr_init pthread_attr_destroy pthread_attr_setstack
pthread_mutex_init pthread_mutex_destroy pthread_mutex_lock pthread_mutex_unlock
pthread_cond_init pthread_cond_destroy pthread_cond_wait pthread_cond_broadcast
_GLOBAL_OFFSET_TABLE_ __stack_chk_fail __tls_get_addr __cpu_model __cpu_indicator_init getauxval
__snprintf_chk __vsnprintf_chk __memcpy_chk __memset_chk __memmove_chk
__divdi3 __moddi3 __udivdi3 __umoddi3 __udivmoddi4 __divmoddi4 __muldi3 __multi3 __udivti3 __umodti3
__aeabi_* __popcountdi2 __clzdi2 __ctzdi2
'

# Global names that the archive defines, less those in "$1".
nm -A -g --defined-only "$archive" >"$work/nm"
awk '{ print $NF }' "$work/nm" | sort -u >"$work/defined"
check "holds the library" test -s "$work/defined"
grep -v -E '^(ponder|pd)_' "$work/defined" >"$work/foreign"
check "names everything ponder_ or pd_" diff /dev/null "$work/foreign"

# Declarations may span lines: the name is the last word before the first "(" after PONDER_API.
tr '\n' ' ' <src/ponder.h | sed 's/PONDER_API/\n&/g' |
    sed -n 's/^PONDER_API [^(]*[ *]\(ponder_[a-z0-9_]*\)(.*/\1/p' | sort -u >"$work/promised"
# shellcheck disable=SC2086 # CC may be a command with options
check "links as a shared library" ${CC:-cc} -shared -o "$work/lib.so" \
    -Wl,--whole-archive "$archive" -Wl,--no-whole-archive -pthread
nm -D --defined-only "$work/lib.so" | awk '{ print $NF }' | sort -u >"$work/exported"
check "exports what ponder.h declares, and nothing else" diff "$work/promised" "$work/exported"

nm -A -u "$archive" | awk '{ print $NF }' | sort -u | grep -v -x -F -f "$work/defined" >"$work/asked"
while read -r name; do
    allow=no
    for pattern in $allowed; do
        # shellcheck disable=SC2254 # a pattern, on purpose
        case $name in $pattern) allow=yes ;; esac
    done
    [ $allow = yes ] || echo "$name ($(nm -A -u "$archive" | sed -n "s/.*:\(.*\.o\): *U $name\$/\1/p" | tr '\n' ' '))"
done <"$work/asked" >"$work/unwanted"
check "needs libc only, and of it no allocation, no printing" diff /dev/null "$work/unwanted"

# Sections of each object that are writable at run time and not empty. .data.rel.ro, constants that hold
# addresses, is made read-only by the loader.
objdump -h -w "$archive" | awk '
    / file format / { object = $1 }
    $2 ~ /^\.(data|bss|tdata|tbss)/ && $2 !~ /^\.data\.rel\.ro/ && $3 !~ /^0+$/ { print object, $2 }' \
    >"$work/written"
nm -A "$archive" | awk '$(NF - 1) == "C" { print $0 }' >>"$work/written"
# The names help to find them.
[ ! -s "$work/written" ] || objdump -t "$archive" | grep -E ' O +\.(data|bss|tdata|tbss)' |
    grep -v -F .data.rel.ro >>"$work/written"
check "has no globals that can be written to" diff /dev/null "$work/written"
check_end
