/* SPDX-License-Identifier: Apache-2.0
 * policy_model.c - the policy that is a model: see policy.h. */
#include "search/policy.h"

void pd_policy_model_layout(struct pd_policy_model *m, struct pd_decoder *d,
                            const struct pd_tokenizer *t, struct pd_arena *a)
{
    *m = (struct pd_policy_model){
        .decoder = d, .tokenizer = t, .n_lanes = d->kv.n_lanes, .reviser_trunk = -1};
    m->row = PD_NEW(a, struct pd_row, d->size.n_batch);
    m->sampler = PD_NEW(a, struct pd_sampler, d->size.n_threads);
    for (int i = 0; i < d->size.n_threads; i++) {
        struct pd_sampler unplaced;
        pd_sampler_layout(m->sampler != NULL ? &m->sampler[i] : &unplaced, &d->head, a);
    }
}

static void begin(void *self, const struct pd_sampling *how, bool wants_certainty)
{
    struct pd_policy_model *m = self;
    m->decoder->longest_layer_ns = 0;
    m->decoder->head.logits = NULL;
    m->decoder->head.inverse_temperature =
        pd_sampling_inverse_temperature(how, m->decoder->hparams.n_vocab);
    m->decoder->head.wants_totals = wants_certainty;
}

static enum ponder_status fork_lane(void *self, int from, int *lane_ret)
{
    struct pd_policy_model *m = self;
    PD_TRY(pd_kv_fork(&m->decoder->kv, from, lane_ret));
    PD_ASSERT(*lane_ret <
              m->n_lanes); /* the lowest that is free: who has more than those, has lost some */
    if (from < 0)
        pd_kv_set_adapter(&m->decoder->kv, *lane_ret, m->adapter);
    return PONDER_OK;
}

/* The prompt as the reviser sees it, on a lane that others fork. */
static enum ponder_status read_reviser_prompt(struct pd_policy_model *m, const int32_t *prompt,
                                              int n_prompt, int64_t deadline_ns)
{
    struct pd_kv *kv = &m->decoder->kv;
    int lane;
    if (m->reviser_trunk >= 0)
        return PONDER_OK;
    PD_TRY(pd_kv_fork_above(kv, m->n_lanes - 1, -1, &lane));
    pd_kv_set_adapter(kv, lane, m->reviser_adapter);
    for (int done = 0; done < n_prompt;) {
        int n = pd_min_int(n_prompt - done, m->decoder->size.n_batch);
        for (int i = 0; i < n; i++)
            m->row[i] = (struct pd_row){.token = prompt[done + i], .lane = lane};
        enum ponder_status status = pd_decoder_step(m->decoder, m->row, n, deadline_ns);
        if (status != PONDER_OK) {
            pd_kv_prune(kv, lane);
            return status;
        }
        done += n;
    }
    m->reviser_trunk = lane;
    return PONDER_OK;
}

static enum ponder_status hand_over(void *self, int lane, const int32_t *prompt, int n_prompt,
                                    int64_t deadline_ns)
{
    struct pd_policy_model *m = self;
    int same;
    PD_TRY(read_reviser_prompt(m, prompt, n_prompt, deadline_ns));
    pd_kv_prune(&m->decoder->kv, lane);
    return pd_kv_fork_above(&m->decoder->kv, lane, m->reviser_trunk, &same); /* it is free */
}

static void prune(void *self, int lane)
{
    struct pd_policy_model *m = self;
    pd_kv_prune(&m->decoder->kv, lane);
}

static void rewind_lane(void *self, int lane, int n)
{
    struct pd_policy_model *m = self;
    pd_kv_rewind(&m->decoder->kv, lane, n);
}

static void forget(void *self, int but)
{
    struct pd_policy_model *m = self;
    struct pd_kv *kv = &m->decoder->kv;
    m->reviser_trunk = -1;
    if (but < 0)
        pd_kv_reset(kv); /* pages side by side again */
    for (int i = 0; i < m->n_lanes; i++)
        if (kv->lane[i].is_used && i != but)
            pd_kv_prune(kv, i);
}

static enum ponder_status step(void *self, struct pd_row *rows, int n, int64_t deadline_ns)
{
    struct pd_policy_model *m = self;
    return pd_decoder_step(m->decoder, rows, n, deadline_ns);
}

static void keep(void *self, int output)
{
    struct pd_policy_model *m = self;
    pd_decoder_keep(m->decoder, output);
}

static void draw(void *self, const struct pd_sampling *how, struct pd_draw *draws, int n)
{
    struct pd_policy_model *m = self;
    pd_sample_all(m->sampler, &m->decoder->head, m->decoder->pool, how, draws, n);
}

static float log_prob(void *self, int output)
{
    struct pd_policy_model *m = self;
    return pd_head_score(&m->decoder->head, output);
}

static float certainty(void *self, int output)
{
    struct pd_policy_model *m = self;
    return pd_head_certainty(&m->decoder->head, output);
}

static const float *hidden(void *self, int output)
{
    struct pd_policy_model *m = self;
    return pd_decoder_hidden(m->decoder, output);
}

static size_t text(void *self, int32_t token, char *text_ret, size_t capacity)
{
    struct pd_policy_model *m = self;
    return pd_token_text(m->tokenizer, token, false, text_ret, capacity);
}

static bool ends_text(void *self, int32_t token)
{
    struct pd_policy_model *m = self;
    return pd_tokenizer_ends_text(m->tokenizer, token);
}

struct pd_policy pd_policy_of_model(struct pd_policy_model *m)
{
    return (struct pd_policy){.self = m,
                              .n_batch = m->decoder->size.n_batch,
                              .n_embd = m->decoder->hparams.n_embd,
                              .kept_output = m->decoder->head.n_rows,
                              .begin = begin,
                              .fork = fork_lane,
                              .hand_over = m->reviser_adapter > 0 ? hand_over : NULL,
                              .prune = prune,
                              .rewind = rewind_lane,
                              .forget = forget,
                              .step = step,
                              .keep = keep,
                              .draw = draw,
                              .log_prob = log_prob,
                              .certainty = certainty,
                              .hidden = hidden,
                              .text = text,
                              .ends_text = ends_text};
}
