/* SPDX-License-Identifier: Apache-2.0
 * test_strategy.c - each strategy's choice and stop against a slow one on random samples; and the promise of
 * majority: how fast samples end, and how many run side by side, does not change the answer. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/real.h"
#include "base/rng.h"
#include "search/strategy.h"

enum { N_MAX = 48, NO_ANSWER = -1 };

/* ---- random searches ---- */

struct dice {
    uint64_t seed, n;
};

static int roll(struct dice *d, int n)
{
    return (int)(pd_rng_u64(d->seed, 0, d->n++) % (uint64_t)n);
}

static struct pd_sample samples[N_MAX];

static bool is_finished(const struct pd_sample *sample)
{
    return sample->state == PD_SAMPLE_ENDED || sample->state == PD_SAMPLE_FORCED;
}

static double mean(const struct pd_sample *sample)
{
    return sample->n_drawn == 0 ? 0.0 : sample->sum_log_prob / sample->n_drawn;
}

/* A search at some moment: the first samples are mostly over, the later ones mostly run. */
static struct pd_search random_search(struct dice *d)
{
    static const double confidences[] = {0.6, 0.9, 0.95, 0.99, 2.0};
    struct pd_search s = {.sample = samples, .n_groups = 1 + roll(d, 5)};
    s.task.n_samples = 1 + roll(d, N_MAX);
    s.task.confidence = confidences[roll(d, (int)PD_COUNT(confidences))];
    s.n_samples = 1 + roll(d, s.task.n_samples);
    int chance_running = roll(d, 3);
    for (int i = 0; i < s.n_samples; i++) {
        struct pd_sample *sample = &samples[i];
        *sample = (struct pd_sample){.n_drawn = roll(d, 30), .group = PD_NO_GROUP};
        /* One in a few without tokens, and equal means. */
        sample->sum_log_prob = -sample->n_drawn * (roll(d, 5) == 0 ? 0.5 : roll(d, 3000) / 1000.0);
        if (roll(d, 10) < chance_running) {
            sample->state = PD_SAMPLE_RUNNING;
        } else if (roll(d, 6) == 0) {
            sample->state = PD_SAMPLE_CUT;
        } else {
            sample->state = roll(d, 8) == 0 ? PD_SAMPLE_FORCED : PD_SAMPLE_ENDED;
            if (roll(d, 6) != 0) /* the first group is the most frequent */
                sample->group = roll(d, 1 + roll(d, s.n_groups));
        }
    }
    return s;
}

/* ---- the slow majority ---- */

/* Pr(Bin(top + second + 1, 1/2) <= top), of whole numbers. */
static double slow_certainty(int top, int second)
{
    int n = top + second + 1;
    uint64_t row[N_MAX + 2] = {1}, sum = 0; /* Pascal's triangle */
    for (int i = 1; i <= n; i++)
        for (int k = i; k > 0; k--)
            row[k] += row[k - 1];
    for (int k = 0; k <= top; k++)
        sum += row[k];
    return (double)sum / pow(2.0, n);
}

struct vote {
    int winner, n_top, n_second, n_voters;
};

/* The vote of the first n samples. */
static struct vote slow_vote(const struct pd_search *s, int n)
{
    struct vote v = {.winner = NO_ANSWER};
    double best_weight = 0.0;
    for (int i = 0; i < n; i++)
        v.n_voters += is_finished(&samples[i]);
    /* Groups in the order of their first samples, each as often as it has votes. */
    for (int i = 0; i < n; i++) {
        int g = samples[i].group, votes = 0;
        double weight = 0.0;
        for (int j = 0; g != PD_NO_GROUP && j < n; j++) {
            votes += samples[j].group == g;
            weight += samples[j].group == g ? pd_real_exp(mean(&samples[j])) : 0.0;
        }
        if (votes > v.n_top || (votes > 0 && votes == v.n_top && weight > best_weight)) {
            v.winner = g;
            v.n_top = votes;
            best_weight = weight;
        }
    }
    for (int g = 0; g < s->n_groups; g++) {
        int votes = 0;
        for (int i = 0; i < n; i++)
            votes += samples[i].group == g;
        if (g != v.winner && votes > v.n_second)
            v.n_second = votes;
    }
    return v;
}

/* The smallest m whose first m samples have all ended and decide the vote, with some still to come; 0: none. */
static int slow_decision(const struct pd_search *s)
{
    for (int m = 1; m <= s->n_samples && m < s->task.n_samples; m++) {
        if (samples[m - 1].state == PD_SAMPLE_RUNNING)
            return 0;
        struct vote v = slow_vote(s, m);
        if (v.n_top > 0 && slow_certainty(v.n_top, v.n_second) >= s->task.confidence)
            return m;
        if (v.n_top > v.n_second + s->task.n_samples - m)
            return m;
    }
    return 0;
}

