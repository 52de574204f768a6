/* SPDX-License-Identifier: Apache-2.0
 * test_setup.c - a request to a task: what is named is found, what cannot be had gives way in words. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "search/setup.h"
#include "tests/support/scripted.h"

static const struct script script = {.n_answers = 2, .score_steps = 8};

/* A search with a verifier of its own, and without one. */
static struct scripted *new_search(bool has_verifier, int n_lanes)
{
    struct scripted *s = scripted_new(&script, n_lanes, 20);
    if (has_verifier)
        assert_true(pd_search_add_verifier(&s->search, s->scores));
    return s;
}

static struct pd_task set_up(struct scripted *s, struct ponder_request request,
                             enum ponder_status expected, const char *strategy_name)
{
    struct pd_task task = {0};
    const struct pd_strategy *strategy = NULL;
    request.n_samples = request.n_samples > 0 ? request.n_samples : 8;
    assert_int_equal(pd_setup(&s->search, &request, &task, &strategy), expected);
    if (expected == PONDER_OK)
        assert_string_equal(strategy->name, strategy_name);
    return task;
}

static bool has(const struct pd_task *task, const char *name)
{
    for (int i = 0; i < task->n_verifiers; i++)
        if (strcmp(task->verifier[i].type->name, name) == 0)
            return true;
    return false;
}

static void test_list_finds_every_strategy(void **state)
{
    (void)state;
    int n = 0;
    for (; pd_strategy_get(n) != NULL; n++) {
        assert_ptr_equal(pd_strategy_find(pd_strategy_get(n)->name), pd_strategy_get(n));
        assert_true(strlen(pd_strategy_get(n)->summary) > 10);
        assert_true(pd_strategy_get(n)->state_bytes <= pd_strategy_state_bytes());
    }
    assert_int_equal(n, 11);
    assert_null(pd_strategy_get(-1));
    assert_null(pd_strategy_find(""));
    assert_null(pd_strategy_find("Majority"));
    assert_null(pd_strategy_find("greedy "));
}

static void test_unknown_names_are_refused(void **state)
{
    (void)state;
    static const struct ponder_request wrong[] = {
        {.strategy = "beams"},
        {.strategy = ""},
        {.verifier = "scripted,nobody"},
        {.verifier = ""},
        {.verifier = "scripted,"},
        {.verifier = ",scripted"},
        {.verifier = "Scripted"},
        {.verifier = "none,scripted"},
        {.score = "first"},
        {.score = ""},
        {.width = -1},
        {.lookahead = -1},
        {.n_chains = -1},
    };
    struct scripted *s = new_search(true, 8);
    for (size_t i = 0; i < PD_COUNT(wrong); i++)
        set_up(s, wrong[i], PONDER_BAD_ARGUMENT, NULL);
    scripted_free(s);
}

static void test_verifiers_are_those_named(void **state)
{
    (void)state;
    struct scripted *s = new_search(true, 8);
    struct pd_task task =
        set_up(s, (struct ponder_request){.verifier = "confidence,scripted,confidence"}, PONDER_OK,
               "majority");
    assert_int_equal(task.n_verifiers, 2);
    assert_true(has(&task, "confidence") && has(&task, "scripted"));
    task = set_up(s, (struct ponder_request){.verifier = "none"}, PONDER_OK, "majority");
    assert_int_equal(task.n_verifiers, 0);
    task = set_up(s, (struct ponder_request){0}, PONDER_OK, "majority");
    assert_int_equal(task.n_verifiers, 0);
    scripted_free(s);
}

static void test_a_strategy_that_needs_scores_takes_the_models_verifier(void **state)
{
    (void)state;
    struct scripted *s = new_search(true, 8);
    struct pd_task task = set_up(s, (struct ponder_request){.strategy = "beam"}, PONDER_OK, "beam");
    assert_true(has(&task, "scripted") && !has(&task, "confidence"));
    assert_string_equal(s->search.note, "");
    task = set_up(s, (struct ponder_request){.strategy = "revise"}, PONDER_OK, "revise");
    assert_true(has(&task, "scripted"));
    scripted_free(s);
}

