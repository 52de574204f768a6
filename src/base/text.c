/* SPDX-License-Identifier: Apache-2.0
 * text.c - decimal numbers and units, without locale or errno. */
#include "base/text.h"

#include "base/base.h"

enum { MAX_DIGITS = 18 }; /* 10^18 fits 64 bits */

/* digits * 10^-n_decimals */
struct decimal {
    bool is_negative;
    uint64_t digits;
    int n_decimals;
};

static uint64_t power_of_ten(int exponent)
{
    uint64_t power = 1;
    while (exponent-- > 0)
        power *= 10;
    return power;
}

/* Reads "-12.5" and returns what follows; NULL: no number, or too long a one. */
static const char *scan_decimal(const char *text, struct decimal *ret)
{
    *ret = (struct decimal){.is_negative = *text == '-'};
    text += ret->is_negative;
    bool has_point = false;
    int n_digits = 0;
    for (;; text++) {
        if (*text == '.' && !has_point) {
            has_point = true;
            continue;
        }
        if (*text < '0' || *text > '9')
            break;
        if (++n_digits > MAX_DIGITS)
            return NULL;
        ret->digits = ret->digits * 10 + (uint64_t)(*text - '0');
        ret->n_decimals += has_point;
    }
    return n_digits > 0 ? text : NULL;
}

static double to_double(const struct decimal *d)
{
    double value = (double)d->digits / (double)power_of_ten(d->n_decimals);
    return d->is_negative ? -value : value;
}

static bool equals_any_case(const char *text, const char *lower)
{
    for (; *lower != '\0'; text++, lower++)
        if (*text != *lower && (*text < 'A' || *text > 'Z' || *text - 'A' + 'a' != *lower))
            return false;
    return *text == '\0';
}

bool pd_text_ms(const char *text, double *ms_ret)
{
    static const struct {
        const char *name;
        double ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"min", 60000}};
    static const double day_ms = 86400000;
    if (equals_any_case(text, "none")) {
        *ms_ret = 0;
        return true;
    }
    struct decimal number;
    const char *unit = scan_decimal(text, &number);
    for (size_t i = 0; unit && i < PD_COUNT(units); i++) {
        double ms = to_double(&number) * units[i].ms;
        if (equals_any_case(unit, units[i].name) && ms > 0 && ms <= day_ms) {
            *ms_ret = ms;
            return true;
        }
    }
    return false;
}

bool pd_text_bytes(const char *text, size_t *bytes_ret)
{
    static const struct {
        const char *name;
        uint64_t bytes;
    } units[] = {
        {"", 1},
        {"b", 1},
        {"k", 1024},
        {"kib", 1024},
        {"kb", 1000},
        {"m", 1024 * 1024},
        {"mib", 1024 * 1024},
        {"mb", 1000 * 1000},
        {"g", 1024 * 1024 * 1024},
        {"gib", 1024 * 1024 * 1024},
        {"gb", 1000 * 1000 * 1000},
    };
    struct decimal number;
    const char *unit = scan_decimal(text, &number);
    for (size_t i = 0; unit && !number.is_negative && i < PD_COUNT(units); i++) {
        uint64_t bytes;
        if (!equals_any_case(unit, units[i].name))
            continue;
        if (!pd_mul_u64(number.digits, units[i].bytes, &bytes))
            return false;
        bytes /= power_of_ten(number.n_decimals);
        if (bytes == 0 || bytes > SIZE_MAX)
            return false;
        *bytes_ret = (size_t)bytes;
        return true;
    }
    return false;
}

bool pd_text_int(const char *text, int min, int max, int *value_ret)
{
    struct decimal number;
    const char *end = scan_decimal(text, &number);
    if (!end || *end != '\0' || end[-1] == '.' || number.n_decimals > 0)
        return false;
    int64_t value = number.is_negative ? -(int64_t)number.digits : (int64_t)number.digits;
    if (value < min || value > max)
        return false;
    *value_ret = (int)value;
    return true;
}

bool pd_text_u64(const char *text, uint64_t *value_ret)
{
    uint64_t value = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++)
        if (!pd_mul_u64(value, 10, &value) || !pd_add_u64(value, (uint64_t)(*at - '0'), &value))
            return false;
    if (at == text || *at != '\0')
        return false;
    *value_ret = value;
    return true;
}

bool pd_text_double(const char *text, double min, double max, double *value_ret)
{
    struct decimal number;
    const char *end = scan_decimal(text, &number);
    if (!end || *end != '\0' || to_double(&number) < min || to_double(&number) > max)
        return false;
    *value_ret = to_double(&number);
    return true;
}
