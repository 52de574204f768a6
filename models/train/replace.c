/* SPDX-License-Identifier: Apache-2.0
 * replace.c - see replace.h. */
#define _POSIX_C_SOURCE 200809L
#include "replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"

static void end(struct replacement *r)
{
    free(r->path);
    free(r->temporary);
    *r = (struct replacement){.file = NULL};
}

enum ponder_status replace_begin(struct replacement *r, const char *path,
                                 const struct pd_error *err)
{
    size_t bytes = strlen(path) + 1;
    r->path = tr_alloc(bytes, 1);
    r->temporary = tr_alloc(bytes + 4, 1);
    memcpy(r->path, path, bytes);
    snprintf(r->temporary, bytes + 4, "%s.tmp", path);
    r->file = fopen(r->temporary, "wb");
    if (r->file != NULL)
        return PONDER_OK;
    enum ponder_status status =
        pd_fail(err, PONDER_NO_FILE, "cannot write %s: %s", r->temporary, strerror(errno));
    end(r);
    return status;
}

/* The rename itself, on the disk. A file system that cannot sync folders has done what it can. */
static void sync_folder(const char *path)
{
    char *folder = tr_alloc(strlen(path) + 2, 1);
    const char *slash = strrchr(path, '/');
    memcpy(folder, slash ? path : ".", slash ? (size_t)(slash - path) + 1 : 1);
    int fd = open(folder, O_RDONLY);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(folder);
}

enum ponder_status replace_end(struct replacement *r, const struct pd_error *err)
{
    enum ponder_status status = PONDER_OK;
    errno = 0;
    bool is_written = fflush(r->file) == 0 && !ferror(r->file) && fsync(fileno(r->file)) == 0;
    int why = errno;
    is_written = fclose(r->file) == 0 && is_written;
    if (!is_written || rename(r->temporary, r->path) != 0) {
        why = why ? why : errno;
        status = pd_fail(err, PONDER_NO_FILE, "cannot write %s: %s", r->path,
                         why ? strerror(why) : "write error");
        unlink(r->temporary);
    } else {
        sync_folder(r->path);
    }
    end(r);
    return status;
}

void replace_cancel(struct replacement *r)
{
    fclose(r->file);
    unlink(r->temporary);
    end(r);
}
