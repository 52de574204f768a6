/* SPDX-License-Identifier: Apache-2.0
 * status.c - statuses as text and exit code, and pd_fail(). */
#include "base/base.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
    const char *text;
    int exit_code;
} status_table[] = {
#define X(name, code, words) [PONDER_##name] = {words, code},
    PONDER_STATUS_MAP(X)
#undef X
};

const char *ponder_status_text(enum ponder_status status)
{
    return (size_t)status < PD_COUNT(status_table) ? status_table[status].text : "unknown status";
}

int ponder_status_exit_code(enum ponder_status status)
{
    return (size_t)status < PD_COUNT(status_table) ? status_table[status].exit_code : 1;
}

enum ponder_status pd_fail(const struct pd_error *err, enum ponder_status status,
                           const char *format, ...)
{
    if (err != NULL && err->text != NULL && err->capacity > 0) {
        va_list args;
        va_start(args, format);
        vsnprintf(err->text, err->capacity, format, args);
        va_end(args);
    }
    return status;
}
