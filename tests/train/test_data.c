/* SPDX-License-Identifier: Apache-2.0
 * test_data.c - rows to examples: what is put before the model, what it is to learn, and where labels stand.
 *
 * Examples are compared as text: what has a target between [ and ], <eos> for the end, and behind each row with a
 * label {label}. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "models/train/feed.h"
#include "models/train/memory.h"
#include "tests/support/open_model.h"
#include "tests/support/tiny_model.h"

enum { SHOWN_BYTES = 4096 };

struct fixture {
    struct tiny_model *tiny;
    struct opened_model opened;
    struct tr_data data;
    char path[64];
};

static void begin(struct fixture *f, enum tr_task task, const char *rows)
{
    struct tiny_options options;
    tiny_options_default(&options, "llama", PD_F32);
    *f = (struct fixture){.path = "/tmp/ponder-data-XXXXXX"};
    f->tiny = tiny_model_new(&options);
    assert_int_equal(open_model(&f->opened, f->tiny->bytes, f->tiny->n_bytes), PONDER_OK);
    assert_int_equal(open_tokenizer(&f->opened), PONDER_OK);
    f->data.tokenizer = f->opened.tokenizer;
    f->data.task = task;
    f->data.max_tokens = 400;
    int fd = mkstemp(f->path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "wb");
    fputs(rows, file);
    fclose(file);
}

static void load(struct fixture *f)
{
    char text[PONDER_ERROR_BYTES] = "";
    const struct pd_error err = {text, sizeof text};
    if (tr_data_load(&f->data, f->path, 1, &err) != PONDER_OK)
        fail_msg("%s", text);
}

static void end(struct fixture *f)
{
    unlink(f->path);
    tr_data_free(&f->data);
    close_model(&f->opened);
    tiny_model_free(f->tiny);
}

static void show_token(const struct fixture *f, int32_t token, char *text, size_t *at)
{
    if (token == pd_tokenizer_eos(f->data.tokenizer))
        *at += (size_t)snprintf(text + *at, SHOWN_BYTES - *at, "<eos>");
    else
        *at += pd_token_text(f->data.tokenizer, token, false, text + *at, SHOWN_BYTES - *at);
}

/* The rows of a batch as text: what a row's target is shows at the row that follows. */
static const char *shown(const struct fixture *f, int example, char text[SHOWN_BYTES])
{
    struct tr_batch b;
    size_t at = 0;
    int target = 0, label = 0;
    bool is_open = false;
    tr_batch_init(&b, 2 * f->data.max_tokens);
    tr_data_put(&f->data, example, &b);
    for (int i = 0; i < b.n; i++) {
        bool is_target = target < b.n_targets && b.target_row[target] == i - 1;
        if (is_target)
            assert_int_equal(b.target[target++], b.token[i]);
        if (is_target != is_open)
            text[at++] = is_target ? '[' : ']';
        is_open = is_target;
        show_token(f, b.token[i], text, &at);
        if (label < b.n_labels && b.label_row[label] == i)
            at += (size_t)snprintf(text + at, SHOWN_BYTES - at, "{%g}", (double)b.label[label++]);
    }
    if (is_open)
        text[at++] = ']';
    text[at] = '\0';
    assert_int_equal(target, b.n_targets);
    assert_int_equal(label, b.n_labels);
    tr_batch_free(&b);
    return text;
}

static void check_examples(struct fixture *f, const char *const *expected, int n)
{
    char text[SHOWN_BYTES];
    assert_int_equal(f->data.n_examples, n);
    for (int i = 0; i < n; i++)
        assert_string_equal(shown(f, i, text), expected[i]);
}

#define PROBLEM                                                                                    \
    "{\"question\":\" Tom\\n has \\t7,\\u0020gets 3. \",\"answer\":10,\"steps\":[\"7+3=10\"]}\n"
#define ROLLOUT                                                                                    \
    "{\"question\":\"A?\",\"answer\":\"5\",\"pass\":0.4,\"samples\":["                             \
    "{\"text\":\"2+3=5\\n#5\",\"answer\":\"5\",\"right\":true,\"labels\":[0.75,1]},"               \
    "{\"text\":\"9*9=81\\n#81\",\"answer\":\"81\",\"right\":false,\"labels\":[0.25,0]},"           \
    "{\"text\":\"2+3=6\\n#6\",\"answer\":\"6\",\"right\":false,\"labels\":[0.5,0]},"               \
    "{\"text\":\"2+3=5\\n#5\\n\",\"answer\":\"5\",\"right\":true,\"labels\":[0.75,1]}]}\n"

