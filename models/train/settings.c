/* SPDX-License-Identifier: Apache-2.0
 * settings.c - the table of options, and the two that read it: the parser and --help. */
#include "settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "lora.h"
#include "memory.h"
#include "product.h"

#define FIELD(member) offsetof(struct tr_settings, member)

enum kind { FLAG, TEXT, DATA, INTEGER, REAL, SEED, TIME, FORMAT, PRECISION };

struct option {
    const char *name, *value;
    enum kind kind;
    size_t field;
    double min, max;
    const char *help;
};

/* clang-format off */
static const struct option options[] = {
    {"base", "FILE", TEXT, FIELD(base), 0, 0,
     "GGUF model to begin with, of any family and format that ponder runs"},
    {"new", "SPEC", TEXT, FIELD(new_spec), 0, 0,
     "a new model instead: layers=7,embd=320,heads=5,kv=1,ff=896[,ctx=1024][,rope=10000]"},
    {"vocab", "FILE", TEXT, FIELD(vocab), 0, 0,
     "GGUF with the tokenizer of a new model (or vocab=FILE at the end of SPEC)"},
    {"data", "FILE[:W]", DATA, FIELD(data), 0, 0,
     "rows to learn from; again for more files; each row W times an epoch (default: 1)"},
    {"eval", "FILE", TEXT, FIELD(eval), 0, 0,
     "held-out rows: their loss is measured, and OUT is the best by it"},
    {"out", "FILE", TEXT, FIELD(out), 0, 0,
     "the GGUF to write; beside it .csv (log), .svg (curve), .ckpt (checkpoint)"},
    {"type", "NAME", FORMAT, FIELD(format), 0, 0,
     "of the matrices written: f16 f32 q8_0 (default: f16)"},
    {"lora", "RANK", INTEGER, FIELD(lora_rank), 2, 1024,
     "train low-rank adapters; OUT is an adapter (default: all weights)"},
    {"lora-alpha", "X", REAL, FIELD(lora_alpha), 0.01, 10000,
     "adapters count X / RANK times (default: RANK)"},
    {"lora-on", "LIST", TEXT, FIELD(lora_on), 0, 0,
     "matrices that get one (default: " TR_LORA_ALL ")"},
    {"adapter", "FILE", TEXT, FIELD(adapter), 0, 0,
     "adapter of the base to begin with; trained on with --lora, else as it is"},
    {"merge", NULL, FLAG, FIELD(merges), 0, 0,
     "write a whole model with the adapters folded in"},
    {"head-only", NULL, FLAG, FIELD(head_only), 0, 0,
     "verify, difficulty: the head alone; the model's weights stay"},
    {"language", "X", REAL, FIELD(language_weight), 0, 1000,
     "verify: weight of the language loss on right samples beside the head's (default: 0)"},
    {"teacher", "FILE", TEXT, FIELD(teacher), 0, 0,
     "distill: GGUF with the same vocabulary whose distribution is learned"},
    {"calculator", NULL, FLAG, FIELD(has_calculator), 0, 0,
     "numbers behind \"=\" are given when the model is used: not learned"},
    {"lr", "X", REAL, FIELD(rate), 1e-7, 1,
     "highest learning rate (default: 1e-3; 2e-4 for all weights of a base)"},
    {"warmup", "N", INTEGER, FIELD(warmup), 0, 1000000,
     "steps up to it (default: 20); from there a cosine down to a tenth"},
    {"weight-decay", "X", REAL, FIELD(weight_decay), 0, 10,
     "of matrices, not of norms and biases (default: 0.01)"},
    {"clip", "X", REAL, FIELD(clip), 0, 1e6,
     "gradients are scaled down to this norm (default: 1; 0: never)"},
    {"batch", "TOKENS", INTEGER, FIELD(batch), 1, 1 << 24,
     "of a step (default: 8192)"},
    {"micro", "TOKENS", INTEGER, FIELD(micro), 16, 1 << 20,
     "that go through the model at once, a thread (default: 1024); decides memory"},
    {"context", "TOKENS", INTEGER, FIELD(context), 8, 1 << 20,
     "of an example; longer ones are left out (default: 512)"},
    {"steps", "N", INTEGER, FIELD(steps), 1, 1000000000, "stop after N steps"},
    {"epochs", "X", REAL, FIELD(epochs), 0.001, 1e6,
     "stop when every row was seen X times (default: 1, without --steps and --time)"},
    {"time", "T", TIME, FIELD(seconds), 0, 0,
     "stop after 90s, 30min, 2h of training; the rate falls so as to end then"},
    {"evals", "N", INTEGER, FIELD(n_evals), 1, 100000,
     "times the held-out loss is measured on the way (default: 20)"},
    {"eval-tokens", "N", INTEGER, FIELD(eval_tokens), 16, 1 << 30,
     "of the held-out rows, always the same ones (default: 32768)"},
    {"checkpoint", "T", TIME, FIELD(checkpoint_seconds), 0, 0,
     "write one every T (default: 5min)"},
    {"resume", NULL, FLAG, FIELD(resumes), 0, 0,
     "go on from OUT.ckpt, if it is there"},
    {"precision", "NAME", PRECISION, FIELD(precision), 0, 0,
     "of products: bf16 or f32 (default: bf16 where the CPU has it, about 1.7 times as fast)"},
    {"seed", "S", SEED, FIELD(seed), 0, 0,
     "of weights, order and chances (default: 0)"},
    {"threads", "N", INTEGER, FIELD(n_threads), 1, PONDER_MAX_THREADS,
     "(default: the cores this process may use)"},
    {"quiet", NULL, FLAG, FIELD(is_quiet), 0, 0, "no progress, errors and warnings only"},
};

