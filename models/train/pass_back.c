/* SPDX-License-Identifier: Apache-2.0
 * pass_back.c - the way back: gradients from the last norm's output down to the tokens, layer by layer. */
#include <string.h>

#include "kept.h"

static float *grad_of(const struct tr_pass *p, const struct tr_tensor *t)
{
    return t == NULL ? NULL : tr_param_part(&p->model->params, t->param, p->grads);
}

/* Gradients of an adapter: with t = x a^T and u = dy b, db += scale dy^T t and da += scale u^T x. */
static void lora_back(struct tr_pass *p, const struct tr_tensor *w, int n, const float *x,
                      const float *dy)
{
    const struct tr_lora *lora = w->lora;
    const struct tr_params *params = &p->model->params;
    struct tr_shape in = {n, w->cols, lora->rank, p->level, p->words, NULL, NULL};
    struct tr_shape out = {n, lora->rank, w->rows, p->level, p->words, NULL, NULL};
    tr_linear(in, x, lora->a, p->narrow, false);
    tr_linear_dx(out, dy, lora->b, p->dnarrow, false);
    tr_linear_dw(out, dy, p->narrow, lora->scale, tr_param_part(params, lora->param_b, p->grads));
    tr_linear_dw(in, p->dnarrow, x, lora->scale, tr_param_part(params, lora->param_a, p->grads));
    p->flops += 4.0 * n * lora->rank * (w->cols + w->rows);
}

/* dx (+)= dy w, unless dx is NULL; gradients of w or its adapter, and of the bias. */
static void apply_back(struct tr_pass *p, const struct tr_tensor *w, const struct tr_tensor *bias,
                       int n, const float *x, const float *dy, float *dx, bool adds)
{
    struct tr_shape shape = tr_packs_shape(w, n, p->level, p->words);
    double flops = 2.0 * n * w->cols * w->rows;
    if (w->lora != NULL && w->lora->param_a != TR_FROZEN) {
        lora_back(p, w, n, x, dy);
    } else if (grad_of(p, w) != NULL) {
        tr_linear_dw(shape, dy, x, 1.0f, grad_of(p, w));
        p->flops += flops;
    }
    if (grad_of(p, bias) != NULL)
        tr_bias_back(n, w->rows, dy, grad_of(p, bias));
    if (dx != NULL) {
        tr_linear_dx(shape, dy, w->value, dx, adds);
        p->flops += flops;
    }
}

static void norm_back(const struct tr_pass *p, const struct tr_tensor *w, int n, const float *x,
                      const float *inverse, const float *dy, float *dx, bool adds)
{
    struct tr_norm_back b = {n, w->cols, x, w->value, inverse, dy, dx, adds, grad_of(p, w)};
    tr_norm_back(&b);
}

/* The gradient of a block's product: that of the stream, or through the norm behind the block. */
static const float *block_gradient(const struct tr_pass *p, const struct tr_tensor *norm, int n,
                                   const float *out, const float *inverse)
{
    if (norm == NULL)
        return p->dx;
    norm_back(p, norm, n, out, inverse, p->dx, p->dinput, false);
    return p->dinput;
}

static void ff_back(struct tr_pass *p, int n, int layer)
{
    const struct pd_hparams *h = &p->model->hparams;
    struct tr_kept *kept = tr_pass_kept(p, layer);
    struct tr_tensor *const *w = p->model->layer[layer];
    const float *dy =
        block_gradient(p, w[PD_FFN_POST_NORM], n, kept->ff_out, kept->ff_post_inverse);
    struct tr_shape down = tr_packs_shape(w[PD_FFN_DOWN], n, p->level, p->words);
    tr_linear_dx(down, dy, w[PD_FFN_DOWN]->value, p->wide, false);
    p->flops += 2.0 * n * h->n_ff * h->n_embd;
    tr_gated_back(p->model->family->activation, tr_area(n, h->n_ff), kept->gate, kept->up, p->wide);
    apply_back(p, w[PD_FFN_DOWN], NULL, n, p->wide, dy, NULL, false);

    tr_norm(n, h->n_embd, h->rms_eps, kept->middle, w[PD_FFN_NORM]->value, p->input,
            kept->ff_inverse);
    apply_back(p, w[PD_FFN_GATE], NULL, n, p->input, kept->gate, p->dinput, false);
    apply_back(p, w[PD_FFN_UP], NULL, n, p->input, kept->up, p->dinput, true);
    norm_back(p, w[PD_FFN_NORM], n, kept->middle, kept->ff_inverse, p->dinput, p->dx, true);
}

