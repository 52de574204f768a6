/* SPDX-License-Identifier: Apache-2.0
 * unicode_table.h - what kind of character a code point is, as far as tokenizers ask. The tables
 * are generated: unicode_table.c. */
#ifndef PD_UNICODE_TABLE_H
#define PD_UNICODE_TABLE_H

#include <stdint.h>

enum pd_char_class {
    PD_CHAR_OTHER,
    PD_CHAR_LETTER,      /* \p{L} */
    PD_CHAR_NUMBER,      /* \p{N} */
    PD_CHAR_SPACE,       /* \s */
    PD_CHAR_PUNCTUATION, /* \p{P} */
    PD_CHAR_END,         /* of the text: no code point is it */
};

extern const uint8_t pd_char_class_ascii[0x80];
extern const int pd_char_class_ranges;
/* Sorted; each entry: first code point << 3 | class. A range ends where the next begins. */
extern const uint32_t pd_char_class_range[];

static inline enum pd_char_class pd_char_class(uint32_t code_point)
{
    if (code_point < 0x80)
        return (enum pd_char_class)pd_char_class_ascii[code_point];
    int low = 0;
    int high = pd_char_class_ranges;
    while (high - low > 1) {
        int middle = low + (high - low) / 2;
        if (pd_char_class_range[middle] >> 3 <= code_point)
            low = middle;
        else
            high = middle;
    }
    return (enum pd_char_class)(pd_char_class_range[low] & 7);
}

#endif