static const struct {
    const char *name, *summary;
    enum tr_task task;
} tasks[] = {
    {"sft", "imitate solutions: cross-entropy on what follows the question", TR_SFT},
    {"revise", "write the right solution behind up to four wrong ones", TR_REVISE},
    {"verify", "value head: how likely each step leads to the answer (from rollouts)", TR_VERIFY},
    {"difficulty", "head on the question: how likely one try is right (from rollouts)", TR_DIFFICULTY},
    {"distill", "imitate a larger model's distribution over the same solutions", TR_DISTILL},
};
/* clang-format on */

const char *tr_task_name(enum tr_task task)
{
    return tasks[task].name;
}

static void print_help(void)
{
    fputs("Usage: ponder-train OBJECTIVE (--base FILE | --new SPEC) --data FILE --out FILE "
          "[OPTION]...\n"
          "       ponder-train bench (--base FILE | --new SPEC) [OPTION]...\n\n"
          "Trains a model, an adapter or a head, and writes it as GGUF.\n\nObjectives:\n",
          stdout);
    for (size_t i = 0; i < PD_COUNT(tasks); i++)
        printf("  %-11s %s\n", tasks[i].name, tasks[i].summary);
    puts(
        "  bench       measure: speed of training steps beside that of plain products\n\nOptions:");
    for (size_t i = 0; i < PD_COUNT(options); i++) {
        char name[40];
        snprintf(name, sizeof name, "--%s%s%s", options[i].name, options[i].value ? " " : "",
                 options[i].value ? options[i].value : "");
        printf("  %-20s %s\n", name, options[i].help);
    }
    puts("  --help               this text\n\n"
         "Rows are JSON objects, one a line:\n"
         "  {\"id\",\"question\",\"answer\",\"steps\":[\"48/2=24\",\"48+24=72\"]}\n"
         "  "
         "{\"id\",\"question\",\"answer\",\"pass\":0.5,\"samples\":[{\"text\",\"right\":true,"
         "\"labels\":[0.5,1]}]}\n\n"
         "SIGINT and SIGTERM write a checkpoint and stop; --resume goes on from it, to the bit.\n"
         "Exit codes: 0 done, 1 the loss diverged (OUT is the best so far), 2 usage, 3 bad or\n"
         "missing file, 4 memory too small, 130 and 143 interrupted.");
}

/* "90s", "30min", "2h" */
static bool parse_seconds(const char *text, double *seconds_ret)
{
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"s", 1}, {"min", 60}, {"h", 3600}};
    char number[24];
    size_t n = strspn(text, "0123456789.");
    if (n >= sizeof number)
        return false;
    memcpy(number, text, n);
    number[n] = '\0';
    double value;
    if (!pd_text_double(number, 0.001, 1e7, &value))
        return false;
    for (size_t i = 0; i < PD_COUNT(units); i++)
        if (strcmp(text + n, units[i].unit) == 0) {
            *seconds_ret = value * units[i].seconds;
            return true;
        }
    return false;
}

