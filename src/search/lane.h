/* SPDX-License-Identifier: Apache-2.0
 * lane.h - what the driver and force.c do to one run. */
#ifndef PD_LANE_H
#define PD_LANE_H

#include "search/search.h"

/* The group of an answer, made if it is new. */
int pd_search_group(struct pd_search *s, const char *answer);

/* Appends a token to sample and text. False: the text is full. */
bool pd_search_append(struct pd_search *s, struct pd_run *run, int32_t token);

/* The same with the token that was drawn (run->next), whose probability counts. */
bool pd_search_append_drawn(struct pd_search *s, struct pd_run *run);

/* Ends the run's sample, finds its answer, gives its lane back. The caller drops the run. */
void pd_search_end_sample(struct pd_search *s, const struct pd_run *run,
                          enum pd_sample_state state);

#endif
