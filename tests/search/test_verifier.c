/* SPDX-License-Identifier: Apache-2.0
 * test_verifier.c - scores put together: of steps, of several verifiers, with some missing. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "model/traits.h"
#include "search/verify.h"

static void test_step_scores_combine_as_asked(void **state)
{
    (void)state;
    struct pd_scores scores = {0};
    const float given[] = {0.5f, NAN, 0.25f, 0.75f, NAN};
    assert_true(isnan(pd_scores_combined(&scores, PD_COMBINE_LAST)));
    for (size_t i = 0; i < PD_COUNT(given); i++)
        pd_scores_add(&scores, given[i]);
    assert_true(pd_scores_combined(&scores, PD_COMBINE_LAST) == 0.75);
    assert_true(pd_scores_combined(&scores, PD_COMBINE_MIN) == 0.25);
    assert_true(pd_scores_combined(&scores, PD_COMBINE_PRODUCT) == 0.09375);
    assert_true(pd_scores_combined(&scores, PD_COMBINE_MEAN) == 0.5);
}

static void test_missing_scores_change_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 1000; seed++) {
        struct pd_scores with = {0}, without = {0};
        int n_missing = 0;
        for (uint64_t i = 0; i < 12; i++) {
            bool is_missing = pd_rng_float(seed, i, 0) < 0.4f;
            float score = pd_rng_float(seed, i, 1);
            n_missing += is_missing;
            pd_scores_add(&with, is_missing ? NAN : score);
            if (!is_missing)
                pd_scores_add(&without, score);
        }
        assert_int_equal(with.n, 12 - n_missing);
        for (int how = PD_COMBINE_LAST; how <= PD_COMBINE_MEAN; how++) {
            double a = pd_scores_combined(&with, (enum pd_combine)how);
            double b = pd_scores_combined(&without, (enum pd_combine)how);
            assert_true(a == b || (isnan(a) && isnan(b)));
        }
    }
}

/* ---- several verifiers ---- */

/* Says what it was told to, and notes which lanes it was asked about. */
struct scripted {
    float score[8]; /* by lane */
    bool was_asked[8];
    int n_calls;
    enum ponder_status status;
};

static enum ponder_status say(void *self, const struct pd_verify_item *items, int n,
                              int64_t deadline_ns, float *score_ret)
{
    struct scripted *s = self;
    (void)deadline_ns;
    s->n_calls++;
    for (int i = 0; i < n; i++) {
        s->was_asked[items[i].lane] = true;
        score_ret[i] = s->score[items[i].lane];
    }
    return s->status;
}

static const struct pd_verifier steps = {.name = "steps", .when = PD_VERIFY_STEP, .score = say};
static const struct pd_verifier ends = {.name = "ends", .when = PD_VERIFY_ANSWER, .score = say};
static const struct pd_verifier veto = {.name = "veto", .vetoes = true, .score = say};

static void test_several_are_averaged_and_missing_ones_left_out(void **state)
{
    (void)state;
    struct scripted a = {.score = {0.2f, NAN, NAN, 0.5f}}, b = {.score = {0.6f, 0.9f, NAN, NAN}};
    struct scripted broken = {.score = {0, 0, 0, 0}, .status = PONDER_NO_TIME};
    const struct pd_verifier_use uses[] = {{&steps, &a}, {&steps, &broken}, {&steps, &b}};
    struct pd_verify_item items[4] = {{.lane = 0}, {.lane = 1}, {.lane = 2}, {.lane = 3}};
    float score[4];
    bool is_vetoed[4];
    pd_verify(uses, 3, items, 4, 0, score, is_vetoed);
    assert_true(fabsf(score[0] - 0.4f) < 1e-6f);
    assert_true(score[1] == 0.9f);
    assert_true(isnan(score[2]));
    assert_true(score[3] == 0.5f);
    assert_int_equal(a.n_calls, 1); /* all lanes in one call */
    assert_int_equal(broken.n_calls, 1);
    for (int i = 0; i < 4; i++)
        assert_false(is_vetoed[i]);
}

