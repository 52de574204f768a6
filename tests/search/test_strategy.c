/* SPDX-License-Identifier: Apache-2.0
 * test_strategy.c - every strategy, run by the real driver on a scripted policy, chooses what the slow search chooses
 * (tests/support/slow_search.h): thousands of random trees, with ties, missing and vetoing scores, paths that never
 * end, numbers that do not divide, few lanes; and stopped at any moment it has the best of what there is. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "search/strategy.h"
#include "search/verify.h"
#include "tests/support/slow_search.h"

struct pair {
    const struct pd_strategy *strategy;
    struct slow_choice (*slow)(struct slow_search *slow);
    int n_seeds;
    bool any_lanes; /* fewer lanes than samples give the same */
    bool stops_early;
};

static const struct pair pairs[] = {
    {&pd_strategy_majority, slow_majority, 1500, true, true},
    {&pd_strategy_best_of_n, slow_best_of_n, 1500, true, false},
    {&pd_strategy_weighted, slow_weighted, 1500, true, true},
    {&pd_strategy_beam, slow_beam, 1500, false, true},
    {&pd_strategy_lookahead, slow_beam, 1000, false, true},
    {&pd_strategy_dvts, slow_dvts, 1000, true, true},
    {&pd_strategy_rebase, slow_rebase, 1000, false, true},
    {&pd_strategy_halving, slow_halving, 1000, false, true},
    {&pd_strategy_revise, slow_revise, 1000, true, true},
};

static int roll(uint64_t seed, uint64_t what, int n)
{
    return (int)(pd_rng_u64(seed, 77, what) % (uint64_t)n);
}

/* What is asked, of both. */
struct setting {
    struct script script;
    int n_samples, n_lanes, max_tokens, width, lookahead, n_chains;
    bool has_scores, has_vetoes, is_rough, counts_agreement, cuts_hopeless;
    double confidence;
    enum pd_combine combine;
};

static struct setting random_setting(const struct pair *pair, uint64_t seed)
{
    struct setting t = {
        .script = {.seed = seed,
                   .n_answers = 1 + roll(seed, 0, 6),
                   .chance_endless = roll(seed, 1, 3) == 0 ? roll(seed, 2, 17) : 1,
                   .chance_missing = roll(seed, 3, 3) == 0 ? roll(seed, 4, 17) : 0,
                   .chance_vetoed = roll(seed, 5, 3) == 0 ? roll(seed, 6, 65) : 0,
                   .score_steps = roll(seed, 7, 2) == 0 ? 2 : 64},
        .n_samples = roll(seed, 8, 8) == 0 ? 1 : 1 + roll(seed, 9, 16),
        .max_tokens = 6 + roll(seed, 10, 20),
        .combine = (enum pd_combine)roll(seed, 11, 4),
        .has_scores = roll(seed, 12, 8) != 0,
        .has_vetoes = roll(seed, 13, 2) == 0,
        .is_rough = roll(seed, 20, 4) == 0,
        .counts_agreement = roll(seed, 21, 4) == 0,
        .cuts_hopeless = roll(seed, 22, 2) == 0,
        .confidence = roll(seed, 14, 3) == 0 ? 2.0 : 0.7 + 0.05 * roll(seed, 15, 6),
    };
    t.width = 1 + roll(seed, 16, t.n_samples);
    t.n_chains = 1 + roll(seed, 17, t.n_samples);
    t.lookahead = pair->strategy->lookahead > 0 ? 1 + roll(seed, 18, 3) : 0;
    t.n_lanes = pair->any_lanes ? t.width + roll(seed, 19, t.n_samples) : t.n_samples;
    if (!pair->stops_early)
        t.confidence = 2.0;
    return t;
}

