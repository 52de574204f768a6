/* SPDX-License-Identifier: Apache-2.0
 * pass.c - memory of a pass, and the way forward. */
#include "pass.h"

#include <string.h>

#include "kept.h"
#include "memory.h"
#include "ops.h"

/* Logits are made in blocks of rows of about this size, which the last cache holds; not fewer rows than pay for a look
 * at the whole matrix. */
enum { LOGIT_FLOATS = 2 << 20, LOGIT_ROWS = 512 };

static int q_cols(const struct pd_hparams *h)
{
    return h->n_heads * h->head_dim;
}

static int kv_cols(const struct pd_hparams *h)
{
    return h->n_kv_heads * h->head_dim;
}

static void lay_out_layer(struct tr_kept *kept, const struct tr_pass *p, struct pd_arena *a)
{
    const struct pd_hparams *h = &p->model->hparams;
    const struct pd_family *family = p->model->family;
    size_t n = (size_t)p->max_tokens;
    struct tr_kept scrap, *k = kept != NULL ? kept : &scrap;
    *k = (struct tr_kept){.x = NULL};
    k->x = PD_NEW(a, float, n *(size_t)h->n_embd);
    k->middle = PD_NEW(a, float, n *(size_t)h->n_embd);
    k->q = PD_NEW(a, float, n *(size_t)q_cols(h));
    k->k = PD_NEW(a, float, n *(size_t)kv_cols(h));
    k->v = PD_NEW(a, float, n *(size_t)kv_cols(h));
    k->attention = PD_NEW(a, float, n *(size_t)q_cols(h));
    k->log_sum = PD_NEW(a, float, n *(size_t)h->n_heads);
    k->gate = PD_NEW(a, float, n *(size_t)h->n_ff);
    k->up = PD_NEW(a, float, n *(size_t)h->n_ff);
    k->inverse = PD_NEW(a, float, n);
    k->ff_inverse = PD_NEW(a, float, n);
    if (family->has_qk_norm) {
        k->q_raw = PD_NEW(a, float, n *(size_t)q_cols(h));
        k->k_raw = PD_NEW(a, float, n *(size_t)kv_cols(h));
        k->q_inverse = PD_NEW(a, float, n *(size_t)h->n_heads);
        k->k_inverse = PD_NEW(a, float, n *(size_t)h->n_kv_heads);
    }
    if (family->has_post_norms) {
        k->attention_out = PD_NEW(a, float, n *(size_t)h->n_embd);
        k->ff_out = PD_NEW(a, float, n *(size_t)h->n_embd);
        k->post_inverse = PD_NEW(a, float, n);
        k->ff_post_inverse = PD_NEW(a, float, n);
    }
}

/* The most that a product with one of the model's matrices takes. */
static size_t product_words(const struct tr_pass *p)
{
    size_t most = 0;
    for (int i = 0; p->level != NULL && i < p->model->n_tensors; i++) {
        const struct tr_tensor *t = &p->model->tensor[i];
        int n = t == p->model->output ? p->logit_rows : p->max_tokens;
        size_t words = t->rows > 1 ? tr_shape_words(p->level, n, t->cols, t->rows) : 0;
        most = words > most ? words : most;
    }
    return most;
}

static void lay_out(struct tr_pass *p, struct pd_arena *a)
{
    const struct pd_hparams *h = &p->model->hparams;
    size_t n = (size_t)p->max_tokens, embd = n * (size_t)h->n_embd;
    size_t rank = n * (size_t)p->model->lora_rank;
    int n_kept = p->keeps ? h->n_layers : 1;
    p->logit_rows = pd_min_int(p->max_tokens, pd_max_int(LOGIT_ROWS, LOGIT_FLOATS / h->n_vocab));
    p->words = p->level != NULL ? PD_NEW(a, uint32_t, product_words(p)) : NULL;
    p->kept = PD_NEW(a, struct tr_kept, n_kept);
    for (int l = 0; l < n_kept; l++)
        lay_out_layer(p->kept != NULL ? &p->kept[l] : NULL, p, a);
    p->x = p->keeps ? PD_NEW(a, float, embd) : p->kept != NULL ? p->kept[0].x : NULL;
    p->hidden = PD_NEW(a, float, embd);
    p->input = PD_NEW(a, float, embd);
    p->gathered = PD_NEW(a, float, embd);
    p->inverse = PD_NEW(a, float, n);
    p->wide = PD_NEW(a, float, n *(size_t)h->n_ff);
    p->scores = PD_NEW(a, float, (size_t)TR_ATTENTION_ROWS *(size_t)p->max_sequence);
    p->logits = PD_NEW(a, float, (size_t)p->logit_rows *(size_t)h->n_vocab);
    if (!p->keeps)
        return;
    p->dx = PD_NEW(a, float, embd);
    p->dinput = PD_NEW(a, float, embd);
    p->dgathered = PD_NEW(a, float, embd);
    p->dq = PD_NEW(a, float, n *(size_t)q_cols(h));
    p->dk = PD_NEW(a, float, n *(size_t)kv_cols(h));
    p->dv = PD_NEW(a, float, n *(size_t)kv_cols(h));
    p->dattention = PD_NEW(a, float, n *(size_t)q_cols(h));
    p->narrow = PD_NEW(a, float, rank);
    p->dnarrow = PD_NEW(a, float, rank);
    p->dscores = PD_NEW(a, float, (size_t)TR_ATTENTION_ROWS *(size_t)p->max_sequence);
}

