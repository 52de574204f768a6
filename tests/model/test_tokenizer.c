/* SPDX-License-Identifier: Apache-2.0
 * test_tokenizer.c - tokens of the real vocabularies equal llama.cpp's (tests/golden, made by
 * scripts/make-token-goldens.py); little vocabularies for what those do not show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/os.h"
#include "model/tokenizer.h"
#include "tests/support/golden.h"
#include "tests/support/gguf_builder.h"
#include "tests/support/model_file.h"

enum { MAX_TEXT = 4096, MAX_TOKENS = 3 * MAX_TEXT };

struct opened {
    struct pd_tokenizer *t;
    enum ponder_status status;
    size_t used;
    unsigned char *block;
    char error[PONDER_ERROR_BYTES];
};

/* Lays the tokenizer out in exactly the bytes that it counts, less missing. */
static void lay_out(struct opened *o, const struct pd_gguf *gguf, int n_vocab, size_t missing)
{
    const struct pd_error err = {o->error, sizeof o->error};
    struct pd_arena arena;
    pd_arena_init_count(&arena);
    o->status = pd_tokenizer_layout(&o->t, gguf, n_vocab, &arena, &err);
    assert_null(o->t);
    if (o->status != PONDER_OK)
        return;
    o->used = arena.used;
    o->block = malloc(o->used + PD_ARENA_ALIGN);
    size_t skip = (size_t)(-(uintptr_t)o->block) % PD_ARENA_ALIGN;
    memset(o->block, 0xA5, o->used + PD_ARENA_ALIGN);
    pd_arena_init(&arena, o->block + skip, o->used - missing);
    o->status = pd_tokenizer_layout(&o->t, gguf, n_vocab, &arena, &err);
    if (missing == 0)
        assert_int_equal(arena.used, o->used);
}

/* n_vocab 0: as many as the file has tokens. */
static void open_bytes(struct opened *o, const unsigned char *bytes, size_t n_bytes, int n_vocab,
                       size_t missing)
{
    const struct pd_error err = {o->error, sizeof o->error};
    struct pd_gguf gguf;
    struct pd_arena arena;
    size_t scratch_bytes;
    *o = (struct opened){.status = PONDER_OK};
    assert_int_equal(pd_gguf_scratch_bytes(bytes, n_bytes, &scratch_bytes, &err), PONDER_OK);
    void *scratch = malloc(scratch_bytes);
    pd_arena_init(&arena, scratch, scratch_bytes);
    if (pd_gguf_open(&gguf, bytes, n_bytes, &arena, &err) != PONDER_OK)
        fail_msg("%s", o->error);
    const struct pd_gguf_kv *tokens = pd_gguf_find(&gguf, "tokenizer.ggml.tokens");
    if (n_vocab == 0 && tokens != NULL)
        n_vocab = (int)tokens->n;
    lay_out(o, &gguf, n_vocab, missing);
    free(scratch);
}

static void close_opened(struct opened *o)
{
    free(o->block);
    o->block = NULL;
}

static void open_built(struct opened *o, struct gguf_builder *b, int n_vocab)
{
    size_t n_bytes;
    unsigned char *bytes = gguf_finish(b, &n_bytes);
    open_bytes(o, bytes, n_bytes, n_vocab, 0);
    free(bytes);
    gguf_free(b);
}

/* Tokens of a text, in scratch of exactly the size asked for. */
static size_t tokenize(const struct opened *o, const char *text, size_t n, struct pd_tokenize how,
                       int32_t *tokens_ret, size_t capacity)
{
    size_t scratch_bytes = pd_tokenizer_scratch_bytes(n);
    void *scratch = malloc(scratch_bytes);
    size_t n_tokens;
    assert_int_equal(
        pd_tokenize(o->t, text, n, how, scratch, scratch_bytes, tokens_ret, capacity, &n_tokens),
        PONDER_OK);
    free(scratch);
    return n_tokens;
}