static struct pd_task task_of(struct scripted *s, const struct setting *t)
{
    struct pd_task task = scripted_task(s, t->n_samples);
    task.max_tokens = t->max_tokens;
    task.width = t->width;
    task.lookahead = t->lookahead;
    task.n_chains = t->n_chains;
    task.confidence = t->confidence;
    task.combine = t->combine;
    task.cuts_hopeless = t->cuts_hopeless;
    if (t->has_scores)
        task.verifier[task.n_verifiers++] = t->is_rough ? s->rough : s->scores;
    if (t->has_vetoes)
        task.verifier[task.n_verifiers++] = s->vetoes;
    if (t->counts_agreement)
        task.verifier[task.n_verifiers++] = (struct pd_verifier_use){&pd_verifier_agreement, NULL};
    return task;
}

static struct slow_search slow;

static void set_up_slow(const struct setting *t)
{
    slow.script = &t->script;
    slow.n_samples = t->n_samples;
    slow.max_tokens = t->max_tokens;
    slow.width = t->width;
    slow.lookahead = t->lookahead;
    slow.n_chains = t->n_chains;
    slow.confidence = t->confidence;
    slow.combine = t->combine;
    slow.cuts_hopeless = t->cuts_hopeless;
    slow.has_scores = t->has_scores;
    slow.has_vetoes = t->has_vetoes;
    slow.counts_agreement = t->counts_agreement;
    slow.is_calibrated = !t->counts_agreement && (!t->has_scores || !t->is_rough);
    slow.n_paths = slow.n_created = 0;
}

static size_t text_of(const int32_t *tokens, int n, char *text, size_t capacity)
{
    size_t bytes = 0;
    for (int i = 0; i < n; i++)
        bytes += script_text(tokens[i], text + bytes, capacity - bytes);
    return bytes;
}

static void check_choice(const struct pair *pair, uint64_t seed, const struct scripted *s,
                         const struct pd_outcome *outcome, struct slow_choice choice)
{
    char text[2048], answer[8] = "";
    const char *name = pair->strategy->name;
    if (outcome->path < 0) /* an unfinished text at the least */
        fail_msg("%s, seed %d: nothing is left", name, (int)seed);
    if (choice.path < 0) {
        for (int i = 0; i < s->search.n_paths;
             i++) /* an answer then comes out of what is unfinished */
            if (pd_path_is_finished(&s->search.path[i]) && s->search.path[i].group >= 0)
                fail_msg("%s, seed %d: there is an answer", name, (int)seed);
        return;
    }
    const struct slow_path *p = &slow.path[choice.path];
    size_t bytes = text_of(p->view + p->n_view, p->n, text, sizeof text);
    snprintf(answer, sizeof answer, "%d", p->answer);
    if (strcmp(outcome->answer, answer) != 0)
        fail_msg("%s, seed %d: answer %s, expected %s", name, (int)seed, outcome->answer, answer);
    if (outcome->text_bytes != bytes || memcmp(s->search.text, text, bytes) != 0)
        fail_msg("%s, seed %d: text \"%.*s\", expected \"%.*s\"", name, (int)seed,
                 (int)outcome->text_bytes, s->search.text, (int)bytes, text);
    if (!(fabs(outcome->confidence - choice.confidence) < 1e-9))
        fail_msg("%s, seed %d: confidence %g, expected %g", name, (int)seed, outcome->confidence,
                 choice.confidence);
}

static void check_pair(const struct pair *pair)
{
    int n_answers = 0, n_early = 0;
    for (uint64_t seed = 0; seed < (uint64_t)pair->n_seeds; seed++) {
        struct setting t = random_setting(pair, seed);
        struct scripted *s = scripted_new(&t.script, t.n_lanes, 100);
        struct pd_task task = task_of(s, &t);
        struct pd_outcome outcome;
        assert_int_equal(pd_search_run(&s->search, &task, pair->strategy, 0, &outcome), PONDER_OK);
        set_up_slow(&t);
        struct slow_choice choice = pair->slow(&slow);
        check_choice(pair, seed, s, &outcome, choice);
        n_answers += choice.path >= 0;
        n_early += outcome.finish == PONDER_EARLY_STOP;
        assert_true(outcome.finish == PONDER_COMPLETE || outcome.finish == PONDER_EARLY_STOP);
        scripted_free(s);
    }
    assert_true(n_answers > pair->n_seeds / 2);
    assert_true(pair->stops_early ? n_early > pair->n_seeds / 20 : n_early == 0);
}

