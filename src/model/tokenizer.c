/* SPDX-License-Identifier: Apache-2.0
 * tokenizer.c - see tokenizer.h. Special tokens are found first; the text between them goes to
 * tokenizer_bpe.c or tokenizer_spm.c. Scratch of a call, for n bytes of text:
 *
 *     | taken u32[n] | symbols [max_symbols] | heap u32[max_symbols] | text [max_text] |
 * */
#include <string.h>

#include "model/tokenizer_kind.h"

enum { SCRATCH_ALIGN = 8, MAX_TEXT_BYTES = 1 << 24 };

static enum ponder_status read_token_id(const struct pd_gguf *gguf, const char *key, int n_vocab,
                                        int32_t default_id, int32_t *id_ret,
                                        const struct pd_error *err)
{
    int64_t id = default_id < n_vocab ? default_id : -1;
    PD_TRY(pd_gguf_get_int(gguf, key, false, 0, n_vocab - 1, &id, err));
    *id_ret = (int32_t)id;
    return PONDER_OK;
}

/* Tokens that end a generation are known by their text (vocab.c) or named by the file. */
static const char *const end_keys[] = {
    "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id", "tokenizer.ggml.fim_pad_token_id",
    "tokenizer.ggml.fim_rep_token_id", "tokenizer.ggml.fim_sep_token_id"};

static enum ponder_status check_ends(const struct pd_gguf *gguf, int n_vocab,
                                     const struct pd_error *err)
{
    int32_t token;
    for (size_t i = 0; i < PD_COUNT(end_keys); i++)
        PD_TRY(read_token_id(gguf, end_keys[i], n_vocab, -1, &token, err));
    return PONDER_OK;
}

static void mark_ends(struct pd_tokenizer *t, const struct pd_gguf *gguf)
{
    int32_t token;
    if (t->eos >= 0)
        t->vocab.kind[t->eos] |= PD_TOKEN_ENDS_TEXT;
    for (size_t i = 0; i < PD_COUNT(end_keys); i++)
        if (read_token_id(gguf, end_keys[i], (int)t->vocab.n, -1, &token, NULL) == PONDER_OK &&
            token >= 0)
            t->vocab.kind[token] |= PD_TOKEN_ENDS_TEXT;
}

static enum ponder_status find_kind(struct pd_tokenizer_survey *survey, const struct pd_gguf *gguf,
                                    const struct pd_error *err)
{
    struct pd_string model = {0};
    struct pd_string pre = {"default", 7};
    char shown[PD_SHOW_BYTES];
    PD_TRY(pd_gguf_get_string(gguf, "tokenizer.ggml.model", true, &model, err));
    survey->is_spm = pd_string_equal(model, "llama");
    if (survey->is_spm)
        return PONDER_OK;
    if (!pd_string_equal(model, "gpt2"))
        return pd_fail(err, PONDER_UNSUPPORTED,
                       "tokenizer model '%s' is not supported; there are: gpt2, llama",
                       pd_string_show(model, shown));
    PD_TRY(pd_gguf_get_string(gguf, "tokenizer.ggml.pre", false, &pre, err));
    survey->pre = pd_pretokenizer_find(pre);
    if (survey->pre == NULL)
        return pd_fail(err, PONDER_UNSUPPORTED,
                       "pre-tokenizer '%s' is not supported; there are: %s",
                       pd_string_show(pre, shown), pd_pretokenizer_list());
    return PONDER_OK;
}

enum ponder_status pd_tokenizer_survey(struct pd_tokenizer_survey *survey_ret,
                                       const struct pd_gguf *gguf, int n_vocab,
                                       const struct pd_error *err)
{
    struct pd_tokenizer_survey *s = survey_ret;
    int32_t unknown;
    *s = (struct pd_tokenizer_survey){.pre = NULL};
    PD_TRY(find_kind(s, gguf, err));
    bool is_spm = s->is_spm;
    PD_TRY(
        read_token_id(gguf, "tokenizer.ggml.bos_token_id", n_vocab, is_spm ? 1 : -1, &s->bos, err));
    PD_TRY(
        read_token_id(gguf, "tokenizer.ggml.eos_token_id", n_vocab, is_spm ? 2 : -1, &s->eos, err));
    PD_TRY(read_token_id(gguf, "tokenizer.ggml.unknown_token_id", n_vocab, is_spm ? 0 : -1,
                         &unknown, err));
    s->adds_bos = is_spm || s->pre->add_bos;
    s->adds_space = is_spm;
    PD_TRY(pd_gguf_get_bool(gguf, "tokenizer.ggml.add_bos_token", &s->adds_bos, err));
    PD_TRY(pd_gguf_get_bool(gguf, "tokenizer.ggml.add_space_prefix", &s->adds_space, err));
    PD_TRY(pd_vocab_survey(s, gguf, n_vocab, unknown, err));
    if (!is_spm)
        PD_TRY(pd_merges_survey(s, gguf, err));
    return check_ends(gguf, n_vocab, err);
}