static void assert_tokens(const struct opened *o, const char *text, struct pd_tokenize how,
                          const char *wanted)
{
    int32_t tokens[64];
    char got[512] = "";
    size_t n = tokenize(o, text, strlen(text), how, tokens, 64);
    for (size_t i = 0; i < n; i++) {
        char piece[64];
        size_t bytes = pd_token_text(o->t, tokens[i], true, piece, sizeof piece);
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%.*s", i > 0 ? "|" : "",
                 (int)bytes, piece);
    }
    assert_string_equal(got, wanted);
}

/* ---- the real vocabularies ---- */

static bool open_real(struct opened *o, const char *model)
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
    open_bytes(o, bytes, n_bytes, 0, 0);
    if (o->status != PONDER_OK)
        fail_msg("%s", o->error);
    free(bytes);
    return true;
}

static void check_row(const struct opened *o, const char *text_row, const char *row,
                      bool is_special)
{
    static unsigned char text[MAX_TEXT];
    static int32_t wanted[MAX_TOKENS];
    static int32_t tokens[MAX_TOKENS];
    long n_text = golden_hex(text_row, "hex", text, MAX_TEXT);
    long n_wanted = is_special ? golden_numbers(row, "special", wanted, MAX_TOKENS) : -1;
    if (n_wanted < 0)
        n_wanted = golden_numbers(row, "plain", wanted, MAX_TOKENS);
    size_t n = tokenize(o, (const char *)text, (size_t)n_text,
                        (struct pd_tokenize){.add_bos = true, .parse_special = is_special}, tokens,
                        MAX_TOKENS);
    for (size_t i = 0; i < n && i < (size_t)n_wanted; i++)
        if (tokens[i] != wanted[i])
            fail_msg("token %zu is %d, not %d: %s", i, (int)tokens[i], (int)wanted[i], text_row);
    if (n != (size_t)n_wanted)
        fail_msg("%zu tokens, not %ld: %s", n, n_wanted, text_row);
}

