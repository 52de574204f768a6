/* SPDX-License-Identifier: Apache-2.0
 * bench_kernels.c [WORD] - how fast every kernel of every instruction set of this CPU is, on one thread, with
 * all data in the cache; only the lines that contain WORD, if given. `make check` runs it once
 * tests/kernels/test_kernels has shown that all of them compute the same. Best of many repetitions; "="
 * where an instruction set takes the kernel of the one before it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/kernels.h"
#include "base/base.h"
#include "base/os.h"
#include "quant/block.h"
#include "tests/kernels/levels.h"
#include "tests/support/weights.h"

enum { MAX_ROWS = 16, MAX_N = 16384, REPETITIONS = 12, SAMPLE_NS = 250000 };

static struct pd_kernels level[LEVELS_MAX];
static int n_levels;

/* What all kernels but matmul are fed with. */
static float x[MAX_N], y[MAX_N], out[MAX_N];
static uint16_t page[PD_KV_PAGE * 256];
static int8_t quants[MAX_N];
static float d[MAX_N / PD_BLOCK], dsum[MAX_N / PD_BLOCK];
static int32_t sum16[MAX_N / 16];

struct shape {
    int n; /* elements; head_dim in attention */
    int queries;
};

typedef void call_fn(const struct pd_kernels *k, struct shape shape);

static int64_t time_calls(call_fn *call, const struct pd_kernels *k, struct shape shape, int n)
{
    int64_t start = pd_clock_ns();
    for (int i = 0; i < n; i++)
        call(k, shape);
    return pd_clock_ns() - start;
}

/* Nanoseconds of one call: the best of many, each long enough for the clock. */
static double best_ns(call_fn *call, const struct pd_kernels *k, struct shape shape)
{
    int n = 1;
    while (n < 1 << 20 && time_calls(call, k, shape, n) < SAMPLE_NS)
        n *= 2;
    int64_t best = INT64_MAX;
    for (int i = 0; i < REPETITIONS; i++) {
        int64_t ns = time_calls(call, k, shape, n);
        best = ns < best ? ns : best;
    }
    return (double)best / n;
}

/* ---- matrices ---- */

static struct {
    enum pd_format_id format;
    int rows, k;
    uint8_t *panels[LEVELS_MAX];
    struct pd_act act;
    float *y;
} product;

static void call_matmul(const struct pd_kernels *k, struct shape shape)
{
    int R = k->panel_rows;
    k->matmul[product.format](product.panels[k - level], product.rows / R, product.k, &product.act,
                              shape.queries, product.y, (size_t)product.rows);
}

static void *allocate(size_t bytes)
{
    void *block = malloc(bytes);
    if (block == NULL) {
        fprintf(stderr, "bench_kernels: out of memory\n");
        exit(1);
    }
    return block;
}

static void make_product(const struct pd_format *format, int rows, int k)
{
    size_t n = (size_t)MAX_ROWS * (size_t)k;
    uint64_t seed = 1;
    uint8_t *weights = weights_new(format, rows, k, 1);
    size_t n_bytes;
    product.format = format->id;
    product.rows = rows;
    product.k = k;
    for (int l = 0; l < n_levels; l++)
        product.panels[l] = weights_pack(format, weights, rows, k, level[l].panel_rows, &n_bytes);
    free(weights);
    struct pd_act *act = &product.act;
    *act = (struct pd_act){allocate(n * sizeof(float)), allocate(n), allocate(n / 8),
                           allocate(n / 8), allocate(n / 4)};
    product.y = allocate(sizeof(float) * (size_t)(MAX_ROWS * rows));
    for (size_t i = 0; i < n; i++)
        act->x[i] = weights_number(&seed);
    for (size_t i = 0; i < MAX_ROWS; i++) {
        size_t block = i * (size_t)(k / PD_BLOCK);
        level[0].quantise(act->x + i * (size_t)k, k, act->q + i * (size_t)k, act->d + block,
                          act->dsum + block, act->sum16 + 2 * block);
    }
}

