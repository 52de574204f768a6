/* SPDX-License-Identifier: Apache-2.0
 * deadline.h - what the driver knows of time: how long a step takes now, and what still fits.
 *
 * Estimates follow the last steps and carry a margin: another process or heat may slow the machine at any time.
 * They decide only what is begun. Nothing is begun after the deadline, so the answer is late by less than one step. */
#ifndef PD_DEADLINE_H
#define PD_DEADLINE_H

#include "search/search.h"

/* What a pass of n rows of the prompt took, or of lanes. */
void pd_deadline_note(struct pd_search *s, int64_t ns, int n);

/* The same for a step that nothing interrupts; a batch of the prompt looks at the clock once a layer. */
void pd_deadline_note_step(struct pd_search *s, int64_t ns, int n);

/* Positions that a row looks back at: the prompt, and half of a usual sample. */
double pd_deadline_past(const struct pd_search *s);

/* What a pass of n rows will take. */
double pd_deadline_pass_ns(const struct pd_search *s, int n);

/* A round of verification took so long. */
void pd_deadline_note_verify(struct pd_search *s, int64_t ns);

/* True if there is time to draw tokens for the lanes, to take one more step of n_rows and verify what it ends, and, as
 * long as no answer has been found, to force one after that. */
bool pd_deadline_allows_draw(const struct pd_search *s);
bool pd_deadline_allows_step(const struct pd_search *s, int n_rows);

/* Lanes, at most n_lanes, that can all write a sample of usual length from here on; 0: not even one. */
int pd_deadline_lanes(const struct pd_search *s);

/* True if there is time for a sample of usual length in each lane, and then for others again. */
bool pd_deadline_allows_wave(const struct pd_search *s);

/* A sample has ended by itself after n tokens. */
void pd_deadline_note_sample(struct pd_search *s, int n_tokens);

/* True if a piece of work of so many nanoseconds ends before the deadline. */
bool pd_deadline_allows(const struct pd_search *s, double ns);

/* Time that forcing an answer out of n lanes takes. */
double pd_deadline_forcing_ns(const struct pd_search *s, int n);

/* A budget that would have been enough for a prompt that was interrupted: `before_ns` had gone by when the
 * batch that starts with row n_done began. */
double pd_deadline_needed_ns(const struct pd_search *s, double before_ns, int n_done);

#endif
