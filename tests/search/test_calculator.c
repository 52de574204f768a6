/* SPDX-License-Identifier: Apache-2.0
 * test_calculator.c - what the calculator writes behind an equals sign, and where it keeps silent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/json.h"
#include "search/calculator.h"
#include "search/strategy.h"
#include "search/verify_arithmetic.h"
#include "tests/support/open_model.h"
#include "tests/support/tiny_model.h"

struct entry {
    const char *text, *result; /* NULL: it keeps silent */
};

static const struct entry entries[] = {
    {"48/2=", "24"},
    {"48/2=24\n48+24=", "72"},
    {"3*4+2=", "14"},
    {"2+3*4=", "14"},
    {"(2+3)*4=", "20"},
    {"5-8=", "-3"},
    {"-5+3=", "-2"},
    {"10/3=", "3.33"},
    {"1/8=", "0.125"},
    {"0.2*50=", "10"},
    {"1.50*2=", "3"},
    {"1999/999=", "2"},
    {"2/3*3=", "2"}, /* exact on the way */
    {"12 + 3 =", " 15"},
    {"12 + 3=", "15"},
    {"She has 12 + 3 =", " 15"},
    {"$5 x 3 =", " 15"},
    {"12 apples + 3 apples =", " 15"},
    {"1,000+2,000=", "3000"},
    {"20% of 50 =", " 10"},
    {"She sold 48/2 = <<48/2=", "24"},
    {"<<1+1=2>>2 and <<2+2=", "4"},
    {"5 + 3 = 8, 8 * 2 =", " 16"},
    {"2+2=4=", NULL}, /* no operation */
    {"48=", NULL},
    {"=", NULL},
    {"", NULL},
    {"48/2", NULL},
    {"48/2=2", NULL},
    {"48/2= ", NULL},
    {"48/2\n=", NULL},
    {"x+2=", NULL},
    {"x = 2y + 3 =", NULL},
    {"5/0=", NULL},
    {"999999999999*999999999999=", NULL},
    {"1/90000000000=", NULL},
    {"48/=", NULL},
    {"/2=", NULL},
    {"7:30 + 1=", NULL},
    {"3 dozen + 2 =", NULL},
    {"half of 6 + 4 =", NULL},
    {"2+2!=", NULL},
    {"2+2<=", NULL},
    {"2+2==", NULL},
};

static void test_results_and_silence(void **state)
{
    (void)state;
    for (size_t i = 0; i < PD_COUNT(entries); i++) {
        const struct entry *e = &entries[i];
        char result[PD_CALCULATOR_BYTES];
        /* On the heap and without a NUL, so that a sanitizer sees a byte read too many. */
        size_t bytes = strlen(e->text);
        char *text = malloc(bytes + 1);
        assert_non_null(text);
        char *exact = realloc(memcpy(text, e->text, bytes), bytes > 0 ? bytes : 1);
        size_t n = pd_calculator_result(exact, bytes, result);
        free(exact);
        if ((n > 0) != (e->result != NULL) || (n > 0 && strcmp(result, e->result) != 0))
            fail_msg("behind '%s' comes '%s', not '%s'", e->text, n > 0 ? result : "(nothing)",
                     e->result ? e->result : "(nothing)");
        if (n > 0)
            assert_int_equal(n, strlen(result));
    }
}

/* What the calculator writes, the checker believes. */
static void test_the_checker_agrees(void **state)
{
    (void)state;
    for (size_t i = 0; i < PD_COUNT(entries); i++) {
        char text[256];
        if (!entries[i].result)
            continue;
        int n = snprintf(text, sizeof text, "%s%s", entries[i].text, entries[i].result);
        assert_int_equal(pd_arithmetic_check(text, (size_t)n), PD_ARITHMETIC_TRUE);
    }
}

