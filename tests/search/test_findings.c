/* SPDX-License-Identifier: Apache-2.0
 * test_findings.c - what Snell et al. 2024 found with large models shows on made-up trees as well: answers weighed by
 * scores beat bare votes; beam search is better on small budgets; on large ones it falls for a verifier's mistakes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "search/strategy.h"
#include "tests/support/scripted.h"

enum { N_PROBLEMS = 300 };

/* Problems solved of N_PROBLEMS, by n samples. */
static int solved(const struct pd_strategy *strategy, struct script script, int n, int width)
{
    int n_right = 0;
    for (uint64_t seed = 0; seed < N_PROBLEMS; seed++) {
        script.seed = 1000 + seed;
        struct scripted *s = scripted_new(&script, n, 60);
        struct pd_task task = scripted_task(s, n);
        struct pd_outcome outcome;
        task.width = width;
        task.n_verifiers = 1;
        task.verifier[0] = s->scores;
        assert_int_equal(pd_search_run(&s->search, &task, strategy, 0, &outcome), PONDER_OK);
        n_right += strcmp(outcome.answer, "0") == 0;
        scripted_free(s);
    }
    return n_right;
}

/* Four lines, each wrong in three of eight cases: one sample in seven is right. */
static struct script problems(int chance_trap)
{
    return (struct script){.n_answers = 6,
                           .score_steps = 64,
                           .truth = 0.5f,
                           .chance_wrong = 24,
                           .chance_trap = chance_trap};
}

static void test_weighed_answers_beat_votes(void **state)
{
    (void)state;
    for (int n = 8; n <= 64; n *= 2) {
        int votes = solved(&pd_strategy_majority, problems(0), n, 1);
        int weights = solved(&pd_strategy_weighted, problems(0), n, 1);
        print_message("%d samples: majority %d, weighted %d of %d\n", n, votes, weights,
                      N_PROBLEMS);
        assert_true(weights > votes + N_PROBLEMS / 20);
    }
}

static void test_beam_wins_on_small_budgets_and_is_misled_on_large_ones(void **state)
{
    (void)state;
    const struct script script = problems(24);
    int beam[3], weighted[3];
    for (int i = 0, n = 4; i < 3; i++, n *= 4) {
        beam[i] = solved(&pd_strategy_beam, script, n, 4);
        weighted[i] = solved(&pd_strategy_weighted, script, n, 1);
        print_message("%d samples: beam %d, weighted %d of %d\n", n, beam[i], weighted[i],
                      N_PROBLEMS);
    }
    assert_true(beam[0] > weighted[0] + N_PROBLEMS / 10);
    assert_true(beam[2] < weighted[2] - N_PROBLEMS / 10);
    assert_true(beam[2] < beam[0]); /* more search makes it worse */
    /* Without the verifier's mistakes it does not fall behind. */
    assert_true(solved(&pd_strategy_beam, problems(0), 64, 4) > weighted[2] - N_PROBLEMS / 20);
}

/* Trees that know nothing of each other are not all misled. */
static void test_separate_trees_are_less_misled(void **state)
{
    (void)state;
    int beam = solved(&pd_strategy_beam, problems(24), 64, 4);
    int dvts = solved(&pd_strategy_dvts, problems(24), 64, 4);
    print_message("64 samples: beam %d, dvts %d of %d\n", beam, dvts, N_PROBLEMS);
    assert_true(dvts > beam);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weighed_answers_beat_votes),
        cmocka_unit_test(test_beam_wins_on_small_budgets_and_is_misled_on_large_ones),
        cmocka_unit_test(test_separate_trees_are_less_misled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
