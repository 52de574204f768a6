/* SPDX-License-Identifier: Apache-2.0
 * checkpoint.c - see checkpoint.h. */
#include "checkpoint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/checksum.h"
#include "replace.h"

static const char magic[8] = "PONDERC1";

struct stream {
    FILE *file;
    uint64_t sum;
    bool is_short;
};

static void put(struct stream *s, const void *data, size_t bytes)
{
    fwrite(data, 1, bytes, s->file); /* replace_end() looks at the file's errors */
    s->sum = pd_checksum_part(data, bytes, s->sum);
}

static void get(struct stream *s, void *data, size_t bytes)
{
    if (s->is_short || fread(data, 1, bytes, s->file) != bytes) {
        s->is_short = true;
        return;
    }
    s->sum = pd_checksum_part(data, bytes, s->sum);
}

enum ponder_status tr_checkpoint_write(const char *path, const char *run,
                                       const struct tr_state *state, const struct tr_adam *adam,
                                       const struct pd_error *err)
{
    struct replacement r;
    char text[TR_RUN_BYTES] = "";
    PD_TRY(replace_begin(&r, path, err));
    struct stream s = {.file = r.file};
    snprintf(text, sizeof text, "%s", run);
    put(&s, magic, sizeof magic);
    put(&s, text, sizeof text);
    put(&s, state, sizeof *state);
    put(&s, &adam->n_steps, sizeof adam->n_steps);
    for (int i = 0; i < adam->params->n; i++) {
        const struct tr_param *p = &adam->params->param[i];
        put(&s, p->value, p->n * sizeof *p->value);
        put(&s, adam->first + p->at, p->n * sizeof *p->value);
        put(&s, adam->second + p->at, p->n * sizeof *p->value);
    }
    uint64_t sum = s.sum;
    put(&s, &sum, sizeof sum);
    return replace_end(&r, err);
}

/* Says which word of the run is another. */
static enum ponder_status compare(const char *path, const char *theirs, const char *ours,
                                  const struct pd_error *err)
{
    while (*theirs != '\0' || *ours != '\0') {
        size_t n = strcspn(theirs, " "), m = strcspn(ours, " ");
        if (n != m || memcmp(theirs, ours, n) != 0)
            return pd_fail(err, PONDER_BAD_ARGUMENT,
                           "%s is of another run: %.*s, now %.*s; take the same options, or "
                           "another --out",
                           path, (int)n, theirs, (int)m, ours);
        theirs += n + (theirs[n] == ' ');
        ours += m + (ours[m] == ' ');
    }
    return PONDER_OK;
}

static enum ponder_status read_all(struct stream *s, const char *path, const char *run,
                                   struct tr_state *state, struct tr_adam *adam,
                                   const struct pd_error *err)
{
    char start[sizeof magic], text[TR_RUN_BYTES];
    struct tr_state theirs;
    get(s, start, sizeof start);
    if (s->is_short || memcmp(start, magic, sizeof magic) != 0)
        return pd_fail(err, PONDER_BAD_FILE, "%s is no checkpoint", path);
    get(s, text, sizeof text);
    if (s->is_short || memchr(text, '\0', sizeof text) == NULL)
        return pd_fail(err, PONDER_BAD_FILE, "%s is damaged", path);
    PD_TRY(compare(path, text, run, err));
    get(s, &theirs, sizeof theirs);
    get(s, &adam->n_steps, sizeof adam->n_steps);
    for (int i = 0; i < adam->params->n; i++) {
        const struct tr_param *p = &adam->params->param[i];
        get(s, p->value, p->n * sizeof *p->value);
        get(s, adam->first + p->at, p->n * sizeof *p->value);
        get(s, adam->second + p->at, p->n * sizeof *p->value);
    }
    uint64_t expected = s->sum, sum = 0;
    get(s, &sum, sizeof sum);
    if (s->is_short || sum != expected)
        return pd_fail(err, PONDER_BAD_FILE, "%s is damaged: remove it to begin anew", path);
    *state = theirs;
    return PONDER_OK;
}

enum ponder_status tr_checkpoint_read(const char *path, const char *run, struct tr_state *state,
                                      struct tr_adam *adam, bool *is_there_ret,
                                      const struct pd_error *err)
{
    struct stream s = {.file = fopen(path, "rb")};
    *is_there_ret = s.file != NULL || errno != ENOENT;
    if (s.file == NULL)
        return pd_fail(err, PONDER_NO_FILE, "%s: %s", path, strerror(errno));
    enum ponder_status status = read_all(&s, path, run, state, adam, err);
    fclose(s.file);
    return status;
}