#define TEST_OF(i)                                                                                 \
    static void test_pair_##i(void **state)                                                        \
    {                                                                                              \
        (void)state;                                                                               \
        check_pair(&pairs[i]);                                                                     \
    }
TEST_OF(0)
TEST_OF(1)
TEST_OF(2)
TEST_OF(3)
TEST_OF(4)
TEST_OF(5)
TEST_OF(6)
TEST_OF(7)
TEST_OF(8)

/* ---- stopped at any moment ---- */

/* What was told of a path. */
struct told {
    bool is_over, is_pruned, is_vetoed, is_cut;
    int answer, n_scores;
    float score[64];
    char text[1024];
    size_t text_bytes;
};

struct story {
    struct told path[SLOW_MAX_PATHS];
    int n_paths, n_chosen;
    char text[1024], answer[64];
};

static void listen(void *user, const struct ponder_event *event)
{
    struct story *story = user;
    assert_true(event->path >= 0 && event->path < SLOW_MAX_PATHS);
    assert_true(event->ms >= 0.0);
    struct told *p = &story->path[event->path];
    if (event->path >= story->n_paths) {
        assert_int_equal(event->path, story->n_paths);
        story->n_paths++;
        memset(p, 0, sizeof *p);
        p->answer = SLOW_NO_ANSWER;
        if (strcmp(event->kind, "fork") == 0) {
            assert_true(event->parent >= 0 && event->parent < event->path);
            *p = story->path[event->parent];
        } else if (strcmp(event->kind, "start") == 0) {
            assert_int_equal(event->parent, PD_NO_PATH);
        } else {
            assert_string_equal(event->kind, "revise");
        }
        return;
    }
    assert_false(p->is_pruned);
    if (strcmp(event->kind, "step") == 0 || strcmp(event->kind, "end") == 0) {
        memcpy(p->text + p->text_bytes, event->text, event->text_bytes);
        p->text_bytes += event->text_bytes;
    }
    if (strcmp(event->kind, "end") == 0) {
        p->is_over = true;
        p->is_cut = strcmp(event->note, "cut") == 0 || strcmp(event->note, "repeats") == 0;
        p->answer = event->answer[0] != '\0' ? atoi(event->answer) : SLOW_NO_ANSWER;
    } else if (strcmp(event->kind, "score") == 0) {
        bool is_vetoed = event->note != NULL;
        p->is_vetoed = p->is_vetoed || is_vetoed;
        p->score[p->n_scores++] = is_vetoed ? NAN : (float)event->score;
    } else if (strcmp(event->kind, "prune") == 0) {
        p->is_pruned = true;
    } else if (strcmp(event->kind, "choose") == 0) {
        story->n_chosen++;
        snprintf(story->answer, sizeof story->answer, "%s", event->answer);
    }
}

