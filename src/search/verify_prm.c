/* SPDX-License-Identifier: Apache-2.0
 * verify_prm.c - see verify_prm.h. */
#include "search/verify_prm.h"

#include <string.h>

enum { NO_LANE = -1, NO_ITEM = -1, MAX_TOKEN_BYTES = 64 };

void pd_prm_layout(struct pd_prm *prm, struct pd_decoder *d, int adapter, int first_lane,
                   const struct pd_tokenizer *t, struct pd_prm_size size, struct pd_arena *a)
{
    prm->decoder = d;
    prm->adapter = adapter;
    prm->first_lane = first_lane;
    prm->tokenizer = t;
    prm->size = size;
    prm->slot = PD_NEW(a, struct pd_prm_slot, size.n_lanes + 1);
    int32_t *tokens =
        pd_arena_alloc(a, (size_t)(size.n_lanes + 2) * (size_t)size.capacity, sizeof *tokens);
    prm->row = PD_NEW(a, struct pd_row, d->size.n_batch);
    prm->row_slot = PD_NEW(a, int, d->size.n_batch);
    if (pd_arena_is_counting(a) || a->overflowed)
        return;
    for (int i = 0; i <= size.n_lanes; i++)
        prm->slot[i] = (struct pd_prm_slot){.lane = NO_LANE,
                                            .token = tokens + (size_t)i * (size_t)size.capacity};
    prm->sequence = tokens + (size_t)(size.n_lanes + 1) * (size_t)size.capacity;
    prm->round = 0;
}

void pd_prm_forget(struct pd_prm *prm)
{
    for (int i = 0; i <= prm->size.n_lanes; i++)
        prm->slot[i].lane = NO_LANE;
}

/* ---- slots ---- */

/* Tokens that the slot's lane has read; none if somebody has taken the lane away. */
static int n_read(const struct pd_prm *prm, const struct pd_prm_slot *slot)
{
    const struct pd_kv *kv = &prm->decoder->kv;
    if (slot->lane == NO_LANE)
        return 0;
    const struct pd_lane *lane = &kv->lane[slot->lane];
    return lane->is_used && lane->adapter == prm->adapter
               ? pd_min_int(lane->n_tokens, slot->n_wanted)
               : 0;
}

static void drop(struct pd_prm *prm, struct pd_prm_slot *slot)
{
    struct pd_kv *kv = &prm->decoder->kv;
    if (slot->lane != NO_LANE && kv->lane[slot->lane].is_used &&
        kv->lane[slot->lane].adapter == prm->adapter)
        pd_kv_prune(kv, slot->lane);
    slot->lane = NO_LANE;
    slot->n_wanted = 0;
}

/* How many tokens of a sequence the slot has read already. */
static int n_common(const struct pd_prm *prm, const struct pd_prm_slot *slot,
                    const int32_t *sequence, int n)
{
    int common = 0, n_there = pd_min_int(n_read(prm, slot), n);
    while (common < n_there && slot->token[common] == sequence[common])
        common++;
    return common;
}

/* Makes `slot` a copy of the first n tokens of `from`. */
static enum ponder_status branch(struct pd_prm *prm, struct pd_prm_slot *slot,
                                 const struct pd_prm_slot *from, int n)
{
    struct pd_kv *kv = &prm->decoder->kv;
    if (slot != from) {
        drop(prm, slot);
        PD_TRY(pd_kv_fork_above(kv, prm->first_lane, n > 0 ? from->lane : -1, &slot->lane));
        if (n == 0)
            pd_kv_set_adapter(kv, slot->lane, prm->adapter);
        memcpy(slot->token, from->token, (size_t)n * sizeof *slot->token);
    }
    pd_kv_rewind(kv, slot->lane, n);
    slot->n_wanted = n;
    return PONDER_OK;
}

/* A slot that no item of this round has: one without a lane, else the one that was used least lately. */
static struct pd_prm_slot *spare(struct pd_prm *prm)
{
    struct pd_prm_slot *oldest = NULL;
    for (int i = 1; i <= prm->size.n_lanes; i++) {
        struct pd_prm_slot *slot = &prm->slot[i];
        if (slot->item != NO_ITEM)
            continue;
        if (slot->lane == NO_LANE)
            return slot;
        if (oldest == NULL || slot->round < oldest->round)
            oldest = slot;
    }
    return oldest;
}

