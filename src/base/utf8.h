/* SPDX-License-Identifier: Apache-2.0
 * utf8.h - code points from and to bytes. Two readings: strict (what the standard calls UTF-8)
 * for text that comes in or goes out, and lenient for tokenizers, which must take any bytes. */
#ifndef PD_UTF8_H
#define PD_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PD_UTF8_MAX_BYTES = 4, PD_UTF8_REPLACEMENT = 0xFFFD };

/* Lenient, as llama.cpp reads: the code point at text, and its length, at least 1. Overlong
 * forms and surrogates are taken; a byte that begins no sequence of n bytes up to U+10FFFF is
 * one U+FFFD. n >= 1. */
size_t pd_utf8_decode(const unsigned char *text, size_t n, uint32_t *code_point_ret);

/* Writes the shortest form, surrogates too, and returns its length. code_point <= 0x10FFFF. */
size_t pd_utf8_encode(uint32_t code_point, unsigned char bytes_ret[PD_UTF8_MAX_BYTES]);

/* Strict: no overlong forms, no surrogates, nothing cut off. */
bool pd_utf8_is_valid(const char *text, size_t n);

/* Bytes of text before a sequence that its end cuts off, if any: what may be shown when more
 * text is to come. At most 3 bytes are held back, and none that cannot become valid. */
size_t pd_utf8_complete_bytes(const char *text, size_t n);

#endif