/* The weighted vote of what was told: the same as the driver's choice, whenever it was stopped. */
static void test_stopped_at_any_moment_the_best_so_far_is_chosen(void **state)
{
    (void)state;
    static struct story story;
    int n_stopped = 0, n_chosen = 0;
    for (size_t i = 3; i < PD_COUNT(pairs) - 1; i++) {
        for (uint64_t seed = 0; seed < 40; seed++) {
            for (int stop = 1, is_over = 0; !is_over; stop++) {
                struct setting t = random_setting(&pairs[i], 10000 + seed);
                t.n_lanes = t.n_samples; /* numbers in the order of roots */
                t.confidence = 2.0;      /* all paths count */
                struct scripted *s = scripted_new(&t.script, t.n_lanes, 100);
                struct pd_task task = task_of(s, &t);
                struct pd_outcome outcome;
                memset(&story, 0, offsetof(struct story, path));
                story.n_paths = story.n_chosen = 0;
                s->cancel_at = stop;
                task.on_event = listen;
                task.user = &story;
                enum ponder_status status =
                    pd_search_run(&s->search, &task, pairs[i].strategy, 0, &outcome);
                is_over = status == PONDER_OK;
                assert_true(is_over || status == PONDER_CANCELLED);
                n_stopped += !is_over;
                set_up_slow(&t);
                int paths[SLOW_MAX_PATHS], n = 0;
                for (int j = 0; j < s->search.n_paths;
                     j++) { /* numbers and roots only: the rest is from the story */
                    const struct pd_path *path = &s->search.path[j];
                    struct slow_path *p = &slow.path[n];
                    if (path->state == PD_PATH_FREE)
                        continue;
                    const struct told *told = &story.path[path->number];
                    assert_false(told->is_pruned);
                    assert_true(told->is_over == pd_path_is_over(path));
                    if (!told->is_over)
                        continue;
                    *p = (struct slow_path){.root = path->root,
                                            .number = path->number,
                                            .answer = told->answer,
                                            .is_vetoed = told->is_vetoed,
                                            .n_scores = told->n_scores,
                                            .log_prob = pd_path_mean_log_prob(path),
                                            .n = 1};
                    memcpy(p->score, told->score, sizeof p->score);
                    paths[n] = n;
                    n++;
                }
                for (int a = 0; a < n; a++) { /* sorted */
                    int at = 0;
                    for (int b = 0; b < n; b++)
                        at += slow.path[b].root < slow.path[a].root ||
                              (slow.path[b].root == slow.path[a].root &&
                               slow.path[b].number < slow.path[a].number);
                    paths[at] = a;
                }
                struct slow_choice choice = slow_weigh(&slow, paths, n);
                assert_int_equal(story.n_chosen, outcome.path >= 0);
                if (choice.path >= 0) {
                    const struct told *told = &story.path[slow.path[choice.path].number];
                    n_chosen += !is_over;
                    if (outcome.text_bytes != told->text_bytes ||
                        memcmp(s->search.text, told->text, told->text_bytes) != 0)
                        fail_msg("%s, seed %d, stopped at %d: another path",
                                 pairs[i].strategy->name, (int)seed, stop);
                    assert_true(fabs(outcome.confidence - choice.confidence) < 1e-9);
                }
                scripted_free(s);
            }
        }
    }
    assert_true(n_stopped > 2000 && n_chosen > 500);
}

/* ---- the smallest cases ---- */

static void test_greedy_is_its_one_sample(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct setting t = random_setting(&pairs[0], seed);
        struct scripted *s = scripted_new(&t.script, 3, 100);
        struct pd_task task = task_of(s, &t);
        struct pd_outcome outcome;
        task.n_samples = t.n_samples = 1;
        assert_int_equal(pd_search_run(&s->search, &task, &pd_strategy_greedy, 0, &outcome),
                         PONDER_OK);
        set_up_slow(&t);
        struct slow_choice choice = slow_best_of_n(&slow);
        if (choice.path >= 0)
            choice.confidence = exp(slow.path[0].log_prob / slow.path[0].n);
        check_choice(&pairs[0], seed, s, &outcome, choice);
        scripted_free(s);
    }
}

/* Stopped before anything was written: no choice, and nothing of the last run is left. */
static void test_no_paths_give_no_choice(void **state)
{
    (void)state;
    for (int i = 0; pd_strategy_get(i) != NULL; i++) {
        struct setting t = random_setting(&pairs[0], 1);
        struct scripted *s = scripted_new(&t.script, 4, 100);
        struct pd_task task = task_of(s, &t);
        struct pd_outcome outcome;
        task.n_samples = 4;
        for (int is_cancelled = 0; is_cancelled < 2; is_cancelled++) {
            s->cancel = is_cancelled;
            enum ponder_status status =
                pd_search_run(&s->search, &task, pd_strategy_get(i), 0, &outcome);
            assert_int_equal(status, is_cancelled ? PONDER_CANCELLED : PONDER_OK);
        }
        assert_string_equal(outcome.answer, "");
        assert_int_equal(outcome.n_ended, 0);
        if (!pd_strategy_get(i)->plans)
            assert_int_equal(pd_strategy_get(i)->choose(&s->search).path, PD_NO_PATH);
        scripted_free(s);
    }
}