static void free_product(void)
{
    for (int l = 0; l < n_levels; l++)
        free(product.panels[l]);
    free(product.act.x);
    free(product.act.q);
    free(product.act.d);
    free(product.act.dsum);
    free(product.act.sum16);
    free(product.y);
}

static void print_levels(const char *title, int width)
{
    printf("\n%-30s", title);
    for (int l = 0; l < n_levels; l++)
        printf(" %*s", width, level[l].isa);
    printf("\n");
}

/* Outputs and inputs of the layers of SmolLM2 135M and Gemma 3 270M; superblocks need multiples of 256. */
static void bench_matmuls(const char *word)
{
    static const int shapes[][2] = {{1536, 576}, {2048, 640}, {640, 2048}};
    static const int n_rows[] = {1, 2, 4, 8, 16};
    print_levels("matmul                  GMAC/s", 8);
    for (int f = 0; f < PD_FORMATS; f++) {
        const struct pd_format *format = pd_format_get((enum pd_format_id)f);
        for (size_t s = 0; s < PD_COUNT(shapes); s++) {
            int rows = shapes[s][0], k = shapes[s][1];
            if ((s == 2) != (format->block_elements == 256) || (s == 1 && !format->is_quantised))
                continue;
            bool is_made = false;
            for (size_t i = 0; i < PD_COUNT(n_rows); i++) {
                char name[64];
                snprintf(name, sizeof name, "%s %dx%d, %d row%s", format->name, rows, k, n_rows[i],
                         n_rows[i] == 1 ? "" : "s");
                if (strstr(name, word) == NULL && strcmp(word, "matmul") != 0)
                    continue;
                if (!is_made)
                    make_product(format, rows, k);
                is_made = true;
                printf("%-30s", name);
                for (int l = 0; l < n_levels; l++) {
                    if (l > 0 && level[l].matmul[f] == level[l - 1].matmul[f]) {
                        printf(" %8s", "=");
                        continue;
                    }
                    double ns = best_ns(call_matmul, &level[l], (struct shape){k, n_rows[i]});
                    printf(" %8.1f", (double)n_rows[i] * rows * k / ns);
                }
                printf("\n");
                fflush(stdout);
            }
            if (is_made)
                free_product();
        }
    }
}

/* ---- vectors ---- */

static volatile float sink;

static void call_quantise(const struct pd_kernels *k, struct shape s)
{
    k->quantise(x, s.n, quants, d, dsum, sum16);
}

static void call_rms_norm(const struct pd_kernels *k, struct shape s)
{
    k->rms_norm(out, x, y, s.n, 1e-5f);
}

static void call_add(const struct pd_kernels *k, struct shape s)
{
    k->add(out, y, s.n);
}

static void call_scale(const struct pd_kernels *k, struct shape s)
{
    k->scale(out, 1.0f, s.n);
}

static void call_silu_mul(const struct pd_kernels *k, struct shape s)
{
    k->silu_mul(out, y, s.n);
}

static void call_gelu_mul(const struct pd_kernels *k, struct shape s)
{
    k->gelu_mul(out, y, s.n);
}

static void call_rope(const struct pd_kernels *k, struct shape s)
{
    k->rope(out, y, s.n / 2);
}

static void call_rope_neox(const struct pd_kernels *k, struct shape s)
{
    k->rope_neox(out, y, s.n / 2);
}

static void call_store_key(const struct pd_kernels *k, struct shape s)
{
    k->store_key(page, 3, x, s.n);
}

static void call_store_value(const struct pd_kernels *k, struct shape s)
{
    k->store_value(page, 3, x, s.n);
}

static void call_attn_scores(const struct pd_kernels *k, struct shape s)
{
    k->attn_scores(page, x, s.n, s.queries, out, PD_KV_PAGE);
}

static void call_attn_values(const struct pd_kernels *k, struct shape s)
{
    k->attn_values(page, y, PD_KV_PAGE, 0, PD_KV_PAGE, s.n, s.queries, out);
}

