#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# layers.sh - the rules of the source tree that a compiler does not see:
#   includes go one way (the layers below), the program sees the public header only;
#   instruction sets are known in arch/ only (exceptions: the pause in base/pool.c's spin, the trainer's own kernels
#   in models/train/x86/);
#   the library does not print, exit, allocate or read the environment, and asks the system for files,
#   pages, the clock and cores in one file.
# Names are looked for in code: comments and strings are taken out first.
set -u
. tests/support/check.sh

work=$(mktemp -d)
trap 'rm -rf "$work" "$check_output"' EXIT

# One file in, its code out: comments become a blank, strings "" and character constants ' ', except in
# #include lines. Line numbers stay.
code_of() {
    awk '
    BEGIN { in_comment = 0 }
    {
        line = $0
        out = ""
        if (!in_comment && line ~ /^[ \t]*#[ \t]*include/) {
            sub(/\/[\/*].*/, "", line)
            print line
            next
        }
        while (line != "") {
            if (in_comment) {
                end = index(line, "*/")
                if (!end) break
                line = substr(line, end + 2)
                in_comment = 0
            } else if (match(line, /\/\*|\/\/|"|\x27/)) {
                token = substr(line, RSTART, RLENGTH)
                out = out substr(line, 1, RSTART - 1)
                line = substr(line, RSTART + RLENGTH)
                if (token == "//") break
                if (token == "/*") { in_comment = 1; out = out " "; continue }
                pattern = token == "\"" ? "^([^\"\\\\]|\\\\.)*\"" : "^([^\x27\\\\]|\\\\.)*\x27"
                if (match(line, pattern)) line = substr(line, RLENGTH + 1)
                out = out token token
            } else {
                out = out line
                break
            }
        }
        if (in_comment && line == $0) out = ""
        print out
    }' "$1"
}

# Prints each broken rule of the tree in the current folder, one line each: file:line: what.
violations() {
    find src arch quant models tests -name '*.[ch]' 2>/dev/null | sort >"$work/files"
    while read -r file; do
        code_of "$file" >"$work/code"
        awk -v file="$file" -v list="$work/files" '
        function layer(path) { # 0: everyone may use it; 99: nobody may
            if (path == "src/ponder.h") return 0
            if (path ~ /^src\/base\//) return 1
            if (path ~ /^quant\/(block|format)\.[ch]$/) return 2
            if (path ~ /^arch\//) return 3
            if (path ~ /^src\/model\//) return 4
            if (path ~ /^src\/decode\//) return 5
            if (path ~ /^src\/search\//) return 6
            if (path ~ /^src\/(ponder|engine[a-z_]*)\.[ch]$/ && path != "src/ponder.h") return 7
            if (path ~ /^src\/cli\//) return 8
            return 99
        }
        function bad(what) { printf "%s:%d: %s\n", file, NR, what }
        function resolve(name,    folder) {
            folder = file
            sub(/[^\/]*$/, "", folder)
            if ((folder name) in known) return folder name
            if (("src/" name) in known) return "src/" name
            if (name in known) return name
            return ""
        }
        BEGIN {
            while ((getline path < list) > 0) known[path] = 1
            mine = layer(file)
            in_library = mine >= 1 && mine <= 7
            is_maker = file ~ /^(quant|models)\// && mine == 99 # makes models: may use up to src/decode
            is_trainer_isa = file ~ /^models\/train\/x86\// # kernels that the runtime has no use for
            is_test = file ~ /^tests\//
            names = "(^|[^A-Za-z0-9_>.])"
            banned = names "(printf|fprintf|vprintf|vfprintf|puts|fputs|putchar|putc|fputc|fwrite|perror" \
                "|exit|_exit|_Exit|abort|assert|atexit|getenv|secure_getenv|setenv|setlocale" \
                "|malloc|calloc|realloc|reallocarray|free|strdup|strndup|aligned_alloc|posix_memalign" \
                "|alloca|__builtin_alloca|qsort|rand|srand|system|strtok|strerror|stdout|stderr|stdin|errno)" \
                "($|[^A-Za-z0-9_])"
            system_only = names "(mmap|munmap|madvise|open|close|read|fstat|stat|clock_gettime|time" \
                "|gettimeofday|sched_getaffinity|sysconf)[ \t]*\\("
        }
        /^[ \t]*#[ \t]*include[ \t]*</ {
            if (match($0, /<[a-z0-9]*intrin\.h>|<arm_[a-z0-9]*\.h>|<riscv_vector\.h>/) && mine != 3 && !is_trainer_isa)
                bad("instruction set header outside arch/")
            next
        }
        /^[ \t]*#[ \t]*include/ {
            split($0, part, "\"")
            target = resolve(part[2])
            if (target == "") { bad("cannot find \"" part[2] "\""); next }
            theirs = layer(target)
            if (is_test) next
            if (target ~ /^tests\//) bad("only tests include tests/")
            else if (mine == 8) {
                if (theirs != 8 && target !~ /^src\/(ponder|base\/(json|text|real|rng))\.h$/)
                    bad("the program uses ponder.h and of base json.h, text.h, real.h and rng.h only, not " target)
            } else if (is_maker) {
                if (theirs > 5 && theirs != 99) bad("makers of models may use up to src/decode, not " target)
            } else if (mine != 99 && theirs > mine) bad("includes a layer above its own: " target)
            next
        }
        /^[ \t]*#[ \t]*(if|ifdef|ifndef|elif)/ {
            if (!is_test && mine != 3 && !is_trainer_isa && file != "src/base/pool.c" && match($0, \
                /__(AVX|SSE|MMX|FMA|F16C|BMI|ARM|arm|aarch64|AARCH64|NEON|x86_64|i[3-6]86|amd64|riscv|wasm|powerpc|POWER|ALTIVEC|mips|s390)[A-Za-z0-9_]*|_M_[A-Z0-9]+/))
                bad("instruction set outside arch/: " substr($0, RSTART, RLENGTH))
            next
        }
        { sub(/format\(printf/, "format(") } # the attribute
        in_library && match($0, banned) {
            word = substr($0, RSTART, RLENGTH)
            gsub(/[^A-Za-z_]/, "", word)
            if (!(word == "errno" && file ~ /^src\/base\/(os|pool)[a-z_]*\.c$/))
                bad("the library does not use " word)
        }
        in_library && file !~ /^src\/base\/os_[a-z]*\.c$/ && match($0, system_only) {
            bad("asks the system outside os_*.c: " substr($0, RSTART, RLENGTH))
        }' "$work/code"
    done <"$work/files"
}

# The rules must be able to fail: each line of this made-up tree that says BAD, and no other, is found.
make_bad_tree() {
    mkdir -p src/base src/model src/search src/cli arch quant tests/support
    : >src/ponder.h
    : >src/base/json.h
    : >src/base/os.h
    : >src/model/model.h
    : >src/search/search.h
    : >src/cli/args.h
    : >quant/encode.h
    : >tests/support/help.h
    cat >src/base/low.c <<'C'
#include "ponder.h"
#include "base/os.h"
#include "model/model.h" /* BAD: upwards */
#include "nowhere.h" /* BAD: not there */
#include "tests/support/help.h" /* BAD: a test's */
#include <immintrin.h> /* BAD: arch/ only */
#ifdef __AVX2__ /* BAD */
#endif
/* a comment may say malloc(1), and "exit" too
 * over many lines: malloc(2) */
static const char *text = "malloc(3) \" free(4)"; // malloc(5)
static char quote = '"';
void *take(void) { return malloc(6); } /* BAD */
int own(struct list *l) { return l->free(7) + l->open(8) + pd_free(9); }
int quit(char *text) { return text ? exit(1), 0 : 1; } /* BAD */
int now(void) { return clock_gettime(0, 0); } /* BAD */
void say(const char *text, ...) __attribute__((format(printf, 1, 2)));
C
    cat >src/base/os_posix.c <<'C'
int now(void) { return clock_gettime(0, 0) + errno; }
C
    cat >src/model/high.c <<'C'
#include "base/os.h"
#include "model.h"
#include "quant/encode.h" /* BAD: not of the runtime */
#include "search/search.h" /* BAD: upwards */
C
    cat >src/cli/main.c <<'C'
#include "args.h"
#include "base/json.h"
#include "ponder.h"
#include "base/os.h" /* BAD: not public */
int main(void) { return printf("fine") + malloc(1); }
C
    cat >quant/encode.c <<'C'
#include "encode.h"
#include "model/model.h"
#include "search/search.h" /* BAD: above src/decode */
C
    cat >arch/kernels.c <<'C'
#include <immintrin.h>
#ifdef __AVX2__
#endif
C
}

root=$PWD
mkdir "$work/bad" && cd "$work/bad" || exit 1
make_bad_tree
violations | cut -d : -f 1,2 >"$work/found"
grep -rn 'BAD' . | sed 's|^\./||' | cut -d : -f 1,2 | sort -t : -k 1,1 -k 2,2n >"$work/wanted"
sort -t : -k 1,1 -k 2,2n "$work/found" >"$work/sorted"
cd "$root" || exit 1
check "finds every broken rule in a made-up tree, and no other" diff "$work/wanted" "$work/sorted"

violations >"$work/found"
check "keeps the rules of the tree" diff /dev/null "$work/found"
check_end
