/* SPDX-License-Identifier: Apache-2.0
 * vocab.c - see vocab.h. Two walks over the file's token array: one to check and count, one to
 * copy. */
#include <string.h>

#include "base/utf8.h"
#include "model/vocab.h"

/* Tokens that are more than their type in the file says, by their text: as llama.cpp has it. */
static const struct {
    const char *text;
    uint8_t kind;
} known_tokens[] = {
    {"<|eot_id|>", PD_TOKEN_CONTROL | PD_TOKEN_ENDS_TEXT},
    {"<|eom_id|>", PD_TOKEN_CONTROL | PD_TOKEN_ENDS_TEXT},
    {"<|im_end|>", PD_TOKEN_CONTROL | PD_TOKEN_ENDS_TEXT},
    {"<|end|>", PD_TOKEN_CONTROL | PD_TOKEN_ENDS_TEXT},
    {"<|endoftext|>", PD_TOKEN_CONTROL | PD_TOKEN_ENDS_TEXT},
    {"<|end_of_text|>", PD_TOKEN_CONTROL | PD_TOKEN_ENDS_TEXT},
    {"<end_of_turn>", PD_TOKEN_CONTROL | PD_TOKEN_ENDS_TEXT},
    {"<end_of_utterance>", PD_TOKEN_CONTROL | PD_TOKEN_ENDS_TEXT},
    {"<eos>", PD_TOKEN_CONTROL | PD_TOKEN_ENDS_TEXT},
    {"</s>", PD_TOKEN_CONTROL | PD_TOKEN_ENDS_TEXT},
    {"<EOT>", PD_TOKEN_CONTROL | PD_TOKEN_ENDS_TEXT},
    {"[EOT]", PD_TOKEN_CONTROL | PD_TOKEN_ENDS_TEXT},
    {"[EOS]", PD_TOKEN_CONTROL | PD_TOKEN_ENDS_TEXT},
    {"<\xEF\xBD\x9C"
     "end\xE2\x96\x81of\xE2\x96\x81sentence\xEF\xBD\x9C>",
     PD_TOKEN_CONTROL | PD_TOKEN_ENDS_TEXT},
    {"<|fim_pad|>", PD_TOKEN_CONTROL | PD_TOKEN_ENDS_TEXT},
    {"<fim-pad>", PD_TOKEN_CONTROL | PD_TOKEN_ENDS_TEXT},
    {"<fim_pad>", PD_TOKEN_CONTROL | PD_TOKEN_ENDS_TEXT},
    {"<PAD>", PD_TOKEN_CONTROL | PD_TOKEN_ENDS_TEXT},
    {"[PAD]", PD_TOKEN_CONTROL | PD_TOKEN_ENDS_TEXT},
    {"<|fim_repo|>", PD_TOKEN_CONTROL | PD_TOKEN_ENDS_TEXT},
    {"<|repo_name|>", PD_TOKEN_CONTROL | PD_TOKEN_ENDS_TEXT},
    {"<fim-repo>", PD_TOKEN_CONTROL | PD_TOKEN_ENDS_TEXT},
    {"<REPO>", PD_TOKEN_CONTROL | PD_TOKEN_ENDS_TEXT},
    {"<reponame>", PD_TOKEN_CONTROL | PD_TOKEN_ENDS_TEXT},
    {"<|file_sep|>", PD_TOKEN_CONTROL | PD_TOKEN_ENDS_TEXT},
    {"<|fim_prefix|>", PD_TOKEN_CONTROL},
    {"<fim-prefix>", PD_TOKEN_CONTROL},
    {"<fim_prefix>", PD_TOKEN_CONTROL},
    {"<PRE>", PD_TOKEN_CONTROL},
    {"<|fim_suffix|>", PD_TOKEN_CONTROL},
    {"<fim-suffix>", PD_TOKEN_CONTROL},
    {"<fim_suffix>", PD_TOKEN_CONTROL},
    {"<SUF>", PD_TOKEN_CONTROL},
    {"<|fim_middle|>", PD_TOKEN_CONTROL},
    {"<fim-middle>", PD_TOKEN_CONTROL},
    {"<fim_middle>", PD_TOKEN_CONTROL},
    {"<MID>", PD_TOKEN_CONTROL},
};

