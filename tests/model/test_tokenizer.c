/* SPDX-License-Identifier: Apache-2.0
 * test_tokenizer.c - tokens of the real vocabularies equal llama.cpp's (tests/golden, made by
 * scripts/make-token-goldens.py); little vocabularies for what those do not show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "model/tokenizer.h"
#include "tests/support/golden.h"
#include "tests/support/little_vocab.h"
#include "tests/support/model_file.h"

enum { MAX_TEXT = 4096, MAX_TOKENS = 3 * MAX_TEXT };

/* ---- the real vocabularies ---- */

static bool open_real(struct opened_vocab *o, const char *model)
{
    char path[MODEL_FILE_PATH];
    if (!model_file_real(model, path)) {
        print_message("%s is not there: make deps\n", path);
        return false;
    }
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    size_t n_bytes = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(n_bytes);
    assert_int_equal(fread(bytes, 1, n_bytes, file), n_bytes);
    fclose(file);
    vocab_open_bytes(o, bytes, n_bytes, 0, 0);
    if (o->status != PONDER_OK)
        fail_msg("%s", o->error);
    free(bytes);
    return true;
}

static void check_row(const struct opened_vocab *o, const char *text_row, const char *row,
                      bool is_special)
{
    static unsigned char text[MAX_TEXT];
    static int32_t wanted[MAX_TOKENS];
    static int32_t tokens[MAX_TOKENS];
    long n_text = golden_hex(text_row, "hex", text, MAX_TEXT);
    long n_wanted = is_special ? golden_numbers(row, "special", wanted, MAX_TOKENS) : -1;
    if (n_wanted < 0)
        n_wanted = golden_numbers(row, "plain", wanted, MAX_TOKENS);
    size_t n = vocab_tokenize(o, (const char *)text, (size_t)n_text,
                              (struct pd_tokenize){.add_bos = true, .parse_special = is_special},
                              tokens, MAX_TOKENS);
    for (size_t i = 0; i < n && i < (size_t)n_wanted; i++)
        if (tokens[i] != wanted[i])
            fail_msg("token %zu is %d, not %d: %s", i, (int)tokens[i], (int)wanted[i], text_row);
    if (n != (size_t)n_wanted)
        fail_msg("%zu tokens, not %ld: %s", n, n_wanted, text_row);
}

static void check_real_tokens(const char *model)
{
    char path[128];
    struct opened_vocab o;
    if (!open_real(&o, model))
        skip();
    snprintf(path, sizeof path, "tests/golden/tokens-%s.jsonl", model);
    struct golden texts = golden_read("tests/golden/texts.jsonl");
    struct golden rows = golden_read(path);
    assert_int_equal(texts.n, rows.n);
    assert_true(texts.n >= 300);
    for (int i = 0; i < texts.n; i++) {
        check_row(&o, texts.line[i], rows.line[i], false);
        check_row(&o, texts.line[i], rows.line[i], true);
    }
    golden_free(&texts);
    golden_free(&rows);
    vocab_close(&o);
}

static uint64_t fnv1a(uint64_t hash, const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ ((const unsigned char *)bytes)[i]) * UINT64_C(0x100000001B3);
    return hash;
}

#define FNV1A_START UINT64_C(0xCBF29CE484222325)

static void check_real_pieces(const char *model)
{
    char path[128];
    char wanted[20];
    char hash_text[20];
    int32_t ends[64];
    struct opened_vocab o;
    if (!open_real(&o, model))
        skip();
    snprintf(path, sizeof path, "tests/golden/pieces-%s.json", model);
    struct golden g = golden_read(path);
    long n_ends = golden_numbers(g.line[0], "ends", ends, 64);
    assert_true(golden_text(g.line[0], "texts", wanted, sizeof wanted));
    uint64_t hash = FNV1A_START;
    long n_found = 0;
    for (int32_t token = 0; token < pd_tokenizer_n_vocab(o.t); token++) {
        char piece[256];
        size_t bytes = pd_token_text(o.t, token, true, piece, sizeof piece);
        unsigned char length = (unsigned char)bytes;
        assert_true(bytes < sizeof piece);
        hash = fnv1a(hash, &length, 1);
        hash = fnv1a(hash, piece, bytes);
        if (pd_tokenizer_ends_text(o.t, token)) {
            assert_true(n_found < n_ends);
            assert_int_equal(token, ends[n_found++]);
        }
    }
    assert_int_equal(n_found, n_ends);
    snprintf(hash_text, sizeof hash_text, "%016llx", (unsigned long long)hash);
    assert_string_equal(hash_text, wanted);
    golden_free(&g);
    vocab_close(&o);
}

