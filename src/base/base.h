/* SPDX-License-Identifier: Apache-2.0
 * base.h - the few macros and helpers that everything may use. */
#ifndef PD_BASE_H
#define PD_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ponder.h"

/* A broken promise of the programmer, never of a file: gone in release builds. */
#ifdef PD_DEBUG
#define PD_ASSERT(fact) ((fact) ? (void)0 : __builtin_trap())
#else
#define PD_ASSERT(fact) ((void)0)
#endif

/* Passes any status but OK up to the caller. */
#define PD_TRY(call)                                                                               \
    do {                                                                                           \
        enum ponder_status try_status_ = (call);                                                   \
        if (try_status_ != PONDER_OK)                                                              \
            return try_status_;                                                                    \
    } while (0)

#define PD_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Text for people about what is wrong with the world; text may be NULL (nobody wants to know). */
struct pd_error {
    char *text;
    size_t capacity;
};

/* Writes the formatted text, cut to capacity, and returns status: `return pd_fail(err, ...)`. */
enum ponder_status pd_fail(const struct pd_error *err, enum ponder_status status,
                           const char *format, ...) __attribute__((format(printf, 3, 4)));

static inline int pd_min_int(int a, int b)
{
    return a < b ? a : b;
}

static inline int pd_max_int(int a, int b)
{
    return a > b ? a : b;
}

static inline double pd_min_double(double a, double b)
{
    return a < b ? a : b;
}

static inline double pd_max_double(double a, double b)
{
    return a > b ? a : b;
}

static inline size_t pd_min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline int pd_div_up(int a, int b)
{
    return (a + b - 1) / b;
}

/* Checked arithmetic for untrusted sizes: false, and *result_ret unspecified, on overflow. */
static inline bool pd_mul_u64(uint64_t a, uint64_t b, uint64_t *result_ret)
{
    return !__builtin_mul_overflow(a, b, result_ret);
}

static inline bool pd_add_u64(uint64_t a, uint64_t b, uint64_t *result_ret)
{
    return !__builtin_add_overflow(a, b, result_ret);
}

#endif