static void call_softmax(const struct pd_kernels *k, struct shape s)
{
    sink = k->softmax(out, 0, s.n);
}

static void call_max(const struct pd_kernels *k, struct shape s)
{
    sink = k->max(x, s.n);
}

static void call_exp_sum(const struct pd_kernels *k, struct shape s)
{
    sink = k->exp_sum(x, s.n, 1.0f, 0.7f);
}

#define SLOT(name) #name, offsetof(struct pd_kernels, name), call_##name

static const struct {
    const char *name;
    size_t offset; /* of the function pointer in the table */
    call_fn *call;
    struct shape shape;
    float y; /* what fills y; 0: numbers. See fill() */
} slots[] = {
    {SLOT(quantise), {576, 0}, 0},      {SLOT(rms_norm), {576, 0}, 0},
    {SLOT(add), {576, 0}, 0},           {SLOT(scale), {576, 0}, 0},
    {SLOT(silu_mul), {1536, 0}, 3.7f},  {SLOT(gelu_mul), {2048, 0}, 6.3f},
    {SLOT(rope), {64, 0}, 0.70710678f}, {SLOT(rope_neox), {256, 0}, 0.70710678f},
    {SLOT(store_key), {64, 0}, 0},      {SLOT(store_key), {256, 0}, 0},
    {SLOT(store_value), {64, 0}, 0},    {SLOT(store_value), {256, 0}, 0},
    {SLOT(attn_scores), {64, 3}, 0},    {SLOT(attn_scores), {64, 48}, 0},
    {SLOT(attn_scores), {256, 4}, 0},   {SLOT(attn_scores), {256, 64}, 0},
    {SLOT(attn_values), {64, 3}, 0},    {SLOT(attn_values), {64, 48}, 0},
    {SLOT(attn_values), {256, 4}, 0},   {SLOT(attn_values), {256, 64}, 0},
    {SLOT(softmax), {640, 0}, 0},       {SLOT(max), {8192, 0}, 0},
    {SLOT(exp_sum), {8192, 0}, 0},
};

/* Kernels work in place, call after call: their numbers must neither vanish nor overflow. silu and gelu make
 * about -1 of -1 again, given the right factor; rotations turn by 45 degrees. */
static void fill(float y_value)
{
    uint64_t seed = 7;
    for (int i = 0; i < MAX_N; i++) {
        x[i] = weights_number(&seed);
        y[i] = weights_number(&seed) * 0.01f;
        if (y_value != 0.0f)
            y[i] = y_value;
        out[i] = -1.0f;
    }
    for (int t = 0; t < PD_KV_PAGE; t++)
        level[0].store_value(page, t, x + 256 * t, 256);
}

static bool is_inherited(int l, size_t slot)
{
    const char *here = (const char *)&level[l] + slot;
    const char *before = (const char *)&level[l - 1] + slot;
    return memcmp(here, before, sizeof(void (*)(void))) == 0;
}

static void bench_vectors(const char *word)
{
    print_levels("ns a call (elements/ns)", 18);
    for (size_t i = 0; i < PD_COUNT(slots); i++) {
        struct shape shape = slots[i].shape;
        char name[64];
        double n = shape.n;
        snprintf(name, sizeof name, "%s %d", slots[i].name, shape.n);
        if (shape.queries > 0) {
            n *= PD_KV_PAGE * shape.queries;
            snprintf(name, sizeof name, "%s %d, %d queries", slots[i].name, shape.n, shape.queries);
        }
        if (strstr(name, word) == NULL)
            continue;
        printf("%-30s", name);
        for (int l = 0; l < n_levels; l++) {
            if (l > 0 && is_inherited(l, slots[i].offset)) {
                printf(" %18s", "=");
                continue;
            }
            fill(slots[i].y);
            double ns = best_ns(slots[i].call, &level[l], shape);
            printf(" %10.1f (%5.1f)", ns, n / ns);
        }
        printf("\n");
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    n_levels = levels_find(level);
    bench_matmuls(word);
    bench_vectors(word);
    return 0;
}
