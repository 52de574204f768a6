/* SPDX-License-Identifier: Apache-2.0
 * equal.c - pairs of answers, an answer a line, to 1 (the same) or 0, and at the end nanoseconds a pair; for
 * compare.py. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ponder.h"

static char *read_line(char *line, int capacity)
{
    char *read = fgets(line, capacity, stdin);
    if (read)
        line[strcspn(line, "\n")] = '\0';
    return read;
}

int main(void)
{
    static char a[1 << 16];
    static char b[1 << 16];
    clock_t spent = 0;
    long n = 0;
    while (read_line(a, sizeof a) && read_line(b, sizeof b)) {
        clock_t begin = clock();
        bool is_same = ponder_answer_equal(a, b);
        spent += clock() - begin;
        n++;
        puts(is_same ? "1" : "0");
    }
    printf("%.0f\n", n > 0 ? 1e9 * (double)spent / CLOCKS_PER_SEC / (double)n : 0.0);
    return 0;
}