static struct tr_pass sized(const struct tr_model *model, struct tr_pass_size size)
{
    return (struct tr_pass){.model = model,
                            .max_tokens = size.max_tokens,
                            .max_sequence = size.max_sequence,
                            .keeps = size.keeps,
                            .level = size.level};
}

size_t tr_pass_bytes(const struct tr_model *model, struct tr_pass_size size)
{
    struct pd_arena count;
    struct tr_pass p = sized(model, size);
    pd_arena_init_count(&count);
    lay_out(&p, &count);
    return pd_arena_block_bytes(&count);
}

void tr_pass_init(struct tr_pass *p, const struct tr_model *model, const struct pd_rope *rope,
                  struct tr_pass_size size)
{
    struct pd_arena a;
    *p = sized(model, size);
    p->rope = rope;
    p->block_bytes = tr_pass_bytes(model, size);
    p->block = tr_new_floats(p->block_bytes / sizeof(float) + 1);
    pd_arena_init(&a, p->block, p->block_bytes);
    lay_out(p, &a);
}

void tr_pass_free(struct tr_pass *p)
{
    tr_free_floats(p->block, p->block_bytes / sizeof(float) + 1);
    *p = (struct tr_pass){.block = NULL};
}

/* y = x w^T + bias, or y += x w^T. */
static void apply(struct tr_pass *p, const struct tr_tensor *w, const struct tr_tensor *bias, int n,
                  const float *x, float *y, bool adds)
{
    struct tr_shape shape = tr_packs_shape(w, n, p->level, p->words);
    if (p->watch != NULL)
        p->watch(p->watch_user, w, x, n);
    tr_linear(shape, x, w->value, y, adds);
    p->flops += 2.0 * n * w->cols * w->rows;
    if (bias != NULL)
        tr_bias(n, w->rows, bias->value, y);
}

struct tr_attention tr_pass_attention(const struct tr_pass *p, int layer)
{
    const struct pd_hparams *h = &p->model->hparams;
    return (struct tr_attention){
        .n_heads = h->n_heads,
        .n_kv_heads = h->n_kv_heads,
        .head_dim = h->head_dim,
        .window = pd_layer_is_windowed(h, layer) ? h->window : 0,
        .scale = h->attention_scale,
        .scores = p->scores,
        .dscores = p->dscores,
    };
}

struct tr_rope tr_pass_rope(const struct tr_pass *p, const struct tr_batch *b, int layer,
                            int n_heads)
{
    const struct pd_hparams *h = &p->model->hparams;
    bool is_local = pd_layer_is_windowed(h, layer);
    return (struct tr_rope){
        .n = b->n,
        .n_heads = n_heads,
        .head_dim = h->head_dim,
        .n_pairs = p->rope->n_pairs,
        .is_neox = p->model->family->rope_is_neox,
        .angles = is_local ? p->rope->local : p->rope->global,
        .position = b->position,
    };
}

double tr_pass_attention_flops(const struct tr_pass *p, int n)
{
    const struct pd_hparams *h = &p->model->hparams;
    return 2.0 * n * (n + TR_ATTENTION_ROWS) / 2 * q_cols(h);
}

/* Queries, keys and values of a layer, as the attention reads them. */
static void project(struct tr_pass *p, const struct tr_batch *b, int layer)
{
    const struct pd_hparams *h = &p->model->hparams;
    struct tr_kept *kept = tr_pass_kept(p, layer);
    struct tr_tensor *const *w = p->model->layer[layer];
    bool norms = p->model->family->has_qk_norm;
    float *q = norms ? kept->q_raw : kept->q, *k = norms ? kept->k_raw : kept->k;
    apply(p, w[PD_ATTN_Q], w[PD_ATTN_Q_BIAS], b->n, p->input, q, false);
    apply(p, w[PD_ATTN_K], w[PD_ATTN_K_BIAS], b->n, p->input, k, false);
    apply(p, w[PD_ATTN_V], w[PD_ATTN_V_BIAS], b->n, p->input, kept->v, false);
    if (norms) {
        tr_norm(b->n * h->n_heads, h->head_dim, h->rms_eps, q, w[PD_ATTN_Q_NORM]->value, kept->q,
                kept->q_inverse);
        tr_norm(b->n * h->n_kv_heads, h->head_dim, h->rms_eps, k, w[PD_ATTN_K_NORM]->value, kept->k,
                kept->k_inverse);
    }
    struct tr_rope q_rope = tr_pass_rope(p, b, layer, h->n_heads);
    struct tr_rope k_rope = tr_pass_rope(p, b, layer, h->n_kv_heads);
    tr_rope(&q_rope, false, kept->q);
    tr_rope(&k_rope, false, kept->k);
}

