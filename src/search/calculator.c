/* SPDX-License-Identifier: Apache-2.0
 * calculator.c - see calculator.h. */
#include "search/calculator.h"

#include "search/equation.h"

enum { MAX_LINE_BYTES = 512 }; /* looked at: an expression is shorter */

/* The line that s ends in, or what is behind the last "<<" in it. */
static struct pd_span last_line(struct pd_span s)
{
    size_t at = s.bytes;
    while (at > 0 && s.bytes - at < MAX_LINE_BYTES && s.text[at - 1] != '\n' &&
           !(at > 1 && s.text[at - 1] == '<' && s.text[at - 2] == '<'))
        at--;
    return pd_span_from(s, at);
}

size_t pd_calculator_result(const char *text, size_t bytes, char result_ret[PD_CALCULATOR_BYTES])
{
    if (bytes < 2 || text[bytes - 1] != '=')
        return 0;
    struct pd_equation_line line;
    struct pd_expression e;
    struct pd_rational value;
    pd_equation_read(last_line((struct pd_span){text, bytes}), &line);
    int equals = line.n_tokens - 1;
    if (line.is_cut || equals < 0 || line.token[equals].kind != PD_EQ_EQUALS ||
        !pd_expression_before(&line, equals, &e) || e.n_operations == 0 || e.is_doubtful ||
        !pd_expression_value(&line, &e, (struct pd_reading){.fractions_are_one = false}, &value))
        return 0;
    bool has_space = text[bytes - 2] == ' ';
    result_ret[0] = ' ';
    return pd_rational_write(value, result_ret + has_space) ? strlen(result_ret) : 0;
}

int pd_calculator_tokens(const struct pd_tokenizer *t, const char *text, size_t bytes,
                         void *scratch, size_t scratch_bytes, int32_t *tokens_ret, int capacity)
{
    char result[PD_CALCULATOR_BYTES];
    size_t n_bytes = pd_calculator_result(text, bytes, result);
    size_t n = 0;
    struct pd_tokenize how = {.goes_on = true};
    if (n_bytes == 0 || capacity <= 0 ||
        pd_tokenize(t, result, n_bytes, how, scratch, scratch_bytes, tokens_ret, (size_t)capacity,
                    &n) != PONDER_OK)
        return 0;
    return (int)n;
}
