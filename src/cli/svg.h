/* SPDX-License-Identifier: Apache-2.0
 * svg.h - pictures as SVG: shapes, text, scales with round ticks. Text is escaped; whatever is called `style` is written
 * as it is, as attributes. */
#ifndef CLI_SVG_H
#define CLI_SVG_H

#include <stdbool.h>
#include <stdio.h>

struct svg_point {
    double x, y;
};

struct svg_box {
    double left, top, right, bottom;
};

/* From values to places along an axis. */
struct svg_scale {
    double low, high; /* values, low < high; above 0 where it is logarithmic */
    double from, to;  /* their places */
    bool is_log;
};

enum { SVG_MAX_TICKS = 24 };

/* A colour for the i-th of several things, told apart by most eyes (Okabe and Ito 2008). */
const char *svg_color(int i);

void svg_begin(FILE *file, int width, int height, const char *title);
void svg_end(FILE *file);
void svg_line(FILE *file, double x1, double y1, double x2, double y2, const char *style);
void svg_path(FILE *file, const struct svg_point *points, int n, bool is_closed, const char *style);
/* title: shown where the pointer rests; or NULL. */
void svg_rect(FILE *file, struct svg_box box, const char *style, const char *title);
void svg_circle(FILE *file, double x, double y, double radius, const char *style,
                const char *title);
void svg_text(FILE *file, double x, double y, const char *style, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

double svg_at(const struct svg_scale *scale, double value);
/* Round values within the scale, about as many as there is room for at `room` places each. Returns how many. */
int svg_ticks(const struct svg_scale *scale, double room, double ticks_ret[SVG_MAX_TICKS]);

/* A frame with a title above and grid lines, and with tick labels that label() writes; either label() may be NULL for an
 * axis without. */
struct svg_axes {
    struct svg_box box;
    struct svg_scale x, y;
    const char *title, *x_name, *y_name; /* or NULL */
    double x_room, y_room;               /* of a tick */
    void (*x_label)(double value, char text[24]);
    void (*y_label)(double value, char text[24]);
};
void svg_axes(FILE *file, const struct svg_axes *axes);

#endif
