/* SPDX-License-Identifier: Apache-2.0
 * svg.c - see svg.h. */
#include "cli/svg.h"

#include <stdarg.h>

#include "base/real.h"

const char *svg_color(int i)
{
    static const char *const colors[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                         "#e69f00", "#56b4e9", "#555555", "#8a6d3b"};
    return colors[i % (int)(sizeof colors / sizeof colors[0])];
}

static void put_escaped(FILE *file, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '<')
            fputs("&lt;", file);
        else if (*text == '&')
            fputs("&amp;", file);
        else
            putc(*text, file);
    }
}

static void put_title(FILE *file, const char *name, const char *title)
{
    if (!title) {
        fputs("/>\n", file);
        return;
    }
    fputs("><title>", file);
    put_escaped(file, title);
    fprintf(file, "</title></%s>\n", name);
}

void svg_begin(FILE *file, int width, int height, const char *title)
{
    fprintf(
        file,
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %d %d' width='%d' height='%d' "
        "font-family='system-ui,Helvetica,Arial,sans-serif' font-size='13' fill='#222'>\n<title>",
        width, height, width, height);
    put_escaped(file, title);
    fprintf(file, "</title>\n<rect width='%d' height='%d' fill='#fff'/>\n", width, height);
}

void svg_end(FILE *file)
{
    fputs("</svg>\n", file);
}

void svg_line(FILE *file, double x1, double y1, double x2, double y2, const char *style)
{
    fprintf(file, "<line x1='%.1f' y1='%.1f' x2='%.1f' y2='%.1f' %s/>\n", x1, y1, x2, y2, style);
}

void svg_path(FILE *file, const struct svg_point *points, int n, bool is_closed, const char *style)
{
    fprintf(file, "<path %s d='", style);
    for (int i = 0; i < n; i++)
        fprintf(file, "%c%.1f %.1f", i > 0 ? 'L' : 'M', points[i].x, points[i].y);
    fputs(is_closed ? "Z'/>\n" : "'/>\n", file);
}

void svg_rect(FILE *file, struct svg_box box, const char *style, const char *title)
{
    fprintf(file, "<rect x='%.1f' y='%.1f' width='%.1f' height='%.1f' %s", box.left, box.top,
            box.right - box.left, box.bottom - box.top, style);
    put_title(file, "rect", title);
}

void svg_circle(FILE *file, double x, double y, double radius, const char *style, const char *title)
{
    fprintf(file, "<circle cx='%.1f' cy='%.1f' r='%.1f' %s", x, y, radius, style);
    put_title(file, "circle", title);
}

void svg_text(FILE *file, double x, double y, const char *style, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fprintf(file, "<text x='%.1f' y='%.1f' %s>", x, y, style);
    put_escaped(file, text);
    fputs("</text>\n", file);
}

double svg_at(const struct svg_scale *scale, double value)
{
    double part = scale->is_log
                      ? pd_real_log(value / scale->low) / pd_real_log(scale->high / scale->low)
                      : (value - scale->low) / (scale->high - scale->low);
    return scale->from + part * (scale->to - scale->from);
}

static double power_of_ten(int exponent)
{
    double power = 1;
    for (; exponent > 0; exponent--)
        power *= 10;
    for (; exponent < 0; exponent++)
        power /= 10;
    return power;
}

static const double mantissas[] = {1, 2, 5};

/* 1, 2, 5, 10, 20, ... or, where those stand too close, 1, 10, 100, ... */
static int log_ticks(const struct svg_scale *scale, double room, double ticks_ret[SVG_MAX_TICKS])
{
    int n = 0;
    double length = scale->to > scale->from ? scale->to - scale->from : scale->from - scale->to;
    double decades = pd_real_log(scale->high / scale->low) / pd_real_log(10);
    int n_mantissas = 3 * decades * room <= length ? 3 : 1;
    for (int exponent = -9; exponent <= 12; exponent++)
        for (int i = 0; i < n_mantissas; i++) {
            double value = mantissas[i] * power_of_ten(exponent);
            if (value >= scale->low * (1 - 1e-9) && value <= scale->high * (1 + 1e-9) &&
                n < SVG_MAX_TICKS)
                ticks_ret[n++] = value;
        }
    return n;
}

int svg_ticks(const struct svg_scale *scale, double room, double ticks_ret[SVG_MAX_TICKS])
{
    if (scale->is_log)
        return log_ticks(scale, room, ticks_ret);
    double length = scale->to > scale->from ? scale->to - scale->from : scale->from - scale->to;
    double least = (scale->high - scale->low) * room / length;
    double step = 0;
    for (int i = 0; i < 3 * 16 && step < least; i++)
        step = mantissas[i % 3] * power_of_ten(i / 3 - 6);
    int n = 0;
    for (double k = (double)(long)(scale->low / step); n < SVG_MAX_TICKS; k++) {
        if (k * step > scale->high + step * 1e-6)
            break;
        if (k * step >= scale->low - step * 1e-6)
            ticks_ret[n++] = k * step;
    }
    return n;
}

static void draw_x(FILE *file, const struct svg_axes *axes)
{
    double ticks[SVG_MAX_TICKS];
    int n = svg_ticks(&axes->x, axes->x_room, ticks);
    for (int i = 0; i < n; i++) {
        char text[24];
        double x = svg_at(&axes->x, ticks[i]);
        svg_line(file, x, axes->box.top, x, axes->box.bottom, "stroke='#e6e6e6'");
        if (!axes->x_label)
            continue;
        axes->x_label(ticks[i], text);
        svg_text(file, x, axes->box.bottom + 18, "text-anchor='middle'", "%s", text);
    }
    if (axes->x_name)
        svg_text(file, (axes->box.left + axes->box.right) / 2, axes->box.bottom + 40,
                 "text-anchor='middle'", "%s", axes->x_name);
}

static void draw_y(FILE *file, const struct svg_axes *axes)
{
    double ticks[SVG_MAX_TICKS];
    int n = svg_ticks(&axes->y, axes->y_room, ticks);
    for (int i = 0; i < n; i++) {
        char text[24];
        double y = svg_at(&axes->y, ticks[i]);
        svg_line(file, axes->box.left, y, axes->box.right, y, "stroke='#e6e6e6'");
        if (!axes->y_label)
            continue;
        axes->y_label(ticks[i], text);
        svg_text(file, axes->box.left - 8, y + 4.5, "text-anchor='end'", "%s", text);
    }
    if (axes->y_name) {
        char turned[80];
        double y = (axes->box.top + axes->box.bottom) / 2;
        snprintf(turned, sizeof turned, "text-anchor='middle' transform='rotate(-90 16 %.1f)'", y);
        svg_text(file, 16, y, turned, "%s", axes->y_name);
    }
}

void svg_axes(FILE *file, const struct svg_axes *axes)
{
    draw_x(file, axes);
    draw_y(file, axes);
    svg_line(file, axes->box.left, axes->box.bottom, axes->box.right, axes->box.bottom,
             "stroke='#666'");
    svg_line(file, axes->box.left, axes->box.top, axes->box.left, axes->box.bottom,
             "stroke='#666'");
    if (axes->title)
        svg_text(file, axes->box.left, axes->box.top - 10, "font-weight='600'", "%s", axes->title);
}
