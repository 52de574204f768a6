/* SPDX-License-Identifier: Apache-2.0
 * slow_search.c - see slow_search.h. */
#include "tests/support/slow_search.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"

static const int32_t *own(const struct slow_path *p)
{
    return p->view + p->n_view;
}

/* ---- writing ---- */

static void find_answer(struct slow_path *p)
{
    for (int i = 0; i < p->n; i++)
        if (own(p)[i] >= SCRIPT_ANSWER)
            p->answer = (int)own(p)[i] - SCRIPT_ANSWER;
    if (p->state == SLOW_CUT)
        p->answer = SLOW_NO_ANSWER;
}

/* True if the last lines are the same k, which are not all empty, three times; k up to 4. */
static bool repeats(const struct slow_path *p)
{
    int begin[SCRIPT_MAX_TOKENS + 1] = {0}, n_lines = 0;
    for (int i = 0; i < p->n; i++)
        if (own(p)[i] == SCRIPT_LINE)
            begin[++n_lines] = i + 1;
    if (begin[n_lines] != p->n)
        return false;
    for (int k = 1; k <= 4 && 3 * k <= n_lines; k++) {
        bool is_same = true, has_words = false;
        for (int i = n_lines - 2 * k; i < n_lines; i++) {
            int n = begin[i + 1] - begin[i];
            is_same =
                is_same && n == begin[i - k + 1] - begin[i - k] &&
                memcmp(own(p) + begin[i], own(p) + begin[i - k], (size_t)n * sizeof(int32_t)) == 0;
            has_words = has_words || n > 1;
        }
        if (is_same && has_words)
            return true;
    }
    return false;
}

/* Writes on to the end of n_steps steps (0: to the end). */
static void write_on(const struct slow_search *slow, struct slow_path *p, int n_steps,
                     bool is_likeliest)
{
    int n_words = 0, max = slow->max_tokens;
    for (int steps = 0;;) {
        float log_prob;
        int32_t t =
            script_next(slow->script, own(p), p->n_view, p->n, p->key, is_likeliest, &log_prob);
        p->state = SLOW_ENDED;
        if (t == SCRIPT_EOS)
            break;
        p->view[p->n_view + p->n++] = t;
        p->log_prob += (double)log_prob;
        if (t == SCRIPT_LINE && p->n > 1 && own(p)[p->n - 2] >= SCRIPT_ANSWER)
            break;
        p->state = SLOW_CUT;
        if (p->n >= max || (slow->cuts_hopeless && repeats(p)))
            break;
        n_words += t != SCRIPT_LINE;
        if (t != SCRIPT_LINE || n_words == 0)
            continue;
        n_words = 0;
        if (++steps == n_steps) {
            p->state = SLOW_HALTED;
            return;
        }
    }
    find_answer(p);
}

static struct slow_path start(struct slow_search *slow, int root, int tree)
{
    struct slow_path p = {
        .key = (uint64_t)root, .root = root, .tree = tree, .answer = SLOW_NO_ANSWER};
    p.number = slow->n_created++;
    return p;
}

static struct slow_path forked(struct slow_search *slow, struct slow_path *from)
{
    struct slow_path p = *from;
    p.key = pd_rng_u64(from->key, UINT64_C(0x666f726b), (uint64_t)++from->n_forks);
    p.n_forks = 0;
    p.number = slow->n_created++;
    return p;
}

/* ---- judging ---- */

double slow_combined(const float *score, int n, enum pd_combine how)
{
    double known[64], sum = 0.0, product = 1.0, min = 1e9;
    int n_known = 0;
    for (int i = 0; i < n; i++)
        if (!isnan(score[i]))
            known[n_known++] = (double)score[i];
    for (int i = 0; i < n_known; i++) {
        sum += known[i];
        product *= known[i];
        min = known[i] < min ? known[i] : min;
    }
    if (n_known == 0)
        return (double)NAN;
    return how == PD_COMBINE_LAST   ? known[n_known - 1]
           : how == PD_COMBINE_MIN  ? min
           : how == PD_COMBINE_MEAN ? sum / n_known
                                    : product;
}

