/* SPDX-License-Identifier: Apache-2.0
 * verifier_list.h - what --verifier says: names, parted by commas, and among them perhaps one file. */
#ifndef CLI_VERIFIER_LIST_H
#define CLI_VERIFIER_LIST_H

#include "cli/options.h"

/* The file becomes the engine's verifier, and "model" in the list. Exit code, after a message if there are two. */
int verifier_list_settle(struct settings *settings);

#endif