/* Of the first n, the one of this group (any: NO_ANSWER) with the highest mean; -1: none. */
static int slow_best(int n, int group)
{
    int best = -1;
    for (int i = n - 1; i >= 0; i--)
        if (samples[i].group != PD_NO_GROUP && (group == NO_ANSWER || samples[i].group == group) &&
            (best < 0 || mean(&samples[i]) >= mean(&samples[best])))
            best = i;
    return best;
}

/* ---- single moments ---- */

static void check_choice(uint64_t seed, struct pd_choice choice, int sample, double confidence)
{
    if (choice.sample != sample)
        fail_msg("seed %d: sample %d, expected %d", (int)seed, choice.sample, sample);
    if (!(fabs(choice.confidence - confidence) < 1e-12))
        fail_msg("seed %d: confidence %g, expected %g", (int)seed, choice.confidence, confidence);
}

static void test_majority_is_the_slow_one(void **state)
{
    (void)state;
    int n_decided = 0, n_none = 0;
    for (uint64_t seed = 0; seed < 10000; seed++) {
        struct dice d = {.seed = seed};
        struct pd_search s = random_search(&d);
        int m = slow_decision(&s);
        int n = m > 0 ? m : s.n_samples;
        struct vote v = slow_vote(&s, n);
        bool is_decided = pd_strategy_majority.is_decided(&s);
        if (is_decided != (m > 0))
            fail_msg("seed %d: decided %d, expected %d", (int)seed, is_decided, m > 0);
        if (v.winner == NO_ANSWER)
            check_choice(seed, pd_strategy_majority.choose(&s), -1, 0.0);
        else
            check_choice(seed, pd_strategy_majority.choose(&s), slow_best(n, v.winner),
                         (double)v.n_top / v.n_voters);
        n_decided += m > 0;
        n_none += v.winner == NO_ANSWER;
    }
    assert_true(n_decided > 1000 && n_decided < 9000 && n_none > 50);
}

static void test_best_of_n_is_the_slow_one(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 10000; seed++) {
        struct dice d = {.seed = seed};
        struct pd_search s = random_search(&d);
        int best = slow_best(s.n_samples, NO_ANSWER);
        assert_false(pd_strategy_best_of_n.is_decided(&s));
        check_choice(seed, pd_strategy_best_of_n.choose(&s), best,
                     best < 0 ? 0.0 : exp(mean(&samples[best])));
    }
}

static void test_greedy_is_its_one_sample(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 2000; seed++) {
        struct dice d = {.seed = seed};
        struct pd_search s = random_search(&d);
        bool has_answer = samples[0].group != PD_NO_GROUP;
        s.n_samples = 1;
        assert_true(pd_strategy_greedy.is_decided(&s) == (samples[0].state != PD_SAMPLE_RUNNING));
        check_choice(seed, pd_strategy_greedy.choose(&s), has_answer ? 0 : -1,
                     has_answer ? exp(mean(&samples[0])) : 0.0);
    }
}

/* A search that was stopped before its first sample, as by a budget that is too short. */
static void test_no_samples_give_no_choice(void **state)
{
    (void)state;
    struct pd_search s = {.sample = samples};
    s.task.n_samples = 8;
    memset(samples, 0, sizeof samples); /* of another run: group 0 */
    for (int i = 0; pd_strategy_get(i) != NULL; i++)
        check_choice(0, pd_strategy_get(i)->choose(&s), -1, 0.0);
    assert_false(pd_strategy_majority.is_decided(&s));
    assert_false(pd_strategy_best_of_n.is_decided(&s));
}

static void test_list_finds_every_strategy(void **state)
{
    (void)state;
    static const struct pd_strategy *const all[] = {&pd_strategy_greedy, &pd_strategy_majority,
                                                    &pd_strategy_best_of_n};
    int n = 0;
    for (; pd_strategy_get(n) != NULL; n++)
        assert_ptr_equal(pd_strategy_find(pd_strategy_get(n)->name), pd_strategy_get(n));
    assert_int_equal(n, PD_COUNT(all));
    for (size_t i = 0; i < PD_COUNT(all); i++)
        assert_ptr_equal(pd_strategy_find(all[i]->name), all[i]);
    assert_null(pd_strategy_get(-1));
    assert_null(pd_strategy_find(""));
    assert_null(pd_strategy_find("Majority"));
    assert_null(pd_strategy_find("greedy "));
}