static void check_real_tokens(const char *model)
{
    char path[128];
    struct opened o;
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
    close_opened(&o);
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
    struct opened o;
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
    close_opened(&o);
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
    struct opened o;
    if (!open_real(&o, model))
        skip();
    for (int32_t token = 0; token < pd_tokenizer_n_vocab(o.t); token++) {
        char text[64];
        int32_t tokens[64];
        char piece[64];
        if (pd_token_text(o.t, token, false, text, sizeof text) > 0)
            continue; /* not control */
        size_t bytes = pd_token_text(o.t, token, true, text, sizeof text);
        size_t n = tokenize(&o, text, bytes, (struct pd_tokenize){0}, tokens, 64);
        for (size_t i = 0; i < n; i++)
            assert_true(pd_token_text(o.t, tokens[i], false, piece, sizeof piece) > 0);
        n = tokenize(&o, text, bytes, (struct pd_tokenize){.parse_special = true}, tokens, 64);
        assert_int_equal(n, 1);
        assert_int_equal(tokens[0], token);
    }
    close_opened(&o);
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

struct vocab {
    const char *token[1024];
    int32_t type[1024];
    float score[1024];
    size_t n;
    const char *merge[1024];
    size_t n_merges;
    char byte_text[256][8];
};

enum { NORMAL = 1, UNKNOWN = 2, CONTROL = 3, USER = 4, UNUSED = 5, BYTE = 6 };

static void add_token(struct vocab *v, const char *text, int32_t type, float score)
{
    v->token[v->n] = text;
    v->type[v->n] = type;
    v->score[v->n++] = score;
}

/* Token b is byte b. */
static void add_byte_characters(struct vocab *v)
{
    unsigned other = 0x100;
    for (unsigned b = 0; b < 256; b++) {
        bool is_own = (b > 0x20 && b < 0x7F) || (b > 0xA0 && b != 0xAD);
        unsigned c = is_own ? b : other++;
        if (c < 0x80)
            snprintf(v->byte_text[b], sizeof v->byte_text[b], "%c", (int)c);
        else
            snprintf(v->byte_text[b], sizeof v->byte_text[b], "%c%c", (int)(0xC0 | c >> 6),
                     (int)(0x80 | (c & 0x3F)));
        add_token(v, v->byte_text[b], NORMAL, 0);
    }
}

/* "<unk>", "<s>", "</s>", then the bytes. */
static void add_byte_tokens(struct vocab *v)
{
    add_token(v, "<unk>", UNKNOWN, 0);
    add_token(v, "<s>", CONTROL, 0);
    add_token(v, "</s>", CONTROL, 0);
    for (unsigned b = 0; b < 256; b++) {
        snprintf(v->byte_text[b], sizeof v->byte_text[b], "<0x%02X>", b);
        add_token(v, v->byte_text[b], BYTE, 0);
    }
}

static struct gguf_builder *build(const struct vocab *v, const char *model, const char *pre)
{
    struct gguf_builder *b = gguf_new(3, 32);
    gguf_add_string(b, "tokenizer.ggml.model", model);
    if (pre != NULL)
        gguf_add_string(b, "tokenizer.ggml.pre", pre);
    gguf_add_string_array(b, "tokenizer.ggml.tokens", v->token, v->n);
    gguf_add_array(b, "tokenizer.ggml.token_type", PD_GGUF_I32, v->type, v->n);
    if (strcmp(model, "gpt2") == 0)
        gguf_add_string_array(b, "tokenizer.ggml.merges", v->merge, v->n_merges);
    else
        gguf_add_array(b, "tokenizer.ggml.scores", PD_GGUF_F32, v->score, v->n);
    return b;
}

static void open_vocab(struct opened *o, const struct vocab *v, const char *model, const char *pre)
{
    open_built(o, build(v, model, pre), 0);
    if (o->status != PONDER_OK)
        fail_msg("%s", o->error);
}

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
    struct vocab v = {0};
    add_byte_characters(&v);
    for (int i = 0; i < merges.n; i++) {
        bool is_new = true;
        size_t cut = strcspn(merges.line[i], " ");
        snprintf(joined[i], sizeof joined[i], "%.*s%s", (int)cut, merges.line[i],
                 merges.line[i] + cut + 1);
        v.merge[v.n_merges++] = merges.line[i];
        for (size_t k = 0; k < v.n; k++)
            is_new = is_new && strcmp(v.token[k], joined[i]) != 0;
        if (is_new)
            add_token(&v, joined[i], NORMAL, 0);
    }
    add_token(&v, "<|end|>", CONTROL, 0);
    assert_int_equal(texts.n, rows.n);
    for (size_t p = 0; p < PD_COUNT(pre); p++) {
        struct opened o;
        struct gguf_builder *b = build(&v, "gpt2", pre[p]);
        gguf_add_u32(b, "tokenizer.ggml.bos_token_id", (uint32_t)v.n - 1);
        open_built(&o, b, 0);
        assert_int_equal(o.status, PONDER_OK);
        for (int i = 0; i < texts.n; i++) {
            char wanted[12];
            char got[12];
            uint64_t hash = FNV1A_START;
            long n_text = golden_hex(texts.line[i], "hex", text, MAX_TEXT);
            size_t n = tokenize(&o, (char *)text, (size_t)n_text,
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
        close_opened(&o);
    }
    golden_free(&texts);
    golden_free(&rows);
    golden_free(&merges);
}

static void test_merges_go_by_rank_then_from_the_left(void **state)
{
    (void)state;
    struct opened o;
    struct vocab v = {.merge = {"b c", "a b", "a a", "aa a", "ab c"}, .n_merges = 5};
    add_byte_characters(&v);
    add_token(&v, "ab", NORMAL, 0);
    add_token(&v, "bc", NORMAL, 0);
    add_token(&v, "aa", NORMAL, 0);
    add_token(&v, "aaa", NORMAL, 0);
    add_token(&v, "abc", NORMAL, 0);
    open_vocab(&o, &v, "gpt2", "gpt-2");
    assert_tokens(&o, "abc", (struct pd_tokenize){0}, "a|bc");
    assert_tokens(&o, "aaaa", (struct pd_tokenize){0}, "aa|aa");
    assert_tokens(&o, "aaaaa", (struct pd_tokenize){0}, "aa|aaa");
    close_opened(&o);
    open_vocab(&o, &v, "gpt2", "llama-bpe");
    assert_tokens(&o, "abc", (struct pd_tokenize){0}, "abc");
    close_opened(&o);
}

static void test_merges_of_unknown_texts_join_nothing(void **state)
{
    (void)state;
    struct opened o;
    struct vocab v = {.merge = {"x y", "xy z", "\xE4\xB8\x96 a", "a b", "a b"}, .n_merges = 5};
    add_byte_characters(&v);
    add_token(&v, "xyz", NORMAL, 0);
    add_token(&v, "ab", NORMAL, 0);
    open_vocab(&o, &v, "gpt2", "gpt-2");
    assert_tokens(&o, "xyzab", (struct pd_tokenize){0}, "x|y|z|ab");
    close_opened(&o);
}

static void test_scores_decide_then_the_left(void **state)
{
    (void)state;
    struct opened o;
    struct vocab v = {0};
    add_byte_tokens(&v);
    add_token(&v, "a", NORMAL, 0);
    add_token(&v, "b", NORMAL, 0);
    add_token(&v, "c", NORMAL, 0);
    add_token(&v, "\xE2\x96\x81", NORMAL, 0);
    add_token(&v, "ab", NORMAL, -0.0f);
    add_token(&v, "bc", NORMAL, 0.0f);
    add_token(&v, "aa", NORMAL, -2);
    add_token(&v,
              "\xE2\x96\x81"
              "a",
              NORMAL, -1);
    add_token(&v, "ca", NORMAL, 1);
    open_vocab(&o, &v, "llama", NULL);
    struct pd_tokenize how = {.add_bos = true};
    assert_tokens(&o, "abc", how, "<s>| |ab|c");
    assert_tokens(&o, "a", how, "<s>| a");
    assert_tokens(&o, "bca", how, "<s>| |b|ca");
    how.goes_on = true;
    assert_tokens(&o, "aaa", how, "<s>|aa|a");
    assert_tokens(&o, "\xC3\xA9z", how, "<s>|\xC3|\xA9|z");
    how.parse_special = true;
    assert_tokens(&o, "a</s>a", how, "<s>|a|</s>| a");
    close_opened(&o);

    struct gguf_builder *b = build(&v, "llama", NULL);
    gguf_add_bool(b, "tokenizer.ggml.add_space_prefix", false);
    gguf_add_bool(b, "tokenizer.ggml.add_bos_token", false);
    open_built(&o, b, 0);
    assert_tokens(&o, "abc", (struct pd_tokenize){.add_bos = true}, "ab|c");
    assert_int_equal(pd_tokenizer_bos(o.t), 1);
    assert_int_equal(pd_tokenizer_eos(o.t), 2);
    close_opened(&o);
}

static void test_longer_special_tokens_go_first(void **state)
{
    (void)state;
    struct opened o;
    struct vocab v = {0};
    add_byte_characters(&v);
    add_token(&v, "<a>", CONTROL, 0);
    add_token(&v, "<a>b", USER, 0);
    add_token(&v, ">bcd", USER, 0);
    add_token(&v, "bcdef", CONTROL, 0);
    add_token(&v, "  ", USER, 0);
    add_token(&v, "<|im_end|>", USER, 0); /* known to be control */
    open_vocab(&o, &v, "gpt2", "gpt-2");
    struct pd_tokenize plain = {0};
    struct pd_tokenize parsed = {.parse_special = true};
    assert_tokens(&o, "<a>b<a>", parsed, "<a>b|<a>");
    assert_tokens(&o, "<a>b<a>", plain, "<a>b|<|a|>");
    assert_tokens(&o, "<a>bcd", plain, "<a>b|c|d");
    assert_tokens(&o, "<a>bcdef", parsed, "<a>|bcdef");
    assert_tokens(&o, "x>bcdef", plain, "x|>bcd|e|f");
    assert_tokens(&o, "     ", plain, "  |  | ");
    assert_tokens(&o, "<|im_end|>", plain, "<|||i|m|_|e|n|d|||>");
    assert_tokens(&o, "<|im_end|>", parsed, "<|im_end|>");
    assert_tokens(&o, "<|im_end|", parsed, "<|||i|m|_|e|n|d||");
    assert_int_equal(pd_tokenizer_special(o.t, "<a>"), 256);
    assert_int_equal(pd_tokenizer_special(o.t, "<a"), -1);
    assert_int_equal(pd_tokenizer_special(o.t, "a"), -1);
    assert_true(pd_tokenizer_ends_text(o.t, 261));
    assert_false(pd_tokenizer_ends_text(o.t, 256));
    close_opened(&o);
}

static void test_text_of_control_tokens_is_shown_only_if_asked(void **state)
{
    (void)state;
    struct opened o;
    char text[8] = "########";
    struct vocab v = {0};
    add_byte_tokens(&v);
    add_token(&v, "\xE2\x96\x81x\xE2\x96\x81", NORMAL, 0);
    add_token(&v, "\xE2\x96\x81", USER, 0);
    add_token(&v, "idle", UNUSED, 0);
    open_vocab(&o, &v, "llama", NULL);
    assert_int_equal(pd_token_text(o.t, 2, false, text, 8), 0);
    assert_int_equal(pd_token_text(o.t, 2, true, text, 2), 4);
    assert_memory_equal(text, "</######", 8);
    assert_int_equal(pd_token_text(o.t, 3 + 0x41, false, text, 8), 1);
    assert_int_equal(text[0], 'A');
    assert_int_equal(pd_token_text(o.t, 259, false, text, 2), 3);
    assert_memory_equal(text, " x######", 8);
    assert_int_equal(pd_token_text(o.t, 260, false, text, 8), 3);
    assert_int_equal(pd_token_text(o.t, 261, true, text, 8), 0);
    close_opened(&o);
}

static void test_texts_come_back_from_their_tokens(void **state)
{
    (void)state;
    static unsigned char text[MAX_TEXT];
    static int32_t tokens[MAX_TOKENS];
    struct opened o;
    struct vocab v = {.merge = {"t h", "th e"}, .n_merges = 2};
    struct golden texts = golden_read("tests/golden/texts.jsonl");
    struct golden splits = golden_read("tests/golden/splits.jsonl");
    add_byte_characters(&v);
    add_token(&v, "th", NORMAL, 0);
    add_token(&v, "the", NORMAL, 0);
    open_vocab(&o, &v, "gpt2", "qwen2");
    for (int i = 0; i < texts.n; i++) {
        if (strcmp(splits.line[i], "{}") == 0)
            continue; /* not valid UTF-8: becomes U+FFFD */
        size_t n_text = (size_t)golden_hex(texts.line[i], "hex", text, MAX_TEXT);
        size_t n = tokenize(&o, (char *)text, n_text, (struct pd_tokenize){0}, tokens, MAX_TOKENS);
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
    close_opened(&o);
}

static void test_too_many_tokens_are_counted_not_written(void **state)
{
    (void)state;
    struct opened o;
    char scratch[2048];
    int32_t tokens[4] = {-7, -7, -7, -7};
    size_t n;
    struct vocab v = {0};
    add_byte_characters(&v);
    open_vocab(&o, &v, "gpt2", "gpt-2");
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
    close_opened(&o);
}

/* The most symbols and bytes that a text can take: the scratch must do, under a sanitizer too. */
static void test_scratch_is_enough_for_the_worst_texts(void **state)
{
    (void)state;
    static const char *const worst[] = {"\xFF", "\xC3 ", "\xE2 ", "\xF0 ", " ", "\xC3", "a"};
    struct opened bpe;
    struct opened spm;
    struct vocab v = {0};
    struct vocab w = {0};
    add_byte_characters(&v);
    add_byte_tokens(&w);
    open_vocab(&bpe, &v, "gpt2", "qwen2");
    open_vocab(&spm, &w, "llama", NULL);
    for (size_t i = 0; i < PD_COUNT(worst); i++) {
        char text[64] = "";
        int32_t tokens[256];
        while (strlen(text) + 2 < sizeof text) {
            strcat(text, worst[i]);
            tokenize(&bpe, text, strlen(text), (struct pd_tokenize){0}, tokens, 256);
            tokenize(&spm, text, strlen(text), (struct pd_tokenize){.add_bos = true}, tokens, 256);
        }
    }
    close_opened(&bpe);
    close_opened(&spm);
}

static void check_long_texts(struct opened *o)
{
    enum { N = 1 << 20, CAPACITY = 3 * N + 3 };
    static const char *const parts[] = {"a", " ", "\n", "ab", "<a>", "<a>b", "<", "1", "\xFF"};
    char *text = malloc(N);
    int32_t *tokens = malloc(CAPACITY * sizeof *tokens);
    for (size_t i = 0; i < PD_COUNT(parts); i++) {
        for (size_t at = 0; at < N; at++)
            text[at] = parts[i][at % strlen(parts[i])];
        int64_t start = pd_clock_ns();
        tokenize(o, text, N, (struct pd_tokenize){.parse_special = true}, tokens, CAPACITY);
        double seconds = (double)(pd_clock_ns() - start) * 1e-9;
        if (seconds > 20) /* quadratic: hours */
            fail_msg("%s: %.1f s for 1 MB", parts[i], seconds);
    }
    free(text);
    free(tokens);
    close_opened(o);
}

static void test_a_megabyte_of_anything_takes_no_quadratic_time(void **state)
{
    (void)state;
    struct opened o;
    struct vocab v = {.merge = {"a a", "aa aa", "aaaa aaaa", "a b", "ab ab"}, .n_merges = 5};
    struct vocab w = {0};
    add_byte_characters(&v);
    add_byte_tokens(&w);
    for (int i = 0; i < 2; i++) {
        struct vocab *to = i == 0 ? &v : &w;
        add_token(to, "aa", NORMAL, -1);
        add_token(to, "aaaa", NORMAL, -2);
        add_token(to, "aaaaaaaa", NORMAL, -3);
        add_token(to, "ab", NORMAL, -1);
        add_token(to, "abab", NORMAL, -2);
        add_token(to, "<a>", CONTROL, 0);
        add_token(to, "<a>b", USER, 0);
        add_token(to, "\n", USER, 0);
        add_token(to, "\n\n\n", USER, 0);
    }
    open_vocab(&o, &v, "gpt2", "llama-bpe");
    check_long_texts(&o);
    open_vocab(&o, &w, "llama", NULL);
    check_long_texts(&o);
}

/* ---- bad vocabularies ---- */

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
    struct vocab v = {.merge = {"a b"}, .n_merges = 1};
    float scores[1024] = {0};
    if (is_spm)
        add_byte_tokens(&v);
    else
        add_byte_characters(&v);
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
        struct opened o;
        int rows = cases[i].damage == OTHER_ROWS ? 300 : 0;
        open_built(&o, build_damaged(cases[i].damage, cases[i].is_spm), rows);
        if (o.status != cases[i].status || strstr(o.error, cases[i].part) == NULL)
            fail_msg("case %zu: status %d, not %d; '%s' should say '%s'", i, (int)o.status,
                     (int)cases[i].status, o.error, cases[i].part);
        close_opened(&o);
    }
}

static void test_missing_bytes_become_the_unknown_token(void **state)
{
    (void)state;
    struct opened o;
    open_built(&o, build_damaged(MERGE_WITHOUT_SPACE, true), 0);
    assert_int_equal(o.status, PONDER_OK); /* SentencePiece has no merges to be bad */
    assert_tokens(&o, "A", (struct pd_tokenize){.goes_on = true}, "A");
    close_opened(&o);
    struct vocab v = {0};
    add_byte_tokens(&v);
    v.token[3 + 0x41] = "<0xG1>";
    v.type[3 + 0x41] = NORMAL;
    open_vocab(&o, &v, "llama", NULL);
    assert_tokens(&o, "A", (struct pd_tokenize){.goes_on = true}, "<unk>");
    close_opened(&o);
}

static void test_default_ids_beyond_the_vocabulary_are_none(void **state)
{
    (void)state;
    static const char *const token[] = {"a"};
    static const float score[] = {0};
    struct opened o;
    struct gguf_builder *b = gguf_new(3, 32);
    gguf_add_string(b, "tokenizer.ggml.model", "llama");
    gguf_add_string_array(b, "tokenizer.ggml.tokens", token, 1);
    gguf_add_array(b, "tokenizer.ggml.scores", PD_GGUF_F32, score, 1);
    open_built(&o, b, 0);
    assert_int_equal(o.status, PONDER_OK);
    assert_int_equal(pd_tokenizer_bos(o.t), -1);
    assert_int_equal(pd_tokenizer_eos(o.t), -1);
    assert_tokens(&o, "a", (struct pd_tokenize){.add_bos = true, .goes_on = true}, "a");
    close_opened(&o);
}

static void test_double_and_empty_tokens_are_tolerated(void **state)
{
    (void)state;
    struct opened o;
    int32_t tokens[4];
    char text[4];
    struct vocab v = {.merge = {"a b"}, .n_merges = 1};
    add_byte_characters(&v);
    add_token(&v, "ab", NORMAL, 0);
    add_token(&v, "ab", NORMAL, 0);
    add_token(&v, "", NORMAL, 0);
    add_token(&v, "", CONTROL, 0);
    add_token(&v, "<x>", CONTROL, 0);
    add_token(&v, "<x>", CONTROL, 0);
    open_vocab(&o, &v, "gpt2", "gpt-2");
    assert_int_equal(
        tokenize(&o, "ab<x>", 5, (struct pd_tokenize){.parse_special = true}, tokens, 4), 2);
    assert_int_equal(tokens[0], 256);
    assert_int_equal(tokens[1], 260);
    assert_int_equal(pd_token_text(o.t, 258, true, text, 4), 0);
    assert_int_equal(pd_token_text(o.t, 259, true, text, 4), 0);
    close_opened(&o);
}

static void test_layout_fails_cleanly_at_a_byte_less(void **state)
{
    (void)state;
    struct vocab v = {.merge = {"a b"}, .n_merges = 1};
    struct opened o;
    size_t n_bytes;
    add_byte_characters(&v);
    add_token(&v, "ab", NORMAL, 0);
    struct gguf_builder *b = build(&v, "gpt2", "gpt-2");
    unsigned char *bytes = gguf_finish(b, &n_bytes);
    for (size_t missing = 0; missing < 4096; missing = 2 * missing + 1) {
        open_bytes(&o, bytes, n_bytes, 0, missing);
        assert_int_equal(o.status, missing == 0 ? PONDER_OK : PONDER_NO_MEMORY);
        assert_true((o.t == NULL) == (missing > 0));
        close_opened(&o);
    }
    free(bytes);
    gguf_free(b);
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
        cmocka_unit_test(test_bad_vocabularies_are_refused_in_a_line),
        cmocka_unit_test(test_missing_bytes_become_the_unknown_token),
        cmocka_unit_test(test_default_ids_beyond_the_vocabulary_are_none),
        cmocka_unit_test(test_double_and_empty_tokens_are_tolerated),
        cmocka_unit_test(test_layout_fails_cleanly_at_a_byte_less),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
