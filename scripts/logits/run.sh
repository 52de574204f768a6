#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Compares the engine's and llama.cpp's logits with an exact evaluation of the same file: tests/golden/LOGITS.md.
#
#     pip install numpy gguf llama-cpp-python && scripts/logits/run.sh MODEL [compare.py options]
#
# PYTHON: the interpreter that has these packages (python3). PONDER_DATA: folder with math_train.jsonl.
set -eu
if [ $# -lt 1 ]; then
    echo "usage: scripts/logits/run.sh MODEL [compare.py options]" >&2
    exit 2
fi
cd "$(dirname "$0")/../.."
make -s lib
${CC:-cc} -std=c11 -O2 -Isrc scripts/logits/dump_logits.c build/libponder.a -pthread -o build/dump_logits
model=$1
shift
exec "${PYTHON:-python3}" scripts/logits/compare.py "$model" \
    --data "${PONDER_DATA:-../shared/data}/math_train.jsonl" --dump build/dump_logits "$@"
