/* SPDX-License-Identifier: Apache-2.0
 * encode_search.c - scales of a block by search: least sum of importance * error^2.
 *
 * For given quants the best step and offset are a weighted regression of x on q; for a given grid the best quants are
 * the nearest ones. From a row of starts, each with the range narrowed by another share, the two are done in turn, and
 * what comes out is rounded to what the format can store and judged by its exact error. */
#include "quant/encode_block.h"

/* On normal numbers twice the starts would take 0.3% off a 4-bit error, half as many add 0.6%; one turn adds 2% where
 * there are offsets. */
enum { N_STARTS = 14, N_TURNS = 2 };

/* Share of the range that start i takes: beyond 1 for ranges that the offset end makes too short, and down to
 * where clipping the outermost elements no longer pays. */
static float share_of(int start)
{
    return 1.06f - 0.04f * (float)start;
}

/* Elements of a part and their weights. */
struct sample {
    const float *x, *w;
    int n; /* a multiple of LANES */
};

/* Sums are kept in so many parts, that compilers make vectors of them. */
enum { LANES = 16 };

static float sum_of(const float lane[LANES])
{
    float sum = 0.0f;
    for (int i = 0; i < LANES; i++)
        sum += lane[i];
    return sum;
}

/* pd_grid_round() without branches, and with a multiplication in the place of the division: quants on the edge
 * between two may differ, which costs nothing. */
struct rounder {
    float inverse, offset, bias, span, low;
};

static struct rounder rounder_of(const struct pd_coding *coding, struct pd_grid grid)
{
    return (struct rounder){grid.step != 0.0f ? 1.0f / grid.step : 0.0f, grid.offset,
                            0.5f - (float)coding->low, (float)(coding->high - coding->low) + 0.5f,
                            (float)coding->low};
}

static inline float quant_of(struct rounder r, float x)
{
    float steps = (x - r.offset) * r.inverse + r.bias;
    steps = steps > 0.0f ? steps : 0.0f;
    steps = steps < r.span ? steps : r.span;
    return (float)(int)steps + r.low;
}

static double error_of(const struct pd_coding *coding, struct pd_grid grid, const struct sample *s)
{
    struct rounder r = rounder_of(coding, grid);
    float sum[LANES] = {0.0f};
    for (int i = 0; i < s->n; i += LANES) {
        const float *x = s->x + i;
        const float *w = s->w + i;
        for (int k = 0; k < LANES; k++) {
            float error = grid.step * quant_of(r, x[k]) + grid.offset - x[k];
            sum[k] += w[k] * error * error;
        }
    }
    return (double)sum_of(sum);
}

/* Sums for the regression of x on the quants that a grid gives. */
struct sums {
    float w, x, q, qq, qx;
};

static struct sums sums_of(const struct pd_coding *coding, struct pd_grid grid,
                           const struct sample *s)
{
    struct rounder r = rounder_of(coding, grid);
    float sw[LANES] = {0.0f}, sx[LANES] = {0.0f}, sq[LANES] = {0.0f};
    float sqq[LANES] = {0.0f}, sqx[LANES] = {0.0f};
    for (int i = 0; i < s->n; i += LANES) {
        const float *x = s->x + i;
        const float *w = s->w + i;
        for (int k = 0; k < LANES; k++) {
            float q = quant_of(r, x[k]);
            sw[k] += w[k];
            sx[k] += w[k] * x[k];
            sq[k] += w[k] * q;
            sqq[k] += w[k] * q * q;
            sqx[k] += w[k] * q * x[k];
        }
    }
    return (struct sums){sum_of(sw), sum_of(sx), sum_of(sq), sum_of(sqq), sum_of(sqx)};
}

static bool has_offset(const struct pd_coding *coding)
{
    return coding->kind == PD_AFFINE || coding->kind == PD_K_AFFINE;
}

/* The grid that fits the quants of the one given best; the same where that is not determined. */
static struct pd_grid regression(const struct pd_coding *coding, struct pd_grid grid,
                                 const struct sample *s)
{
    struct sums sums = sums_of(coding, grid, s);
    if (has_offset(coding)) {
        float determinant = sums.w * sums.qq - sums.q * sums.q;
        if (determinant > 1e-6f * sums.w * sums.qq) {
            float step = (sums.w * sums.qx - sums.q * sums.x) / determinant;
            float offset = (sums.x - step * sums.q) / sums.w;
            if (step > 0.0f && (coding->kind == PD_AFFINE || offset <= 0.0f))
                return (struct pd_grid){step, offset};
        }
        if (coding->kind == PD_AFFINE)
            return grid;
    }
    /* Through 0: symmetric, or an offset that would have to be positive. */
    if (!(sums.qq > 0.0f) || sums.qx == 0.0f)
        return grid;
    return (struct pd_grid){sums.qx / sums.qq, 0.0f};
}