static bool parse_format(const char *text, enum pd_format_id *format_ret)
{
    static const struct {
        const char *name;
        enum pd_format_id format;
    } formats[] = {{"f32", PD_F32}, {"f16", PD_F16}, {"q8_0", PD_Q8_0}};
    for (size_t i = 0; i < PD_COUNT(formats); i++)
        if (strcmp(text, formats[i].name) == 0) {
            *format_ret = formats[i].format;
            return true;
        }
    return false;
}

/* "FILE" or "FILE:0.5"; cuts the word. */
static bool parse_data(struct tr_settings *s, char *word)
{
    struct tr_data_file file = {word, 1};
    char *colon = strrchr(word, ':');
    if (colon != NULL && pd_text_double(colon + 1, 0.001, 1000, &file.weight))
        *colon = '\0';
    s->data = tr_grow(s->data, (size_t)s->n_data + 1, sizeof *s->data);
    s->data[s->n_data++] = file;
    return word[0] != '\0';
}

/* pd_text_double() has no exponents, which learning rates like. */
static bool parse_real(const char *text, double min, double max, double *value_ret)
{
    char *end;
    if (strspn(text, "0123456789.eE+-") != strlen(text) || text[0] == '\0')
        return false;
    double value = strtod(text, &end);
    if (*end != '\0' || !(value >= min && value <= max))
        return false;
    *value_ret = value;
    return true;
}

static bool set(struct tr_settings *s, const struct option *option, char *value)
{
    void *field = (char *)s + option->field;
    switch (option->kind) {
    case FLAG:
        *(bool *)field = true;
        return true;
    case TEXT:
        *(const char **)field = value;
        return value[0] != '\0';
    case DATA:
        return parse_data(s, value);
    case INTEGER:
        return pd_text_int(value, (int)option->min, (int)option->max, field);
    case REAL:
        return parse_real(value, option->min, option->max, field);
    case SEED:
        return pd_text_u64(value, field);
    case TIME:
        return parse_seconds(value, field);
    case FORMAT:
        return parse_format(value, field);
    case PRECISION:
        *(const char **)field = value;
        return strcmp(value, "bf16") == 0 || strcmp(value, "f32") == 0;
    }
    return false;
}

static int complain_value(const struct option *option, const char *value)
{
    char expected[64];
    static const char *const forms[] = {[TEXT] = "a text that is not empty",
                                        [DATA] = "a file",
                                        [SEED] = "a whole number below 2^64",
                                        [TIME] = "a time such as 90s, 30min or 2h",
                                        [PRECISION] = "one of: bf16 f32",
                                        [FORMAT] = "one of: f16 f32 q8_0",
                                        [FLAG] = ""};
    if (option->kind == INTEGER)
        snprintf(expected, sizeof expected, "a whole number from %.0f to %.0f", option->min,
                 option->max);
    else if (option->kind == REAL)
        snprintf(expected, sizeof expected, "a number from %g to %g", option->min, option->max);
    else
        snprintf(expected, sizeof expected, "%s", forms[option->kind]);
    tr_say("--%s wants %s, not '%s'; see ponder-train --help", option->name, expected, value);
    return TR_EXIT_USAGE;
}

/* Takes "vocab=FILE", which goes on to the end of the spec, off it. */
static void take_vocab(struct tr_settings *s, char *spec)
{
    char *at = strstr(spec, "vocab=");
    if (at == NULL || (at != spec && at[-1] != ','))
        return;
    s->vocab = at + strlen("vocab=");
    at[at != spec ? -1 : 0] = '\0';
}