static double worth(const struct slow_search *slow, const struct slow_path *p)
{
    return slow_combined(p->score, p->n_scores, slow->combine);
}

static bool is_vetoed(const struct slow_search *slow, const struct slow_path *p)
{
    return slow->has_vetoes && script_is_vetoed(slow->script, own(p), p->n);
}

static float score_of(const struct slow_search *slow, const struct slow_path *p)
{
    return slow->has_scores ? script_score(slow->script, own(p), p->n) : NAN;
}

static void judge(const struct slow_search *slow, struct slow_path *p, int lookahead)
{
    float score = NAN;
    if (is_vetoed(slow, p)) {
        p->is_vetoed = true;
    } else if (lookahead > 0 && p->state == SLOW_HALTED) {
        struct slow_path ahead = *p;
        write_on(slow, &ahead, lookahead, true);
        score = is_vetoed(slow, &ahead) ? 0.0f : score_of(slow, &ahead);
    } else {
        score = score_of(slow, p);
    }
    p->score[p->n_scores++] = score;
}

/* A whole path; judged at each step where the scores of all count. */
static void write_whole(const struct slow_search *slow, struct slow_path *p)
{
    bool by_steps = slow->combine != PD_COMBINE_LAST && (slow->has_scores || slow->has_vetoes);
    do {
        write_on(slow, p, by_steps ? 1 : 0, false);
        judge(slow, p, 0);
    } while (p->state == SLOW_HALTED);
}

static double mean(const struct slow_path *p)
{
    return p->n == 0 ? 0.0 : p->log_prob / p->n;
}

/* ---- choosing ---- */

static bool counts(const struct slow_search *slow, const int *paths, int n, int i)
{
    int n_unvetoed = 0;
    for (int j = 0; j < n; j++)
        n_unvetoed += slow->path[paths[j]].answer >= 0 && !slow->path[paths[j]].is_vetoed;
    return slow->path[paths[i]].answer >= 0 && (n_unvetoed == 0 || !slow->path[paths[i]].is_vetoed);
}

/* What a path is worth among others: as many as agree of those that count, or the mean of that and its own worth. */
static double worth_among(const struct slow_search *slow, const int *paths, int n, int i)
{
    const struct slow_path *p = &slow->path[paths[i]];
    int n_same = 0, n_others = 0;
    double w = worth(slow, p);
    for (int j = 0; j < n; j++) {
        if (j == i || !counts(slow, paths, n, j))
            continue;
        n_others++;
        n_same += slow->path[paths[j]].answer == p->answer;
    }
    if (!slow->counts_agreement || n_others == 0 || !counts(slow, paths, n, i))
        return w;
    return isnan(w) ? (double)n_same / n_others : ((double)n_same / n_others + w) / 2.0;
}

struct slow_choice slow_weigh(const struct slow_search *slow, const int *paths, int n)
{
    struct slow_choice choice = {-1, 0.0};
    int n_scored = 0, votes[6] = {0}, scored[6] = {0}, n_votes = 0, speaker = -1;
    double weight[6] = {0.0}, odds[6], worths[SLOW_MAX_PATHS], total = 0.0;
    for (int a = 0; a < 6; a++)
        odds[a] = 1.0;
    for (int i = 0; i < n; i++) {
        const struct slow_path *p = &slow->path[paths[i]];
        double w = worths[i] = worth_among(slow, paths, n, i);
        if (!counts(slow, paths, n, i))
            continue;
        votes[p->answer]++;
        n_votes++;
        if (isnan(w))
            continue;
        n_scored++;
        scored[p->answer]++;
        weight[p->answer] += w;
        total += w;
        double c = w > 0.999 ? 0.999 : w < 0.001 ? 0.001 : w;
        odds[p->answer] *= c / (1.0 - c);
    }
    int best = -1;
    for (int i = 0; i < n; i++) {
        int a = slow->path[paths[i]].answer;
        if (counts(slow, paths, n, i) && (best < 0 || weight[a] > weight[best] ||
                                          (weight[a] == weight[best] && votes[a] > votes[best])))
            best = a;
    }
    if (best < 0)
        return choice;
    for (int i = n - 1; i >= 0; i--) { /* the last one standing is the first of the best */
        const struct slow_path *p = &slow->path[paths[i]];
        double v = n_scored > 0 ? worths[i] : mean(p);
        double w = speaker < 0    ? (double)NAN
                   : n_scored > 0 ? worths[speaker]
                                  : mean(&slow->path[paths[speaker]]);
        if (counts(slow, paths, n, i) && p->answer == best && (speaker < 0 || isnan(w) || v >= w))
            speaker = i;
    }
    choice.path = paths[speaker];
    if (n_scored == 0 || (!slow->is_calibrated && !(total > 0.0))) {
        choice.confidence = (double)votes[best] / n_votes;
        return choice;
    }
    if (!slow->is_calibrated) {
        choice.confidence = weight[best] / total;
        return choice;
    }
    int n_seen = 0;
    double all = 1.0;
    for (int a = 0; a < 6; a++)
        n_seen += scored[a] > 0;
    for (int a = 0; a < 6; a++) {
        odds[a] *= pow(n_seen, scored[a]);
        all += scored[a] > 0 ? odds[a] : 0.0;
    }
    choice.confidence = scored[best] > 0 ? odds[best] / all : 0.0;
    return choice;
}

