/* SPDX-License-Identifier: Apache-2.0
 * latex.h - what a mathematical answer means, as a key: answers that mean the same have the same bytes. Expressions
 * (algebra.h), equations, inequalities, tuples, intervals, unions, sets, lists in any order, matrices; in LaTeX as the
 * MATH problems write it, or plain ("sqrt(2)/2", "x^2+1").
 *
 *     \frac12 = 1/2 = 0.5 = \dfrac{1}{2}      x = 5 is 5, but x + y = 5 an equation, of any scale
 *     2\sqrt{3} = \sqrt{12}                    (1, 2) and [1, 2] are not the same, {1, 2} and {2, 1} are
 *     (x+1)^2 = x^2+2x+1                       90^\circ is 90, 50\% is 50, 5\text{ cm} is 5 */
#ifndef PD_LATEX_H
#define PD_LATEX_H

#include "search/span.h"

enum { PD_LATEX_KEY_BYTES = 1024 };

/* Writes the key; its length, 0: s is no such answer, or too large or deep. Linear in s but for the sorting of sets. */
size_t pd_latex_key(struct pd_span s, unsigned char key_ret[PD_LATEX_KEY_BYTES]);

#endif
