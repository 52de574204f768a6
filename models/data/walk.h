/* SPDX-License-Identifier: Apache-2.0
 * walk.h - the state of one problem while its text is walked: shared by expand.c (text), command.c (draws and sums) and
 * show.c (how things and numbers are printed). Whatever goes wrong with the numbers sets `rejected`, and the walk ends
 * early; what is wrong with the grammar exits. */
#ifndef DATA_WALK_H
#define DATA_WALK_H

#include "models/data/expand.h"

enum { MAX_VARIABLES = 64, MAX_ALIASES = 8 };

struct name {
    const char *text;
    size_t bytes;
};

struct variable {
    char name[16];
    const struct item *item; /* NULL: a number */
    struct ratio number;
    int made_by;    /* the step that computed the number; -1: none */
    bool is_known;  /* a person without a name who was mentioned */
    bool is_female; /* a person */
};

/* The names of a rule's variables outside of it. */
struct frame {
    const struct frame *outer;
    int n;
    struct name inside[MAX_ALIASES], outside[MAX_ALIASES];
};

struct walk {
    const struct grammar *g;
    uint64_t seed, number, position; /* of the random numbers */
    const struct line *line;         /* for messages */
    const struct frame *frame;
    struct problem *problem;
    int answer; /* the step that ends the solution */
    int made_left[MAX_STEPS],
        made_right[MAX_STEPS]; /* of each step: the steps that made its operands, or -1 */
    size_t bytes;              /* of problem->question */
    int n_variables;
    struct variable variable[MAX_VARIABLES];
    int word_share; /* of 4 small numbers, how many are written as words */
    bool separators, spells_percent, spells_dollars;
    bool is_spaced;        /* "$ 5", "5 %", "Tom 's", as some problem sets have it */
    unsigned char tag[26]; /* choices made under a tag: 1 + a random number; 0: not yet */
    bool rejected;
    int depth;
};

/* A random number below n, 0 for n < 2. */
uint64_t walk_draw(struct walk *w, uint64_t n);

/* A mistake of the grammar. */
_Noreturn void walk_wrong(const struct walk *w, const char *what, struct name name);

bool name_equal(struct name a, struct name b);
bool name_is(struct name name, const char *text);
/* Letters, digits and _ from *at, which moves behind them. */
struct name name_read(const char **at);

/* The variable of this name, new if there is none. */
struct variable *walk_variable(struct walk *w, struct name name);
/* One that is set. */
struct variable *walk_get(struct walk *w, struct name name);

void walk_print(struct walk *w, const char *text, size_t bytes);
void walk_print_text(struct walk *w, const char *text);

/* Runs the commands from behind "[" on; returns what is behind "]". */
const char *walk_commands(struct walk *w, const char *at);

/* Prints "$name.form" and "#name.form". */
void walk_show(struct walk *w, struct name name, struct name form);
void walk_show_number(struct walk *w, struct name name, struct name form);

#endif