/* Pr(Bin(top + second + 1, 1/2) <= top), of whole numbers. */
static double certainty(int top, int second)
{
    int n = top + second + 1;
    double row[300] = {1.0}, sum = 0.0;
    for (int i = 1; i <= n; i++)
        for (int k = i; k > 0; k--)
            row[k] += row[k - 1];
    for (int k = 0; k <= top; k++)
        sum += row[k];
    return sum / pow(2.0, n);
}

/* What is said so far is enough. */
static bool is_sure(const struct slow_search *slow, const int *paths, int n)
{
    struct slow_choice choice = slow_weigh(slow, paths, n);
    int votes[6] = {0}, n_scored = 0, most = 0;
    if (choice.path < 0 || slow->path[choice.path].is_vetoed)
        return false;
    int best = slow->path[choice.path].answer;
    for (int i = 0; i < n; i++) {
        votes[counts(slow, paths, n, i) ? slow->path[paths[i]].answer : best] +=
            counts(slow, paths, n, i);
        n_scored += counts(slow, paths, n, i) && !isnan(worth_among(slow, paths, n, i));
    }
    for (int a = 0; a < 6; a++)
        if (a != best && votes[a] > most)
            most = votes[a];
    return (slow->is_calibrated && n_scored > 0 ? choice.confidence
                                                : certainty(votes[best], most)) >= slow->confidence;
}

static int before(const struct slow_path *a, const struct slow_path *b)
{
    return a->root != b->root ? a->root - b->root : a->number - b->number;
}

/* All paths, in the order that ties go by. */
static int in_order(const struct slow_search *slow, int *paths)
{
    for (int i = 0; i < slow->n_paths; i++) {
        int at = 0;
        for (int j = 0; j < slow->n_paths; j++)
            at += before(&slow->path[j], &slow->path[i]) < 0;
        paths[at] = i;
    }
    return slow->n_paths;
}

static struct slow_choice weigh_all(const struct slow_search *slow)
{
    int paths[SLOW_MAX_PATHS];
    return slow_weigh(slow, paths, in_order(slow, paths));
}

static bool all_are_sure(const struct slow_search *slow)
{
    int paths[SLOW_MAX_PATHS];
    return is_sure(slow, paths, in_order(slow, paths));
}

/* ---- independent samples ---- */

static void write_all(struct slow_search *slow)
{
    for (int i = 0; i < slow->n_samples; i++) {
        slow->path[i] = start(slow, i, 0);
        write_whole(slow, &slow->path[i]);
    }
    slow->n_paths = slow->n_samples;
}