static void test_imitation_learns_what_follows_the_question(void **state)
{
    (void)state;
    static const char *const expected[] = {"Tom has 7, gets 3.\n[7+3=10\n#10<eos>]",
                                           "A?\n[2+3=5\n#5<eos>]"};
    struct fixture f;
    begin(&f, TR_SFT, PROBLEM ROLLOUT);
    load(&f);
    check_examples(&f, expected, 2); /* of a rollout each right sample once */
    end(&f);
}

static void test_what_a_calculator_writes_is_not_learned(void **state)
{
    (void)state;
    static const char *const expected[] = {"Tom has 7, gets 3.\n[7+3=]10[\n#10<eos>]"};
    struct fixture f;
    begin(&f, TR_SFT, PROBLEM);
    f.data.has_calculator = true;
    load(&f);
    check_examples(&f, expected, 1);
    end(&f);
}

static void test_revisions_end_with_the_nearest_wrong_sample(void **state)
{
    (void)state;
    static const char *const expected[] = {
        "A?\n[2+3=5\n#5<eos>]",
        "A?\n2+3=6\n#6\n~\n[2+3=5\n#5<eos>]",
        "A?\n9*9=81\n#81\n~\n[2+3=5\n#5<eos>]",
        "A?\n9*9=81\n#81\n~\n2+3=6\n#6\n~\n[2+3=5\n#5<eos>]",
    };
    int seen[4] = {0};
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct fixture f;
        char text[SHOWN_BYTES];
        begin(&f, TR_REVISE, ROLLOUT);
        f.data.seed = seed;
        load(&f);
        assert_int_equal(f.data.n_examples, 1);
        shown(&f, 0, text);
        int which = 0;
        while (which < 4 && strcmp(text, expected[which]) != 0)
            which++;
        if (which == 4)
            fail_msg("not a revision: %s", text);
        seen[which]++;
        end(&f);
    }
    for (int i = 0; i < 4; i++)
        assert_true(seen[i] >= 4);
}

static void test_verification_has_labels_where_steps_end(void **state)
{
    (void)state;
    static const char *const expected[] = {
        "A?\n[2+3=5{0.75}\n#5{1}<eos>]",
        "A?\n9*9=81{0.25}\n#81{0}<eos>",
        "A?\n2+3=6{0.5}\n#6{0}<eos>",
        "A?\n[2+3=5{0.75}\n#5{1}<eos>]",
    };
    struct fixture f;
    begin(&f, TR_VERIFY, ROLLOUT);
    load(&f);
    check_examples(&f, expected, 4);
    end(&f);
}

static void test_difficulty_has_its_label_behind_the_question(void **state)
{
    (void)state;
    static const char *const expected[] = {"A?\n{0.4}"};
    struct fixture f;
    begin(&f, TR_DIFFICULTY, ROLLOUT);
    load(&f);
    check_examples(&f, expected, 1);
    end(&f);
}

static void test_labels_that_are_not_one_a_line_are_refused(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, TR_VERIFY,
          "{\"question\":\"A?\",\"answer\":\"5\",\"samples\":[{\"text\":\"2+3=5\\n#5\",\"right\":"
          "true,\"labels\":[1]}]}\n"
          "{\"question\":\"A?\",\"answer\":\"5\",\"samples\":[{\"text\":\"#5\",\"right\":true,"
          "\"labels\":[1,1]}]}\n"
          "{\"question\":\"A?\",\"answer\":\"5\",\"samples\":[{\"text\":\"#5\",\"right\":true,"
          "\"labels\":[2]}]}\n" ROLLOUT);
    load(&f);
    assert_int_equal(f.data.n_bad, 3);
    assert_int_equal(f.data.n_examples, 4);
    end(&f);
}