static void test_what_is_vetoed_is_not_shown_to_the_others(void **state)
{
    (void)state;
    struct scripted judge = {.score = {1.0f, 0.0f, NAN, 0.0f}},
                    model = {.score = {0.1f, 0.2f, 0.3f, 0.4f}};
    const struct pd_verifier_use uses[] = {{&steps, &model}, {&veto, &judge}}; /* in any order */
    struct pd_verify_item items[4] = {{.lane = 0}, {.lane = 1}, {.lane = 2}, {.lane = 3}};
    float score[4];
    bool is_vetoed[4];
    pd_verify(uses, 2, items, 4, 0, score, is_vetoed);
    const bool expected[4] = {false, true, false, true};
    for (int i = 0; i < 4; i++) {
        assert_true(is_vetoed[i] == expected[i]);
        assert_true(model.was_asked[i] == !expected[i]);
        assert_true(expected[i] ? isnan(score[i])
                                : score[i] == model.score[i]); /* no part of the veto's in it */
    }
}

static void test_judges_of_answers_are_asked_about_answers_only(void **state)
{
    (void)state;
    struct scripted a = {.score = {0.2f, 0.4f}}, b = {.score = {0.6f, 0.8f}};
    const struct pd_verifier_use uses[] = {{&steps, &a}, {&ends, &b}};
    struct pd_verify_item items[2] = {{.lane = 0}, {.lane = 1, .is_answer = true}};
    float score[2];
    bool is_vetoed[2];
    pd_verify(uses, 2, items, 2, 0, score, is_vetoed);
    assert_true(score[0] == 0.2f);
    assert_true(fabsf(score[1] - 0.6f) < 1e-6f);
    assert_false(b.was_asked[0]);
    items[1].is_answer = false;
    b.n_calls = 0;
    pd_verify(uses, 2, items, 2, 0, score, is_vetoed);
    assert_int_equal(b.n_calls, 0); /* nothing to ask about */
}

static void test_confidence_is_the_mean_probability(void **state)
{
    (void)state;
    struct pd_verify_item items[2] = {{.mean_log_prob = 0.0},
                                      {.mean_log_prob = -0.6931471805599453}};
    float score[2];
    assert_int_equal(pd_verifier_confidence.score(NULL, items, 2, 0, score), PONDER_OK);
    assert_true(score[0] == 1.0f);
    assert_true(fabsf(score[1] - 0.5f) < 1e-6f);
    assert_false(pd_verifier_confidence.is_calibrated);
}

static void test_self_certainty_keeps_the_order_of_distances(void **state)
{
    (void)state;
    struct pd_verify_item items[4] = {{.mean_certainty = 0.0},
                                      {.mean_certainty = 1.0},
                                      {.mean_certainty = 3.0},
                                      {.mean_certainty = NAN}};
    float score[4];
    assert_int_equal(pd_verifier_self_certainty.score(NULL, items, 4, 0, score), PONDER_OK);
    assert_true(score[0] == 0.0f && score[1] == 0.5f && score[2] == 0.75f);
    assert_true(isnan(score[3]));
    assert_true(pd_verifier_self_certainty.wants_certainty);
    assert_false(pd_verifier_self_certainty.is_calibrated);
}

static void test_the_value_head_reads_the_hidden_state(void **state)
{
    (void)state;
    float weight[2] = {1.0f, -1.0f};
    const float hidden[2][2] = {{2.0f, 2.0f}, {NAN, 1.0f}};
    struct pd_linear head = {weight, 2, 0.0f};
    struct pd_verify_item items[3] = {{.hidden = hidden[0]}, {.hidden = hidden[1]}, {.hidden = NULL}};
    float score[3];
    assert_true(pd_verifier_value.wants_hidden);
    assert_int_equal(pd_verifier_value.score(&head, items, 3, 0, score), PONDER_OK);
    assert_true(score[0] == 0.5f);
    assert_true(isnan(score[1]) && isnan(score[2]));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_step_scores_combine_as_asked),
        cmocka_unit_test(test_missing_scores_change_nothing),
        cmocka_unit_test(test_several_are_averaged_and_missing_ones_left_out),
        cmocka_unit_test(test_what_is_vetoed_is_not_shown_to_the_others),
        cmocka_unit_test(test_judges_of_answers_are_asked_about_answers_only),
        cmocka_unit_test(test_confidence_is_the_mean_probability),
        cmocka_unit_test(test_self_certainty_keeps_the_order_of_distances),
        cmocka_unit_test(test_the_value_head_reads_the_hidden_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