static void keep_better(const struct pd_coding *coding, struct pd_grid grid, const struct sample *s,
                        struct pd_grid *best, double *best_error)
{
    double error = error_of(coding, grid, s);
    if (error < *best_error) {
        *best = grid;
        *best_error = error;
    }
}

/* The best grid in real numbers. */
static struct pd_grid search_grid(const struct pd_coding *coding, const struct sample *s)
{
    float min = 0.0f;
    float max = 0.0f;
    if (coding->kind == PD_AFFINE)
        min = max = s->x[0];
    for (int i = 0; i < s->n; i++) {
        min = s->x[i] < min ? s->x[i] : min;
        max = s->x[i] > max ? s->x[i] : max;
    }
    struct pd_grid best = {0.0f, has_offset(coding) ? min : 0.0f};
    double best_error = error_of(coding, best, s);
    float ends[2] = {max / (float)coding->high - min / (float)coding->high, 0.0f};
    int n_ends = 1;
    if (!has_offset(
            coding)) { /* either end of the quants may be at the element of largest magnitude */
        float extreme = max > -min ? max : min;
        ends[0] = extreme / (float)coding->low;
        ends[1] = extreme / (float)coding->high;
        n_ends = coding->low == -coding->high ? 1 : 2;
    }
    for (int start = 0; start < n_ends * N_STARTS; start++) {
        float share = share_of(start / n_ends);
        struct pd_grid grid = {ends[start % n_ends] * share, 0.0f};
        if (has_offset(coding))
            grid.offset = min + (max - min) * (1.0f - share) / 2.0f;
        if (coding->kind == PD_K_AFFINE && grid.offset > 0.0f)
            grid.offset = 0.0f;
        for (int turn = 0; turn < N_TURNS && grid.step != 0.0f; turn++)
            grid = regression(coding, grid, s);
        keep_better(coding, grid, s, &best, &best_error);
    }
    return best;
}

/* ---- one scale a block ---- */

static void store_grid(const struct pd_coding *coding, struct pd_code *code, struct pd_grid grid)
{
    code->d = pd_code_half(grid.step);
    if (coding->kind == PD_AFFINE)
        code->m = pd_code_half(grid.offset);
}

/* ---- superblocks ---- */

static int scale_limit(const struct pd_coding *coding, bool is_low)
{
    if (coding->kind == PD_K_AFFINE)
        return is_low ? 0 : 63;
    return is_low ? -128 : 127;
}

/* The integers for a part that are best among those around the ones wanted. */
static double settle_part(const struct pd_coding *coding, struct pd_code *code, int part,
                          const struct sample *s, struct pd_grid want)
{
    int low = scale_limit(coding, true);
    int high = scale_limit(coding, false);
    float d = pd_f16_to_f32(code->d);
    float m = pd_f16_to_f32(code->m);
    int scale = pd_nearest(d != 0.0f ? want.step / d : 0.0f, low, high);
    int min = has_offset(coding) ? pd_nearest(m != 0.0f ? -want.offset / m : 0.0f, 0, 63) : 0;
    int reach = has_offset(coding) ? 1 : 0;
    struct pd_code best = *code;
    double best_error = -1.0;
    for (int i = scale - 1; i <= scale + 1; i++) {
        for (int j = min - reach; j <= min + reach; j++) {
            if (i < low || i > high || j < 0 || j > 63)
                continue;
            code->scale[part] = (int8_t)i;
            code->min[part] = (uint8_t)j;
            double error = error_of(coding, pd_code_grid(coding, code, part), s);
            if (best_error < 0.0 || error < best_error) {
                best.scale[part] = (int8_t)i;
                best.min[part] = (uint8_t)j;
                best_error = error;
            }
        }
    }
    code->scale[part] = best.scale[part];
    code->min[part] = best.min[part];
    return best_error;
}

/* Importance of a part whose elements are all alike. */
static const float alike[PD_BLOCK] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                      1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

static struct sample part_of(const struct pd_coding *coding, const float *x,
                             const float *importance, int part)
{
    int first = part * coding->part_elements;
    return (struct sample){x + first, importance ? importance + first : alike,
                           coding->part_elements};
}

