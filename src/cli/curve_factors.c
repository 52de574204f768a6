/* SPDX-License-Identifier: Apache-2.0
 * curve_factors.c - how many times as long one strategy takes as another to be right as often: DIR/factors.csv, and for
 * people those over strategies listed after them. */
#include "cli/cli.h"
#include "cli/curves.h"

struct names {
    const char *first, *second;
    size_t n_questions;
};

static void write_factor(FILE *file, const struct names *names, const char *kind,
                         const struct factor *factor)
{
    fprintf(file, "%s,%s,%s,%.4f,%.4f,%.4f,%.4f,%d,%zu\n", names->first, names->second, kind,
            factor->accuracy, factor->factor, factor->interval.low, factor->interval.high,
            factor->n_resamples, names->n_questions);
}

static void print_factor(const struct factor *factor)
{
    printf("  %.2f (%.2f to %.2f) at %.1f%%", factor->factor, factor->interval.low,
           factor->interval.high, factor->accuracy * 100);
}

static void write_pair(FILE *file, const struct names *names, const struct factors *factors)
{
    if (factors->n > 0)
        write_factor(file, names, "largest", &factors->largest);
    for (int i = 0; i < factors->n; i++)
        write_factor(file, names, "at", &factors->at[i]);
}

static void print_pair(const struct names *names, const struct factors *factors)
{
    printf("%s over %s:", names->first, names->second);
    if (factors->n == 0) {
        printf("  no accuracy that both have\n");
        return;
    }
    print_factor(&factors->largest);
    printf(", the largest\n");
    for (int i = 0; i < factors->n; i++)
        print_factor(&factors->at[i]);
    putchar('\n');
}

static void compare_pair(FILE *file, const struct curve_data *data, int first, int second,
                         uint64_t seed)
{
    struct curve_answers answers[2];
    struct factors factors;
    curve_answers(data, (const int[]){first, second}, answers);
    struct names names = {data->grid->strategies[first].name, data->grid->strategies[second].name,
                          answers[0].n};
    compare_curves(&answers[0], &answers[1], seed, &factors);
    write_pair(file, &names, &factors);
    if (first < second)
        print_pair(&names, &factors);
    curve_answers_free(answers);
}

int curve_factors_write(const struct curve_data *data, const char *dir, uint64_t seed)
{
    FILE *file = curve_file_open(dir, "factors.csv");
    if (!file)
        return EXIT_FILE;
    fputs("first,second,kind,accuracy,factor,low,high,resamples,questions\n", file);
    printf("time at equal accuracy, one over another (95%% by %d resamples of the questions):\n",
           COMPARE_RESAMPLES);
    for (int i = 0; i < data->grid->n_strategies; i++)
        for (int j = 0; j < data->grid->n_strategies; j++)
            if (i != j)
                compare_pair(file, data, i, j, seed);
    return curve_file_close(file, "factors.csv");
}