/* Gives an item a slot that has as much of its sequence as there is. A slot goes on where it stands if it holds nothing
 * else, so that paths which need the rest of others find it; `may_branch` comes in a second pass. */
static enum ponder_status assign(struct pd_prm *prm, int item, int n, bool may_branch)
{
    struct pd_prm_slot *best = &prm->slot[0];
    int n_best = n_common(prm, best, prm->sequence, n);
    for (int i = 1; i <= prm->size.n_lanes; i++) {
        int common = n_common(prm, &prm->slot[i], prm->sequence, n);
        if (common > n_best) {
            best = &prm->slot[i];
            n_best = common;
        }
    }
    int n_kept = pd_min_int(n_best, n - 1); /* the last one's output is needed */
    bool goes_on = best != &prm->slot[0] && best->item == NO_ITEM && n_best == n_read(prm, best);
    if (!goes_on && !may_branch)
        return PONDER_OK;
    struct pd_prm_slot *slot = goes_on ? best : spare(prm);
    PD_ASSERT(slot != NULL);
    PD_TRY(branch(prm, slot, best, n_kept));
    memcpy(slot->token + n_kept, prm->sequence + n_kept,
           (size_t)(n - n_kept) * sizeof *slot->token);
    slot->n_wanted = n;
    slot->item = item;
    slot->round = prm->round;
    return PONDER_OK;
}

/* ---- sequences ---- */

static bool ends_line(const struct pd_prm *prm, int32_t token)
{
    char text[MAX_TOKEN_BYTES];
    size_t bytes =
        pd_min_size(pd_token_text(prm->tokenizer, token, false, text, sizeof text), sizeof text);
    return bytes > 0 && memchr(text, '\n', bytes) != NULL;
}

/* A path as the judge reads it, up to the row that it judges by; 0: it does not fit. */
static int write_sequence(const struct pd_prm *prm, const struct pd_verify_item *item)
{
    const struct pd_judge *judge = &prm->judge;
    int n = prm->n_prompt, n_own = item->n_tokens;
    bool is_closed = n_own > 0 && ends_line(prm, item->token[n_own - 1]);
    if (judge->kind == PD_JUDGE_VALUE && is_closed)
        n_own--; /* by the row from which the end is drawn */
    if (n + n_own + 1 > prm->size.capacity)
        return 0;
    memcpy(prm->sequence, prm->prompt, (size_t)n * sizeof *prm->sequence);
    for (int i = 0; i < n_own; i++) {
        bool is_end = judge->step >= 0 && ends_line(prm, item->token[i]);
        prm->sequence[n++] = is_end ? judge->step : item->token[i];
    }
    int32_t end = judge->step >= 0 ? judge->step : judge->line_end;
    if (judge->kind != PD_JUDGE_VALUE && !is_closed && end >= 0)
        prm->sequence[n++] = end;
    return n;
}

/* ---- reading ---- */

/* The score by the output `output` of the step that was just done. */
static float judge_output(const struct pd_prm *prm, int output)
{
    const struct pd_decoder *d = prm->decoder;
    const struct pd_judge *judge = &prm->judge;
    if (judge->kind != PD_JUDGE_TOKENS)
        return pd_judge_score(judge, pd_decoder_hidden(d, output));
    float logits[2];
    const int32_t token[2] = {judge->positive, judge->negative};
    for (int i = 0; i < 2; i++) {
        float block[PD_HEAD_BLOCK];
        pd_head_logits(&d->head, output, token[i] / PD_HEAD_BLOCK * PD_HEAD_BLOCK, PD_HEAD_BLOCK,
                       block);
        logits[i] = block[token[i] % PD_HEAD_BLOCK];
    }
    return pd_judge_score_tokens(judge, logits[0], logits[1]);
}

/* Puts the rows through; rows that end a sequence give their item's score. */
static enum ponder_status read_rows(struct pd_prm *prm, int n, int64_t deadline_ns,
                                    float *score_ret)
{
    if (n == 0)
        return PONDER_OK;
    struct pd_decoder *d = prm->decoder;
    d->leaves_head = true;
    enum ponder_status status = pd_decoder_step(d, prm->row, n, deadline_ns);
    d->leaves_head = false;
    PD_TRY(status);
    for (int i = 0; i < n; i++)
        if (prm->row[i].wants_output)
            score_ret[prm->slot[prm->row_slot[i]].item] = judge_output(prm, prm->row[i].output);
    return PONDER_OK;
}

