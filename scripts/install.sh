#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# install.sh NAME... - installs packages by their Debian names where apt-get is there (as root, or with
# sudo); on any other system says what to install. 0: installed; 1: the reader has to install them.
set -eu

# Debian | Fedora (dnf) | Arch (pacman) | Alpine (apk) | macOS (brew); "-": part of another, or none
names='
make                      make                      make                     make                 make
gcc                       gcc                       gcc                      gcc                  gcc
libc6-dev                 glibc-devel               -                        musl-dev             -
binutils                  binutils                  binutils                 binutils             binutils
python3-pip               python3-pip               python-pip               py3-pip              python
libcmocka-dev             libcmocka-devel           cmocka                   cmocka-dev           cmocka
libopenblas-dev           openblas-devel            openblas                 openblas-dev         openblas
clang                     clang                     clang                    clang                llvm
libclang-rt-14-dev        compiler-rt               compiler-rt              compiler-rt          -
qemu-user                 qemu-user                 qemu-user                qemu-aarch64         qemu
gcc-aarch64-linux-gnu     gcc-aarch64-linux-gnu     aarch64-linux-gnu-gcc    -                    -
libc6-dev-arm64-cross     -                         aarch64-linux-gnu-glibc  -                    -
gcc-arm-linux-gnueabihf   gcc-arm-linux-gnu         -                        -                    -
libc6-dev-armhf-cross     -                         -                        -                    -
gcc-riscv64-linux-gnu     gcc-riscv64-linux-gnu     riscv64-linux-gnu-gcc    -                    -
libc6-dev-riscv64-cross   -                         riscv64-linux-gnu-glibc  -                    -
'

# The names of the packages "$@" in column $1 of the table.
translate() {
    column=$1
    shift
    for package in "$@"; do
        printf '%s\n' "$names" | awk -v p="$package" -v c="$column" '$1 == p && $c != "-" { print $c }'
    done | sort -u | tr '\n' ' '
}

by_hand() {
    echo "please install, then start again:  $*" >&2
    exit 1
}

[ $# -gt 0 ] || { echo "usage: scripts/install.sh PACKAGE..." >&2; exit 2; }

if command -v apt-get >/dev/null 2>&1; then
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 || by_hand "apt-get install $* (as root)"
        as_root=sudo
    fi
    echo "installing: $*"
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    # shellcheck disable=SC2086 # as_root is one word or none
    if ! { $as_root apt-get update && $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "$@"; } >"$log" 2>&1; then
        grep -E '^(E|W|Err)' "$log" >&2 || tail -n 5 "$log" >&2
        by_hand "apt-get install $*"
    fi
    exit 0
fi
if command -v dnf >/dev/null 2>&1; then by_hand "sudo dnf install $(translate 2 "$@")"; fi
if command -v pacman >/dev/null 2>&1; then by_hand "sudo pacman -S $(translate 3 "$@")"; fi
if command -v apk >/dev/null 2>&1; then by_hand "sudo apk add $(translate 4 "$@")"; fi
if command -v brew >/dev/null 2>&1; then by_hand "brew install $(translate 5 "$@")"; fi
by_hand "$* (names of Debian's packages)"