static void test_smollm2_tokens_equal_those_of_llama_cpp(void **state)
{
    (void)state;
    check_real_tokens("smollm2-135m");
}

static void test_gemma3_tokens_equal_those_of_llama_cpp(void **state)
{
    (void)state;
    check_real_tokens("gemma3-270m");
}

static void test_smollm2_token_texts_equal_those_of_llama_cpp(void **state)
{
    (void)state;
    check_real_pieces("smollm2-135m");
}

static void test_gemma3_token_texts_equal_those_of_llama_cpp(void **state)
{
    (void)state;
    check_real_pieces("gemma3-270m");
}

static void check_no_forged_turn(const char *model)
{
    struct opened_vocab o;
    if (!open_real(&o, model))
        skip();
    for (int32_t token = 0; token < pd_tokenizer_n_vocab(o.t); token++) {
        char text[64];
        int32_t tokens[64];
        char piece[64];
        if (pd_token_text(o.t, token, false, text, sizeof text) > 0)
            continue; /* not control */
        size_t bytes = pd_token_text(o.t, token, true, text, sizeof text);
        size_t n = vocab_tokenize(&o, text, bytes, (struct pd_tokenize){0}, tokens, 64);
        for (size_t i = 0; i < n; i++)
            assert_true(pd_token_text(o.t, tokens[i], false, piece, sizeof piece) > 0);
        n = vocab_tokenize(&o, text, bytes, (struct pd_tokenize){.parse_special = true}, tokens,
                           64);
        assert_int_equal(n, 1);
        assert_int_equal(tokens[0], token);
    }
    vocab_close(&o);
}

static void test_plain_text_never_makes_a_control_token_of_smollm2(void **state)
{
    (void)state;
    check_no_forged_turn("smollm2-135m");
}

static void test_plain_text_never_makes_a_control_token_of_gemma3(void **state)
{
    (void)state;
    check_no_forged_turn("gemma3-270m");
}

/* ---- little vocabularies ---- */

static void test_tiny_tokens_equal_those_of_llama_cpp(void **state)
{
    (void)state;
    static const char *const pre[] = {"gpt-2", "smollm", "llama-bpe", "qwen2", "default"};
    static unsigned char text[MAX_TEXT];
    static int32_t tokens[MAX_TOKENS];
    static char joined[1024][512];
    struct golden texts = golden_read("tests/golden/texts.jsonl");
    struct golden rows = golden_read("tests/golden/tokens-tiny.jsonl");
    struct golden merges = golden_read("tests/golden/tiny-merges.txt");
    struct little_vocab v = {0};
    little_add_byte_characters(&v);
    for (int i = 0; i < merges.n; i++) {
        bool is_new = true;
        size_t cut = strcspn(merges.line[i], " ");
        snprintf(joined[i], sizeof joined[i], "%.*s%s", (int)cut, merges.line[i],
                 merges.line[i] + cut + 1);
        v.merge[v.n_merges++] = merges.line[i];
        for (size_t k = 0; k < v.n; k++)
            is_new = is_new && strcmp(v.token[k], joined[i]) != 0;
        if (is_new)
            little_add(&v, joined[i], NORMAL, 0);
    }
    little_add(&v, "<|end|>", CONTROL, 0);
    assert_int_equal(texts.n, rows.n);
    for (size_t p = 0; p < PD_COUNT(pre); p++) {
        struct opened_vocab o;
        struct gguf_builder *b = little_build(&v, "gpt2", pre[p]);
        gguf_add_u32(b, "tokenizer.ggml.bos_token_id", (uint32_t)v.n - 1);
        vocab_open_built(&o, b, 0);
        assert_int_equal(o.status, PONDER_OK);
        for (int i = 0; i < texts.n; i++) {
            char wanted[12];
            char got[12];
            uint64_t hash = FNV1A_START;
            long n_text = golden_hex(texts.line[i], "hex", text, MAX_TEXT);
            size_t n = vocab_tokenize(&o, (char *)text, (size_t)n_text,
                                      (struct pd_tokenize){.add_bos = true}, tokens, MAX_TOKENS);
            for (size_t k = 0; k < n; k++) {
                unsigned char bytes[2] = {(unsigned char)tokens[k],
                                          (unsigned char)(tokens[k] >> 8)};
                hash = fnv1a(hash, bytes, 2);
            }
            snprintf(got, sizeof got, "%08x", (unsigned)(hash & 0xFFFFFFFF));
            assert_true(golden_text(rows.line[i], pre[p], wanted, sizeof wanted));
            if (strcmp(got, wanted) != 0)
                fail_msg("%s: other tokens: %s", pre[p], texts.line[i]);
        }
        vocab_close(&o);
    }
    golden_free(&texts);
    golden_free(&rows);
    golden_free(&merges);
}