/* With no time left one path is made to answer, whatever the strategy, and nothing else is begun. */
static void test_behind_the_deadline_one_path_is_forced(void **state)
{
    (void)state;
    int n_answers = 0;
    for (int i = 0; pd_strategy_get(i) != NULL; i++) {
        for (uint64_t seed = 0; seed < 20; seed++) {
            struct setting t = random_setting(&pairs[0], 30000 + seed);
            struct scripted *s = scripted_new(&t.script, 4, 100);
            struct pd_task task = task_of(s, &t);
            struct pd_outcome outcome;
            task.n_samples = 4;
            task.deadline_ns = 1; /* long ago */
            s->search.forced[0] = SCRIPT_WORD;
            s->search.forced[1] = SCRIPT_LINE;
            s->search.n_forced = 2;
            assert_int_equal(pd_search_run(&s->search, &task, pd_strategy_get(i), 0, &outcome),
                             PONDER_OK);
            assert_int_equal(outcome.finish, PONDER_DEADLINE);
            assert_int_equal(s->search.n_created, 1);
            assert_int_equal(s->search.path[0].state, PD_PATH_FORCED);
            assert_true(outcome.text_bytes >= 3 && memcmp(s->search.text, "a \n", 3) == 0);
            n_answers += outcome.answer[0] != '\0';
            scripted_free(s);
        }
    }
    assert_true(n_answers > 20);
}

/* ---- the number of lanes ---- */

static void test_lanes_change_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < PD_COUNT(pairs); i++) {
        for (uint64_t seed = 0; pairs[i].any_lanes && seed < 60; seed++) {
            char text[2048];
            size_t bytes = 0;
            double confidence = 0.0;
            struct setting t = random_setting(&pairs[i], 20000 + seed);
            int fewest = pairs[i].strategy == &pd_strategy_dvts ? t.width : 1;
            for (int n_lanes = fewest; n_lanes <= t.n_samples; n_lanes++) {
                struct scripted *s = scripted_new(&t.script, n_lanes, 100);
                struct pd_task task = task_of(s, &t);
                struct pd_outcome outcome;
                assert_int_equal(pd_search_run(&s->search, &task, pairs[i].strategy, 0, &outcome),
                                 PONDER_OK);
                if (n_lanes == fewest) {
                    bytes = outcome.text_bytes;
                    confidence = outcome.confidence;
                    memcpy(text, s->search.text, bytes);
                }
                if (outcome.confidence != confidence || outcome.text_bytes != bytes ||
                    memcmp(text, s->search.text, bytes) != 0)
                    fail_msg("%s, seed %d: %d lanes", pairs[i].strategy->name, (int)seed, n_lanes);
                scripted_free(s);
            }
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        {"test_majority_is_the_slow_one", test_pair_0, NULL, NULL, NULL},
        {"test_best_of_n_is_the_slow_one", test_pair_1, NULL, NULL, NULL},
        {"test_best_of_n_weighted_is_the_slow_one", test_pair_2, NULL, NULL, NULL},
        {"test_beam_is_the_slow_one", test_pair_3, NULL, NULL, NULL},
        {"test_lookahead_is_the_slow_one", test_pair_4, NULL, NULL, NULL},
        {"test_dvts_is_the_slow_one", test_pair_5, NULL, NULL, NULL},
        {"test_rebase_is_the_slow_one", test_pair_6, NULL, NULL, NULL},
        {"test_halving_is_the_slow_one", test_pair_7, NULL, NULL, NULL},
        {"test_revise_is_the_slow_one", test_pair_8, NULL, NULL, NULL},
        cmocka_unit_test(test_stopped_at_any_moment_the_best_so_far_is_chosen),
        cmocka_unit_test(test_greedy_is_its_one_sample),
        cmocka_unit_test(test_no_paths_give_no_choice),
        cmocka_unit_test(test_behind_the_deadline_one_path_is_forced),
        cmocka_unit_test(test_lanes_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
