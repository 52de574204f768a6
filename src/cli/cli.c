/* SPDX-License-Identifier: Apache-2.0
 * cli.c - what the subcommands share. */
#define _POSIX_C_SOURCE 200809L
#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/sidecar.h"
#include "cli/table_file.h"

static volatile sig_atomic_t caught_signal;

void complain(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("ponder: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

int complain_status(enum ponder_status status, const char *what, const struct ponder *p,
                    const struct ponder_answer *answer)
{
    char hint[160] = "";
    struct ponder_info info;
    ponder_describe(p, &info);
    if (status == PONDER_TOO_LONG)
        snprintf(hint, sizeof hint, "; shorten it, or raise --max-prompt (now %d tokens)",
                 info.max_prompt_tokens);
    else if (status == PONDER_NO_TIME && answer)
        snprintf(hint, sizeof hint, "; it would take about %.0f ms: raise --budget",
                 answer->ms_needed);
    complain("%s: %s%s", what, ponder_status_text(status), hint);
    return ponder_status_exit_code(status);
}

static void on_signal(int number)
{
    caught_signal = number;
}

void catch_signals(struct settings *settings)
{
    /* No SA_RESTART: a blocked read ends too. SA_RESETHAND: the second signal does its usual work. */
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    static const int signals[] = {SIGINT, SIGTERM};
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < 2; i++) {
        struct sigaction inherited;
        /* Whoever started us may want it ignored, as a shell does for what runs in the background. */
        if (sigaction(signals[i], NULL, &inherited) == 0 && inherited.sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
    }
    settings->request.cancel = &caught_signal;
}

int caught_exit_code(void)
{
    return caught_signal ? 128 + (int)caught_signal : 0;
}

double clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1000 + (double)now.tv_nsec / 1e6;
}

void *grow(void *block, size_t bytes)
{
    block = realloc(block, bytes);
    if (!block) {
        complain("out of memory");
        exit(ponder_status_exit_code(PONDER_NO_MEMORY));
    }
    return block;
}

/* The model file that is meant; NULL: none. */
static const char *model_path(const struct settings *settings)
{
    const char *path = settings->model ? settings->model : getenv("PONDER_MODEL");
    if (path && path[0] != '\0')
        return path;
    return access(DEFAULT_MODEL, R_OK) == 0 ? DEFAULT_MODEL : NULL;
}

const char *find_model(const struct settings *settings)
{
    const char *path = model_path(settings);
    if (path)
        return path;
    complain("no model: give one with -m FILE or $PONDER_MODEL, or get one with models/fetch.sh "
             "smollm2-135m");
    return NULL;
}

bool strategy_is(const struct settings *settings, const char *name)
{
    return settings->request.strategy && strcmp(settings->request.strategy, name) == 0;
}

void settle_strategy(struct settings *settings)
{
    const char *model = model_path(settings);
    if (!settings->request.strategy && settings->n_samples == 0 && model &&
        table_is_there(settings, model))
        settings->request.strategy = "auto";
}

void settle_lanes(struct settings *settings, int default_samples)
{
    enum { AUTO_LANES = 16 };
    struct ponder_request *request = &settings->request;
    bool is_greedy = strategy_is(settings, "greedy"), is_auto = strategy_is(settings, "auto");
    int n_samples = settings->n_samples > 0 ? settings->n_samples
                    : is_greedy             ? 1
                    : is_auto               ? AUTO_LANES
                                            : default_samples;
    int n_lanes = n_samples < PONDER_MAX_LANES ? n_samples : PONDER_MAX_LANES;
    request->n_samples = is_auto && settings->n_samples == 0 ? 0 : n_samples;
    settings->engine.n_lanes = settings->n_lanes > 0 ? settings->n_lanes : n_lanes;
}

int complain_usage(const char *command, const char *error)
{
    if (!error)
        return EXIT_OK;
    complain("%s; see ponder %s --help", error, command);
    return EXIT_USAGE;
}

int complain_open(enum ponder_status status, const char *path, const char *err)
{
    const char *text = err[0] != '\0' ? err : ponder_status_text(status);
    /* Errors about a file's inside do not all name it. */
    bool is_file = ponder_status_exit_code(status) == EXIT_FILE;
    complain("%s%s%s", is_file && !strstr(text, path) ? path : "",
             is_file && !strstr(text, path) ? ": " : "", text);
    return ponder_status_exit_code(status);
}

int open_engine(const struct settings *settings, struct ponder **p_ret)
{
    char err[PONDER_ERROR_BYTES] = "";
    const char *path = find_model(settings);
    if (!path)
        return EXIT_FILE;
    double begin = clock_ms();
    struct ponder_options options = settings->engine;
    struct sidecar sidecar;
    sidecar_find(&sidecar, settings, path);
    enum ponder_status status;
    do {
        options.sidecar = sidecar.path;
        status =
            ponder_create(path, &options, settings->memory_limit_bytes, p_ret, err, sizeof err);
    } while (status != PONDER_OK && sidecar_gives_way(&sidecar, settings, status, err));
    if (sidecar_is_blamed(status)) {
        complain("sidecar %s %s", sidecar.path, err);
        return ponder_status_exit_code(status);
    }
    if (status != PONDER_OK)
        return complain_open(status, path, err);
    if (settings->is_verbose) {
        struct ponder_info info;
        ponder_describe(*p_ret, &info);
        fprintf(stderr,
                "ponder: %s: %s, %s, %.1f M parameters; %d lanes, %d threads, %s; %.1f MiB, "
                "loaded in %.0f ms; sidecar: %s%s\n",
                path, info.family, info.format, (double)info.n_parameters / 1e6, info.n_lanes,
                info.n_threads, info.isa, (double)info.memory_bytes / 1048576, clock_ms() - begin,
                sidecar.path     ? sidecar.path
                : sidecar.why[0] ? "not used: it "
                                 : "none",
                sidecar.path ? "" : sidecar.why);
    }
    return table_use(settings, *p_ret, path);
}

static bool has_verifier(const struct ponder *p, const char *name, size_t bytes)
{
    const char *known;
    for (int i = 0; (known = ponder_verifier(p, i, NULL)) != NULL; i++)
        if (strlen(known) == bytes && memcmp(known, name, bytes) == 0)
            return true;
    return false;
}

int check_verifiers(const struct settings *settings, const struct ponder *p)
{
    const char *list = settings->request.verifier;
    if (!list || strcmp(list, "none") == 0)
        return EXIT_OK;
    for (const char *at = list;; at++) {
        size_t bytes = strcspn(at, ",");
        if (!has_verifier(p, at, bytes)) {
            char names[160] = "";
            const char *name;
            size_t n = 0;
            for (int i = 0; (name = ponder_verifier(p, i, NULL)) != NULL && n < sizeof names; i++)
                n += (size_t)snprintf(names + n, sizeof names - n, " %s", name);
            complain("--verifier: there is no verifier '%.*s' with this model; there are:%s none",
                     (int)bytes, at, names);
            return EXIT_USAGE;
        }
        at += bytes;
        if (*at == '\0')
            return EXIT_OK;
    }
}

void say_note(struct settings *settings, const struct ponder_answer *answer)
{
    if (settings->is_quiet || settings->has_noted || answer->note[0] == '\0')
        return;
    complain("note: %s", answer->note);
    settings->has_noted = true;
}

void warm_engine(const struct settings *settings, struct ponder *p, bool solves)
{
    if ((solves && !settings->request.raw) || settings->request.budget_ms > 0)
        ponder_warm(p);
}

static char *join_words(const struct settings *settings, size_t *bytes_ret)
{
    size_t bytes = 0;
    for (int i = 0; i < settings->n_words; i++)
        bytes += strlen(settings->words[i]) + 1;
    char *text = grow(NULL, bytes);
    size_t n = 0;
    for (int i = 0; i < settings->n_words; i++) {
        size_t length = strlen(settings->words[i]);
        memcpy(text + n, settings->words[i], length);
        n += length;
        text[n++] = ' ';
    }
    *bytes_ret = n - 1;
    return text;
}

int read_text(const struct settings *settings, const char *what, char **text_ret, size_t *bytes_ret)
{
    bool is_input = settings->n_words == 1 && strcmp(settings->words[0], "-") == 0;
    if (settings->n_words > 0 && !is_input) {
        *text_ret = join_words(settings, bytes_ret);
        return EXIT_OK;
    }
    if (!is_input && isatty(STDIN_FILENO)) {
        complain("no %s: give it on the command line, or - to read standard input", what);
        return EXIT_USAGE;
    }
    /* Far more than any context holds, and a bound on what a runaway pipe can take. */
    enum { MAX_INPUT_BYTES = 64 << 20 };
    size_t capacity = 1 << 16;
    size_t n = 0;
    char *text = grow(NULL, capacity);
    for (size_t got; (got = fread(text + n, 1, capacity - n, stdin)) > 0;) {
        n += got;
        if (n == capacity)
            text = grow(text, capacity *= 2);
        if (n > MAX_INPUT_BYTES)
            break;
    }
    *text_ret = text;
    *bytes_ret = n;
    if (ferror(stdin) && caught_exit_code() == 0) {
        complain("cannot read standard input: %s", strerror(errno));
        return EXIT_FILE;
    }
    if (n > MAX_INPUT_BYTES) {
        complain("standard input holds more than 64 MiB");
        return EXIT_USAGE;
    }
    return caught_exit_code();
}

int finish_output(FILE *file, const char *name, int code)
{
    errno = 0;
    if (fflush(file) == 0 && !ferror(file))
        return code;
    /* A closed pipe is how the reader says that it has seen enough. */
    if (errno != EPIPE)
        complain("cannot write %s: %s", name, errno ? strerror(errno) : "write error");
    return EXIT_FILE;
}
