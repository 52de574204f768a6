/* SPDX-License-Identifier: Apache-2.0
 * flat.h - what strategies of independent samples have in common: n_samples paths from the question on, lanes refilled
 * as they become free, each sample judged when it has ended. Sample i is root i and slot i. */
#ifndef PD_FLAT_H
#define PD_FLAT_H

#include "search/strategy.h"

/* Judges what has halted or ended, gives back lanes, starts samples. is_decided: asked when samples have ended
 * whether more would not change the choice; or NULL. */
enum pd_verdict pd_flat_advance(struct pd_search *s, bool (*is_decided)(struct pd_search *s));

#endif