/* d and m such that the largest step and minimum that are wanted can be written. */
static void set_units(const struct pd_coding *coding, struct pd_code *code,
                      const struct pd_grid *want)
{
    float largest = 0.0f; /* by magnitude, with its sign */
    float lowest = 0.0f;
    for (int j = 0; j < coding->n_parts; j++) {
        float magnitude = want[j].step < 0.0f ? -want[j].step : want[j].step;
        if (magnitude > (largest < 0.0f ? -largest : largest))
            largest = want[j].step;
        lowest = want[j].offset < lowest ? want[j].offset : lowest;
    }
    code->d = pd_code_half(coding->kind == PD_K_AFFINE ? largest / 63.0f : largest / -128.0f);
    code->m = pd_code_half(-lowest / 63.0f);
}

/* d and m again, by regression of x on scale * q and min with all integers as they are. */
static void refine_units(const struct pd_coding *coding, struct pd_code *code, const float *x,
                         const float *importance)
{
    double aa = 0.0, ab = 0.0, bb = 0.0, ax = 0.0, bx = 0.0;
    for (int part = 0; part < coding->n_parts; part++) {
        struct sample s = part_of(coding, x, importance, part);
        struct pd_grid grid = pd_code_grid(coding, code, part);
        double b = -(double)code->min[part];
        for (int i = 0; i < s.n; i++) {
            double a = (double)code->scale[part] * pd_grid_round(coding, grid, s.x[i]);
            double w = (double)s.w[i];
            aa += w * a * a;
            ab += w * a * b;
            bb += w * b * b;
            ax += w * a * (double)s.x[i];
            bx += w * b * (double)s.x[i];
        }
    }
    double determinant = aa * bb - ab * ab;
    if (has_offset(coding) && determinant > 1e-9 * aa * bb) {
        double d = (ax * bb - bx * ab) / determinant;
        double m = (bx * aa - ax * ab) / determinant;
        if (d > 0.0 && m > 0.0) {
            code->d = pd_code_half((float)d);
            code->m = pd_code_half((float)m);
        }
    } else if (!has_offset(coding) && aa > 0.0) {
        code->d = pd_code_half((float)(ax / aa));
    }
}

static double settle_parts(const struct pd_coding *coding, struct pd_code *code, const float *x,
                           const float *importance, const struct pd_grid *want)
{
    double error = 0.0;
    for (int part = 0; part < coding->n_parts; part++) {
        struct sample s = part_of(coding, x, importance, part);
        error += settle_part(coding, code, part, &s, want[part]);
    }
    return error;
}

static double code_error(const struct pd_coding *coding, const struct pd_code *code, const float *x,
                         const float *importance)
{
    double error = 0.0;
    for (int part = 0; part < coding->n_parts; part++) {
        struct sample s = part_of(coding, x, importance, part);
        error += error_of(coding, pd_code_grid(coding, code, part), &s);
    }
    return error;
}

/* The best of the extremes' grids, the wanted ones, and those with units refined. */
void pd_code_search(const struct pd_coding *coding, struct pd_code *code, const float *x,
                    const float *importance)
{
    struct pd_grid want[PD_MAX_PARTS];
    pd_code_span(coding, code, x);
    double best_error = code_error(coding, code, x, importance);
    for (int part = 0; part < coding->n_parts; part++) {
        struct sample s = part_of(coding, x, importance, part);
        want[part] = search_grid(coding, &s);
    }
    struct pd_code candidate = *code;
    if (coding->kind == PD_SYMMETRIC || coding->kind == PD_AFFINE) {
        store_grid(coding, &candidate, want[0]);
        if (code_error(coding, &candidate, x, importance) < best_error)
            *code = candidate;
    } else {
        set_units(coding, &candidate, want);
        for (int turn = 0; turn <= N_TURNS; turn++) {
            double error = settle_parts(coding, &candidate, x, importance, want);
            if (error < best_error) {
                best_error = error;
                *code = candidate;
            }
            if (turn < N_TURNS)
                refine_units(coding, &candidate, x, importance);
        }
    }
    pd_code_round(coding, code, x);
}

void pd_code_search_part(const struct pd_coding *coding, struct pd_code *code, int part,
                         const float *x, const float *importance)
{
    if (coding->kind == PD_SYMMETRIC || coding->kind == PD_AFFINE)
        return;
    struct sample s = part_of(coding, x, importance, 0);
    settle_part(coding, code, part, &s, search_grid(coding, &s));
}
