/* SPDX-License-Identifier: Apache-2.0
 * curve.c - see curve.h. */
#define _POSIX_C_SOURCE 200809L
#include "curve.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "replace.h"

enum { WIDTH = 800, HEIGHT = 400, LEFT = 60, RIGHT = 20, TOP = 20, BOTTOM = 40, POINTS = 600 };

struct point {
    double tokens, loss, eval; /* eval: not a number where none was measured */
};

struct curve {
    struct point *point;
    int n, capacity;
    double most_tokens, low, high;
};

static void read_point(struct curve *c, const char *line)
{
    double column[6] = {0};
    for (int i = 0; i < 6; i++) {
        char *end;
        column[i] = strtod(line, &end);
        if (end == line)
            column[i] = NAN;
        line = strchr(end, ',');
        if (line++ == NULL)
            return;
    }
    if (c->n == c->capacity) {
        c->capacity = 2 * c->capacity + 1024;
        c->point = tr_grow(c->point, (size_t)c->capacity, sizeof *c->point);
    }
    c->point[c->n++] = (struct point){column[1], column[4], column[5]};
}

static void find_range(struct curve *c)
{
    c->low = INFINITY;
    for (int i = 0; i < c->n; i++) {
        const struct point *p = &c->point[i];
        c->most_tokens = fmax(c->most_tokens, p->tokens);
        c->low = fmin(c->low, fmin(p->loss, p->eval)); /* passes over what is no number */
        c->high = fmax(c->high, fmax(p->loss, p->eval));
    }
    if (!isfinite(c->low) || !isfinite(c->high) || c->high <= c->low) {
        c->low = isfinite(c->low) ? c->low : 0;
        c->high = c->low + 1;
    }
    if (c->most_tokens <= 0)
        c->most_tokens = 1;
}

static double across(const struct curve *c, double tokens)
{
    return LEFT + (WIDTH - LEFT - RIGHT) * tokens / c->most_tokens;
}

/* Losses fall fast and then slowly: a logarithmic scale, where they are above zero. */
static double down(const struct curve *c, double loss)
{
    bool is_log = c->low > 0;
    double at =
        is_log ? log(loss / c->low) / log(c->high / c->low) : (loss - c->low) / (c->high - c->low);
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * at;
}

static void draw_line(FILE *svg, const struct curve *c, bool is_smooth)
{
    double mean = NAN;
    fprintf(svg, "<polyline fill='none' stroke='%s' stroke-width='%s' points='",
            is_smooth ? "#1f5fa8" : "#b9cfe8", is_smooth ? "2" : "1");
    int every = c->n / POINTS + 1;
    for (int i = 0; i < c->n; i++) {
        double loss = c->point[i].loss, keep = 1 - 1.0 / (1 + c->n / 50);
        mean = isnan(mean) ? loss : keep * mean + (1 - keep) * loss;
        if (i % every == 0 || i == c->n - 1)
            fprintf(svg, "%.1f,%.1f ", across(c, c->point[i].tokens),
                    down(c, is_smooth ? mean : loss));
    }
    fputs("'/>\n", svg);
}

static void draw_evals(FILE *svg, const struct curve *c)
{
    fputs("<polyline fill='none' stroke='#b8432f' stroke-width='2' points='", svg);
    for (int i = 0; i < c->n; i++)
        if (!isnan(c->point[i].eval))
            fprintf(svg, "%.1f,%.1f ", across(c, c->point[i].tokens), down(c, c->point[i].eval));
    fputs("'/>\n", svg);
}

static void draw_axes(FILE *svg, const struct curve *c)
{
    enum { TICKS = 5 };
    for (int i = 0; i <= TICKS; i++) {
        double part = (double)i / TICKS, tokens = part * c->most_tokens;
        double loss =
            c->low > 0 ? c->low * pow(c->high / c->low, part) : c->low + part * (c->high - c->low);
        fprintf(svg, "<line x1='%d' x2='%d' y1='%.1f' y2='%.1f' stroke='#ddd'/>\n", LEFT,
                WIDTH - RIGHT, down(c, loss), down(c, loss));
        fprintf(svg, "<text x='%d' y='%.1f' text-anchor='end'>%.3g</text>\n", LEFT - 6,
                down(c, loss) + 4, loss);
        fprintf(svg, "<text x='%.1f' y='%d' text-anchor='middle'>%.3gM</text>\n", across(c, tokens),
                HEIGHT - BOTTOM + 18, tokens / 1e6);
    }
    fprintf(svg, "<text x='%d' y='%d' text-anchor='end'>tokens</text>\n", WIDTH - RIGHT,
            HEIGHT - 6);
    fprintf(svg,
            "<text x='%d' y='%d' text-anchor='end' fill='#1f5fa8'>training loss</text>\n"
            "<text x='%d' y='%d' text-anchor='end' fill='#b8432f'>held out</text>\n",
            WIDTH - RIGHT, TOP, WIDTH - RIGHT, TOP + 16);
}

enum ponder_status tr_curve_draw(const char *csv, const char *svg, const struct pd_error *err)
{
    struct curve c = {.high = -INFINITY};
    struct replacement r;
    char *line = NULL;
    size_t capacity = 0;
    FILE *file = fopen(csv, "rb");
    if (file == NULL)
        return pd_fail(err, PONDER_NO_FILE, "%s: %s", csv, strerror(errno));
    while (getline(&line, &capacity, file) >= 0)
        if (line[0] >= '0' && line[0] <= '9')
            read_point(&c, line);
    free(line);
    fclose(file);
    find_range(&c);
    enum ponder_status status = replace_begin(&r, svg, err);
    if (status == PONDER_OK) {
        fprintf(r.file,
                "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' "
                "font-family='sans-serif' font-size='12'>\n"
                "<rect width='100%%' height='100%%' fill='white'/>\n",
                WIDTH, HEIGHT);
        draw_axes(r.file, &c);
        draw_line(r.file, &c, false);
        draw_line(r.file, &c, true);
        draw_evals(r.file, &c);
        fputs("</svg>\n", r.file);
        status = replace_end(&r, err);
    }
    free(c.point);
    return status;
}
