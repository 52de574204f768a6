/* SPDX-License-Identifier: Apache-2.0
 * table_file.h - the file that holds the plans of strategy auto: beside the model, or beside its adapter where it has one, or
 * named by --table. */
#ifndef CLI_TABLE_FILE_H
#define CLI_TABLE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/options.h"

/* "MODEL.plans.json", or with --lora "ADAPTER.plans.json"; false: it does not fit. */
bool table_path(const struct settings *settings, const char *model, char *text, size_t capacity);

/* True if there is one to use. */
bool table_is_there(const struct settings *settings, const char *model);

/* Where the strategy is auto, gives the engine the table that --table names or that lies beside the model; exit code, after
 * a message if not 0. */
int table_use(const struct settings *settings, struct ponder *p, const char *model);

#endif
