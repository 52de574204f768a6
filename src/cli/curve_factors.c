/* SPDX-License-Identifier: Apache-2.0
 * curve_factors.c - how many times as long one strategy takes as another that is listed after it to be right as often: for
 * people, and as DIR/factors.csv. */
#include "cli/cli.h"
#include "cli/curves.h"

struct names {
    const char *first, *second;
    size_t n_questions;
};

static void put(FILE *file, const struct names *names, const char *kind,
                const struct factor *factor)
{
    fprintf(file, "%s,%s,%s,%.4f,%.4f,%.4f,%.4f,%d,%zu\n", names->first, names->second, kind,
            factor->accuracy, factor->factor, factor->interval.low, factor->interval.high,
            factor->n_resamples, names->n_questions);
    printf("  %.2f (%.2f to %.2f) at %.1f%%%s", factor->factor, factor->interval.low,
           factor->interval.high, factor->accuracy * 100, kind[0] == 'l' ? ", the largest\n" : "");
}

static void put_pair(FILE *file, const struct names *names, const struct factors *factors)
{
    printf("%s over %s:", names->first, names->second);
    if (factors->n == 0) {
        printf("  no accuracy that both have\n");
        return;
    }
    put(file, names, "largest", &factors->largest);
    for (int i = 0; i < factors->n; i++)
        put(file, names, "at", &factors->at[i]);
    putchar('\n');
}

static void compare_pair(FILE *file, const struct curve_data *data, const int strategies[2],
                         uint64_t seed)
{
    struct curve_answers answers[2];
    struct factors factors;
    curve_answers(data, strategies, answers);
    struct names names = {data->grid->strategies[strategies[0]].name,
                          data->grid->strategies[strategies[1]].name, answers[0].n};
    compare_curves(&answers[0], &answers[1], seed, &factors);
    put_pair(file, &names, &factors);
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
        for (int j = i + 1; j < data->grid->n_strategies; j++)
            compare_pair(file, data, (const int[]){i, j}, seed);
    return curve_file_close(file, "factors.csv");
}