static void test_merges_go_by_rank_then_from_the_left(void **state)
{
    (void)state;
    struct opened_vocab o;
    struct little_vocab v = {.merge = {"b c", "a b", "a a", "aa a", "ab c"}, .n_merges = 5};
    little_add_byte_characters(&v);
    little_add(&v, "ab", NORMAL, 0);
    little_add(&v, "bc", NORMAL, 0);
    little_add(&v, "aa", NORMAL, 0);
    little_add(&v, "aaa", NORMAL, 0);
    little_add(&v, "abc", NORMAL, 0);
    little_open(&o, &v, "gpt2", "gpt-2");
    vocab_assert_tokens(&o, "abc", (struct pd_tokenize){0}, "a|bc");
    vocab_assert_tokens(&o, "aaaa", (struct pd_tokenize){0}, "aa|aa");
    vocab_assert_tokens(&o, "aaaaa", (struct pd_tokenize){0}, "aa|aaa");
    vocab_close(&o);
    little_open(&o, &v, "gpt2", "llama-bpe");
    vocab_assert_tokens(&o, "abc", (struct pd_tokenize){0}, "abc");
    vocab_close(&o);
}

static void test_merges_of_unknown_texts_join_nothing(void **state)
{
    (void)state;
    struct opened_vocab o;
    struct little_vocab v = {.merge = {"x y", "xy z", "\xE4\xB8\x96 a", "a b", "a b"},
                             .n_merges = 5};
    little_add_byte_characters(&v);
    little_add(&v, "xyz", NORMAL, 0);
    little_add(&v, "ab", NORMAL, 0);
    little_open(&o, &v, "gpt2", "gpt-2");
    vocab_assert_tokens(&o, "xyzab", (struct pd_tokenize){0}, "x|y|z|ab");
    vocab_close(&o);
}

