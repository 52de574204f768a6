/* SPDX-License-Identifier: Apache-2.0
 * adapt.c - what adapters add to a pass, phase by phase (forward.h); a run's arithmetic is lora.c's. */
#include "decode/forward.h"

static const struct pd_lora_matrix *adapted(const struct pd_lora_run *run, int layer,
                                            enum pd_layer_tensor which)
{
    return &run->lora->layer[layer].matrix[which];
}

void pd_adapt_add(const struct pd_decoder *d, int layer, enum pd_layer_tensor which, int from,
                  int to, float *out, int stride, int thread)
{
    const struct pd_lora_pass *pass = &d->low_rank;
    for (int i = 0; i < pass->n_runs; i++) {
        const struct pd_lora_run *run = &pass->run[i];
        const struct pd_lora_matrix *m = adapted(run, layer, which);
        if (m->rank > 0)
            pd_lora_add(pass, m, run, pd_lora_slot(which), run->first, run->n, from, to, out,
                        stride, thread);
    }
}

/* The part of a run that lies in rows [begin, end); false: nothing does. */
static bool clip(const struct pd_lora_run *run, int begin, int end, int *row_ret, int *n_ret)
{
    *row_ret = pd_max_int(run->first, begin);
    *n_ret = pd_min_int(run->first + run->n, end) - *row_ret;
    return *n_ret > 0;
}

void pd_adapt_projection(const struct pd_decoder *d, int layer, enum pd_layer_tensor which,
                         int begin, int end, int thread)
{
    const struct pd_lora_pass *pass = &d->low_rank;
    int row, n, slot = pd_lora_slot(which);
    for (int i = 0; i < pass->n_runs; i++) {
        const struct pd_lora_run *run = &pass->run[i];
        const struct pd_lora_matrix *m = adapted(run, layer, which);
        if (m->rank == 0 || !clip(run, begin, end, &row, &n))
            continue;
        pd_lora_finish(pass, m, run, slot, row, n);
        pd_lora_add(pass, m, run, slot, row, n, 0, m->b.n_panels, d->projection, d->embd_stride,
                    thread);
    }
}

void pd_adapt_begin(const struct pd_decoder *d, int layer, const enum pd_layer_tensor *which,
                    int n_which, int begin, int end)
{
    const struct pd_lora_pass *pass = &d->low_rank;
    int row, n;
    for (int i = 0; i < pass->n_runs; i++) {
        const struct pd_lora_run *run = &pass->run[i];
        for (int k = 0; clip(run, begin, end, &row, &n) && k < n_which; k++) {
            const struct pd_lora_matrix *m = adapted(run, layer, which[k]);
            int slot = pd_lora_slot(which[k]);
            if (m->rank == 0)
                continue;
            struct pd_act act = pd_act_from(&d->act, row, m->a.cols);
            float *t = pd_lora_t(pass, run, slot) + (size_t)(row - run->first) * (size_t)m->padded;
            d->kernels->matmul[m->a.format](m->a.panels, m->a.n_panels, m->a.cols, &act, n, t,
                                            (size_t)m->padded);
            pd_lora_finish(pass, m, run, slot, row, n);
        }
    }
}
