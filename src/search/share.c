/* SPDX-License-Identifier: Apache-2.0
 * share.c - see share.h. */
#include "search/share.h"

#include "base/real.h"

#define ROUNDING            1e-9 /* a share of 1 must not become 2 by it */
#define BALANCE_TEMPERATURE 0.2  /* Wu et al. 2024, section 4.1 */

/* Candidates that may have a share: the first so many. */
static int usable(const struct pd_round *round)
{
    int n = 0;
    while (n < round->n && !round->candidate[n].is_vetoed)
        n++;
    return n > 0 ? n : round->n;
}

void pd_share_best(const struct pd_search *s, const struct pd_round *round)
{
    int n = pd_min_int(pd_div_up(round->width, s->task.width), usable(round));
    int each = pd_max_int(s->task.width, pd_div_up(round->width, n));
    for (int i = 0, left = round->width; i < n; i++) {
        round->candidate[i].n_next = pd_min_int(each, left);
        left -= round->candidate[i].n_next;
    }
}

void pd_share_balanced(const struct pd_search *s, const struct pd_round *round)
{
    (void)s;
    double total = 0.0;
    int n = usable(round);
    for (int i = 0; i < n; i++)
        total += pd_real_exp(round->candidate[i].score / BALANCE_TEMPERATURE);
    for (int i = 0, left = round->width; i < n; i++) {
        double share =
            pd_real_exp(round->candidate[i].score / BALANCE_TEMPERATURE) / total * round->width;
        int n_next = (int)share;
        n_next += share - n_next > ROUNDING;
        round->candidate[i].n_next = pd_min_int(n_next, left);
        left -= round->candidate[i].n_next;
    }
}

void pd_share_half(const struct pd_search *s, const struct pd_round *round)
{
    (void)s;
    bool is_halved = (round->number & (round->number - 1)) == 0;
    int n = usable(round);
    for (int i = 0; i < (is_halved ? pd_div_up(n, 2) : n); i++)
        round->candidate[i].n_next = 1;
}