static void test_scores_decide_then_the_left(void **state)
{
    (void)state;
    struct opened_vocab o;
    struct little_vocab v = {0};
    little_add_byte_tokens(&v);
    little_add(&v, "a", NORMAL, 0);
    little_add(&v, "b", NORMAL, 0);
    little_add(&v, "c", NORMAL, 0);
    little_add(&v, "\xE2\x96\x81", NORMAL, 0);
    little_add(&v, "ab", NORMAL, -0.0f);
    little_add(&v, "bc", NORMAL, 0.0f);
    little_add(&v, "aa", NORMAL, -2);
    little_add(&v,
               "\xE2\x96\x81"
               "a",
               NORMAL, -1);
    little_add(&v, "ca", NORMAL, 1);
    little_open(&o, &v, "llama", NULL);
    struct pd_tokenize how = {.add_bos = true};
    vocab_assert_tokens(&o, "abc", how, "<s>| |ab|c");
    vocab_assert_tokens(&o, "a", how, "<s>| a");
    vocab_assert_tokens(&o, "bca", how, "<s>| |b|ca");
    how.goes_on = true;
    vocab_assert_tokens(&o, "aaa", how, "<s>|aa|a");
    vocab_assert_tokens(&o, "\xC3\xA9z", how, "<s>|\xC3|\xA9|z");
    how.parse_special = true;
    vocab_assert_tokens(&o, "a</s>a", how, "<s>|a|</s>| a");
    vocab_close(&o);

    struct gguf_builder *b = little_build(&v, "llama", NULL);
    gguf_add_bool(b, "tokenizer.ggml.add_space_prefix", false);
    gguf_add_bool(b, "tokenizer.ggml.add_bos_token", false);
    vocab_open_built(&o, b, 0);
    vocab_assert_tokens(&o, "abc", (struct pd_tokenize){.add_bos = true}, "ab|c");
    assert_int_equal(pd_tokenizer_bos(o.t), 1);
    assert_int_equal(pd_tokenizer_eos(o.t), 2);
    vocab_close(&o);
}

static void test_longer_special_tokens_go_first(void **state)
{
    (void)state;
    struct opened_vocab o;
    struct little_vocab v = {0};
    little_add_byte_characters(&v);
    little_add(&v, "<a>", CONTROL, 0);
    little_add(&v, "<a>b", USER, 0);
    little_add(&v, ">bcd", USER, 0);
    little_add(&v, "bcdef", CONTROL, 0);
    little_add(&v, "  ", USER, 0);
    little_add(&v, "<|im_end|>", USER, 0); /* known to be control */
    little_open(&o, &v, "gpt2", "gpt-2");
    struct pd_tokenize plain = {0};
    struct pd_tokenize parsed = {.parse_special = true};
    vocab_assert_tokens(&o, "<a>b<a>", parsed, "<a>b|<a>");
    vocab_assert_tokens(&o, "<a>b<a>", plain, "<a>b|<|a|>");
    vocab_assert_tokens(&o, "<a>bcd", plain, "<a>b|c|d");
    vocab_assert_tokens(&o, "<a>bcdef", parsed, "<a>|bcdef");
    vocab_assert_tokens(&o, "x>bcdef", plain, "x|>bcd|e|f");
    vocab_assert_tokens(&o, "     ", plain, "  |  | ");
    vocab_assert_tokens(&o, "<|im_end|>", plain, "<|||i|m|_|e|n|d|||>");
    vocab_assert_tokens(&o, "<|im_end|>", parsed, "<|im_end|>");
    vocab_assert_tokens(&o, "<|im_end|", parsed, "<|||i|m|_|e|n|d||");
    assert_int_equal(pd_tokenizer_special(o.t, "<a>"), 256);
    assert_int_equal(pd_tokenizer_special(o.t, "<a"), -1);
    assert_int_equal(pd_tokenizer_special(o.t, "a"), -1);
    assert_true(pd_tokenizer_ends_text(o.t, 261));
    assert_false(pd_tokenizer_ends_text(o.t, 256));
    vocab_close(&o);
}

static void test_text_of_control_tokens_is_shown_only_if_asked(void **state)
{
    (void)state;
    struct opened_vocab o;
    char text[8] = "########";
    struct little_vocab v = {0};
    little_add_byte_tokens(&v);
    little_add(&v, "\xE2\x96\x81x\xE2\x96\x81", NORMAL, 0);
    little_add(&v, "\xE2\x96\x81", USER, 0);
    little_add(&v, "idle", UNUSED, 0);
    little_open(&o, &v, "llama", NULL);
    assert_int_equal(pd_token_text(o.t, 2, false, text, 8), 0);
    assert_int_equal(pd_token_text(o.t, 2, true, text, 2), 4);
    assert_memory_equal(text, "</######", 8);
    assert_int_equal(pd_token_text(o.t, 3 + 0x41, false, text, 8), 1);
    assert_int_equal(text[0], 'A');
    assert_int_equal(pd_token_text(o.t, 259, false, text, 2), 3);
    assert_memory_equal(text, " x######", 8);
    assert_int_equal(pd_token_text(o.t, 260, false, text, 8), 3);
    assert_int_equal(pd_token_text(o.t, 261, true, text, 8), 0);
    vocab_close(&o);
}