struct arrays {
    const struct pd_gguf_kv *tokens;
    const struct pd_gguf_kv *types;  /* or NULL: all normal */
    const struct pd_gguf_kv *scores; /* or NULL: all 0 */
};

enum ponder_status pd_vocab_array(const struct pd_gguf *gguf, const char *key,
                                  enum pd_gguf_type element_type, bool required,
                                  const struct pd_gguf_kv **kv_ret, const struct pd_error *err)
{
    const struct pd_gguf_kv *kv = pd_gguf_find(gguf, key);
    *kv_ret = kv;
    if (kv == NULL && required)
        return pd_fail(err, PONDER_BAD_FILE, "metadata '%s' is missing", key);
    if (kv != NULL && (kv->type != PD_GGUF_ARRAY || kv->element_type != element_type))
        return pd_fail(err, PONDER_BAD_FILE, "metadata '%s' is no array of %s", key,
                       pd_gguf_type_name(element_type));
    return PONDER_OK;
}

static enum ponder_status check_count(const struct pd_gguf_kv *kv, const char *what,
                                      uint64_t wanted, const struct pd_error *err)
{
    if (kv == NULL || kv->n == wanted)
        return PONDER_OK;
    return pd_fail(err, PONDER_BAD_FILE, "the vocabulary has %llu %s for %llu tokens",
                   (unsigned long long)kv->n, what, (unsigned long long)wanted);
}

static enum ponder_status find_arrays(struct arrays *arrays, const struct pd_gguf *gguf,
                                      bool is_spm, int n_vocab, const struct pd_error *err)
{
    PD_TRY(
        pd_vocab_array(gguf, "tokenizer.ggml.tokens", PD_GGUF_STRING, true, &arrays->tokens, err));
    PD_TRY(
        pd_vocab_array(gguf, "tokenizer.ggml.token_type", PD_GGUF_I32, false, &arrays->types, err));
    arrays->scores = NULL;
    if (is_spm)
        PD_TRY(
            pd_vocab_array(gguf, "tokenizer.ggml.scores", PD_GGUF_F32, true, &arrays->scores, err));
    uint64_t n = arrays->tokens->n;
    if (n == 0)
        return pd_fail(err, PONDER_BAD_FILE, "the vocabulary has no tokens");
    if (n > PD_INDEX_MAX)
        return pd_fail(err, PONDER_UNSUPPORTED,
                       "the vocabulary has %llu tokens; at most %d are supported",
                       (unsigned long long)n, PD_INDEX_MAX);
    if (n != (uint64_t)n_vocab)
        return pd_fail(err, PONDER_BAD_FILE,
                       "the vocabulary has %llu tokens, the embedding %d rows",
                       (unsigned long long)n, n_vocab);
    PD_TRY(check_count(arrays->types, "types", n, err));
    return check_count(arrays->scores, "scores", n, err);
}

static uint8_t kind_of(const struct arrays *arrays, uint32_t token, struct pd_string text)
{
    static const uint8_t kind_of_type[] = {
        0, PD_TOKEN_NORMAL, PD_TOKEN_UNKNOWN, PD_TOKEN_CONTROL, PD_TOKEN_USER, 0, PD_TOKEN_BYTE};
    uint8_t kind = PD_TOKEN_NORMAL;
    if (arrays->types != NULL) {
        uint32_t type = pd_gguf_array_u32(arrays->types, token);
        kind = type < PD_COUNT(kind_of_type) ? kind_of_type[type] : 0;
    }
    if (text.bytes == 0 || (text.data[0] != '<' && text.data[0] != '['))
        return kind;
    for (size_t i = 0; i < PD_COUNT(known_tokens); i++)
        if (pd_string_equal(text, known_tokens[i].text))
            kind |= known_tokens[i].kind;
    return kind;
}

