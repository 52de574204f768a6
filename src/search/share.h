/* SPDX-License-Identifier: Apache-2.0
 * share.h - how many paths go on from each step of a round. Vetoed steps have a share only where all are vetoed. */
#ifndef PD_SHARE_H
#define PD_SHARE_H

#include "search/forest.h"

/* Of a tree `wide` the best wide / task.width, rounded up, each task.width times, the last one less if it does not come
 * out even; where there are not so many, each as often as it takes. */
pd_forest_share pd_share_best;

/* In order, each the share of the tree's width that exp(score / 0.2) has of the sum, rounded up, until all is given. */
pd_forest_share pd_share_balanced;

/* Behind steps 1, 2, 4, 8, ... the better half once, behind others all once. */
pd_forest_share pd_share_half;

#endif