static void attend(struct tr_pass *p, const struct tr_batch *b, int layer)
{
    const struct pd_hparams *h = &p->model->hparams;
    struct tr_kept *kept = tr_pass_kept(p, layer);
    struct tr_attention a = tr_pass_attention(p, layer);
    for (int s = 0; s < b->n_sequences; s++) {
        int begin = b->begin[s], n = b->begin[s + 1] - begin;
        size_t q_at = tr_area(begin, q_cols(h)), k_at = tr_area(begin, kv_cols(h));
        tr_attention(&a, n, kept->q + q_at, kept->k + k_at, kept->v + k_at, kept->attention + q_at,
                     kept->log_sum + tr_area(begin, h->n_heads));
        p->flops += 2 * tr_pass_attention_flops(p, n);
    }
}

/* y = x + w input, with a norm of the product where the family has one. */
static void add_block(struct tr_pass *p, int n, const struct tr_tensor *w, const float *input,
                      const struct tr_tensor *norm, float *out, float *inverse, const float *x,
                      float *y)
{
    const struct pd_hparams *h = &p->model->hparams;
    size_t elements = tr_area(n, h->n_embd);
    if (y != x)
        memcpy(y, x, elements * sizeof *y);
    if (norm == NULL) {
        apply(p, w, NULL, n, input, y, true);
        return;
    }
    apply(p, w, NULL, n, input, out, false);
    tr_norm(n, h->n_embd, h->rms_eps, out, norm->value, p->input, inverse);
    tr_add(elements, 1.0f, p->input, y);
}

static void run_layer(struct tr_pass *p, const struct tr_batch *b, int layer, float *next)
{
    const struct pd_hparams *h = &p->model->hparams;
    struct tr_kept *kept = tr_pass_kept(p, layer);
    struct tr_tensor *const *w = p->model->layer[layer];
    tr_norm(b->n, h->n_embd, h->rms_eps, kept->x, w[PD_ATTN_NORM]->value, p->input, kept->inverse);
    project(p, b, layer);
    attend(p, b, layer);
    add_block(p, b->n, w[PD_ATTN_OUTPUT], kept->attention, w[PD_ATTN_POST_NORM],
              kept->attention_out, kept->post_inverse, kept->x, kept->middle);
    tr_norm(b->n, h->n_embd, h->rms_eps, kept->middle, w[PD_FFN_NORM]->value, p->input,
            kept->ff_inverse);
    apply(p, w[PD_FFN_GATE], NULL, b->n, p->input, kept->gate, false);
    apply(p, w[PD_FFN_UP], NULL, b->n, p->input, kept->up, false);
    tr_gated(p->model->family->activation, tr_area(b->n, h->n_ff), kept->gate, kept->up, p->wide);
    add_block(p, b->n, w[PD_FFN_DOWN], p->wide, w[PD_FFN_POST_NORM], kept->ff_out,
              kept->ff_post_inverse, kept->middle, next);
}

void tr_pass_layer(struct tr_pass *p, const struct tr_batch *b, int layer, float *x)
{
    struct tr_kept *kept = tr_pass_kept(p, layer);
    size_t bytes = tr_area(b->n, p->model->hparams.n_embd) * sizeof *x;
    memcpy(kept->x, x, bytes);
    run_layer(p, b, layer, p->x);
    memcpy(x, p->x, bytes);
}

void tr_pass_forward(struct tr_pass *p, const struct tr_batch *b)
{
    const struct pd_hparams *h = &p->model->hparams;
    PD_ASSERT(b->n <= p->max_tokens);
    tr_embed(b->n, h->n_embd, h->embedding_scale, b->token, p->model->token_embd->value,
             tr_pass_kept(p, 0)->x);
    for (int l = 0; l < h->n_layers; l++)
        run_layer(p, b, l, l + 1 < h->n_layers ? tr_pass_kept(p, l + 1)->x : p->x);
    tr_norm(b->n, h->n_embd, h->rms_eps, p->x, p->model->output_norm->value, p->hidden, p->inverse);
}