/* ---- whole runs ---- */

/* What each sample will write, whenever it is done. */
struct fate {
    enum pd_sample_state state;
    int answer; /* NO_ANSWER, or a number for what it says */
    int n_drawn;
    double sum_log_prob;
};

struct result {
    int sample, answer;
    double confidence;
    int n_started;
};

/* The driver without a model: n_lanes samples run at a time, and in each round some of them end; groups are
 * numbered as answers appear. */
static struct result simulate(const struct fate *fate, const struct pd_task *task, int n_lanes,
                              struct dice *d)
{
    struct pd_search s = {.sample = samples, .task = *task};
    int answer_of[N_MAX], running[N_MAX], n_running = 0;
    int chance = 1 + roll(d, 4);
    for (bool is_over = false; !is_over;) {
        while (n_running < n_lanes && s.n_samples < task->n_samples) {
            samples[s.n_samples] =
                (struct pd_sample){.state = PD_SAMPLE_RUNNING, .group = PD_NO_GROUP};
            running[n_running++] = s.n_samples++;
        }
        bool has_ended = false;
        for (int i = 0; i < n_running;) {
            if (roll(d, 5) >= chance) {
                i++;
                continue;
            }
            int which = running[i];
            running[i] = running[--n_running];
            struct pd_sample *sample = &samples[which];
            sample->state = fate[which].state;
            sample->n_drawn = fate[which].n_drawn;
            sample->sum_log_prob = fate[which].sum_log_prob;
            for (int g = 0; fate[which].answer != NO_ANSWER; g++) {
                if (g == s.n_groups)
                    answer_of[s.n_groups++] = fate[which].answer;
                if (answer_of[g] == fate[which].answer) {
                    sample->group = g;
                    break;
                }
            }
            has_ended = true;
        }
        is_over = (has_ended && pd_strategy_majority.is_decided(&s)) ||
                  (n_running == 0 && s.n_samples == task->n_samples);
    }
    struct pd_choice choice = pd_strategy_majority.choose(&s);
    struct result result = {choice.sample, NO_ANSWER, choice.confidence, s.n_samples};
    if (choice.sample >= 0)
        result.answer = answer_of[samples[choice.sample].group];
    return result;
}

static void test_majority_does_not_depend_on_who_ends_first(void **state)
{
    (void)state;
    int n_early = 0, n_full = 0;
    for (uint64_t seed = 0; seed < 1500; seed++) {
        struct dice d = {.seed = seed};
        struct fate fate[N_MAX];
        int n_answers = 1 + roll(&d, 4);
        struct pd_task task = {.n_samples = 1 + roll(&d, 32)};
        task.confidence = seed % 3 == 0 ? 2.0 : 0.8 + 0.19 * roll(&d, 100) / 100.0;
        for (int i = 0; i < task.n_samples; i++) {
            fate[i] = (struct fate){.state = PD_SAMPLE_ENDED,
                                    .answer = roll(&d, 1 + roll(&d, n_answers)),
                                    .n_drawn = 1 + roll(&d, 20)};
            fate[i].sum_log_prob = -fate[i].n_drawn * roll(&d, 1000) / 500.0;
            if (roll(&d, 5) == 0)
                fate[i].answer = NO_ANSWER;
            if (roll(&d, 6) == 0) {
                fate[i].state = PD_SAMPLE_CUT;
                fate[i].answer = NO_ANSWER;
            }
        }
        struct result one = simulate(fate, &task, 1, &d); /* one after another */
        n_early += one.n_started < task.n_samples;
        n_full += one.n_started == task.n_samples;
        for (int trial = 0; trial < 12; trial++) {
            int n_lanes = 1 + roll(&d, task.n_samples);
            struct result many = simulate(fate, &task, n_lanes, &d);
            if (many.sample != one.sample || many.answer != one.answer ||
                many.confidence != one.confidence)
                fail_msg("seed %d, %d lanes: sample %d answers %d, one lane: sample %d answers %d",
                         (int)seed, n_lanes, many.sample, many.answer, one.sample, one.answer);
            assert_true(many.n_started >= one.n_started);
        }
    }
    assert_true(n_early > 300 && n_full > 300);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_majority_is_the_slow_one),
        cmocka_unit_test(test_best_of_n_is_the_slow_one),
        cmocka_unit_test(test_greedy_is_its_one_sample),
        cmocka_unit_test(test_no_samples_give_no_choice),
        cmocka_unit_test(test_list_finds_every_strategy),
        cmocka_unit_test(test_majority_does_not_depend_on_who_ends_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