struct slow_choice slow_majority(struct slow_search *slow)
{
    struct slow_choice choice = {-1, 0.0};
    bool counts_vetoed = false;
    write_all(slow);
    for (int n = 1; n <= slow->n_samples; n++) {
        int votes[6] = {0}, first[6] = {0}, n_voters = 0, best = -1, second = 0;
        double weight[6] = {0.0};
        for (int i = n - 1; i >= 0; i--) {
            const struct slow_path *p = &slow->path[i];
            n_voters += p->state == SLOW_ENDED && (counts_vetoed || !p->is_vetoed);
            if (p->answer >= 0 && (counts_vetoed || !p->is_vetoed))
                first[p->answer] = i;
        }
        for (int i = 0; i < n; i++) {
            const struct slow_path *p = &slow->path[i];
            if (p->answer >= 0 && (counts_vetoed || !p->is_vetoed)) {
                votes[p->answer]++;
                weight[p->answer] += exp(mean(p));
            }
        }
        for (int a = 0; a < 6; a++)
            if (votes[a] > 0 &&
                (best < 0 || votes[a] > votes[best] ||
                 (votes[a] == votes[best] &&
                  (weight[a] > weight[best] + 1e-12 ||
                   (fabs(weight[a] - weight[best]) <= 1e-12 && first[a] < first[best])))))
                best = a;
        for (int a = 0; a < 6; a++)
            if (a != best && votes[a] > second)
                second = votes[a];
        bool is_last = n == slow->n_samples;
        if (best < 0 && is_last && !counts_vetoed) {
            counts_vetoed = true;
            n--;
            continue;
        }
        if (best < 0)
            continue;
        if (!is_last && certainty(votes[best], second) < slow->confidence &&
            votes[best] <= second + slow->n_samples - n)
            continue;
        for (int i = n - 1; i >= 0; i--) {
            const struct slow_path *p = &slow->path[i];
            if (p->answer == best && (counts_vetoed || !p->is_vetoed) &&
                (choice.path < 0 || mean(p) >= mean(&slow->path[choice.path])))
                choice.path = i;
        }
        choice.confidence = (double)votes[best] / n_voters;
        return choice;
    }
    return choice;
}

struct slow_choice slow_best_of_n(struct slow_search *slow)
{
    struct slow_choice choice = {-1, 0.0};
    write_all(slow);
    int paths[SLOW_MAX_PATHS];
    for (int i = 0; i < slow->n_samples; i++)
        paths[i] = i;
    /* Vetoed or not, scored or not, then by score or mean; the first of equals. */
    for (int pass = 0; pass < 4 && choice.path < 0; pass++) {
        double best = -1e9;
        for (int i = 0; i < slow->n_samples; i++) {
            const struct slow_path *p = &slow->path[i];
            double w = worth_among(slow, paths, slow->n_samples, i);
            if (p->answer < 0 || p->is_vetoed != (pass >= 2) || isnan(w) != (pass % 2 == 1))
                continue;
            double value = isnan(w) ? mean(p) : w;
            if (value > best) {
                best = value;
                choice = (struct slow_choice){i, isnan(w) ? exp(value) : value};
            }
        }
    }
    return choice;
}

struct slow_choice slow_weighted(struct slow_search *slow)
{
    int paths[SLOW_MAX_PATHS];
    write_all(slow);
    for (int n = 1; n <= slow->n_samples; n++) {
        paths[n - 1] = n - 1;
        struct slow_choice choice = slow_weigh(slow, paths, n);
        if (n == slow->n_samples || (slow->is_calibrated && choice.confidence >= slow->confidence))
            return choice;
    }
    return (struct slow_choice){-1, 0.0};
}

/* ---- trees ---- */

/* Sets how many paths go on from each of n candidates in order of worth; the first n_usable may. */
typedef void share_fn(const struct slow_search *slow, const double *worths, int n_usable, int width,
                      int round, int *n_next);

static void share_best(const struct slow_search *slow, const double *worths, int n_usable,
                       int width, int round, int *n_next)
{
    (void)worths;
    (void)round;
    int n_kept = (width + slow->width - 1) / slow->width;
    if (n_kept > n_usable)
        n_kept = n_usable;
    int each = slow->width;
    while (each * n_kept < width)
        each++;
    for (int i = 0; i < n_kept && width > 0; i++) {
        n_next[i] = each < width ? each : width;
        width -= n_next[i];
    }
}

