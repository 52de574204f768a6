/* SPDX-License-Identifier: Apache-2.0
 * text.h - numbers with units as people write them. Every function takes the whole text or none of it:
 * false, and *_ret untouched, for anything but the forms named, and where the value is out of range. No
 * locale, no errno. */
#ifndef PD_TEXT_H
#define PD_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "250ms", "2s", "1.5s", "3min" to milliseconds, up to a day; "none" to 0. Zero and a number without a unit are
 * refused: the first asks for nothing, the second could mean either. */
bool pd_text_ms(const char *text, double *ms_ret);

/* "4096", "64MiB", "1G", "1.5g", "512k", "10MB". K, M, G with or without "iB" are powers of 1024, with
 * "B" powers of 1000, in either case. A fraction of a byte is dropped; zero is refused. */
bool pd_text_bytes(const char *text, size_t *bytes_ret);

/* "-3", "42": within min..max. */
bool pd_text_int(const char *text, int min, int max, int *value_ret);

/* "42": any 64-bit value, decimal. */
bool pd_text_u64(const char *text, uint64_t *value_ret);

/* "0.95", ".5", "2", "-1.25": within min..max; at most 18 digits. */
bool pd_text_double(const char *text, double min, double max, double *value_ret);

#endif