/* The byte of each character that byte-level BPE writes for one: printable ASCII and Latin-1
 * stand for themselves, the other 68 bytes in turn for U+0100 and up. -1: the character stands
 * for none. */
static int byte_of_character(uint32_t code_point)
{
    if ((code_point >= 0x21 && code_point <= 0x7E) ||
        (code_point >= 0xA1 && code_point <= 0xFF && code_point != 0xAD))
        return (int)code_point;
    if (code_point < 0x100 || code_point > 0x143)
        return -1;
    uint32_t i = code_point - 0x100; /* bytes 0x00..0x20, 0x7F..0xA0, 0xAD */
    return (int)(i <= 0x20 ? i : i <= 0x42 ? i - 0x21 + 0x7F : 0xAD);
}

bool pd_vocab_decode(struct pd_string encoded, char *bytes_ret, size_t capacity, size_t *n_ret)
{
    size_t n = 0;
    const unsigned char *text = (const unsigned char *)encoded.data;
    for (size_t at = 0; at < encoded.bytes;) {
        uint32_t code_point = text[at];
        int byte = text[at];
        if (code_point - 0x21 <=
            0x7E - 0x21) { /* mostly: reading a vocabulary is half of a start */
            at++;
        } else {
            at += pd_utf8_decode(text + at, encoded.bytes - at, &code_point);
            byte = byte_of_character(code_point);
        }
        if (byte < 0 || n == capacity)
            return false;
        if (bytes_ret != NULL)
            bytes_ret[n] = (char)byte;
        n++;
    }
    *n_ret = n;
    return true;
}

static bool is_printable_ascii(struct pd_string text)
{
    for (size_t i = 0; i < text.bytes; i++)
        if (text.data[i] < 0x21 || text.data[i] > 0x7E)
            return false;
    return true;
}

/* Writes the text of a token as the vocabulary stores it to stored_ret (NULL: only counts) and
 * returns its length. *merges_ret: merging may make this token. Never a control token: no text
 * that is not parsed for them may forge one. Byte-level BPE works on encoded text: a
 * user-defined token, stored raw, can come out of that only if its text is the same both ways. */