/* In the annotations of gsm8k_train, every "expression=" has one right continuation: the one that stands there. */
static void test_annotations_of_people_are_completed_as_they_are(void **state)
{
    (void)state;
    static char row[1 << 16];
    static char text[1 << 16];
    char path[512];
    const char *folder = getenv("PONDER_DATA");
    snprintf(path, sizeof path, "%s/gsm8k_train.jsonl", folder ? folder : "../shared/data");
    FILE *file = fopen(path, "r");
    if (!file) {
        print_message("no %s\n", path);
        skip();
    }
    int n_all = 0, n_silent = 0, n_same = 0;
    while (fgets(row, sizeof row, file)) {
        size_t bytes = pd_json_unescape(pd_json_field(row, strlen(row), "solution"), text);
        text[bytes] = '\0';
        for (char *at = text; (at = strstr(at, "<<")) != NULL; at += 2) {
            char result[PD_CALCULATOR_BYTES];
            const char *equals = strchr(at, '=');
            assert_non_null(equals);
            const char *end = strstr(equals, ">>");
            assert_non_null(end);
            struct pd_rational said, found;
            size_t said_bytes = (size_t)(end - equals) - 1;
            n_all++;
            if (pd_calculator_result(text, (size_t)(equals + 1 - text), result) == 0) {
                n_silent++;
                continue;
            }
            assert_true(pd_rational_read(equals + 1, said_bytes, &said) || equals[1] == '-');
            if (equals[1] == '-') {
                assert_true(pd_rational_read(equals + 2, said_bytes - 1, &said));
                said.numerator = -said.numerator;
            }
            bool is_negative = result[0] == '-';
            assert_true(
                pd_rational_read(result + is_negative, strlen(result) - is_negative, &found));
            if (is_negative)
                found.numerator = -found.numerator;
            n_same += pd_rational_is_equal(said, found);
        }
    }
    fclose(file);
    print_message("%d annotations, %d completed alike, %d left alone\n", n_all, n_same, n_silent);
    assert_int_equal(n_same + n_silent, n_all);
    assert_true(n_silent * 50 < n_all); /* those without an operation: "<<20=20>>" */
}

/* ---- in a search ---- */

enum { MAX_LANES = 3, MAX_SCRIPT = 64, MAX_ROWS = 64 };

/* A policy that has learned a text by heart, and goes on with it from where a lane stands. */
struct reciter {
    const struct pd_tokenizer *tokenizer;
    int32_t script[MAX_SCRIPT];
    int n_script;
    int n_past[MAX_LANES + 1]; /* of each lane, the prompt's one token included */
    bool is_used[MAX_LANES + 1];
    int next_of_output[MAX_ROWS + 1];
    int32_t fed[MAX_LANES + 1][MAX_SCRIPT];
};

static void begin(void *self, const struct pd_sampling *how, bool wants_certainty)
{
    (void)self;
    (void)how;
    (void)wants_certainty;
}

static enum ponder_status fork_lane(void *self, int from, int *lane_ret)
{
    struct reciter *r = self;
    for (int i = 0; i <= MAX_LANES; i++) {
        if (r->is_used[i])
            continue;
        r->is_used[i] = true;
        r->n_past[i] = from >= 0 ? r->n_past[from] : 0;
        *lane_ret = i;
        return PONDER_OK;
    }
    return PONDER_NO_LANE;
}

static void prune(void *self, int lane)
{
    ((struct reciter *)self)->is_used[lane] = false;
}

static void rewind_lane(void *self, int lane, int n)
{
    ((struct reciter *)self)->n_past[lane] = n;
}

static void forget(void *self, int but)
{
    struct reciter *r = self;
    for (int i = 0; i <= MAX_LANES; i++)
        r->is_used[i] = r->is_used[i] && i == but;
}

static enum ponder_status step(void *self, struct pd_row *rows, int n, int64_t deadline_ns)
{
    struct reciter *r = self;
    int n_outputs = 0;
    (void)deadline_ns;
    for (int i = 0; i < n; i++) {
        int lane = rows[i].lane;
        assert_true(r->n_past[lane] < MAX_SCRIPT);
        r->fed[lane][r->n_past[lane]++] = rows[i].token;
        if (rows[i].wants_output) {
            r->next_of_output[n_outputs] = r->n_past[lane] - 1;
            rows[i].output = n_outputs++;
        }
    }
    return PONDER_OK;
}

static void keep(void *self, int output)
{
    struct reciter *r = self;
    r->next_of_output[MAX_ROWS] = r->next_of_output[output];
}

static void draw(void *self, const struct pd_sampling *how, struct pd_draw *draws, int n)
{
    struct reciter *r = self;
    (void)how;
    for (int i = 0; i < n; i++) {
        int at = r->next_of_output[draws[i].row];
        draws[i].token = at < r->n_script ? r->script[at] : pd_tokenizer_eos(r->tokenizer);
        draws[i].log_prob = -1.0f;
    }
}

static size_t text_of(void *self, int32_t token, char *text_ret, size_t capacity)
{
    return pd_token_text(((struct reciter *)self)->tokenizer, token, false, text_ret, capacity);
}

static bool ends_text(void *self, int32_t token)
{
    return pd_tokenizer_ends_text(((struct reciter *)self)->tokenizer, token);
}

static struct pd_policy policy_of(struct reciter *r)
{
    return (struct pd_policy){.self = r,
                              .n_batch = MAX_ROWS,
                              .n_embd = 1,
                              .kept_output = MAX_ROWS,
                              .begin = begin,
                              .fork = fork_lane,
                              .prune = prune,
                              .rewind = rewind_lane,
                              .forget = forget,
                              .step = step,
                              .keep = keep,
                              .draw = draw,
                              .text = text_of,
                              .ends_text = ends_text};
}