static int check(const struct tr_settings *s)
{
    bool has_head = s->task == TR_VERIFY || s->task == TR_DIFFICULTY;
    const struct {
        bool is_wrong;
        const char *why;
    } rules[] = {
        {!s->base && !s->new_spec, "--base FILE or --new SPEC is needed"},
        {s->base && s->new_spec, "--base and --new exclude each other"},
        {s->new_spec && !s->vocab && !s->is_bench, "a new model needs --vocab FILE"},
        {s->n_data == 0 && !s->is_bench, "--data FILE is needed"},
        {!s->out && !s->is_bench, "--out FILE is needed"},
        {s->new_spec && (s->lora_rank || s->adapter), "adapters are for a --base"},
        {s->head_only && !has_head, "--head-only is for verify and difficulty"},
        {s->head_only && s->lora_rank, "--head-only and --lora exclude each other"},
        {s->language_weight > 0 && s->task != TR_VERIFY, "--language is for verify"},
        {s->language_weight > 0 && s->head_only, "--language and --head-only exclude each other"},
        {s->merges && !s->lora_rank && !s->adapter, "--merge is for --lora or --adapter"},
        {s->adapter && !s->lora_rank && !s->head_only && !s->merges && !s->is_bench,
         "--adapter needs --lora (to train it on), --head-only (to keep it) or --merge (to train "
         "the whole)"},
        {s->task == TR_DISTILL && !s->teacher && !s->is_bench, "distill needs --teacher FILE"},
        {s->teacher && s->task != TR_DISTILL, "--teacher is for distill"},
        {s->precision && strcmp(s->precision, "bf16") == 0 && tr_product_best() == NULL,
         "--precision bf16: this CPU has no products in bfloat16 that we use (AVX-512 BF16, AMX)"},
    };
    for (size_t i = 0; i < PD_COUNT(rules); i++)
        if (rules[i].is_wrong) {
            tr_say("%s; see ponder-train --help", rules[i].why);
            return TR_EXIT_USAGE;
        }
    return 0;
}

static int parse_task(struct tr_settings *s, const char *word)
{
    for (size_t i = 0; i < PD_COUNT(tasks); i++)
        if (strcmp(word, tasks[i].name) == 0) {
            s->task = tasks[i].task;
            return 0;
        }
    s->is_bench = strcmp(word, "bench") == 0;
    if (s->is_bench)
        return 0;
    tr_say("'%s' is no objective; see ponder-train --help", word);
    return TR_EXIT_USAGE;
}

static const struct option *find_option(const char *name, size_t bytes)
{
    for (size_t i = 0; i < PD_COUNT(options); i++)
        if (strlen(options[i].name) == bytes && memcmp(options[i].name, name, bytes) == 0)
            return &options[i];
    return NULL;
}

/* One option and its value from words[*at_ret]. */
static int parse_option(struct tr_settings *s, int n_words, char **words, int *at_ret)
{
    char *word = words[*at_ret];
    size_t bytes = strncmp(word, "--", 2) == 0 ? strcspn(word + 2, "=") : 0;
    const struct option *option = bytes > 0 ? find_option(word + 2, bytes) : NULL;
    if (option == NULL) {
        tr_say("unknown option '%s'; see ponder-train --help", word);
        return TR_EXIT_USAGE;
    }
    char *value = word[2 + bytes] == '=' ? word + 2 + bytes + 1 : NULL;
    if (option->kind == FLAG && value) {
        tr_say("--%s takes no value", option->name);
        return TR_EXIT_USAGE;
    }
    if (option->kind != FLAG && !value) {
        if (*at_ret + 1 == n_words) {
            tr_say("--%s needs a value: --%s %s", option->name, option->name, option->value);
            return TR_EXIT_USAGE;
        }
        value = words[++*at_ret];
    }
    return set(s, option, value) ? 0 : complain_value(option, value);
}

int tr_settings_parse(struct tr_settings *s, int n_words, char **words)
{
    *s = (struct tr_settings){
        .lora_on = TR_LORA_ALL,
        .weight_decay = 0.01,
        .clip = 1,
        .batch = 8192,
        .micro = 1024,
        .context = 512,
        .warmup = 20,
        .n_evals = 20,
        .eval_tokens = 32768,
        .checkpoint_seconds = 300,
        .format = PD_F16,
    };
    for (int i = 0; i < n_words; i++)
        if (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0) {
            print_help();
            return -1;
        }
    if (n_words == 0) {
        tr_say(
            "what for? sft, revise, verify, difficulty, distill or bench; see ponder-train --help");
        return TR_EXIT_USAGE;
    }
    int code = parse_task(s, words[0]);
    for (int i = 1; i < n_words && code == 0; i++)
        code = parse_option(s, n_words, words, &i);
    if (code != 0)
        return code;
    char *spec = (char *)(uintptr_t)s->new_spec; /* a word of the command line, ours to cut */
    if (spec != NULL)
        take_vocab(s, spec);
    if (s->steps == 0 && s->epochs <= 0 && s->seconds <= 0)
        s->epochs = 1;
    if (s->rate <= 0)
        s->rate = s->base && !s->lora_rank && !s->head_only ? 2e-4 : 1e-3;
    return check(s);
}

void tr_settings_free(struct tr_settings *s)
{
    free(s->data);
}
