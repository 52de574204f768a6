/* SPDX-License-Identifier: Apache-2.0
 * cmd_mix.c - `ponder-problems mix`: the lines of all files in one random order that depends on the seed only; with
 * --level only rows of so many steps. A file named twice comes twice. */
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "models/data/commands.h"

struct text_line {
    const char *text;
    size_t bytes;
};

/* Whether the row has at least low and at most high steps. */
static bool has_level(const struct text_line *line, int low, int high)
{
    struct pd_json_value level = pd_json_field(line->text, line->bytes, "level");
    double value;
    return pd_json_to_double(level, &value) && value >= low && value <= high;
}

int cmd_mix(int argc, char **argv)
{
    const char *seed_text = "1";
    const char *level = NULL;
    const struct option options[] = {{"--seed", &seed_text, 1}, {"--level", &level, 1}};
    int n_files = parse_options(argc, argv, options, sizeof options / sizeof options[0]);
    if (n_files == 0)
        die(EXIT_USAGE, "mix wants files");
    uint64_t seed = option_u64("--seed", seed_text, 0, UINT64_MAX);
    int low = 0;
    int high = 0;
    if (level)
        option_range("--level", level, &low, &high);
    struct text_line *line = NULL;
    size_t n = 0;
    size_t capacity = 0;
    char **texts = grow(NULL, (size_t)n_files, sizeof *texts);
    for (int i = 0; i < n_files; i++) {
        size_t bytes;
        texts[i] = read_file(argv[i], &bytes);
        for (const char *at = texts[i]; *at != '\0';) {
            size_t length = strcspn(at, "\n");
            if (n == capacity)
                line = grow(line, capacity = 2 * capacity + 1024, sizeof *line);
            line[n] = (struct text_line){at, length};
            n += length > 0 && (!level || has_level(&line[n], low, high));
            at += length + (at[length] == '\n');
        }
    }
    FILE *out = open_output();
    for (size_t left = n; left > 0; left--) { /* Fisher and Yates, from the end */
        size_t pick = (size_t)(pd_rng_u64(seed, 0, left) % left);
        fwrite(line[pick].text, 1, line[pick].bytes, out);
        fputc('\n', out);
        line[pick] = line[left - 1];
    }
    close_output(out);
    for (int i = 0; i < n_files; i++)
        free(texts[i]);
    free(texts);
    free(line);
    return 0;
}