struct recital {
    struct tiny_model *tiny;
    struct opened_model opened;
    struct reciter reciter;
    struct pd_search search;
    void *block;
};

static void set_up(struct recital *c, int n_lanes, const char *script)
{
    struct tiny_options options;
    struct pd_search_size size = {n_lanes, 8, 48, 256};
    struct pd_arena a;
    size_t n;
    *c = (struct recital){.tiny = NULL};
    tiny_options_default(&options, "llama", PD_Q8_0);
    c->tiny = tiny_model_new(&options);
    assert_int_equal(open_model(&c->opened, c->tiny->bytes, c->tiny->n_bytes), PONDER_OK);
    assert_int_equal(open_tokenizer(&c->opened), PONDER_OK);
    c->reciter.tokenizer = c->opened.tokenizer;
    struct pd_policy policy = policy_of(&c->reciter);
    for (int i = 0; i < 2; i++) { /* to count, then to place */
        if (i == 0)
            pd_arena_init_count(&a);
        else
            pd_arena_init(&a, c->block, pd_arena_block_bytes(&a));
        c->search = (struct pd_search){.tokenizer = c->opened.tokenizer};
        pd_search_layout_around(&c->search, &policy, size, &a);
        if (i == 0) {
            c->block = malloc(pd_arena_block_bytes(&a));
            assert_non_null(c->block);
        }
    }
    c->search.prompt[0] = 1;
    c->search.n_prompt = 1;
    assert_int_equal(pd_tokenize(c->opened.tokenizer, script, strlen(script),
                                 (struct pd_tokenize){.goes_on = true}, c->search.scratch,
                                 c->search.scratch_bytes, c->reciter.script, MAX_SCRIPT, &n),
                     PONDER_OK);
    c->reciter.n_script = (int)n;
}

static void tear_down(struct recital *c)
{
    free(c->block);
    close_model(&c->opened);
    tiny_model_free(c->tiny);
}

/* What comes of a script; n_drawn: tokens of the first path that were drawn. */
static void recite(const char *script, bool has_calculator, int n_lanes, int max_tokens,
                   char text_ret[256], int *n_drawn_ret, int *n_tokens_ret)
{
    struct recital c;
    struct pd_outcome outcome;
    set_up(&c, n_lanes, script);
    struct pd_task task = {.n_samples = 3,
                           .max_tokens = max_tokens,
                           .confidence = 2.0,
                           .has_calculator = has_calculator};
    assert_int_equal(pd_search_run(&c.search, &task, &pd_strategy_majority, 0, &outcome),
                     PONDER_OK);
    assert_true(outcome.text_bytes < 256);
    memcpy(text_ret, c.search.text, outcome.text_bytes);
    text_ret[outcome.text_bytes] = '\0';
    const struct pd_path *path = &c.search.path[outcome.path];
    *n_drawn_ret = path->n_drawn;
    *n_tokens_ret = path->n_tokens;
    assert_true(path->sum_log_prob == -(double)path->n_drawn);
    tear_down(&c);
}

static void test_a_search_puts_results_in(void **state)
{
    (void)state;
    for (int n_lanes = 1; n_lanes <= MAX_LANES; n_lanes++) {
        char text[256];
        int n_drawn, n_tokens;
        recite("48/2=99\n48+24=99\n#72\n", true, n_lanes, 48, text, &n_drawn, &n_tokens);
        assert_string_equal(text, "48/2=24\n48+24=72\n#72\n");
        assert_int_equal(n_tokens - n_drawn, 4);
        recite("48/2=99\n48+24=99\n#72\n", false, n_lanes, 48, text, &n_drawn, &n_tokens);
        assert_string_equal(text, "48/2=99\n48+24=99\n#72\n");
        assert_int_equal(n_tokens, n_drawn);
    }
}

static void test_a_result_never_passes_the_limit_of_tokens(void **state)
{
    (void)state;
    for (int max_tokens = 1; max_tokens < 12; max_tokens++) {
        char text[256];
        int n_drawn, n_tokens;
        recite("99*99=0000\n#1", true, 2, max_tokens, text, &n_drawn, &n_tokens);
        assert_true(n_tokens <= max_tokens);
        /* All of the result, or nothing of it. */
        if (n_tokens > 6)
            assert_memory_equal(text, max_tokens > 10 ? "99*99=9801" : "99*99=0", 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results_and_silence),
        cmocka_unit_test(test_the_checker_agrees),
        cmocka_unit_test(test_a_search_puts_results_in),
        cmocka_unit_test(test_a_result_never_passes_the_limit_of_tokens),
        cmocka_unit_test(test_annotations_of_people_are_completed_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