static void share_balanced(const struct slow_search *slow, const double *worths, int n_usable,
                           int width, int round, int *n_next)
{
    (void)slow;
    (void)round;
    double sum = 0.0;
    int left = width;
    for (int i = 0; i < n_usable; i++)
        sum += exp(worths[i] / 0.2);
    for (int i = 0; i < n_usable; i++) {
        int n = (int)ceil(exp(worths[i] / 0.2) / sum * width - 1e-9);
        n_next[i] = n < left ? n : left;
        left -= n_next[i];
    }
}

static void share_half(const struct slow_search *slow, const double *worths, int n_usable,
                       int width, int round, int *n_next)
{
    (void)slow;
    (void)worths;
    (void)width;
    bool is_power = false;
    for (int p = 1; p <= round; p *= 2)
        is_power = is_power || p == round;
    for (int i = 0; i < n_usable; i++)
        n_next[i] = !is_power || 2 * i < n_usable;
}

static bool is_same(const struct slow_path *a, const struct slow_path *b)
{
    return a->n == b->n && memcmp(own(a), own(b), (size_t)a->n * sizeof(int32_t)) == 0;
}

static void grow(struct slow_search *slow, int tree, int first_root, int n_roots, share_fn *share)
{
    static struct slow_path alive[64], next[64];
    int n_alive = n_roots, width = n_roots;
    for (int i = 0; i < n_roots; i++)
        alive[i] = start(slow, first_root + i, tree);
    for (int round = 1; n_alive > 0; round++) {
        static struct slow_path halted[64], cut[64];
        int n_halted = 0, n_cut = 0;
        for (int i = 0; i < n_alive; i++) {
            write_on(slow, &alive[i], 1, false);
            judge(slow, &alive[i], round < 40 ? slow->lookahead : 0);
            if (alive[i].state == SLOW_CUT) {
                cut[n_cut++] = alive[i];
            } else if (alive[i].state == SLOW_ENDED) {
                slow->path[slow->n_paths++] = alive[i];
                width--;
            } else {
                halted[n_halted++] = alive[i];
            }
        }
        for (int i = 0; n_halted == 0 && i < n_cut; i++)
            slow->path[slow->n_paths++] = cut[i];
        if (n_roots == slow->n_samples && all_are_sure(slow)) /* it is the only tree */
            return;
        /* Each text once: that of the path which comes first. */
        int n = 0;
        for (int i = 0; i < n_halted; i++) {
            bool is_twin = false;
            for (int j = 0; j < n_halted; j++)
                is_twin = is_twin ||
                          (is_same(&halted[i], &halted[j]) && before(&halted[j], &halted[i]) < 0);
            if (!is_twin)
                alive[n++] = halted[i];
        }
        double known = 0.0, worths[64];
        int n_known = 0, n_unvetoed = 0, order[64], n_next[64] = {0};
        for (int i = 0; i < n; i++) {
            double w = worth(slow, &alive[i]);
            n_unvetoed += !alive[i].is_vetoed;
            n_known += !isnan(w);
        }
        for (int i = 1; i < n; i++) { /* the sum in the order that ties go by */
            struct slow_path moving = alive[i];
            int at = i;
            for (; at > 0 && before(&moving, &alive[at - 1]) < 0; at--)
                alive[at] = alive[at - 1];
            alive[at] = moving;
        }
        for (int i = 0; i < n; i++)
            known += isnan(worth(slow, &alive[i])) ? 0.0 : worth(slow, &alive[i]);
        for (int i = 0; i < n; i++) {
            worths[i] = worth(slow, &alive[i]);
            if (isnan(worths[i]))
                worths[i] = n_known > 0 ? known / n_known : 0.5;
        }
        for (int i = 0; i < n; i++) {
            int at = 0;
            for (int j = 0; j < n; j++) {
                const struct slow_path *a = &alive[j], *b = &alive[i];
                bool is_better = a->is_vetoed != b->is_vetoed ? b->is_vetoed
                                 : worths[j] != worths[i]     ? worths[j] > worths[i]
                                                              : before(a, b) < 0;
                at += is_better;
            }
            order[at] = i;
        }
        double sorted[64];
        for (int i = 0; i < n; i++)
            sorted[i] = worths[order[i]];
        if (round >= 40)
            for (int i = 0; i < n; i++)
                n_next[i] = 1;
        else if (n > 0)
            share(slow, sorted, n_unvetoed > 0 ? n_unvetoed : n, width, round, n_next);
        n_alive = 0;
        for (int i = 0; i < n; i++) {
            struct slow_path *p = &alive[order[i]];
            for (int j = 1; j < n_next[i]; j++)
                next[n_alive++] = forked(slow, p);
            if (n_next[i] > 0)
                next[n_alive++] = *p;
        }
        memcpy(alive, next, sizeof alive);
    }
}

