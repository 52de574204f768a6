/* SPDX-License-Identifier: Apache-2.0
 * memory.c - see memory.h. */
#include "memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/os.h"

const char *tr_program = "ponder-train";

void tr_say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s: ", tr_program);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

static void *checked(void *block, size_t n, size_t element_bytes)
{
    if (block == NULL) {
        tr_say("out of memory: %.0f MiB more were needed",
               (double)n * (double)element_bytes / 1048576);
        exit(ponder_status_exit_code(PONDER_NO_MEMORY));
    }
    return block;
}

void *tr_alloc(size_t n, size_t element_bytes)
{
    return checked(calloc(n > 0 ? n : 1, element_bytes), n, element_bytes);
}

void *tr_grow(void *block, size_t n, size_t element_bytes)
{
    uint64_t bytes;
    bool fits = pd_mul_u64(n, element_bytes, &bytes) && bytes <= SIZE_MAX;
    return checked(fits ? realloc(block, bytes > 0 ? (size_t)bytes : 1) : NULL, n, element_bytes);
}

float *tr_new_floats(size_t n)
{
    return checked(n > SIZE_MAX / sizeof(float) ? NULL
                                                : pd_pages_alloc((n > 0 ? n : 1) * sizeof(float)),
                   n, sizeof(float));
}

void tr_free_floats(float *floats, size_t n)
{
    pd_pages_free(floats, (n > 0 ? n : 1) * sizeof(float));
}
