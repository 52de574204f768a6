/* SPDX-License-Identifier: Apache-2.0
 * example.h - a row to its examples, as data.h says. Private to data.c. */
#ifndef TRAIN_EXAMPLE_H
#define TRAIN_EXAMPLE_H

#include "data.h"

/* Adds the row's examples, if any. NULL, or what is wrong with the row. number: makes its chances its own. */
const char *tr_examples_add(struct tr_data *d, const struct tr_row *row, uint64_t number);

#endif
