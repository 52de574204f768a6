/* SPDX-License-Identifier: Apache-2.0
 * curve_settings.c - DIR/run.json: the settings that a folder of curves was made with, so that a run that broke off goes
 * on with the same and no other. Files count by their names and contents. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "cli/curves.h"
#include "cli/output.h"

enum kind { FILE_SUM, TEXT, INTEGER, REAL, REAL32, SEED };

struct entry {
    const char *option;
    enum kind kind;
    size_t field;
};

#define FIELD(member) offsetof(struct settings, member)

static const struct entry entries[] = {
    {"model", FILE_SUM, FIELD(model)},
    {"data", FILE_SUM, FIELD(data)},
    {"lora", FILE_SUM, FIELD(engine.lora)},
    {"reviser", FILE_SUM, FIELD(engine.reviser)},
    {"verifier-file", FILE_SUM, FIELD(engine.verifier)},
    {"table", FILE_SUM, FIELD(table)},
    {"verifier", TEXT, FIELD(request.verifier)},
    {"score", TEXT, FIELD(request.score)},
    {"calculator", TEXT, FIELD(request.calculator)},
    {"chat", TEXT, FIELD(engine.chat)},
    {"isa", TEXT, FIELD(engine.isa)},
    {"threads", INTEGER, FIELD(engine.n_threads)},
    {"samples", INTEGER, FIELD(n_samples)},
    {"lanes", INTEGER, FIELD(n_lanes)},
    {"width", INTEGER, FIELD(request.width)},
    {"lookahead", INTEGER, FIELD(request.lookahead)},
    {"chains", INTEGER, FIELD(request.n_chains)},
    {"confidence", REAL, FIELD(request.confidence)},
    {"max-tokens", INTEGER, FIELD(engine.max_tokens)},
    {"max-prompt", INTEGER, FIELD(engine.max_prompt_tokens)},
    {"seed", SEED, FIELD(request.seed)},
    {"temp", REAL32, FIELD(request.temperature)},
    {"top-k", INTEGER, FIELD(request.top_k)},
    {"top-p", REAL32, FIELD(request.top_p)},
    {"min-p", REAL32, FIELD(request.min_p)},
    {"repeat-penalty", REAL32, FIELD(request.repeat_penalty)},
};
enum { N_ENTRIES = sizeof entries / sizeof entries[0], MAX_FILE_BYTES = 1 << 16 };

/* "name fnv1a-of-its-bytes"; "none" is no file. False, after a message, if it cannot be read. */
static bool describe_file(const char *path, char *text, size_t capacity)
{
    static unsigned char block[1 << 16];
    uint64_t sum = 14695981039346656037u;
    FILE *file = fopen(path, "rb");
    size_t n;
    while (file && (n = fread(block, 1, sizeof block, file)) > 0)
        for (size_t i = 0; i < n; i++)
            sum = (sum ^ block[i]) * 1099511628211u;
    bool is_read = file && !ferror(file);
    if (!is_read)
        complain("%s: %s", path, strerror(errno));
    if (file)
        fclose(file);
    const char *slash = strrchr(path, '/');
    snprintf(text, capacity, "%s %016" PRIx64, slash ? slash + 1 : path, sum);
    return is_read;
}

static bool put_entry(struct pd_json_writer *w, const struct entry *entry,
                      const struct settings *settings)
{
    const void *field = (const char *)settings + entry->field;
    const char *text = entry->kind <= TEXT ? *(const char *const *)field : NULL;
    char described[300];
    pd_json_key(w, entry->option);
    switch (entry->kind) {
    case FILE_SUM:
        if (text && strcmp(text, "none") == 0)
            text = NULL;
        if (text && !describe_file(text, described, sizeof described))
            return false;
        pd_json_text(w, text ? described : NULL);
        break;
    case TEXT:
        pd_json_text(w, text);
        break;
    case INTEGER:
        pd_json_int(w, *(const int *)field);
        break;
    case REAL:
        pd_json_double(w, *(const double *)field, 6);
        break;
    case REAL32:
        pd_json_double(w, (double)*(const float *)field, 6);
        break;
    case SEED:
        pd_json_u64(w, *(const uint64_t *)field);
        break;
    }
    return true;
}

