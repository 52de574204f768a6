/* SPDX-License-Identifier: Apache-2.0
 * query_tiles.h - attention handles a few queries at a time, in loops unrolled for their number: CALL(n) with n a
 * constant. */
#ifndef PD_QUERY_TILES_H
#define PD_QUERY_TILES_H

#define INLINE static inline __attribute__((always_inline))

#define TILE_CASE(n, CALL)                                                                         \
    case n:                                                                                        \
        CALL(n);                                                                                   \
        break;

/* For 1..4, and for 1..8. */
#define FOR_TILE_4(n, CALL)                                                                        \
    switch (n) {                                                                                   \
        TILE_CASE(1, CALL)                                                                         \
        TILE_CASE(2, CALL)                                                                         \
        TILE_CASE(3, CALL)                                                                         \
    default:                                                                                       \
        CALL(4);                                                                                   \
        break;                                                                                     \
    }

#define FOR_TILE_8(n, CALL)                                                                        \
    switch (n) {                                                                                   \
        TILE_CASE(1, CALL)                                                                         \
        TILE_CASE(2, CALL)                                                                         \
        TILE_CASE(3, CALL)                                                                         \
        TILE_CASE(4, CALL)                                                                         \
        TILE_CASE(5, CALL)                                                                         \
        TILE_CASE(6, CALL)                                                                         \
        TILE_CASE(7, CALL)                                                                         \
    default:                                                                                       \
        CALL(8);                                                                                   \
        break;                                                                                     \
    }

#endif
