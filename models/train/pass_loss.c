/* SPDX-License-Identifier: Apache-2.0
 * pass_loss.c - what the model is trained for, at the rows that have a target or a label. */
#include <string.h>

#include "kept.h"

void tr_pass_logits(struct tr_pass *p, const float *hidden, int n, float *out)
{
    const struct tr_tensor *w = p->model->output;
    struct tr_shape shape = tr_packs_shape(w, n, p->level, p->words);
    tr_linear(shape, hidden, w->value, out, false);
    p->flops += 2.0 * n * w->cols * w->rows;
}

void tr_pass_begin_back(struct tr_pass *p, const struct tr_batch *b)
{
    memset(p->dx, 0, tr_area(b->n, p->model->hparams.n_embd) * sizeof *p->dx);
}

/* Rows with a target, one behind the other. */
static void gather(struct tr_pass *p, const struct tr_batch *b)
{
    size_t cols = (size_t)p->model->hparams.n_embd;
    for (int i = 0; i < b->n_targets; i++)
        memcpy(p->gathered + (size_t)i * cols, p->hidden + (size_t)b->target_row[i] * cols,
               cols * sizeof *p->hidden);
}

static void scatter(struct tr_pass *p, const struct tr_batch *b)
{
    int cols = p->model->hparams.n_embd;
    for (int i = 0; i < b->n_targets; i++)
        tr_add((size_t)cols, 1.0f, p->dgathered + tr_area(i, cols),
               p->dx + tr_area(b->target_row[i], cols));
}

/* From the gradient of a block's logits to that of its rows and of the matrix. */
static void logits_back(struct tr_pass *p, int first, int n)
{
    const struct tr_tensor *w = p->model->output;
    struct tr_shape shape = tr_packs_shape(w, n, p->level, p->words);
    size_t at = tr_area(first, w->cols);
    float *grad = tr_param_part(&p->model->params, w->param, p->grads);
    double flops = 2.0 * n * w->cols * w->rows;
    if (grad != NULL) {
        tr_linear_dw(shape, p->logits, p->gathered + at, 1.0f, grad);
        p->flops += flops;
    }
    if (!tr_model_trunk_is_frozen(p->model)) {
        tr_linear_dx(shape, p->logits, w->value, p->dgathered + at, false);
        p->flops += flops;
    }
}

/* Over blocks of rows; teacher NULL: against the targets. */
static double over_logits(struct tr_pass *p, struct tr_pass *teacher, const struct tr_batch *b,
                          float scale)
{
    const struct tr_model *m = p->model;
    double loss = 0;
    gather(p, b);
    if (teacher != NULL)
        gather(teacher, b);
    int rows = teacher != NULL ? pd_min_int(p->logit_rows, teacher->logit_rows) : p->logit_rows;
    for (int first = 0; first < b->n_targets; first += rows) {
        int n = pd_min_int(rows, b->n_targets - first);
        tr_pass_logits(p, p->gathered + tr_area(first, m->hparams.n_embd), n, p->logits);
        if (teacher != NULL) {
            tr_pass_logits(teacher,
                           teacher->gathered + tr_area(first, teacher->model->hparams.n_embd), n,
                           teacher->logits);
            loss += tr_divergence(n, m->hparams.n_vocab, teacher->logits, scale, p->logits);
        } else {
            loss += tr_cross_entropy(n, m->hparams.n_vocab, b->target + first, scale, p->logits);
        }
        if (scale != 0)
            logits_back(p, first, n);
    }
    if (scale != 0 && !tr_model_trunk_is_frozen(m))
        scatter(p, b);
    return loss;
}

double tr_pass_language(struct tr_pass *p, const struct tr_batch *b, float scale)
{
    return over_logits(p, NULL, b, scale);
}

double tr_pass_distil(struct tr_pass *p, struct tr_pass *teacher, const struct tr_batch *b,
                      float scale)
{
    return over_logits(p, teacher, b, scale);
}

double tr_pass_head(struct tr_pass *p, const struct tr_batch *b, enum tr_head_kind kind,
                    float scale)
{
    const struct tr_head *head = &p->model->head[kind];
    int cols = p->model->hparams.n_embd;
    float *grad = tr_param_part(&p->model->params, head->param, p->grads);
    double loss = 0;
    for (int i = 0; i < b->n_labels; i++) {
        const float *hidden = p->hidden + tr_area(b->label_row[i], cols);
        double logit = (double)head->weight[cols];
        for (int k = 0; k < cols; k++)
            logit += (double)(head->weight[k] * hidden[k]);
        float d;
        loss += tr_binary((float)logit, b->label[i], &d);
        if (scale == 0)
            continue;
        d *= scale;
        if (grad != NULL) {
            tr_add((size_t)cols, d, hidden, grad);
            grad[cols] += d;
        }
        tr_add((size_t)cols, d, head->weight, p->dx + tr_area(b->label_row[i], cols));
    }
    return loss;
}
