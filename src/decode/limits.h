/* SPDX-License-Identifier: Apache-2.0
 * limits.h - what the machine could do at most with the engine's instruction set and threads, by a short probe, and
 * what the model's weights ask of it. */
#ifndef PD_LIMITS_H
#define PD_LIMITS_H

#include "decode/decoder.h"

enum { PD_LIMITS_MIN_BYTES = 1 << 20 };

/* Takes about a second. memory: at least PD_LIMITS_MIN_BYTES, aligned for 64-bit words, written to before (pages that
 * never were share one page), and longer than the last cache if its reading is to say something about memory. */
void pd_limits_probe(const struct pd_decoder *d, const void *memory, size_t bytes,
                     struct ponder_limits *limits_ret);

#endif
