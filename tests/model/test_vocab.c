/* SPDX-License-Identifier: Apache-2.0
 * test_vocab.c - vocabularies that are damaged, incomplete or odd, and the memory that they take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/tokenizer.h"
#include "tests/support/little_vocab.h"

enum damage {
    NO_TOKENS,
    TOO_FEW_TYPES,
    TYPES_OF_BYTES,
    NO_SCORES,
    TOO_FEW_SCORES,
    NAN_SCORE,
    NO_MERGES,
    MERGE_WITHOUT_SPACE,
    MERGE_WITHOUT_RIGHT,
    BYTE_OF_ONE_DIGIT,
    BYTE_NEGATIVE,
    MISSING_BYTE,
    BAD_BOS,
    BAD_EOT,
    UNKNOWN_MODEL,
    UNKNOWN_PRE,
    OTHER_ROWS,
    NO_MODEL
};

static struct gguf_builder *build_damaged(enum damage damage, bool is_spm)
{
    struct little_vocab v = {.merge = {"a b"}, .n_merges = 1};
    float scores[1024] = {0};
    if (is_spm)
        little_add_byte_tokens(&v);
    else
        little_add_byte_characters(&v);
    if (damage == BYTE_OF_ONE_DIGIT)
        v.token[3 + 0x41] = "<0x4>";
    if (damage == BYTE_NEGATIVE)
        v.token[3 + 0x41] = "<0x-1>";
    if (damage == MISSING_BYTE) {
        v.token[3 + 0x41] = "<0xG1>";
        v.type[3 + 0x41] = NORMAL;
    }
    if (damage == MERGE_WITHOUT_SPACE)
        v.merge[0] = "ab";
    if (damage == MERGE_WITHOUT_RIGHT)
        v.merge[0] = "a ";
    if (damage == NO_TOKENS)
        v.n = 0;
    if (damage == NAN_SCORE) {
        uint32_t bits = 0x7FC00001;
        memcpy(&scores[7], &bits, sizeof bits);
    }
    struct gguf_builder *b = gguf_new(3, 32);
    if (damage != NO_MODEL)
        gguf_add_string(b, "tokenizer.ggml.model",
                        damage == UNKNOWN_MODEL ? "bert"
                        : is_spm                ? "llama"
                                                : "gpt2");
    if (!is_spm)
        gguf_add_string(b, "tokenizer.ggml.pre", damage == UNKNOWN_PRE ? "klingon" : "gpt-2");
    gguf_add_string_array(b, "tokenizer.ggml.tokens", v.token, v.n);
    gguf_add_array(b, "tokenizer.ggml.token_type",
                   damage == TYPES_OF_BYTES ? PD_GGUF_U8 : PD_GGUF_I32, v.type,
                   damage == TOO_FEW_TYPES ? v.n - 1 : v.n);
    if (is_spm && damage != NO_SCORES)
        gguf_add_array(b, "tokenizer.ggml.scores", PD_GGUF_F32, scores,
                       damage == TOO_FEW_SCORES ? v.n - 1 : v.n);
    if (!is_spm && damage != NO_MERGES)
        gguf_add_string_array(b, "tokenizer.ggml.merges", v.merge, v.n_merges);
    if (damage == BAD_BOS)
        gguf_add_u32(b, "tokenizer.ggml.bos_token_id", (uint32_t)v.n);
    if (damage == BAD_EOT)
        gguf_add_u32(b, "tokenizer.ggml.eot_token_id", UINT32_MAX);
    if (damage == MISSING_BYTE)
        gguf_add_u32(b, "tokenizer.ggml.unknown_token_id", UINT32_MAX);
    return b;
}

static void test_bad_vocabularies_are_refused_in_a_line(void **state)
{
    (void)state;
    static const struct {
        enum damage damage;
        bool is_spm;
        enum ponder_status status;
        const char *part; /* of the error text */
    } cases[] = {
        {NO_TOKENS, false, PONDER_BAD_FILE, "no tokens"},
        {NO_TOKENS, true, PONDER_BAD_FILE, "no tokens"},
        {TOO_FEW_TYPES, false, PONDER_BAD_FILE, "255 types for 256 tokens"},
        {TYPES_OF_BYTES, false, PONDER_BAD_FILE, "token_type"},
        {NO_SCORES, true, PONDER_BAD_FILE, "scores"},
        {TOO_FEW_SCORES, true, PONDER_BAD_FILE, "258 scores for 259 tokens"},
        {NAN_SCORE, true, PONDER_BAD_FILE, "token 7 "},
        {NO_MERGES, false, PONDER_BAD_FILE, "merges"},
        {MERGE_WITHOUT_SPACE, false, PONDER_BAD_FILE, "merge 0"},
        {MERGE_WITHOUT_RIGHT, false, PONDER_BAD_FILE, "merge 0"},
        {BYTE_OF_ONE_DIGIT, true, PONDER_BAD_FILE, "byte token 68"},
        {BYTE_NEGATIVE, true, PONDER_BAD_FILE, "byte token 68"},
        {MISSING_BYTE, true, PONDER_BAD_FILE, "unknown_token_id"},
        {BAD_BOS, false, PONDER_BAD_FILE, "bos_token_id"},
        {BAD_EOT, true, PONDER_BAD_FILE, "eot_token_id"},
        {UNKNOWN_MODEL, false, PONDER_UNSUPPORTED, "'bert'"},
        {UNKNOWN_PRE, false, PONDER_UNSUPPORTED, "'klingon'"},
        {OTHER_ROWS, false, PONDER_BAD_FILE, "256 tokens, the embedding 300 rows"},
        {NO_MODEL, true, PONDER_BAD_FILE, "tokenizer.ggml.model"},
    };
    for (size_t i = 0; i < PD_COUNT(cases); i++) {
        struct opened_vocab o;
        int rows = cases[i].damage == OTHER_ROWS ? 300 : 0;
        vocab_open_built(&o, build_damaged(cases[i].damage, cases[i].is_spm), rows);
        if (o.status != cases[i].status || strstr(o.error, cases[i].part) == NULL)
            fail_msg("case %zu: status %d, not %d; '%s' should say '%s'", i, (int)o.status,
                     (int)cases[i].status, o.error, cases[i].part);
        vocab_close(&o);
    }
}

