/* SPDX-License-Identifier: Apache-2.0
 * main.c - the program ponder-quantize: a GGUF file in, the same in other formats out. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "models/train/memory.h"
#include "quant/quantize/calibrate.h"
#include "quant/quantize/convert.h"
#include "quant/quantize/evaluate.h"
#include "quant/quantize/options.h"
#include "quant/quantize/source.h"
#include "quant/quantize/tool.h"

/* The input is mapped while the output is written, and is all that there is if the formats turn out badly. */
static enum ponder_status check_output(const struct options *options, const struct pd_error *err)
{
    struct stat in, out;
    if (stat(options->in, &in) != 0 || stat(options->out, &out) != 0)
        return PONDER_OK; /* what is wrong with them shows when they are opened */
    if (in.st_dev == out.st_dev && in.st_ino == out.st_ino)
        return pd_fail(err, PONDER_BAD_ARGUMENT, "%s is the input too; it is left alone",
                       options->out);
    if (!S_ISREG(out.st_mode))
        return pd_fail(err, PONDER_NO_FILE, "%s is no regular file; it is left alone",
                       options->out);
    return PONDER_OK;
}

static enum ponder_status calibrate_with(const struct options *options, struct calibration *c,
                                         const struct pd_error *err)
{
    struct texts texts;
    struct sequences sequences;
    struct ponder *p;
    PD_TRY(texts_read(&texts, options->calibrate, err));
    enum ponder_status status = evaluate_open(options->in, &texts, &p, err);
    if (status == PONDER_OK) {
        status = sequences_make(&sequences, &texts, p, options->max_tokens, err);
        ponder_free(p);
    }
    texts_free(&texts);
    if (status != PONDER_OK)
        return status;
    c->sequences = &sequences;
    status = calibrate(c, err);
    sequences_free(&sequences);
    return status;
}

/* What has to do with texts first, then the rest. */
static enum ponder_status convert_all(const struct options *options, const struct source *source,
                                      struct calibration *c, const struct pd_error *err)
{
    struct rounding rounding = {.is_plain = options->is_plain};
    if (options->calibrate)
        PD_TRY(calibrate_with(options, c, err));
    for (int i = 0; i < source->gguf.n_tensors; i++) {
        if (c->is_done[i])
            continue;
        if (c->shows_progress)
            progress_show("tensors", i, source->gguf.n_tensors);
        PD_TRY(convert_tensor(c->writer, c->pool, i, &source->gguf.tensor[i], c->formats[i],
                              rounding, err));
    }
    return PONDER_OK;
}

static enum ponder_status fill(const struct options *options, const struct source *source,
                               const enum pd_format_id *formats, struct writer *writer,
                               const struct pd_error *err)
{
    struct tool_pool pool;
    tool_pool_new(&pool);
    struct calibration c = {.source = source,
                            .formats = formats,
                            .writer = writer,
                            .pool = pool.pool,
                            .makes_up = options->makes_up,
                            .damping = options->damping,
                            .is_done = tr_alloc((size_t)source->gguf.n_tensors, sizeof *c.is_done),
                            .shows_progress = !options->is_quiet};
    enum ponder_status status = convert_all(options, source, &c, err);
    free(c.is_done);
    tool_pool_free(&pool);
    return status;
}

/* "OUT: 71.5 MiB of 92.1: Q4_0 41.2, Q8_0 30.1, F32 0.1" */
static void report(const struct options *options, const struct source *source,
                   const enum pd_format_id *formats, uint64_t n_bytes)
{
    static const double mib = 1048576.0;
    double bytes[PD_FORMATS] = {0};
    for (int i = 0; i < source->gguf.n_tensors; i++) {
        const struct pd_gguf_tensor *t = &source->gguf.tensor[i];
        bytes[formats[i]] += (double)tensor_rows(t) *
                             (double)pd_format_row_bytes(pd_format_get(formats[i]), tensor_cols(t));
    }
    printf("%s: %.1f MiB, %.1f before:", options->out, (double)n_bytes / mib,
           (double)source->map.bytes / mib);
    const char *comma = "";
    for (int id = 0; id < PD_FORMATS; id++) {
        if (bytes[id] > 0.0) {
            printf("%s %s %.1f", comma, pd_format_get((enum pd_format_id)id)->name,
                   bytes[id] / mib);
            comma = ",";
        }
    }
    printf("\n");
}

static enum ponder_status quantize(const struct options *options, struct source *source,
                                   enum pd_format_id *formats, const struct pd_error *err)
{
    struct writer writer;
    PD_TRY(recipe_apply(&options->recipe, &source->gguf, formats, err));
    PD_TRY(writer_open(&writer, options->out, &source->gguf, formats,
                       recipe_file_type(options->recipe.type), err));
    enum ponder_status status = fill(options, source, formats, &writer, err);
    if (status == PONDER_OK)
        status = writer_publish(&writer, err);
    progress_clear();
    if (status == PONDER_OK && !options->is_quiet)
        report(options, source, formats, writer.n_bytes);
    writer_close(&writer);
    return status;
}

/* "IN: perplexity 12.34 (2.5128 nats a token, 51234 tokens); 123 of 500 right" */
static enum ponder_status measure(const struct options *options, const char *path,
                                  const struct texts *texts, const struct pd_error *err)
{
    struct evaluation e;
    PD_TRY(evaluate(path, texts, &e, !options->is_quiet, err));
    progress_clear();
    printf("%s: perplexity %.3f (%.4f nats a token, %d tokens)", path, exp(e.mean_nll), e.mean_nll,
           e.n_tokens);
    if (e.n_answers > 0)
        printf("; %d of %d answers right", e.n_right, e.n_answers);
    printf("\n");
    return PONDER_OK;
}

static enum ponder_status convert_file(const struct options *options, const struct pd_error *err)
{
    struct source source;
    PD_TRY(source_open(&source, options->in, err));
    enum pd_format_id *formats = tr_alloc((size_t)source.gguf.n_tensors, sizeof *formats);
    enum ponder_status status = quantize(options, &source, formats, err);
    free(formats);
    source_close(&source);
    return status;
}

static enum ponder_status run(const struct options *options, const struct pd_error *err)
{
    struct texts texts = {.n = 0};
    PD_TRY(check_output(options, err));
    if (options->eval) /* first: what is wrong with it should not show when all work is done */
        PD_TRY(texts_read(&texts, options->eval, err));
    enum ponder_status status = convert_file(options, err);
    if (status == PONDER_OK && options->eval)
        status = measure(options, options->in, &texts, err);
    if (status == PONDER_OK && options->eval)
        status = measure(options, options->out, &texts, err);
    texts_free(&texts);
    return status;
}

int main(int argc, char **argv)
{
    struct options options;
    char text[PONDER_ERROR_BYTES] = "";
    const struct pd_error err = {text, sizeof text};
    tr_program = "ponder-quantize";
    int code = options_parse(argc > 0 ? argc - 1 : 0, argv + 1, &options);
    if (code == EXIT_OK) {
        catch_signals();
        enum ponder_status status = run(&options, &err);
        code = ponder_status_exit_code(status);
        if (status == PONDER_CANCELLED && caught_exit_code() != 0)
            code = caught_exit_code();
        progress_clear();
        if (status != PONDER_OK)
            tr_say("%s", text);
    }
    if (fflush(stdout) != 0 && code <= EXIT_OK) {
        tr_say("cannot write standard output: %s", strerror(errno));
        code = EXIT_FILE;
    }
    return code < 0 ? EXIT_OK : code;
}
