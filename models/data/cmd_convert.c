/* SPDX-License-Identifier: Apache-2.0
 * cmd_convert.c - `ponder-problems convert`: rows with annotated solutions ("... <<48/2=24>>24 clips ...") to rows
 * with steps. Of each set some rows are for validation, and never among the others: see models/README.md. */
#include <string.h>

#include "models/data/commands.h"

/* Rows kept for validation: the last ones, or every so-manyth. */
static const struct set {
    const char *name;
    int n_last, every;
} sets[] = {{"gsm8k", 473, 0}, {"mawps", 0, 10}};

struct conversion {
    const struct set *set;
    bool wants_validation;
    FILE *out;
    int n_all, at; /* rows of the file, and rows of it seen */
    int n_rows, n_written, n_inexact, n_elsewhere, n_no_number;
};

static void count_row(const struct row *row, void *user)
{
    (void)row;
    ((struct conversion *)user)->n_all++;
}

static bool is_validation(const struct conversion *c, int number)
{
    if (c->set->every > 0)
        return number % c->set->every == 0;
    return number > c->n_all - c->set->n_last;
}

/* The equations between << and >>. False if one of them is not exactly right. */
static bool read_annotations(const char *solution, struct steps *steps)
{
    for (const char *at = solution; (at = strstr(at, "<<")) != NULL;) {
        const char *end = strstr(at, ">>");
        char equation[256];
        if (!end || end - at - 2 >= (long)sizeof equation)
            return false;
        memcpy(equation, at + 2, (size_t)(end - at - 2));
        equation[end - at - 2] = '\0';
        if (!steps_add_equation(steps, equation))
            return false;
        at = end;
    }
    return true;
}

/* Equations as they stand in the text, "2 x $1.80 = $3.60", the annotations left out: where the annotations do not
 * lead to the answer, since some operations have none. What is no exact equation is passed over. */
static void read_equations(const char *solution, struct steps *steps)
{
    char run[256]; /* the longest stretch of characters that equations are made of */
    size_t n = 0;
    bool has_equals = false;
    for (const char *at = solution;; at++) {
        if (strncmp(at, "<<", 2) == 0) {
            const char *end = strstr(at, ">>");
            at = end ? end + 1 : at;
            continue;
        }
        bool is_multiply =
            at > solution && (*at == 'x' || *at == 'X') && at[-1] == ' ' && at[1] == ' ';
        bool is_number = *at != '\0' && strchr("0123456789", *at);
        if (is_number || is_multiply || (*at != '\0' && strchr("+-*/() .,$%=", *at))) {
            bool ends_number =
                n > 0 && has_equals && *at == ' ' && strchr("0123456789", run[n - 1]);
            if (n + 1 < sizeof run && !(*at == '.' && !(at[1] >= '0' && at[1] <= '9')) &&
                !ends_number) {
                has_equals = has_equals || *at == '=';
                run[n++] = *at;
                continue;
            }
        }
        run[n] = '\0';
        char *begin = run + strspn(run, " ,.)+*/-=");
        if (has_equals)
            steps_add_equation(steps, begin);
        n = 0;
        has_equals = false;
        if (*at == '\0')
            return;
    }
}

/* "1,200" as 1200. */
static struct ratio read_answer(const char *text)
{
    char plain[64];
    size_t n = 0;
    for (; *text != '\0' && n + 1 < sizeof plain; text++)
        if (!strchr(", $", *text))
            plain[n++] = *text;
    plain[n] = '\0';
    const char *end;
    struct ratio value = ratio_parse(plain, &end);
    return *end == '\0' ? value : (struct ratio){0, 0};
}

static void convert_row(const struct row *row, void *user)
{
    struct conversion *c = user;
    if (is_validation(c, ++c->at) != c->wants_validation)
        return;
    c->n_rows++;
    struct steps steps = {.n = 0};
    char answer[RATIO_BYTES];
    struct ratio value = read_answer(row->answer);
    bool is_number = ratio_has_value(value) && ratio_format(value, answer);
    bool is_exact = read_annotations(row->solution, &steps);
    bool leads = steps_lead_to(&steps, value);
    if (is_number && !leads) {
        struct steps found = {.n = 0};
        read_equations(row->solution, &found);
        if (steps_lead_to(&found, value)) {
            steps = found;
            is_exact = leads = true;
        }
    }
    c->n_no_number += !is_number;
    c->n_inexact += is_number && !is_exact;
    c->n_elsewhere += is_number && is_exact && !leads;
    bool is_good = is_number && is_exact && leads;
    if (!is_good && !c->wants_validation)
        return;
    if (!is_good)
        steps.n = 0; /* a question to be evaluated on needs no steps */
    write_row(c->out, row->id, row->question, is_number ? answer : row->answer, &steps,
              c->set->name);
    c->n_written++;
}

int cmd_convert(int argc, char **argv)
{
    const char *set = NULL;
    const char *split = "train";
    const struct option options[] = {{"--set", &set, 1}, {"--split", &split, 1}};
    if (parse_options(argc, argv, options, sizeof options / sizeof options[0]) != 1)
        die(EXIT_USAGE, "convert wants one file");
    struct conversion c = {.out = open_output()};
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
        if (set && strcmp(set, sets[i].name) == 0)
            c.set = &sets[i];
    if (!c.set)
        die(EXIT_USAGE, "--set wants gsm8k or mawps");
    if (strcmp(split, "train") != 0 && strcmp(split, "valid") != 0)
        die(EXIT_USAGE, "--split wants train or valid, not \"%s\"", split);
    c.wants_validation = split[0] == 'v';
    read_rows(argv[0], count_row, &c);
    read_rows(argv[0], convert_row, &c);
    close_output(c.out);
    fprintf(stderr,
            "%s %s: %d rows, %d written; without exact steps: %d; steps that do not lead to the "
            "answer: %d; no plain number as answer: %d\n",
            c.set->name, split, c.n_rows, c.n_written, c.n_inexact, c.n_elsewhere, c.n_no_number);
    return 0;
}
