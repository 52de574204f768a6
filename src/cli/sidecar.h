/* SPDX-License-Identifier: Apache-2.0
 * sidecar.h - which packed weights a model is opened with: MODEL.ponder beside it if that is there and fits, or what
 * --sidecar says. */
#ifndef CLI_SIDECAR_H
#define CLI_SIDECAR_H

#include "cli/options.h"

struct sidecar {
    const char *path;             /* to give to the engine; NULL: none */
    char text[4096];              /* where a path that was made up lies */
    bool is_named;                /* by --sidecar: then it must fit */
    char why[PONDER_ERROR_BYTES]; /* one that is there is not used, as in "is stale: ..." */
};

/* The path MODEL.ponder in text; false, after a message, if it is too long. */
bool sidecar_path(const char *model, char *text, size_t capacity);

void sidecar_find(struct sidecar *sidecar, const struct settings *settings, const char *model);

/* After the engine gave this status and text: true if the caller should try again without the sidecar, which is no
 * more in path. One line about it if there is something to do. */
bool sidecar_gives_way(struct sidecar *sidecar, const struct settings *settings,
                       enum ponder_status status, const char *err);

/* True for a status that is about the sidecar. */
bool sidecar_is_blamed(enum ponder_status status);

#endif
