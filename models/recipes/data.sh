#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# data.sh - the training and evaluation rows of our models, and the vocabulary of the small one.
#
#     models/recipes/data.sh OUT_DIR
#
# Writes  train.jsonl          all training rows in random order
#         short.jsonl          those of one and two steps, to begin with
#         gsm8k_valid.jsonl mawps_valid.jsonl made_valid.jsonl     never trained on
#         vocab.gguf           4096 tokens
# and the parts they are made of. What is there already stays: a run that broke off goes on; to make a part again, remove
# it. No training row has the question of an evaluation row, not even with other numbers.
# Environment: PONDER_DATA (../shared/data), PROBLEMS (build/ponder-problems), SEED (1),
#   MADE (rows from the grammar, 420000), LIKE_GSM8K (copies of each row with other numbers, 20), LIKE_MAWPS (40),
#   ORIGINAL (how often the rows themselves come, 4).
set -eu
out=${1:?usage: data.sh OUT_DIR}
data=${PONDER_DATA:-../shared/data}
problems=${PROBLEMS:-build/ponder-problems}
seed=${SEED:-1}
original=${ORIGINAL:-4}
mkdir -p "$out"

# make NAME COMMAND...: the command's output becomes $out/NAME when it is whole.
make() {
    name=$1
    shift
    [ -s "$out/$name" ] && return
    "$@" >"$out/$name.part"
    mv "$out/$name.part" "$out/$name"
}

for set in gsm8k mawps; do
    make "${set}_valid.jsonl" "$problems" convert --set $set --split valid "$data/${set}_train.jsonl"
    make "$set.all.jsonl" "$problems" convert --set $set --split train "$data/${set}_train.jsonl"
done
evaluation="$out/gsm8k_valid.jsonl $out/mawps_valid.jsonl"
[ ! -e "$data/asdiv_dev.jsonl" ] || evaluation="$evaluation $data/asdiv_dev.jsonl"

# shellcheck disable=SC2086 # a list of files
for set in gsm8k mawps; do
    copies=${LIKE_GSM8K:-20}
    [ $set = gsm8k ] || copies=${LIKE_MAWPS:-40}
    make "$set.jsonl" "$problems" overlap --drop "$out/$set.all.jsonl" $evaluation
    make "$set.like.all.jsonl" "$problems" renumber --seed "$seed" --copies "$copies" "$out/$set.jsonl"
    make "$set.like.jsonl" "$problems" overlap --drop "$out/$set.like.all.jsonl" $evaluation
done
make made_valid.jsonl "$problems" generate --n 1000 --seed 0
make made.all.jsonl "$problems" generate --n "${MADE:-420000}" --seed "$seed"
# shellcheck disable=SC2086
make made.apart.jsonl "$problems" overlap --drop "$out/made.all.jsonl" $evaluation
make made.jsonl "$problems" overlap --drop-same "$out/made.apart.jsonl" "$out/made_valid.jsonl"

files="$out/made.jsonl $out/gsm8k.like.jsonl $out/mawps.like.jsonl"
i=0
while [ $i -lt "$original" ]; do
    files="$files $out/gsm8k.jsonl $out/mawps.jsonl"
    i=$((i + 1))
done
# shellcheck disable=SC2086
make train.jsonl "$problems" mix --seed "$seed" $files
make short.jsonl "$problems" mix --seed "$seed" --level 1-2 "$out/train.jsonl"
if [ ! -s "$out/vocab.gguf" ]; then
    # shellcheck disable=SC2086
    "$problems" vocab --out "$out/vocab.part" "$out/train.jsonl"
    mv "$out/vocab.part" "$out/vocab.gguf"
fi
wc -l "$out"/*.jsonl