/* The object as text, which the caller frees; NULL after a message. */
static char *write_settings(const struct settings *settings)
{
    struct pd_json_writer w;
    char *text = NULL;
    size_t bytes;
    FILE *file = open_memstream(&text, &bytes);
    bool is_written = file != NULL;
    if (!file)
        return NULL;
    json_to_file(&w, file);
    pd_json_begin(&w, '{');
    pd_json_key(&w, "strategies");
    pd_json_text(&w, settings->strategies);
    pd_json_key(&w, "budgets");
    pd_json_text(&w, settings->budgets);
    for (int i = 0; i < N_ENTRIES && is_written; i++)
        is_written = put_entry(&w, &entries[i], settings);
    pd_json_end(&w, '}');
    fclose(file);
    if (is_written)
        return text;
    free(text);
    return NULL;
}

/* The file's text, *is_there_ret false if there is none. Exit code. */
static int read_settings(const char *path, char *text, bool *is_there_ret)
{
    FILE *file = fopen(path, "rb");
    *is_there_ret = file != NULL;
    if (!file && errno == ENOENT)
        return EXIT_OK;
    size_t n = file ? fread(text, 1, MAX_FILE_BYTES - 1, file) : 0;
    const char *error = !file || ferror(file) ? strerror(errno) : pd_json_check(text, n, NULL);
    text[n] = '\0';
    if (file)
        fclose(file);
    if (error)
        complain("%s: %s", path, error);
    return error ? EXIT_FILE : EXIT_OK;
}

static struct pd_json_value field_of(const char *text, const char *key)
{
    return pd_json_field(text, strlen(text), key);
}

static bool is_same(struct pd_json_value a, struct pd_json_value b)
{
    return a.kind == b.kind && a.bytes == b.bytes && memcmp(a.raw, b.raw, a.bytes) == 0;
}

static int compare(const char *dir, const char *before, const char *now)
{
    for (int i = 0; i < N_ENTRIES; i++) {
        struct pd_json_value a = field_of(before, entries[i].option);
        struct pd_json_value b = field_of(now, entries[i].option);
        if (a.kind != PD_JSON_NONE && is_same(a, b))
            continue;
        complain("--curves %s was begun with other settings: %s is %.*s there, %.*s here", dir,
                 entries[i].option, a.kind == PD_JSON_NONE ? 4 : (int)a.bytes,
                 a.kind == PD_JSON_NONE ? "none" : a.raw, (int)b.bytes, b.raw);
        return EXIT_USAGE;
    }
    return EXIT_OK;
}

static void settings_path(const char *dir, char path[4096])
{
    snprintf(path, 4096, "%s/run.json", dir);
}

int curve_settings_check(const struct settings *settings)
{
    static char before[MAX_FILE_BYTES];
    char path[4096];
    bool is_there;
    settings_path(settings->curves, path);
    if (mkdir(settings->curves, 0777) != 0 && errno != EEXIST) {
        complain("cannot make %s: %s", settings->curves, strerror(errno));
        return EXIT_FILE;
    }
    char *now = write_settings(settings);
    int code = now ? read_settings(path, before, &is_there) : EXIT_FILE;
    if (code == EXIT_OK && is_there)
        code = compare(settings->curves, before, now);
    FILE *file = code == EXIT_OK ? curve_file_open(settings->curves, "run.json") : NULL;
    if (file) {
        fprintf(file, "%s\n", now);
        code = curve_file_close(file, path);
    } else if (code == EXIT_OK) {
        code = EXIT_FILE;
    }
    free(now);
    return code;
}

static char *copy_text(struct pd_json_value value)
{
    if (value.kind != PD_JSON_STRING)
        return NULL;
    char *text = grow(NULL, value.bytes);
    text[pd_json_unescape(value, text)] = '\0';
    return text;
}

int curve_settings_read(const char *dir, char **strategies_ret, char **budgets_ret)
{
    static char text[MAX_FILE_BYTES];
    char path[4096];
    bool is_there;
    settings_path(dir, path);
    int code = read_settings(path, text, &is_there);
    *strategies_ret = code == EXIT_OK && is_there ? copy_text(field_of(text, "strategies")) : NULL;
    *budgets_ret = code == EXIT_OK && is_there ? copy_text(field_of(text, "budgets")) : NULL;
    if (code == EXIT_OK && !(*strategies_ret && *budgets_ret)) {
        complain("%s: there are no curves", dir);
        code = EXIT_FILE;
    }
    return code;
}
