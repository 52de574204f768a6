/* SPDX-License-Identifier: Apache-2.0
 * replace.h - a file that takes another's place at once: written beside it, synced to the disk, renamed. A full disk,
 * a kill or a loss of power leaves the old one. */
#ifndef TRAIN_REPLACE_H
#define TRAIN_REPLACE_H

#include <stdio.h>

#include "base/base.h"

struct replacement {
    FILE *file; /* for writing, its errors are seen by replace_end() */
    char *path, *temporary;
};

/* NO_FILE: err says why. */
enum ponder_status replace_begin(struct replacement *r, const char *path,
                                 const struct pd_error *err);
/* Puts it in its place; NO_FILE, and the old one stays, if any of it could not be written. */
enum ponder_status replace_end(struct replacement *r, const struct pd_error *err);
/* Leaves the old one. */
void replace_cancel(struct replacement *r);

#endif