/* A row is left out as a whole: the samples before the bad one too. */
static void test_of_a_bad_row_nothing_stays(void **state)
{
    (void)state;
    static const char *const expected[] = {"A?\n[2+3=5{0.75}\n#5{1}<eos>]"};
    struct fixture f;
    begin(&f, TR_VERIFY,
          "{\"question\":\"B?\",\"answer\":\"5\",\"samples\":[{\"text\":\"#5\",\"right\":true,"
          "\"labels\":[1]}"
          ",{\"text\":\"#6\",\"right\":false,\"labels\":[1,0]}]}\n"
          "{\"question\":\"A?\",\"answer\":\"5\",\"samples\":[{\"text\":\"2+3=5\\n#5\",\"right\":"
          "true,"
          "\"labels\":[0.75,1]}]}\n");
    load(&f);
    assert_int_equal(f.data.n_bad, 1);
    check_examples(&f, expected, 1);
    end(&f);
}

static void test_long_examples_are_left_out_and_counted(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, TR_SFT, PROBLEM ROLLOUT);
    f.data.max_tokens = 15;
    load(&f);
    assert_int_equal(f.data.n_examples, 1);
    assert_int_equal(f.data.n_too_long, 1);
    end(&f);
}

static void test_batches_are_full_and_every_epoch_holds_every_example(void **state)
{
    (void)state;
    enum { ROWS = 50, MICRO = 200 };
    char rows[ROWS * 128];
    size_t at = 0;
    for (int i = 0; i < ROWS; i++)
        at += (size_t)snprintf(rows + at, sizeof rows - at,
                               "{\"question\":\"%.*s?\",\"answer\":%d,\"steps\":[\"1*%d=%d\"]}\n",
                               i % 7 + 1, "aaaaaaaa", i, i, i);
    struct fixture f;
    begin(&f, TR_SFT, rows);
    load(&f);
    f.data.source[0].weight = 2.5;
    struct tr_feed feed, again;
    struct tr_batch b, c;
    tr_batch_init(&b, MICRO);
    tr_batch_init(&c, MICRO);
    tr_feed_init(&feed, &f.data, 3, 0, 0);
    assert_in_range(feed.n, 2 * ROWS + 10, 2 * ROWS + 40);
    int times[ROWS] = {0};
    for (int i = 0; i < feed.n; i++)
        times[feed.order[i]]++;
    for (int i = 0; i < ROWS; i++)
        assert_in_range(times[i], 2, 3);
    int n_batches = 0;
    for (tr_feed_fill(&feed, MICRO, true, &b); b.n > 0; tr_feed_fill(&feed, MICRO, true, &b)) {
        assert_true(b.n <= MICRO && (b.n > MICRO - 40 || feed.next == feed.n));
        assert_int_equal(b.begin[b.n_sequences], b.n);
        n_batches++;
    }
    assert_true(n_batches > 5);
    tr_feed_fill(&feed, MICRO, false, &b); /* into the next epoch, in another order */
    assert_int_equal(feed.epoch, 1);
    tr_feed_init(&again, &f.data, 3, 1, 0);
    tr_feed_fill(&again, MICRO, false, &c);
    assert_int_equal(b.n, c.n);
    assert_memory_equal(b.token, c.token, (size_t)b.n * sizeof *b.token);
    tr_feed_fill(&feed, MICRO, false, &b);
    int epoch = (int)again.epoch, next = again.next;
    tr_feed_free(&again);
    tr_feed_init(&again, &f.data, 3, epoch, next); /* taken up where it was left */
    tr_feed_fill(&again, MICRO, false, &c);
    assert_memory_equal(b.token, c.token, (size_t)b.n * sizeof *b.token);
    tr_feed_free(&again);
    tr_feed_free(&feed);
    tr_batch_free(&b);
    tr_batch_free(&c);
    end(&f);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_imitation_learns_what_follows_the_question),
        cmocka_unit_test(test_what_a_calculator_writes_is_not_learned),
        cmocka_unit_test(test_revisions_end_with_the_nearest_wrong_sample),
        cmocka_unit_test(test_verification_has_labels_where_steps_end),
        cmocka_unit_test(test_difficulty_has_its_label_behind_the_question),
        cmocka_unit_test(test_labels_that_are_not_one_a_line_are_refused),
        cmocka_unit_test(test_of_a_bad_row_nothing_stays),
        cmocka_unit_test(test_long_examples_are_left_out_and_counted),
        cmocka_unit_test(test_batches_are_full_and_every_epoch_holds_every_example),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
