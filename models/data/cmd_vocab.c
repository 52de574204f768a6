/* SPDX-License-Identifier: Apache-2.0
 * cmd_vocab.c - `ponder-problems vocab`: learns the vocabulary of a small model from rows, and writes it as a GGUF file
 * without tensors: byte-level BPE with the pre-tokenizer of SmolLM2, so that digits are single tokens.
 *
 *     token 0 <|endoftext|>   1..256 the bytes   257.. what the merges make, in their order
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "model/pretokenize.h"
#include "models/data/bpe.h"
#include "models/data/commands.h"

enum { FIRST_BYTE = 1, FIRST_MERGE = FIRST_BYTE + 256, MAX_TOKENS = 65536 };

struct learner {
    const struct pd_pretokenizer *pre;
    struct bpe *bpe;
};

static void add_text(struct learner *l, const char *text)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t n = strlen(text);
    for (size_t at = 0; at < n;) {
        size_t end = pd_pretokenize(l->pre, bytes, n, at);
        bpe_add(l->bpe, bytes + at, end - at);
        at = end;
    }
}

/* The steps need no counting: digits, signs and line ends are single bytes. */
static void add_row(const struct row *row, void *user)
{
    add_text(user, row->question);
}

/* Texts of tokens. */
struct tokens {
    int n;
    char *text[MAX_TOKENS]; /* as GGUF has them: each byte a printable character */
};

/* The character that stands for a byte: itself if it is printable and no space, else the next one from U+0100 on,
 * as GPT-2 has it. */
static size_t write_byte(int byte, unsigned char out[PD_UTF8_MAX_BYTES])
{
    uint32_t next = 0x100;
    for (int i = 0; i < 256; i++) {
        bool is_printable = (i >= 0x21 && i <= 0x7e) || (i >= 0xa1 && i <= 0xac) || (i >= 0xae);
        uint32_t code_point = is_printable ? (uint32_t)i : next++;
        if (i == byte)
            return pd_utf8_encode(code_point, out);
    }
    return 0;
}

static char *join(const char *a, const char *b, const char *gap)
{
    size_t bytes = strlen(a) + strlen(gap) + strlen(b);
    char *text = grow(NULL, bytes + 1, 1);
    snprintf(text, bytes + 1, "%s%s%s", a, gap, b);
    return text;
}

/* GGUF, the little of it that is needed here. */
static void put_number(FILE *out, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        fputc((int)(value >> 8 * i & 0xff), out);
}

static void put_string(FILE *out, const char *text)
{
    put_number(out, strlen(text), 8);
    fputs(text, out);
}

static void put_key(FILE *out, const char *key, enum pd_gguf_type type)
{
    put_string(out, key);
    put_number(out, (uint64_t)type, 4);
}

static void put_array(FILE *out, const char *key, enum pd_gguf_type type, int n)
{
    put_key(out, key, PD_GGUF_ARRAY);
    put_number(out, (uint64_t)type, 4);
    put_number(out, (uint64_t)n, 8);
}

static void write_gguf(const char *path, const struct tokens *t, char *const *merge, int n_merges)
{
    enum { NORMAL = 1, CONTROL = 3 }; /* token types */
    static const char *const texts[][2] = {
        {"general.architecture", "llama"},
        {"general.name", "ponder vocabulary"},
        {"tokenizer.ggml.model", "gpt2"},
        {"tokenizer.ggml.pre", "smollm"},
    };
    static const char *const numbers[] = {"tokenizer.ggml.bos_token_id",
                                          "tokenizer.ggml.eos_token_id"};
    FILE *out = fopen(path, "wb");
    if (!out)
        die(EXIT_FILE, "%s: %s", path, strerror(errno));
    fputs("GGUF", out);
    put_number(out, 3, 4);
    put_number(out, 0, 8);             /* tensors */
    put_number(out, 4 + 2 + 1 + 3, 8); /* keys */
    for (size_t i = 0; i < 4; i++) {
        put_key(out, texts[i][0], PD_GGUF_STRING);
        put_string(out, texts[i][1]);
    }
    for (size_t i = 0; i < 2; i++) {
        put_key(out, numbers[i], PD_GGUF_U32);
        put_number(out, 0, 4);
    }
    put_key(out, "tokenizer.ggml.add_bos_token", PD_GGUF_BOOL);
    put_number(out, 0, 1);
    put_array(out, "tokenizer.ggml.tokens", PD_GGUF_STRING, t->n);
    for (int i = 0; i < t->n; i++)
        put_string(out, t->text[i]);
    put_array(out, "tokenizer.ggml.token_type", PD_GGUF_I32, t->n);
    for (int i = 0; i < t->n; i++)
        put_number(out, i == 0 ? CONTROL : NORMAL, 4);
    put_array(out, "tokenizer.ggml.merges", PD_GGUF_STRING, n_merges);
    for (int i = 0; i < n_merges; i++)
        put_string(out, merge[i]);
    if (ferror(out) || fclose(out) != 0)
        die(EXIT_FILE, "cannot write %s: %s", path, strerror(errno));
}

int cmd_vocab(int argc, char **argv)
{
    const char *size_text = "4096";
    const char *path = NULL;
    const struct option options[] = {{"--size", &size_text, 1}, {"--out", &path, 1}};
    int n_files = parse_options(argc, argv, options, sizeof options / sizeof options[0]);
    if (!path || n_files == 0)
        die(EXIT_USAGE, "vocab wants --out FILE.gguf and files of rows");
    int size = (int)option_u64("--size", size_text, FIRST_MERGE + 1, MAX_TOKENS - 1);
    struct learner l = {pd_pretokenizer_find((struct pd_string){"smollm", 6}), bpe_create()};
    for (int i = 0; i < n_files; i++)
        read_rows(argv[i], add_row, &l);

    struct bpe_merge *merge = grow(NULL, (size_t)size, sizeof *merge);
    int n_merges = bpe_learn(l.bpe, size - FIRST_MERGE, merge);
    bpe_free(l.bpe);
    if (n_merges < size - FIRST_MERGE) {
        free(merge);
        die(EXIT_USAGE, "there is text for %d tokens only", FIRST_MERGE + n_merges);
    }

    static struct tokens tokens;
    tokens.text[tokens.n++] = copy_text("<|endoftext|>", strlen("<|endoftext|>"));
    for (int i = 0; i < 256; i++) {
        unsigned char text[PD_UTF8_MAX_BYTES];
        size_t bytes = write_byte(i, text);
        tokens.text[tokens.n++] = copy_text((const char *)text, bytes);
    }
    char **merge_text = grow(NULL, (size_t)n_merges, sizeof *merge_text);
    for (int i = 0; i < n_merges; i++) {
        const char *left = tokens.text[FIRST_BYTE + merge[i].left];
        const char *right = tokens.text[FIRST_BYTE + merge[i].right];
        merge_text[i] = join(left, right, " ");
        tokens.text[tokens.n++] = join(left, right, "");
    }
    write_gguf(path, &tokens, merge_text, n_merges);
    fprintf(stderr, "%s: %d tokens\n", path, tokens.n);
    for (int i = 0; i < tokens.n; i++)
        free(tokens.text[i]);
    for (int i = 0; i < n_merges; i++)
        free(merge_text[i]);
    free(merge_text);
    free(merge);
    return 0;
}
