/* SPDX-License-Identifier: Apache-2.0
 * force.h - a short answer when time runs out (budget forcing, Muennighoff et al. 2025, section 3.1): the lanes
 * are made to go on with "The answer is", and write the likeliest tokens until a number is complete. */
#ifndef PD_FORCE_H
#define PD_FORCE_H

#include "search/search.h"

enum { PD_FORCE_STEPS = 5, PD_FORCE_MAX_LANES = 4 };

/* What is put in a lane's mouth. */
#define PD_FORCE_TEXT "\nThe answer is"

/* Forces the first lanes, as far as time allows; their samples end as PD_SAMPLE_FORCED. */
void pd_force_answers(struct pd_search *s);

#endif
