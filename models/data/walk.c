/* SPDX-License-Identifier: Apache-2.0
 * walk.c - see walk.h. */
#include "models/data/walk.h"

#include <ctype.h>
#include <string.h>

#include "base/rng.h"

uint64_t walk_draw(struct walk *w, uint64_t n)
{
    return n < 2 ? 0 : pd_rng_u64(w->seed, w->number, w->position++) % n;
}

_Noreturn void walk_wrong(const struct walk *w, const char *what, struct name name)
{
    die(EXIT_FILE, "%s:%d: %s: %.*s", w->line->file, w->line->number, what, (int)name.bytes,
        name.text);
}

bool name_equal(struct name a, struct name b)
{
    return a.bytes == b.bytes && memcmp(a.text, b.text, a.bytes) == 0;
}

struct variable *walk_variable(struct walk *w, struct name name)
{
    for (const struct frame *f = w->frame; f; f = f->outer)
        for (int i = 0; i < f->n; i++)
            if (name_equal(f->inside[i], name)) {
                name = f->outside[i];
                break;
            }
    for (int i = 0; i < w->n_variables; i++)
        if (name_equal((struct name){w->variable[i].name, strlen(w->variable[i].name)}, name))
            return &w->variable[i];
    struct variable *v = &w->variable[w->n_variables];
    if (w->n_variables == MAX_VARIABLES || name.bytes >= sizeof v->name)
        walk_wrong(w, "too many variables, or too long a name", name);
    w->n_variables++;
    *v = (struct variable){.item = NULL};
    memcpy(v->name, name.text, name.bytes);
    return v;
}

static bool is_set(const struct variable *v)
{
    return v->item || ratio_has_value(v->number);
}

struct variable *walk_get(struct walk *w, struct name name)
{
    struct variable *v = walk_variable(w, name);
    if (!is_set(v))
        walk_wrong(w, "no such variable", name);
    return v;
}

struct name name_read(const char **at)
{
    struct name name = {*at, 0};
    while (isalnum((unsigned char)**at) || **at == '_')
        (*at)++;
    name.bytes = (size_t)(*at - name.text);
    return name;
}

void walk_print(struct walk *w, const char *text, size_t bytes)
{
    if (w->bytes + bytes + 1 >= PROBLEM_BYTES) {
        w->rejected = true;
        return;
    }
    memcpy(w->problem->question + w->bytes, text, bytes);
    w->bytes += bytes;
    w->problem->question[w->bytes] = '\0';
}

void walk_print_text(struct walk *w, const char *text)
{
    walk_print(w, text, strlen(text));
}

bool name_is(struct name form, const char *text)
{
    return strlen(text) == form.bytes && memcmp(text, form.text, form.bytes) == 0;
}
