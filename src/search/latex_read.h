/* SPDX-License-Identifier: Apache-2.0
 * latex_read.h - LaTeX in pieces, for latex.c and expression.c. */
#ifndef PD_LATEX_READ_H
#define PD_LATEX_READ_H

#include "search/algebra.h"
#include "search/span.h"

/* s without what only makes it look nicer in front: spaces, \left, \displaystyle, dollars. */
struct pd_span pd_latex_trim(struct pd_span s);
/* Both ends, \right and points too. */
struct pd_span pd_latex_trim_both(struct pd_span s);

/* True if s begins with the command (its name without the backslash), and no letter follows. */
bool pd_latex_is_command(struct pd_span s, const char *name);

/* Length of the piece that s begins with: a command with its name, a group in {} or an environment as a whole, a
 * letter, digit or sign. At least 1 if s is not empty. */
size_t pd_latex_piece_bytes(struct pd_span s);

/* Length of the group whose "{", "(" or "[" is s.text[0], with its end; of "(" and "[" either may close. 0: it does not
 * end. */
size_t pd_latex_group_bytes(struct pd_span s);

/* The value of all of an expression; sign: of each \pm in it, 1 or -1. */
bool pd_expression_read(struct pd_span s, int sign, struct pd_algebra *value_ret);

#endif