struct pd_tokenizer *pd_tokenizer_layout(const struct pd_tokenizer_survey *survey,
                                         struct pd_arena *a)
{
    struct pd_tokenizer t = {.pre = survey->pre,
                             .adds_bos = survey->adds_bos,
                             .adds_space = survey->adds_space,
                             .bos = survey->bos,
                             .eos = survey->eos};
    struct pd_tokenizer *place = PD_NEW(a, struct pd_tokenizer, 1);
    pd_vocab_layout(&t.vocab, survey, a);
    if (!survey->is_spm)
        pd_merges_layout(&t.merges, survey, a);
    if (pd_arena_is_counting(a) || a->overflowed)
        return NULL;
    *place = t;
    return place;
}

void pd_tokenizer_fill(struct pd_tokenizer *t, const struct pd_gguf *gguf)
{
    pd_vocab_fill(&t->vocab, gguf);
    if (!t->vocab.is_spm)
        pd_merges_fill(&t->merges, &t->vocab, gguf);
    mark_ends(t, gguf);
}

int pd_tokenizer_n_vocab(const struct pd_tokenizer *t)
{
    return (int)t->vocab.n;
}

int32_t pd_tokenizer_bos(const struct pd_tokenizer *t)
{
    return t->bos;
}

int32_t pd_tokenizer_eos(const struct pd_tokenizer *t)
{
    return t->eos;
}

bool pd_tokenizer_ends_text(const struct pd_tokenizer *t, int32_t token)
{
    PD_ASSERT(token >= 0 && (uint32_t)token < t->vocab.n);
    return (t->vocab.kind[token] & PD_TOKEN_ENDS_TEXT) != 0;
}

int32_t pd_tokenizer_special(const struct pd_tokenizer *t, const char *text)
{
    size_t bytes = strlen(text);
    uint32_t place = pd_vocab_special_at(&t->vocab, text, bytes);
    if (place == UINT32_MAX)
        return -1;
    uint32_t token = t->vocab.special[place];
    return pd_vocab_text(&t->vocab, token).bytes == bytes ? (int32_t)token : -1;
}

size_t pd_tokenizer_scratch_bytes(size_t text_bytes)
{
    size_t n = pd_min_size(text_bytes, MAX_TEXT_BYTES);
    size_t symbols = pd_tokenize_max_symbols(n);
    return SCRATCH_ALIGN + n * sizeof(uint32_t) + SCRATCH_ALIGN +
           symbols * (sizeof(struct pd_symbol) + sizeof(uint32_t)) + pd_tokenize_max_text(n);
}

/* The longest special token at place or one of its beginnings that may be taken, shorter than
 * below bytes. */
static uint32_t allowed_special(const struct pd_vocab *v, uint32_t place, bool parse_special,
                                size_t below)
{
    while (place != UINT32_MAX) {
        uint32_t token = v->special[place];
        size_t bytes = pd_vocab_text(v, token).bytes;
        bool is_allowed = parse_special || (v->kind[token] & PD_TOKEN_ASKED) == 0;
        if (is_allowed && bytes > 0 && bytes < below)
            return place;
        place = v->shorter[place];
    }
    return UINT32_MAX;
}

/* A candidate is a symbol: where it begins, the place of its special token, and a key that puts
 * longer ones first. */
static void place_candidate(struct pd_merge *heap, const struct pd_vocab *v, uint32_t i,
                            uint32_t place)
{
    heap->symbol[i].token = (int32_t)place;
    pd_merge_place(heap, i, UINT32_MAX - (uint32_t)pd_vocab_text(v, v->special[place]).bytes);
}

static void find_candidates(struct pd_merge *heap, const struct pd_vocab *v, const char *text,
                            size_t n, bool parse_special)
{
    uint8_t lead = parse_special ? PD_TOKEN_USER | PD_TOKEN_CONTROL : PD_TOKEN_USER;
    heap->n = heap->n_heap = 0;
    for (size_t at = 0; at < n; at++) {
        if ((v->special_lead[(unsigned char)text[at]] & lead) == 0)
            continue;
        uint32_t place = pd_vocab_special_at(v, text + at, n - at);
        place = allowed_special(v, place, parse_special, SIZE_MAX);
        if (place == UINT32_MAX)
            continue;
        struct pd_symbol *s = &heap->symbol[heap->n];
        s->begin = (uint32_t)at;
        s->heap_at = PD_NO_SYMBOL;
        place_candidate(heap, v, heap->n++, place);
    }
}

#define NOT_TAKEN 0u
#define TAKEN     UINT32_MAX

/* Which bytes of text are special tokens: taken_ret[i] is 1 + the token that begins at i, TAKEN
 * within one, or NOT_TAKEN. Longer tokens go first, then those further left. llama.cpp searches
 * the whole text once a token, to the same end (only equally long tokens that overlap go in the
 * order of its sort). Here each place has one candidate at a time, which gives way to a shorter
 * one where a longer token took part of its text. What is taken already is never shorter than
 * the candidate, so it covers one of the candidate's ends if it covers any of it. */