static struct slow_choice grow_all(struct slow_search *slow, int n_roots, share_fn *share)
{
    for (int first = 0, tree = 0; first < slow->n_samples; first += n_roots, tree++) {
        grow(slow, tree, first,
             first + n_roots <= slow->n_samples ? n_roots : slow->n_samples - first, share);
        if (all_are_sure(slow))
            break;
    }
    return weigh_all(slow);
}

struct slow_choice slow_beam(struct slow_search *slow)
{
    return grow_all(slow, slow->n_samples, share_best);
}

struct slow_choice slow_dvts(struct slow_search *slow)
{
    return grow_all(slow, slow->width, share_best);
}

struct slow_choice slow_rebase(struct slow_search *slow)
{
    return grow_all(slow, slow->n_samples, share_balanced);
}

struct slow_choice slow_halving(struct slow_search *slow)
{
    return grow_all(slow, slow->n_samples, share_half);
}

/* ---- revisions ---- */

static void add(struct slow_path *p, int32_t token)
{
    p->view[p->n_view++] = token;
}

/* What is chosen from behind n rounds of attempts; how many. */
static int revised(const struct slow_search *slow, int n_rounds, int *paths)
{
    int n = 0, n_scored = 0, winners[SLOW_MAX_PATHS], n_winners = 0;
    for (int i = 0; i < slow->n_paths; i++) {
        if (slow->path[i].attempt >= n_rounds)
            continue;
        n_scored += !isnan(worth(slow, &slow->path[i]));
        paths[n++] = i;
    }
    if (n_scored == 0)
        return n;
    for (int c = 0; c < slow->n_chains; c++) {
        int chain[SLOW_MAX_PATHS], n_chain = 0;
        for (int i = 0; i < n; i++)
            if (slow->path[paths[i]].tree == c)
                chain[n_chain++] = paths[i];
        struct slow_choice best = slow_weigh(slow, chain, n_chain);
        if (best.path >= 0)
            winners[n_winners++] = best.path;
    }
    memcpy(paths, winners, sizeof winners);
    return n_winners;
}

struct slow_choice slow_revise(struct slow_search *slow)
{
    int root = 0, n_rounds = 0, paths[SLOW_MAX_PATHS];
    for (int c = 0; c < slow->n_chains; c++) {
        int n_attempts = slow->n_samples / slow->n_chains + (c < slow->n_samples % slow->n_chains);
        int first = slow->n_paths, shown_paths[4];
        n_rounds = n_attempts > n_rounds ? n_attempts : n_rounds;
        for (int i = 0; i < n_attempts; i++) {
            struct slow_path p = start(slow, root, c);
            int n_shown = 0;
            for (int j = slow->n_paths - 1; j >= first; j--) /* the last four that ended */
                if (slow->path[j].state == SLOW_ENDED && n_shown < 4)
                    shown_paths[n_shown++] = j;
            for (int j = n_shown - 1; j >= 0; j--) {
                const struct slow_path *shown = &slow->path[shown_paths[j]];
                for (int k = 0; k < shown->n; k++)
                    add(&p, own(shown)[k]);
                if (own(shown)[shown->n - 1] != SCRIPT_LINE)
                    add(&p, SCRIPT_LINE);
                add(&p, SCRIPT_WORD);
                add(&p, SCRIPT_LINE);
            }
            p.attempt = i;
            write_whole(slow, &p);
            slow->path[slow->n_paths++] = p;
            root++;
        }
    }
    for (int n = 1; n < n_rounds; n++) {
        int n_paths = revised(slow, n, paths);
        if (is_sure(slow, paths, n_paths))
            return slow_weigh(slow, paths, n_paths);
    }
    return slow_weigh(slow, paths, revised(slow, n_rounds, paths));
}