static void attend_back(struct tr_pass *p, const struct tr_batch *b, int layer)
{
    const struct pd_hparams *h = &p->model->hparams;
    struct tr_kept *kept = tr_pass_kept(p, layer);
    struct tr_attention a = tr_pass_attention(p, layer);
    for (int s = 0; s < b->n_sequences; s++) {
        int begin = b->begin[s], n = b->begin[s + 1] - begin;
        size_t q = tr_area(begin, h->n_heads * h->head_dim);
        size_t k = tr_area(begin, h->n_kv_heads * h->head_dim);
        struct tr_attention_back back = {
            .q = kept->q + q,
            .k = kept->k + k,
            .v = kept->v + k,
            .out = kept->attention + q,
            .log_sum = kept->log_sum + tr_area(begin, h->n_heads),
            .dout = p->dattention + q,
            .dq = p->dq + q,
            .dk = p->dk + k,
            .dv = p->dv + k,
        };
        tr_attention_back(&a, n, &back);
        p->flops += 5 * tr_pass_attention_flops(p, n);
    }
    struct tr_rope q_rope = tr_pass_rope(p, b, layer, h->n_heads);
    struct tr_rope k_rope = tr_pass_rope(p, b, layer, h->n_kv_heads);
    tr_rope(&q_rope, true, p->dq);
    tr_rope(&k_rope, true, p->dk);
}

static void attention_block_back(struct tr_pass *p, const struct tr_batch *b, int layer)
{
    const struct pd_hparams *h = &p->model->hparams;
    struct tr_kept *kept = tr_pass_kept(p, layer);
    struct tr_tensor *const *w = p->model->layer[layer];
    int n = b->n;
    const float *dy =
        block_gradient(p, w[PD_ATTN_POST_NORM], n, kept->attention_out, kept->post_inverse);
    apply_back(p, w[PD_ATTN_OUTPUT], NULL, n, kept->attention, dy, p->dattention, false);
    attend_back(p, b, layer);
    if (p->model->family->has_qk_norm) {
        norm_back(p, w[PD_ATTN_Q_NORM], n * h->n_heads, kept->q_raw, kept->q_inverse, p->dq, p->dq,
                  false);
        norm_back(p, w[PD_ATTN_K_NORM], n * h->n_kv_heads, kept->k_raw, kept->k_inverse, p->dk,
                  p->dk, false);
    }
    tr_norm(n, h->n_embd, h->rms_eps, kept->x, w[PD_ATTN_NORM]->value, p->input, kept->inverse);
    apply_back(p, w[PD_ATTN_Q], w[PD_ATTN_Q_BIAS], n, p->input, p->dq, p->dinput, false);
    apply_back(p, w[PD_ATTN_K], w[PD_ATTN_K_BIAS], n, p->input, p->dk, p->dinput, true);
    apply_back(p, w[PD_ATTN_V], w[PD_ATTN_V_BIAS], n, p->input, p->dv, p->dinput, true);
    norm_back(p, w[PD_ATTN_NORM], n, kept->x, kept->inverse, p->dinput, p->dx, true);
}

void tr_pass_back(struct tr_pass *p, const struct tr_batch *b)
{
    const struct pd_hparams *h = &p->model->hparams;
    if (tr_model_trunk_is_frozen(p->model))
        return;
    norm_back(p, p->model->output_norm, b->n, p->x, p->inverse, p->dx, p->dx, false);
    for (int l = h->n_layers - 1; l >= 0; l--) {
        ff_back(p, b->n, l);
        attention_block_back(p, b, l);
    }
    float *grad = grad_of(p, p->model->token_embd);
    if (grad != NULL)
        tr_embed_back(b->n, h->n_embd, h->embedding_scale, b->token, p->dx, grad);
}