static void test_missing_bytes_become_the_unknown_token(void **state)
{
    (void)state;
    struct opened_vocab o;
    vocab_open_built(&o, build_damaged(MERGE_WITHOUT_SPACE, true), 0);
    assert_int_equal(o.status, PONDER_OK); /* SentencePiece has no merges to be bad */
    vocab_assert_tokens(&o, "A", (struct pd_tokenize){.goes_on = true}, "A");
    vocab_close(&o);
    struct little_vocab v = {0};
    little_add_byte_tokens(&v);
    v.token[3 + 0x41] = "<0xG1>";
    v.type[3 + 0x41] = NORMAL;
    little_open(&o, &v, "llama", NULL);
    vocab_assert_tokens(&o, "A", (struct pd_tokenize){.goes_on = true}, "<unk>");
    vocab_close(&o);
}

static void test_default_ids_beyond_the_vocabulary_are_none(void **state)
{
    (void)state;
    static const char *const token[] = {"a"};
    static const float score[] = {0};
    struct opened_vocab o;
    struct gguf_builder *b = gguf_new(3, 32);
    gguf_add_string(b, "tokenizer.ggml.model", "llama");
    gguf_add_string_array(b, "tokenizer.ggml.tokens", token, 1);
    gguf_add_array(b, "tokenizer.ggml.scores", PD_GGUF_F32, score, 1);
    vocab_open_built(&o, b, 0);
    assert_int_equal(o.status, PONDER_OK);
    assert_int_equal(pd_tokenizer_bos(o.t), -1);
    assert_int_equal(pd_tokenizer_eos(o.t), -1);
    vocab_assert_tokens(&o, "a", (struct pd_tokenize){.add_bos = true, .goes_on = true}, "a");
    vocab_close(&o);
}

static void test_double_and_empty_tokens_are_tolerated(void **state)
{
    (void)state;
    struct opened_vocab o;
    int32_t tokens[4];
    char text[4];
    struct little_vocab v = {.merge = {"a b"}, .n_merges = 1};
    little_add_byte_characters(&v);
    little_add(&v, "ab", NORMAL, 0);
    little_add(&v, "ab", NORMAL, 0);
    little_add(&v, "", NORMAL, 0);
    little_add(&v, "", CONTROL, 0);
    little_add(&v, "<x>", CONTROL, 0);
    little_add(&v, "<x>", CONTROL, 0);
    little_open(&o, &v, "gpt2", "gpt-2");
    assert_int_equal(
        vocab_tokenize(&o, "ab<x>", 5, (struct pd_tokenize){.parse_special = true}, tokens, 4), 2);
    assert_int_equal(tokens[0], 256);
    assert_int_equal(tokens[1], 260);
    assert_int_equal(pd_token_text(o.t, 258, true, text, 4), 0);
    assert_int_equal(pd_token_text(o.t, 259, true, text, 4), 0);
    vocab_close(&o);
}

static void test_layout_fails_cleanly_at_a_byte_less(void **state)
{
    (void)state;
    struct little_vocab v = {.merge = {"a b"}, .n_merges = 1};
    struct opened_vocab o;
    size_t n_bytes;
    little_add_byte_characters(&v);
    little_add(&v, "ab", NORMAL, 0);
    struct gguf_builder *b = little_build(&v, "gpt2", "gpt-2");
    unsigned char *bytes = gguf_finish(b, &n_bytes);
    for (size_t missing = 0; missing < 4096; missing = 2 * missing + 1) {
        vocab_open_bytes(&o, bytes, n_bytes, 0, missing);
        assert_int_equal(o.status, missing == 0 ? PONDER_OK : PONDER_NO_MEMORY);
        assert_true((o.t == NULL) == (missing > 0));
        vocab_close(&o);
    }
    free(bytes);
    gguf_free(b);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_vocabularies_are_refused_in_a_line),
        cmocka_unit_test(test_missing_bytes_become_the_unknown_token),
        cmocka_unit_test(test_default_ids_beyond_the_vocabulary_are_none),
        cmocka_unit_test(test_double_and_empty_tokens_are_tolerated),
        cmocka_unit_test(test_layout_fails_cleanly_at_a_byte_less),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