static void take_special(struct pd_tokenize_run *run, const char *text, size_t n,
                         bool parse_special, uint32_t *taken_ret)
{
    const struct pd_vocab *v = &run->t->vocab;
    struct pd_merge *heap = &run->merge;
    memset(taken_ret, 0, n * sizeof *taken_ret);
    find_candidates(heap, v, text, n, parse_special);
    while (heap->n_heap > 0) {
        uint32_t i = heap->heap[0];
        uint32_t begin = heap->symbol[i].begin;
        uint32_t place = (uint32_t)heap->symbol[i].token;
        uint32_t token = v->special[place];
        size_t bytes = pd_vocab_text(v, token).bytes;
        pd_merge_remove(heap, i);
        if (taken_ret[begin] != NOT_TAKEN)
            continue;
        if (taken_ret[begin + bytes - 1] != NOT_TAKEN) {
            place = allowed_special(v, place, parse_special, bytes);
            if (place != UINT32_MAX)
                place_candidate(heap, v, i, place);
            continue;
        }
        memset(taken_ret + begin, 0xFF, bytes * sizeof *taken_ret);
        taken_ret[begin] = token + 1;
    }
}

static void tokenize_all(struct pd_tokenize_run *run, const char *text, size_t n,
                         struct pd_tokenize how, const uint32_t *taken)
{
    bool with_space = run->t->adds_space && !how.goes_on;
    for (size_t begin = 0; begin < n;) {
        size_t end = begin + 1;
        if (taken[begin] != NOT_TAKEN) {
            pd_tokenize_emit(run, (int32_t)(taken[begin] - 1));
            while (end < n && taken[end] == TAKEN)
                end++;
            with_space = run->t->adds_space;
        } else {
            while (end < n && taken[end] == NOT_TAKEN)
                end++;
            if (run->t->vocab.is_spm)
                pd_tokenize_spm(run, text + begin, end - begin, with_space);
            else
                pd_tokenize_bpe(run, text + begin, end - begin);
            with_space = false;
        }
        begin = end;
    }
}

enum ponder_status pd_tokenize(const struct pd_tokenizer *t, const char *text, size_t text_bytes,
                               struct pd_tokenize how, void *scratch, size_t scratch_bytes,
                               int32_t *tokens_ret, size_t capacity, size_t *n_ret)
{
    struct pd_tokenize_run run = {.t = t, .tokens = tokens_ret, .capacity = capacity};
    *n_ret = capacity + 1;
    if (text_bytes > MAX_TEXT_BYTES)
        return PONDER_TOO_LONG;
    if (scratch_bytes < pd_tokenizer_scratch_bytes(text_bytes))
        return PONDER_NO_MEMORY;
    size_t symbols = pd_tokenize_max_symbols(text_bytes);
    unsigned char *at = scratch;
    at += (size_t)(-(uintptr_t)at) % SCRATCH_ALIGN;
    uint32_t *taken = (uint32_t *)(void *)at;
    at += text_bytes * sizeof *taken;
    run.merge.symbol = (struct pd_symbol *)(void *)at;
    at += symbols * sizeof *run.merge.symbol;
    run.merge.heap = (uint32_t *)(void *)at;
    run.text = (char *)(at + symbols * sizeof *run.merge.heap);

    if (how.add_bos && t->adds_bos && t->bos >= 0)
        pd_tokenize_emit(&run, t->bos);
    if (text_bytes > 0) {
        take_special(&run, text, text_bytes, how.parse_special, taken);
        tokenize_all(&run, text, text_bytes, how, taken);
    }
    *n_ret = run.n;
    return run.n > capacity ? PONDER_TOO_LONG : PONDER_OK;
}

/* U+2581 to spaces. */
static size_t unescape(struct pd_string text, char *text_ret, size_t capacity)
{
    size_t n = 0;
    for (size_t i = 0; i < text.bytes; n++) {
        bool is_mark = text.bytes - i >= 3 && memcmp(text.data + i, "\xE2\x96\x81", 3) == 0;
        if (n < capacity)
            text_ret[n] = is_mark ? ' ' : text.data[i];
        i += is_mark ? 3 : 1;
    }
    return n;
}

size_t pd_token_text(const struct pd_tokenizer *t, int32_t token, bool with_special, char *text_ret,
                     size_t capacity)
{
    PD_ASSERT(token >= 0 && (uint32_t)token < t->vocab.n);
    struct pd_string text = pd_vocab_text(&t->vocab, (uint32_t)token);
    uint8_t kind = t->vocab.kind[token];
    char byte;
    if ((kind & PD_TOKEN_ASKED) != 0 && !with_special)
        return 0;
    if ((kind & (PD_TOKEN_SPECIAL | PD_TOKEN_NORMAL | PD_TOKEN_BYTE)) == 0)
        return 0;
    if ((kind & PD_TOKEN_SPECIAL) == 0) {
        if ((kind & PD_TOKEN_NORMAL) != 0 && t->vocab.is_spm)
            return unescape(text, text_ret, capacity);
        if ((kind & PD_TOKEN_BYTE) != 0) {
            byte = (char)pd_vocab_byte(text);
            text = (struct pd_string){&byte, 1};
        }
    }
    if (capacity > 0)
        memcpy(text_ret, text.data, pd_min_size(text.bytes, capacity));
    return text.bytes;
}
