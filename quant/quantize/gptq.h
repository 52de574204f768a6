/* SPDX-License-Identifier: Apache-2.0
 * gptq.h - rounding that makes up for its own errors (Frantar, Ashkboos, Hoefler, Alistarh 2022, arXiv 2210.17323).
 *
 * Wanted is the least sum over inputs x of |W x - W' x|^2, which is the sum over rows w of (w - w') H (w - w')^T with
 * H = X^T X. Column by column, what rounding takes from w is put onto the columns not yet rounded, by the shares
 * that H gives: with H^-1 = U^T U, U upper triangular,
 *
 *     e = (w_j - w'_j) / U_jj,    w_k -= e U_jk  for k > j
 *
 * and e^2 is what the column costs in the end. A block's scales are searched for when its first column is reached, on what
 * the weights are by then, with importances 1 / U_jj^2. */
#ifndef QUANTIZE_GPTQ_H
#define QUANTIZE_GPTQ_H

#include "base/pool.h"
#include "quant/format.h"

/* H of n columns to U, both [n][n]; H full, or its upper triangle at least. damping, a share of the mean of H's diagonal, is added to
 * the diagonal; ten times as much, up to the mean, where H is singular all the same. False: it is not finite. */
bool gptq_factor(const float *h, int n, double damping, float *u_ret);

/* Rounds w[rows][cols] to a quantised format; w becomes what the blocks decode to. blocks_ret: all rows. Returns the
 * sum of e^2. */
double gptq_round(struct pd_pool *pool, float *w, int rows, int cols, const float *u,
                  enum pd_format_id id, void *blocks_ret);

#endif
