/* SPDX-License-Identifier: Apache-2.0
 * cmd_pack.c - `ponder pack`: writes a model's weights, packed for this CPU, to a sidecar file; or checks one.
 *
 * The file comes into being under another name and is renamed when all of it is on the disk: whoever has the old
 * one mapped keeps it, and a crash leaves the old one or the new one. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/sidecar.h"

enum { MAX_PATH = 4096 };

struct packing {
    const struct settings *settings;
    FILE *file;
    int64_t done_bytes;
    int error; /* errno of what failed; 0: nothing, or a signal */
    struct progress progress;
};

static bool write_piece(void *user, const void *data, size_t bytes, size_t bytes_left)
{
    struct packing *packing = user;
    if (packing->done_bytes == 0)
        progress_begin(&packing->progress, (int64_t)(bytes + bytes_left),
                       packing->settings->is_quiet);
    if (caught_exit_code() != 0)
        return false;
    errno = 0;
    if (fwrite(data, 1, bytes, packing->file) != bytes) {
        packing->error = errno ? errno : EIO;
        return false;
    }
    packing->done_bytes += (int64_t)bytes;
    progress_show(&packing->progress, packing->done_bytes, "");
    return true;
}

/* True if nothing is at path, or a sidecar, which may be replaced. */
static bool may_replace(const char *path)
{
    char begin[sizeof PONDER_SIDECAR_MAGIC - 1];
    struct stat info;
    if (stat(path, &info) != 0)
        return true; /* what else is wrong with the path shows when it is written */
    FILE *file = S_ISREG(info.st_mode) ? fopen(path, "rb") : NULL;
    bool is_sidecar = file && fread(begin, 1, sizeof begin, file) == sizeof begin &&
                      memcmp(begin, PONDER_SIDECAR_MAGIC, sizeof begin) == 0;
    if (file)
        fclose(file);
    if (!is_sidecar)
        complain("%s is there and is no sidecar; it is left alone", path);
    return is_sidecar;
}

/* The new name must be on the disk too. A file system that cannot say so has done what it can. */
static void sync_folder(const char *path)
{
    char folder[MAX_PATH];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1,
             slash ? path : ".");
    int fd = open(folder, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

/* Gives the whole file its name; errno or 0. */
static int publish(FILE *file, const char *temporary, const char *path)
{
    int error = 0;
    if (fflush(file) != 0 || fsync(fileno(file)) != 0)
        error = errno;
    if (fclose(file) != 0 && error == 0)
        error = errno;
    if (error == 0 && rename(temporary, path) != 0)
        error = errno;
    if (error == 0)
        sync_folder(path);
    return error;
}

static int pack(const struct settings *settings, const char *model, const char *path)
{
    char temporary[MAX_PATH];
    char err[PONDER_ERROR_BYTES] = "";
    char size[24];
    double begin = clock_ms();
    int n = snprintf(temporary, sizeof temporary, "%s.%ld.tmp", path, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof temporary) {
        complain("%s: the name is too long", path);
        return EXIT_FILE;
    }
    if (!may_replace(path))
        return EXIT_FILE;
    struct packing packing = {.settings = settings, .file = fopen(temporary, "wbx")};
    if (!packing.file) {
        complain("cannot write %s: %s", path, strerror(errno));
        return EXIT_FILE;
    }
    enum ponder_status status =
        ponder_pack(model, &settings->engine, write_piece, &packing, err, sizeof err);
    progress_clear(&packing.progress);
    if (status == PONDER_OK)
        packing.error = publish(packing.file, temporary, path);
    else
        fclose(packing.file);
    if (status == PONDER_OK && packing.error == 0) {
        if (!settings->is_quiet)
            printf("%s: %s, packed in %.1f s\n", path, size_text((size_t)packing.done_bytes, size),
                   (clock_ms() - begin) / 1000);
        return EXIT_OK;
    }
    unlink(temporary);
    if (packing.error != 0) {
        complain("cannot write %s: %s", path, strerror(packing.error));
        return EXIT_FILE;
    }
    return caught_exit_code() != 0 ? caught_exit_code() : complain_open(status, model, err);
}

static int check(const struct settings *settings, const char *model, const char *path)
{
    char err[PONDER_ERROR_BYTES] = "";
    struct ponder_options options = settings->engine;
    options.sidecar = path;
    enum ponder_status status = ponder_check(model, &options, err, sizeof err);
    if (sidecar_is_blamed(status)) {
        complain("sidecar %s %s", path, err);
        return ponder_status_exit_code(status);
    }
    if (status != PONDER_OK)
        return complain_open(status, model, err);
    if (!settings->is_quiet)
        printf("%s: sound, and packed from %s\n", path, model);
    return EXIT_OK;
}

int cmd_pack(struct settings *settings)
{
    char path[MAX_PATH];
    if (settings->n_words > 0) {
        complain("pack takes the model with -m, not '%s'; see ponder pack --help",
                 settings->words[0]);
        return EXIT_USAGE;
    }
    const char *model = find_model(settings);
    if (!model)
        return EXIT_FILE;
    const char *out = settings->out;
    if (!out) {
        if (!sidecar_path(model, path, sizeof path)) {
            complain("%s: the name is too long", model);
            return EXIT_FILE;
        }
        out = path;
    }
    catch_signals(settings);
    int code = settings->is_check ? check(settings, model, out) : pack(settings, model, out);
    return finish_output(stdout, "standard output", code);
}
