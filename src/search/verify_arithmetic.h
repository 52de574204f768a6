/* SPDX-License-Identifier: Apache-2.0
 * verify_arithmetic.h - the arithmetic checker: are the equations in a step true? Exact, no model. */
#ifndef PD_VERIFY_ARITHMETIC_H
#define PD_VERIFY_ARITHMETIC_H

#include <stddef.h>

enum pd_arithmetic {
    PD_ARITHMETIC_NONE, /* no equation, or none that can be judged */
    PD_ARITHMETIC_TRUE, /* at least one is true, none is false */
    PD_ARITHMETIC_FALSE /* one is false for certain: a veto */
};

/* Judges the equations of a step, each in every way that people may have meant it (see equation.h): it is false
 * only if it is so in all of them, with no doubt about what belongs to it. A side that is one number with decimals
 * may be the other one's value correctly rounded to these (10/3 = 3.33), or one number what a calculator shows of
 * it. What does not fit 64 bits, is divided by 0, has variables or mixes hours and minutes is left alone. Linear in
 * the text, about a microsecond for a bare equation. */
enum pd_arithmetic pd_arithmetic_check(const char *text, size_t bytes);

#endif
