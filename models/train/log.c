/* SPDX-License-Identifier: Apache-2.0
 * log.c - see log.h. */
#define _POSIX_C_SOURCE 200809L
#include "log.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "curve.h"
#include "memory.h"
#include "replace.h"

static const char header[] = "step,tokens,epochs,seconds,loss,eval_loss,learning_rate,gradient_"
                             "norm,tokens_per_second,gflops\n";

static char *path_with(const char *out, const char *end)
{
    size_t bytes = strlen(out) + strlen(end) + 1;
    char *path = tr_alloc(bytes, 1);
    snprintf(path, bytes, "%s%s", out, end);
    return path;
}

/* Leaves the header and the rows up to `step` in the file. */
static enum ponder_status keep_rows(const char *path, int64_t step, const struct pd_error *err)
{
    struct replacement r;
    PD_TRY(replace_begin(&r, path, err));
    FILE *old = step > 0 ? fopen(path, "rb") : NULL;
    char *line = NULL;
    size_t capacity = 0;
    fputs(header, r.file);
    while (old != NULL && getline(&line, &capacity, old) >= 0)
        if (line[0] >= '0' && line[0] <= '9' && strtoll(line, NULL, 10) <= step)
            fputs(line, r.file);
    free(line);
    if (old != NULL)
        fclose(old);
    return replace_end(&r, err);
}

enum ponder_status tr_log_begin(struct tr_log *log, const char *out, int64_t step, bool is_quiet,
                                const struct pd_error *err)
{
    *log = (struct tr_log){.csv_path = path_with(out, ".csv"),
                           .svg_path = path_with(out, ".svg"),
                           .is_quiet = is_quiet,
                           .is_terminal = isatty(STDERR_FILENO)};
    PD_TRY(keep_rows(log->csv_path, step, err));
    log->csv = fopen(log->csv_path, "ab");
    if (log->csv == NULL)
        return pd_fail(err, PONDER_NO_FILE, "cannot write %s: %s", log->csv_path, strerror(errno));
    return PONDER_OK;
}

void tr_log_end(struct tr_log *log)
{
    tr_log_clear(log);
    if (log->csv != NULL)
        fclose(log->csv);
    free(log->csv_path);
    free(log->svg_path);
    *log = (struct tr_log){.csv = NULL};
}

void tr_log_clear(struct tr_log *log)
{
    if (log->has_line)
        fputs("\r\033[K", stderr);
    log->has_line = false;
}

static void format_time(double seconds, char text_ret[16])
{
    if (seconds < 100)
        snprintf(text_ret, 16, "%.0f s", seconds);
    else if (seconds < 6000)
        snprintf(text_ret, 16, "%.0f min", seconds / 60);
    else
        snprintf(text_ret, 16, "%.1f h", fmin(seconds / 3600, 9999));
}

static void show(struct tr_log *log, const struct tr_log_row *row)
{
    char left[16], eval[32] = "";
    double seconds = row->state->seconds;
    format_time(row->progress > 0 ? seconds / row->progress - seconds : 0, left);
    if (!isnan(row->eval))
        snprintf(eval, sizeof eval, ", held out %.4f", row->eval);
    fprintf(stderr,
            "%sstep %lld (%.0f%%, epoch %.2f): loss %.4f%s, %.0f tokens/s, %.0f GFLOP/s, %s left%s",
            log->is_terminal ? "\r\033[K" : "", (long long)row->state->step, 100 * row->progress,
            row->epochs, row->loss, eval, row->tokens_per_second, row->gflops, left,
            log->is_terminal && isnan(row->eval) ? "" : "\n");
    fflush(stderr);
    log->has_line = log->is_terminal && isnan(row->eval);
    log->shown = seconds;
}

void tr_log_step(struct tr_log *log, const struct tr_log_row *row)
{
    const struct tr_state *s = row->state;
    fprintf(log->csv, "%lld,%lld,%.4f,%.2f,%.6f,", (long long)s->step, (long long)s->tokens,
            row->epochs, s->seconds, row->loss);
    if (!isnan(row->eval))
        fprintf(log->csv, "%.6f", row->eval);
    fprintf(log->csv, ",%.4g,%.4g,%.0f,%.1f\n", row->rate, row->norm, row->tokens_per_second,
            row->gflops);
    fflush(log->csv);
    double pause = log->is_terminal ? 1 : 30;
    if (!log->is_quiet && (!isnan(row->eval) || s->seconds - log->shown >= pause))
        show(log, row);
}

void tr_log_draw(const struct tr_log *log)
{
    char text[PONDER_ERROR_BYTES];
    const struct pd_error err = {text, sizeof text};
    if (tr_curve_draw(log->csv_path, log->svg_path, &err) != PONDER_OK)
        tr_say("%s", text);
}