/* What slots [first, last] have to read, in as few batches as it takes. */
static enum ponder_status read_slots(struct pd_prm *prm, int first, int last, int64_t deadline_ns,
                                     float *score_ret)
{
    int n = 0;
    for (int i = first; i <= last; i++) {
        const struct pd_prm_slot *slot = &prm->slot[i];
        bool is_asked = slot->item != NO_ITEM;
        if (slot->lane == NO_LANE || (i > 0 && !is_asked))
            continue;
        for (int k = n_read(prm, slot); k < slot->n_wanted; k++) {
            prm->row_slot[n] = i;
            prm->row[n++] = (struct pd_row){.token = slot->token[k],
                                            .lane = slot->lane,
                                            .wants_output = is_asked && k == slot->n_wanted - 1};
            if (n < prm->decoder->size.n_batch)
                continue;
            PD_TRY(read_rows(prm, n, deadline_ns, score_ret));
            n = 0;
        }
    }
    return read_rows(prm, n, deadline_ns, score_ret);
}

/* The prompt into the trunk, from what the last one had in common with it on. */
static enum ponder_status read_prompt(struct pd_prm *prm, int64_t deadline_ns)
{
    struct pd_prm_slot *trunk = &prm->slot[0];
    int n = n_common(prm, trunk, prm->prompt, prm->n_prompt);
    if (n == prm->n_prompt && trunk->n_wanted == n)
        return PONDER_OK;
    if (n == 0) {
        drop(prm, trunk);
        PD_TRY(
            branch(prm, trunk, &(struct pd_prm_slot){.lane = NO_LANE, .token = trunk->token}, 0));
    } else {
        PD_TRY(branch(prm, trunk, trunk, n));
    }
    memcpy(trunk->token + n, prm->prompt + n, (size_t)(prm->n_prompt - n) * sizeof *trunk->token);
    trunk->n_wanted = prm->n_prompt;
    trunk->item = NO_ITEM;
    return read_slots(prm, 0, 0, deadline_ns, NULL);
}

/* ---- the verifier ---- */

static enum ponder_status begin(void *self, const struct pd_verify_question *question)
{
    struct pd_prm *prm = self;
    struct pd_kv *kv = &prm->decoder->kv;
    for (int i = 1; i <= prm->size.n_lanes; i++)
        drop(prm, &prm->slot[i]);
    for (int i = prm->first_lane; i < kv->n_lanes; i++) /* whoever had them */
        if (kv->lane[i].is_used && i != prm->slot[0].lane)
            pd_kv_prune(kv, i);
    prm->prompt = question->token;
    prm->n_prompt = question->n_tokens;
    return question->n_tokens < prm->size.capacity ? PONDER_OK : PONDER_TOO_LONG;
}

static enum ponder_status score(void *self, const struct pd_verify_item *items, int n,
                                int64_t deadline_ns, float *score_ret)
{
    struct pd_prm *prm = self;
    bool is_assigned[PONDER_MAX_LANES] = {false};
    PD_ASSERT(n <= prm->size.n_lanes);
    for (int i = 0; i < n; i++)
        score_ret[i] = NAN;
    PD_TRY(read_prompt(prm, deadline_ns));
    prm->round++;
    for (int i = 1; i <= prm->size.n_lanes; i++)
        prm->slot[i].item = NO_ITEM;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < n; i++) {
            int n_tokens = is_assigned[i] ? 0 : write_sequence(prm, &items[i]);
            if (n_tokens == 0)
                continue;
            PD_TRY(assign(prm, i, n_tokens, pass > 0));
            for (int k = 1; k <= prm->size.n_lanes; k++)
                is_assigned[i] = is_assigned[i] || prm->slot[k].item == i;
        }
    }
    return read_slots(prm, 1, prm->size.n_lanes, deadline_ns, score_ret);
}

const struct pd_verifier pd_verifier_prm = {
    .name = "model",
    .summary = "the verifier of the engine's options, on lanes of its own",
    .when = PD_VERIFY_STEP,
    .is_calibrated = true,
    .begin = begin,
    .score = score,
};

const struct pd_verifier pd_verifier_prm_uncalibrated = {
    .name = "model",
    .summary = "the verifier of the engine's options, on lanes of its own",
    .when = PD_VERIFY_STEP,
    .begin = begin,
    .score = score,
};