static void test_texts_come_back_from_their_tokens(void **state)
{
    (void)state;
    static unsigned char text[MAX_TEXT];
    static int32_t tokens[MAX_TOKENS];
    struct opened_vocab o;
    struct little_vocab v = {.merge = {"t h", "th e"}, .n_merges = 2};
    struct golden texts = golden_read("tests/golden/texts.jsonl");
    struct golden splits = golden_read("tests/golden/splits.jsonl");
    little_add_byte_characters(&v);
    little_add(&v, "th", NORMAL, 0);
    little_add(&v, "the", NORMAL, 0);
    little_open(&o, &v, "gpt2", "qwen2");
    for (int i = 0; i < texts.n; i++) {
        if (strcmp(splits.line[i], "{}") == 0)
            continue; /* not valid UTF-8: becomes U+FFFD */
        size_t n_text = (size_t)golden_hex(texts.line[i], "hex", text, MAX_TEXT);
        size_t n =
            vocab_tokenize(&o, (char *)text, n_text, (struct pd_tokenize){0}, tokens, MAX_TOKENS);
        size_t at = 0;
        for (size_t k = 0; k < n; k++) {
            char piece[8];
            size_t bytes = pd_token_text(o.t, tokens[k], false, piece, sizeof piece);
            assert_true(at + bytes <= n_text);
            assert_memory_equal(text + at, piece, bytes);
            at += bytes;
        }
        assert_int_equal(at, n_text);
    }
    golden_free(&texts);
    golden_free(&splits);
    vocab_close(&o);
}

static void test_too_many_tokens_are_counted_not_written(void **state)
{
    (void)state;
    struct opened_vocab o;
    char scratch[2048];
    int32_t tokens[4] = {-7, -7, -7, -7};
    size_t n;
    struct little_vocab v = {0};
    little_add_byte_characters(&v);
    little_open(&o, &v, "gpt2", "gpt-2");
    struct pd_tokenize how = {0};
    assert_int_equal(pd_tokenize(o.t, "abcdef", 6, how, scratch, sizeof scratch, tokens, 3, &n),
                     PONDER_TOO_LONG);
    assert_int_equal(n, 6);
    assert_int_equal(tokens[2], 'c');
    assert_int_equal(tokens[3], -7);
    assert_int_equal(pd_tokenize(o.t, "", 0, how, scratch, sizeof scratch, tokens, 0, &n),
                     PONDER_OK);
    assert_int_equal(n, 0);
    size_t enough = pd_tokenizer_scratch_bytes(6);
    assert_int_equal(pd_tokenize(o.t, "abcdef", 6, how, scratch, enough - 1, tokens, 4, &n),
                     PONDER_NO_MEMORY);
    assert_int_equal(n, 5);
    assert_int_equal(
        pd_tokenize(o.t, "abcdef", (size_t)17 << 20, how, scratch, enough, tokens, 4, &n),
        PONDER_TOO_LONG);
    vocab_close(&o);
}

/* The most symbols and bytes that a text can take: the scratch must do, under a sanitizer too. */
static void test_scratch_is_enough_for_the_worst_texts(void **state)
{
    (void)state;
    static const char *const worst[] = {"\xFF", "\xC3 ", "\xE2 ", "\xF0 ", " ", "\xC3", "a"};
    struct opened_vocab bpe;
    struct opened_vocab spm;
    struct little_vocab v = {0};
    struct little_vocab w = {0};
    little_add_byte_characters(&v);
    little_add_byte_tokens(&w);
    little_open(&bpe, &v, "gpt2", "qwen2");
    little_open(&spm, &w, "llama", NULL);
    for (size_t i = 0; i < PD_COUNT(worst); i++) {
        char text[64] = "";
        int32_t tokens[256];
        while (strlen(text) + 2 < sizeof text) {
            strcat(text, worst[i]);
            vocab_tokenize(&bpe, text, strlen(text), (struct pd_tokenize){0}, tokens, 256);
            vocab_tokenize(&spm, text, strlen(text), (struct pd_tokenize){.add_bos = true}, tokens,
                           256);
        }
    }
    vocab_close(&bpe);
    vocab_close(&spm);
}

