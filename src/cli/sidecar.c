/* SPDX-License-Identifier: Apache-2.0
 * sidecar.c - see sidecar.h. */
#define _POSIX_C_SOURCE 200809L
#include "cli/sidecar.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

bool sidecar_path(const char *model, char *text, size_t capacity)
{
    int n = snprintf(text, capacity, "%s.ponder", model);
    return n > 0 && (size_t)n < capacity;
}

void sidecar_find(struct sidecar *sidecar, const struct settings *settings, const char *model)
{
    *sidecar = (struct sidecar){.path = NULL};
    if (settings->sidecar) {
        sidecar->is_named = strcmp(settings->sidecar, "none") != 0;
        sidecar->path = sidecar->is_named ? settings->sidecar : NULL;
    } else if (sidecar_path(model, sidecar->text, sizeof sidecar->text) &&
               access(sidecar->text, F_OK) == 0) {
        sidecar->path = sidecar->text;
    }
}

bool sidecar_is_blamed(enum ponder_status status)
{
    return status == PONDER_BAD_SIDECAR || status == PONDER_OTHER_SIDECAR;
}

bool sidecar_gives_way(struct sidecar *sidecar, const struct settings *settings,
                       enum ponder_status status, const char *err)
{
    /* NO_FILE: there, but it cannot be read; or the model cannot, which the second try says. */
    if (!sidecar->path || sidecar->is_named ||
        !(sidecar_is_blamed(status) || status == PONDER_NO_FILE))
        return false;
    snprintf(sidecar->why, sizeof sidecar->why, "%s", err);
    if (status == PONDER_BAD_SIDECAR && !settings->is_quiet)
        complain("sidecar %s %s; run ponder pack", sidecar->path, err);
    sidecar->path = NULL;
    return true;
}