static void test_without_a_verifier_confidence_judges_and_it_is_said(void **state)
{
    (void)state;
    static const char *const needy[] = {
        "best-of-n-weighted", "beam", "lookahead", "dvts", "rebase", "halving"};
    struct scripted *s = new_search(false, 8);
    for (size_t i = 0; i < PD_COUNT(needy); i++) {
        for (int is_none = 0; is_none < 2; is_none++) {
            struct pd_task task = set_up(
                s,
                (struct ponder_request){.strategy = needy[i], .verifier = is_none ? "none" : NULL},
                PONDER_OK, needy[i]);
            assert_true(has(&task, "confidence"));
            assert_non_null(strstr(s->search.note, "no verifier"));
        }
    }
    pd_search_add_verifier(&s->search, s->vetoes); /* gives no scores either */
    struct pd_task task = set_up(s, (struct ponder_request){.strategy = "beam", .verifier = "veto"},
                                 PONDER_OK, "beam");
    assert_true(has(&task, "veto") && has(&task, "confidence"));
    task = set_up(s, (struct ponder_request){.strategy = "beam", .verifier = "agreement"},
                  PONDER_OK, "beam"); /* says nothing of steps */
    assert_true(has(&task, "agreement") && has(&task, "confidence"));
    set_up(s, (struct ponder_request){.strategy = "best-of-n"}, PONDER_OK, "best-of-n");
    assert_string_equal(s->search.note, "");
    scripted_free(s);
}

static void test_a_beam_is_no_wider_than_the_lanes(void **state)
{
    (void)state;
    static const char *const wide[] = {"beam", "lookahead", "rebase", "halving"};
    struct scripted *s = new_search(true, 6);
    for (size_t i = 0; i < PD_COUNT(wide); i++) {
        struct pd_task task =
            set_up(s, (struct ponder_request){.strategy = wide[i], .n_samples = 16, .width = 9},
                   PONDER_OK, wide[i]);
        assert_int_equal(task.n_samples, 6);
        assert_int_equal(task.width, 6);
        assert_non_null(strstr(s->search.note, "lanes"));
    }
    struct pd_task task =
        set_up(s, (struct ponder_request){.strategy = "dvts", .n_samples = 16}, PONDER_OK, "dvts");
    assert_int_equal(task.n_samples, 16); /* its trees take turns */
    assert_int_equal(task.width, 4);
    assert_string_equal(s->search.note, "");
    scripted_free(s);
}

static void test_numbers_have_defaults(void **state)
{
    (void)state;
    struct scripted *s = new_search(true, 8);
    struct pd_task task =
        set_up(s, (struct ponder_request){.strategy = "lookahead"}, PONDER_OK, "lookahead");
    assert_int_equal(task.lookahead, 1);
    assert_int_equal(task.width, 4);
    assert_int_equal(task.combine, PD_COMBINE_LAST);
    task = set_up(
        s, (struct ponder_request){.strategy = "beam", .lookahead = 3, .width = 2, .score = "min"},
        PONDER_OK, "beam");
    assert_int_equal(task.lookahead, 3);
    assert_int_equal(task.width, 2);
    assert_int_equal(task.combine, PD_COMBINE_MIN);
    task = set_up(s, (struct ponder_request){.strategy = "revise", .n_samples = 16}, PONDER_OK,
                  "revise");
    assert_int_equal(task.n_chains, 4);
    task = set_up(s, (struct ponder_request){.strategy = "revise", .n_samples = 3, .n_chains = 9},
                  PONDER_OK, "revise");
    assert_int_equal(task.n_chains, 3);
    task = set_up(s, (struct ponder_request){.strategy = "greedy", .n_samples = 5}, PONDER_OK,
                  "greedy");
    assert_int_equal(task.n_samples, 1);
    task = set_up(s, (struct ponder_request){.n_samples = 1}, PONDER_OK, "greedy");
    scripted_free(s);
}

static void test_a_model_that_cannot_revise_votes(void **state)
{
    (void)state;
    struct scripted *s = new_search(true, 8);
    s->search.n_revision = 0;
    set_up(s, (struct ponder_request){.strategy = "revise"}, PONDER_OK, "majority");
    assert_non_null(strstr(s->search.note, "revise"));
    scripted_free(s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list_finds_every_strategy),
        cmocka_unit_test(test_unknown_names_are_refused),
        cmocka_unit_test(test_verifiers_are_those_named),
        cmocka_unit_test(test_a_strategy_that_needs_scores_takes_the_models_verifier),
        cmocka_unit_test(test_without_a_verifier_confidence_judges_and_it_is_said),
        cmocka_unit_test(test_a_beam_is_no_wider_than_the_lanes),
        cmocka_unit_test(test_numbers_have_defaults),
        cmocka_unit_test(test_a_model_that_cannot_revise_votes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