static size_t store_text(bool is_spm, struct pd_string text, uint8_t kind, char *stored_ret,
                         bool *merges_ret)
{
    size_t bytes;
    if (!is_spm && (kind & PD_TOKEN_SPECIAL) == 0 &&
        pd_vocab_decode(text, stored_ret, SIZE_MAX, &bytes)) {
        *merges_ret = bytes > 0;
        return bytes;
    }
    if (stored_ret != NULL)
        memcpy(stored_ret, text.data, text.bytes);
    *merges_ret =
        text.bytes > 0 && (kind & PD_TOKEN_ASKED) == 0 && (is_spm || is_printable_ascii(text));
    return text.bytes;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int pd_vocab_byte(struct pd_string text)
{
    if (text.bytes != 6 || memcmp(text.data, "<0x", 3) != 0 || text.data[5] != '>')
        return -1;
    int high = hex_digit(text.data[3]);
    int low = hex_digit(text.data[4]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* The first token of each byte. */
struct byte_tokens {
    int32_t named[256];   /* "<0xNN>" */
    int32_t written[256]; /* a text of this one byte */
};

/* Text counts as the file has it: what is stored is never longer. */
static enum ponder_status survey_tokens(struct pd_tokenizer_survey *survey,
                                        struct byte_tokens *first, const struct arrays *arrays,
                                        const struct pd_error *err)
{
    uint64_t text_bytes = 0;
    memset(first, -1, sizeof *first);
    const unsigned char *cursor = arrays->tokens->data;
    for (uint32_t i = 0; i < survey->n_tokens; i++) {
        struct pd_string text = pd_gguf_next_string(&cursor);
        if (text.bytes > PD_GGUF_MAX_TOKEN_BYTES)
            return pd_fail(err, PONDER_BAD_FILE, "token %u has %zu bytes; at most %d are supported",
                           i, text.bytes, PD_GGUF_MAX_TOKEN_BYTES);
        uint8_t kind = kind_of(arrays, i, text);
        int byte = pd_vocab_byte(text);
        if ((kind & PD_TOKEN_BYTE) != 0 && byte < 0)
            return pd_fail(err, PONDER_BAD_FILE, "byte token %u is not written <0xNN>", i);
        if (byte >= 0 && first->named[byte] < 0)
            first->named[byte] = (int32_t)i;
        if (text.bytes <= 2) { /* two may be one, encoded */
            char stored[2] = {0};
            bool merges;
            size_t bytes = store_text(survey->is_spm, text, kind, stored, &merges);
            int32_t *written = &first->written[(unsigned char)stored[0]];
            if (bytes == 1 && merges && *written < 0)
                *written = (int32_t)i;
        }
        text_bytes += text.bytes;
        survey->n_special += (kind & PD_TOKEN_SPECIAL) != 0;
        if (text.bytes > survey->max_bytes)
            survey->max_bytes = (uint32_t)text.bytes;
    }
    if (text_bytes > UINT32_MAX)
        return pd_fail(err, PONDER_UNSUPPORTED, "the vocabulary has more than 4 GiB of text");
    survey->text_bytes = (uint32_t)text_bytes;
    return PONDER_OK;
}

static enum ponder_status choose_byte_tokens(struct pd_tokenizer_survey *survey,
                                             const struct byte_tokens *first, int32_t unknown,
                                             const struct pd_error *err)
{
    for (int byte = 0; byte < 256; byte++) {
        int32_t token = first->written[byte];
        if (survey->is_spm && first->named[byte] >= 0)
            token = first->named[byte];
        if (survey->is_spm && token < 0)
            token = unknown;
        if (survey->is_spm && token < 0)
            return pd_fail(err, PONDER_BAD_FILE, "the vocabulary has no token for byte <0x%02X>",
                           (unsigned)byte);
        survey->byte_token[byte] = token;
    }
    return PONDER_OK;
}

/* Higher scores go first: a key that rises as the score falls. False for what is not a number. */
static bool key_of_score(uint32_t bits, uint32_t *key_ret)
{
    const uint32_t sign = UINT32_C(1) << 31;
    if ((bits & ~sign) > UINT32_C(0x7F800000))
        return false;
    if (bits == sign)
        bits = 0; /* -0 is 0 */
    *key_ret = (bits & sign) != 0 ? bits : ~(bits | sign);
    return true;
}

static enum ponder_status check_scores(const struct arrays *arrays, const struct pd_error *err)
{
    uint32_t key;
    for (uint64_t i = 0; arrays->scores != NULL && i < arrays->scores->n; i++)
        if (!key_of_score(pd_gguf_array_u32(arrays->scores, i), &key))
            return pd_fail(err, PONDER_BAD_FILE, "the score of token %llu is not a number",
                           (unsigned long long)i);
    return PONDER_OK;
}

/* Where text is or would be in the index. */
static int32_t find(const struct pd_vocab *v, struct pd_string text, struct pd_index_walk *walk)
{
    *walk = pd_index_begin(&v->index, pd_hash_bytes(text.data, text.bytes));
    for (;;) {
        uint32_t token = pd_index_next(walk);
        if (token == UINT32_MAX)
            return -1;
        struct pd_string other = pd_vocab_text(v, token);
        if (other.bytes == text.bytes && memcmp(other.data, text.data, text.bytes) == 0)
            return (int32_t)token;
    }
}

int32_t pd_vocab_find(const struct pd_vocab *v, const char *text, size_t bytes)
{
    struct pd_index_walk walk;
    if (bytes > v->max_bytes)
        return -1;
    return find(v, (struct pd_string){text, bytes}, &walk);
}

int32_t pd_vocab_find_near(const struct pd_vocab *v, const char *text, size_t bytes, uint32_t guess)
{
    if (guess < v->n && (v->kind[guess] & PD_TOKEN_INDEXED) != 0) {
        struct pd_string other = pd_vocab_text(v, guess);
        if (other.bytes == bytes && memcmp(other.data, text, bytes) == 0)
            return (int32_t)guess;
    }
    return pd_vocab_find(v, text, bytes);
}

/* A token that is both user-defined and control is control. */
static uint8_t kind_of_special(uint8_t kind)
{
    return (kind & PD_TOKEN_ASKED) != 0 ? PD_TOKEN_CONTROL : PD_TOKEN_USER;
}

static void copy_tokens(struct pd_vocab *v, const struct arrays *arrays)
{
    const unsigned char *cursor = arrays->tokens->data;
    uint32_t n_special = 0;
    pd_index_clear(&v->index);
    v->offset[0] = 0;
    for (uint32_t i = 0; i < v->n; i++) {
        struct pd_string text = pd_gguf_next_string(&cursor);
        uint8_t kind = kind_of(arrays, i, text);
        bool merges;
        v->offset[i + 1] = v->offset[i] + (uint32_t)store_text(v->is_spm, text, kind,
                                                               v->text + v->offset[i], &merges);
        v->kind[i] = kind;
        if (v->is_spm)
            key_of_score(pd_gguf_array_u32(arrays->scores, i), &v->key[i]);
        struct pd_index_walk walk;
        if (merges && find(v, pd_vocab_text(v, i), &walk) < 0) {
            pd_index_put(&v->index, &walk, i);
            v->kind[i] |= PD_TOKEN_INDEXED;
        }
        if ((kind & PD_TOKEN_SPECIAL) != 0) {
            v->special[n_special++] = i;
            if (text.bytes > 0)
                v->special_lead[(unsigned char)text.data[0]] |= kind_of_special(kind);
        }
    }
}

enum ponder_status pd_vocab_survey(struct pd_tokenizer_survey *survey, const struct pd_gguf *gguf,
                                   int n_vocab, int32_t unknown, const struct pd_error *err)
{
    struct arrays arrays;
    struct byte_tokens first;
    PD_TRY(find_arrays(&arrays, gguf, survey->is_spm, n_vocab, err));
    survey->n_tokens = (uint32_t)arrays.tokens->n;
    PD_TRY(survey_tokens(survey, &first, &arrays, err));
    PD_TRY(choose_byte_tokens(survey, &first, unknown, err));
    return check_scores(&arrays, err);
}

void pd_vocab_layout(struct pd_vocab *v, const struct pd_tokenizer_survey *survey,
                     struct pd_arena *a)
{
    *v = (struct pd_vocab){.is_spm = survey->is_spm,
                           .n = survey->n_tokens,
                           .n_special = survey->n_special,
                           .max_bytes = survey->max_bytes};
    memcpy(v->byte_token, survey->byte_token, sizeof v->byte_token);
    v->offset = PD_NEW(a, uint32_t, v->n + 1);
    v->text = PD_NEW(a, char, survey->text_bytes);
    v->kind = PD_NEW(a, uint8_t, v->n);
    v->key = survey->is_spm ? PD_NEW(a, uint32_t, v->n) : NULL;
    v->special = PD_NEW(a, uint32_t, v->n_special);
    v->shorter = PD_NEW(a, uint32_t, v->n_special);
    pd_index_layout(&v->index, v->n, a);
}

void pd_vocab_fill(struct pd_vocab *v, const struct pd_gguf *gguf)
{
    struct arrays arrays;
    enum ponder_status status = find_arrays(&arrays, gguf, v->is_spm, (int)v->n, NULL);
    PD_ASSERT(status == PONDER_OK); /* the survey has seen them */
    if (status != PONDER_OK)
        return;
    copy_tokens(v, &arrays);
    pd_vocab_sort_special(v);
}
