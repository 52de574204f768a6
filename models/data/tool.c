/* SPDX-License-Identifier: Apache-2.0
 * tool.c - see tool.h. */
#include "models/data/tool.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

void die(int exit_code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("ponder-problems: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(exit_code);
}

void *grow(void *memory, size_t n, size_t element_bytes)
{
    void *bigger = n > SIZE_MAX / element_bytes ? NULL : realloc(memory, n * element_bytes);
    if (!bigger)
        die(EXIT_FILE, "out of memory");
    return bigger;
}

char *copy_text(const char *text, size_t bytes)
{
    char *copy = grow(NULL, bytes + 1, 1);
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    return copy;
}

char *copy_json(struct pd_json_value string)
{
    char *text = grow(NULL, string.bytes, 1);
    text[pd_json_unescape(string, text)] = '\0';
    return text;
}

int parse_options(int argc, char **argv, const struct option *options, size_t n_options)
{
    int n_arguments = 0;
    for (int i = 0; i < argc; i++) {
        const struct option *option = NULL;
        for (size_t k = 0; k < n_options; k++)
            if (strcmp(argv[i], options[k].name) == 0)
                option = &options[k];
        if (!option) {
            if (argv[i][0] == '-' && argv[i][1] != '\0')
                die(EXIT_USAGE, "unknown option %s", argv[i]);
            argv[n_arguments++] = argv[i];
            continue;
        }
        if (i + option->n_values >= argc)
            die(EXIT_USAGE, "%s wants a value", argv[i]);
        *option->text = argv[i + option->n_values];
        i += option->n_values;
    }
    return n_arguments;
}

uint64_t option_u64(const char *name, const char *text, uint64_t min, uint64_t max)
{
    uint64_t value;
    if (!pd_text_u64(text, &value) || value < min || value > max)
        die(EXIT_USAGE, "%s wants a whole number from %llu to %llu, not \"%s\"", name,
            (unsigned long long)min, (unsigned long long)max, text);
    return value;
}

void option_range(const char *name, const char *text, int *low_ret, int *high_ret)
{
    char rest;
    if (sscanf(text, "%d-%d%c", low_ret, high_ret, &rest) != 2 || *low_ret < 1 ||
        *low_ret > *high_ret)
        die(EXIT_USAGE, "%s wants a range like 1-3, not \"%s\"", name, text);
}

char *read_file(const char *path, size_t *bytes_ret)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        die(EXIT_FILE, "%s: %s", path, strerror(errno));
    char *text = NULL;
    size_t bytes = 0;
    size_t capacity = 0;
    do {
        if (bytes == capacity)
            text = grow(text, (capacity = capacity < 65536 ? 65536 : 2 * capacity) + 1, 1);
        bytes += fread(text + bytes, 1, capacity - bytes, file);
    } while (!feof(file) && !ferror(file));
    if (ferror(file))
        die(EXIT_FILE, "%s: %s", path, strerror(errno));
    fclose(file);
    text[bytes] = '\0';
    *bytes_ret = bytes;
    return text;
}

FILE *open_output(void)
{
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    return stdout;
}

void close_output(FILE *file)
{
    if (fflush(file) != 0 || ferror(file))
        die(EXIT_FILE, "cannot write: %s", strerror(errno));
}

static char *text_field(const char *line, size_t bytes, const char *key)
{
    struct pd_json_value value = pd_json_field(line, bytes, key);
    if (value.kind == PD_JSON_STRING)
        return copy_json(value);
    return value.kind == PD_JSON_NUMBER ? copy_text(value.raw, value.bytes) : NULL;
}

/* The array of steps: strings without escapes, as write_row() makes them. */
static bool read_steps(struct pd_json_value array, struct steps *steps)
{
    if (array.kind != PD_JSON_ARRAY)
        return false;
    char text[STEP_BYTES];
    const char *at = array.raw;
    const char *end = array.raw + array.bytes;
    while ((at = memchr(at, '"', (size_t)(end - at))) != NULL) {
        const char *close = memchr(at + 1, '"', (size_t)(end - at - 1));
        if (!close || close - at > STEP_BYTES - 1 || steps->n == MAX_STEPS)
            return false;
        memcpy(text, at + 1, (size_t)(close - at - 1));
        text[close - at - 1] = '\0';
        if (!step_parse(text, &steps->step[steps->n++]))
            return false;
        at = close + 1;
    }
    return true;
}

void read_rows(const char *path, void (*take)(const struct row *row, void *user), void *user)
{
    size_t n;
    char *text = read_file(path, &n);
    unsigned long line_number = 0;
    for (char *line = text; line < text + n; line++) {
        char *end = memchr(line, '\n', (size_t)(text + n - line));
        end = end ? end : text + n;
        size_t bytes = (size_t)(end - line);
        line_number++;
        if (bytes > 0) {
            const char *wrong = pd_json_check(line, bytes, NULL);
            if (wrong)
                die(EXIT_FILE, "%s, line %lu: %s", path, line_number, wrong);
            struct row row = {
                .id = text_field(line, bytes, "id"),
                .question = text_field(line, bytes, "question"),
                .answer = text_field(line, bytes, "answer"),
                .solution = text_field(line, bytes, "solution"),
                .kind = text_field(line, bytes, "kind"),
                .line = line,
                .line_bytes = bytes,
            };
            if (!row.question || !row.answer)
                die(EXIT_FILE, "%s, line %lu: no question or no answer", path, line_number);
            row.id = row.id ? row.id : copy_text("", 0);
            row.solution = row.solution ? row.solution : copy_text("", 0);
            row.kind = row.kind ? row.kind : copy_text("", 0);
            normalise_space(row.question);
            row.has_steps = read_steps(pd_json_field(line, bytes, "steps"), &row.steps);
            take(&row, user);
            free(row.id);
            free(row.question);
            free(row.answer);
            free(row.solution);
            free(row.kind);
        }
        line = end;
    }
    free(text);
}

void normalise_space(char *text)
{
    char *to = text;
    bool wants_space = false;
    for (const char *from = text; *from != '\0'; from++) {
        if (strchr(" \t\r\n\v\f", *from)) {
            wants_space = to > text;
            continue;
        }
        if (wants_space)
            *to++ = ' ';
        wants_space = false;
        *to++ = *from;
    }
    *to = '\0';
}

static void put(void *user, const char *text, size_t bytes)
{
    fwrite(text, 1, bytes, user);
}

void begin_row(struct pd_json_writer *w, FILE *out, const char *id, const char *question,
               const char *answer)
{
    pd_json_writer_init(w, put, out);
    pd_json_begin(w, '{');
    pd_json_key(w, "id");
    pd_json_text(w, id);
    pd_json_key(w, "question");
    pd_json_text(w, question);
    pd_json_key(w, "answer");
    pd_json_text(w, answer);
}

void end_row(struct pd_json_writer *w, FILE *out)
{
    pd_json_end(w, '}');
    fputc('\n', out);
}

void write_row(FILE *out, const char *id, const char *question, const char *answer,
               const struct steps *steps, const char *kind)
{
    struct pd_json_writer w;
    begin_row(&w, out, id, question, answer);
    pd_json_key(&w, "steps");
    pd_json_begin(&w, '[');
    for (int i = 0; i < steps->n; i++) {
        char text[STEP_BYTES];
        step_format(&steps->step[i], text);
        pd_json_text(&w, text);
    }
    pd_json_end(&w, ']');
    pd_json_key(&w, "level");
    pd_json_int(&w, steps->n);
    pd_json_key(&w, "kind");
    pd_json_text(&w, kind);
    end_row(&w, out);
}
