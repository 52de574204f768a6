/* SPDX-License-Identifier: Apache-2.0
 * damage.h - a corpus of damaged GGUF files, made by code from tiny models: every header field, count, length,
 * type, offset, dimension, hyper-parameter and vocabulary array, truncations, and seeded bit flips.
 *
 * Whoever opens one has to give a one-line error or a right load, soon, and read nothing past its end. */
#ifndef DAMAGE_H
#define DAMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

/* The first layer that can notice the damage. */
enum damage_layer { DAMAGE_GGUF_OR_MODEL, DAMAGE_TOKENIZER };

struct damage_case {
    const char *name;
    const unsigned char *bytes; /* ends at memory that cannot be read */
    size_t n_bytes;
    bool must_fail;            /* otherwise it may load, as something else */
    enum damage_layer layer;   /* who has to fail */
    enum ponder_status status; /* the only right one; PONDER_OK: any that blames the file */
    const char *says;          /* what the text has to contain, or NULL */
};

typedef void (*damage_visit)(void *user, const struct damage_case *c);

/* Visits the whole corpus but the flips; returns the number of cases. */
int damage_each(damage_visit visit, void *user);

/* Visits n files with 1 to 8 flipped bits; most hit the directory. The same seed gives the same files. */
int damage_flips(uint64_t seed, int n, damage_visit visit, void *user);

/* For damage.c: the cases that are written down one by one. */
int damage_each_written(damage_visit visit, void *user);

/* Copies the bytes to guarded memory, visits, and frees. */
void damage_show(damage_visit visit, void *user, struct damage_case c);

#endif