static void check_long_texts(struct opened_vocab *o)
{
    enum { N = 1 << 20, CAPACITY = 3 * N + 3 };
    static const char *const parts[] = {"a", " ", "\n", "ab", "<a>", "<a>b", "<", "1", "\xFF"};
    char *text = malloc(N);
    int32_t *tokens = malloc(CAPACITY * sizeof *tokens);
    for (size_t i = 0; i < PD_COUNT(parts); i++) {
        for (size_t at = 0; at < N; at++)
            text[at] = parts[i][at % strlen(parts[i])];
        clock_t start = clock();
        vocab_tokenize(o, text, N, (struct pd_tokenize){.parse_special = true}, tokens, CAPACITY);
        double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
        if (seconds > 20) /* quadratic: hours */
            fail_msg("%s: %.1f s for 1 MB", parts[i], seconds);
    }
    free(text);
    free(tokens);
    vocab_close(o);
}

static void test_a_megabyte_of_anything_takes_no_quadratic_time(void **state)
{
    (void)state;
    struct opened_vocab o;
    struct little_vocab v = {.merge = {"a a", "aa aa", "aaaa aaaa", "a b", "ab ab"}, .n_merges = 5};
    struct little_vocab w = {0};
    little_add_byte_characters(&v);
    little_add_byte_tokens(&w);
    for (int i = 0; i < 2; i++) {
        struct little_vocab *to = i == 0 ? &v : &w;
        little_add(to, "aa", NORMAL, -1);
        little_add(to, "aaaa", NORMAL, -2);
        little_add(to, "aaaaaaaa", NORMAL, -3);
        little_add(to, "ab", NORMAL, -1);
        little_add(to, "abab", NORMAL, -2);
        little_add(to, "<a>", CONTROL, 0);
        little_add(to, "<a>b", USER, 0);
        little_add(to, "\n", USER, 0);
        little_add(to, "\n\n\n", USER, 0);
    }
    little_open(&o, &v, "gpt2", "llama-bpe");
    check_long_texts(&o);
    little_open(&o, &w, "llama", NULL);
    check_long_texts(&o);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_smollm2_tokens_equal_those_of_llama_cpp),
        cmocka_unit_test(test_gemma3_tokens_equal_those_of_llama_cpp),
        cmocka_unit_test(test_smollm2_token_texts_equal_those_of_llama_cpp),
        cmocka_unit_test(test_gemma3_token_texts_equal_those_of_llama_cpp),
        cmocka_unit_test(test_plain_text_never_makes_a_control_token_of_smollm2),
        cmocka_unit_test(test_plain_text_never_makes_a_control_token_of_gemma3),
        cmocka_unit_test(test_tiny_tokens_equal_those_of_llama_cpp),
        cmocka_unit_test(test_merges_go_by_rank_then_from_the_left),
        cmocka_unit_test(test_merges_of_unknown_texts_join_nothing),
        cmocka_unit_test(test_scores_decide_then_the_left),
        cmocka_unit_test(test_longer_special_tokens_go_first),
        cmocka_unit_test(test_text_of_control_tokens_is_shown_only_if_asked),
        cmocka_unit_test(test_texts_come_back_from_their_tokens),
        cmocka_unit_test(test_too_many_tokens_are_counted_not_written),
        cmocka_unit_test(test_scratch_is_enough_for_the_worst_texts),
        cmocka_unit_test(test_a_megabyte_of_anything_takes_no_quadratic_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
