/* SPDX-License-Identifier: Apache-2.0
 * cost.h - what a pass through the model takes on this device. As long as nobody has measured it, two numbers that
 * follow the passes seen: what a row takes, and what every pass takes besides. After a calibration, a curve over the rows
 * of a decode step, and one number that follows how much slower or faster the machine is now than it was then. */
#ifndef PD_COST_H
#define PD_COST_H

#include "base/base.h"

enum { PD_COST_POINTS = PONDER_COST_POINTS };

struct pd_cost {
    double row_ns, pass_ns; /* followed; 0: not seen */

    /* Measured once. */
    int n_points; /* 0: never */
    int lanes[PD_COST_POINTS];
    double step_ns
        [PD_COST_POINTS]; /* of a decode step of so many lanes, without what they look back at */
    double position_ns;   /* for a row to look back at one position */
    double prompt_row_ns; /* of a long pass */
    double pace;          /* of now: what passes take, over what was measured */
};

/* What a pass of n rows will take that look back at n_positions, all together. */
double pd_cost_pass_ns(const struct pd_cost *c, int n, double n_positions);

/* It took so long. Passes of PD_COST_MANY rows and more tell what a row takes, others what every pass takes besides. */
enum { PD_COST_MANY = 16 };
void pd_cost_note(struct pd_cost *c, double ns, int n, double n_positions);

/* True if the measured numbers are what a calibration can give: positive and finite, lanes rising from 1 on. */
bool pd_cost_is_sound(const struct pd_cost *c);

/* Moves an estimate towards a new value by a part of the way; from 0, all of it. */
static inline void pd_follow(double *estimate, double value, double part)
{
    *estimate = *estimate == 0.0 ? value : *estimate + (value - *estimate) * part;
}

#endif
