/* SPDX-License-Identifier: Apache-2.0
 * block.h - the bytes of each quantised block in a GGUF file (little-endian, no padding).
 *
 * Byte arrays only, so that a block may be read in place at any alignment; half floats are two bytes,
 * read with pd_load_f16(). In the 32-element formats element i < 16 is the low nibble of qs[i], element
 * i + 16 the high nibble; qh bit i is the fifth bit of element i. */
#ifndef PD_BLOCK_H
#define PD_BLOCK_H

#include <stdint.h>
#include <string.h>

enum { PD_BLOCK = 32, PD_SUPERBLOCK = 256 };

struct pd_block_q4_0 { uint8_t d[2], qs[16]; };            /* w = d (q - 8) */
struct pd_block_q4_1 { uint8_t d[2], m[2], qs[16]; };      /* w = d q + m */
struct pd_block_q5_0 { uint8_t d[2], qh[4], qs[16]; };     /* w = d (q - 16) */
struct pd_block_q5_1 { uint8_t d[2], m[2], qh[4], qs[16]; }; /* w = d q + m */
struct pd_block_q8_0 { uint8_t d[2]; int8_t qs[32]; };     /* w = d q */

/* Eight sub-blocks of 32, each with a 6-bit scale and a 6-bit minimum packed in scales[]:
 * w = d sc q - dmin m. Sub-blocks 2j and 2j + 1 are the low and high nibbles of qs[32 j ...]. */
struct pd_block_q4_k { uint8_t d[2], dmin[2], scales[12], qs[128]; };
struct pd_block_q5_k { uint8_t d[2], dmin[2], scales[12], qh[32], qs[128]; };
/* Sixteen sub-blocks of 16 with signed 8-bit scales: w = d sc (q - 32). */
struct pd_block_q6_k { uint8_t ql[128], qh[64]; int8_t scales[16]; uint8_t d[2]; };

static inline uint16_t pd_load_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

/* Half to float, exactly, in integer arithmetic (works where the CPU has no half floats). */
static inline float pd_f16_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16;
    uint32_t exponent = (h >> 10) & 0x1fu;
    uint32_t fraction = h & 0x3ffu;
    uint32_t bits;
    if (exponent == 0x1f) { /* infinity, NaN */
        bits = sign | 0x7f800000u | fraction << 13;
    } else if (exponent != 0) {
        bits = sign | (exponent + 112) << 23 | fraction << 13;
    } else { /* zero, subnormal: fraction * 2^-24 is exact */
        float magnitude = (float)fraction * 0x1p-24f;
        memcpy(&bits, &magnitude, sizeof bits);
        bits |= sign;
    }
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Float to half, round to nearest even, overflow to infinity, NaN kept: what F16C and NEON do. */
static inline uint16_t pd_f32_to_f16(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000u);
    bits &= 0x7fffffffu;
    if (bits >= 0x7f800000u) /* infinity; NaN, made quiet */
        return (uint16_t)(sign | (bits > 0x7f800000u ? 0x7e00u | (bits >> 13 & 0x3ffu) : 0x7c00u));
    if (bits >= 0x477ff000u) /* rounds past 65504 */
        return (uint16_t)(sign | 0x7c00u);
    if (bits < 0x38800000u) { /* below 2^-14: a multiple of 2^-24; adding 0.5 rounds it in place */
        float magnitude;
        memcpy(&magnitude, &bits, sizeof magnitude);
        magnitude += 0.5f;
        memcpy(&bits, &magnitude, sizeof bits);
        return (uint16_t)(sign | (bits - 0x3f000000u));
    }
    bits += 0xfffu + (bits >> 13 & 1u) - (112u << 23);
    return (uint16_t)(sign | bits >> 13);
}

static inline float pd_load_f16(const uint8_t *p)
{
    return pd_f16_to_f32(pd_load_u16(p));
}

static inline float pd_bf16_to_f32(uint16_t h)
{
    uint32_t bits = (uint32_t)h << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Element i (0..255) of a Q6_K block, 0..63. Each half of 128 elements has 64 bytes of ql and 32 of
 * qh: quarter k of the half is the low (k < 2) or high nibbles of ql[32 (k % 2) ...] with bits 2k and 2k + 1 of qh. */
static inline int pd_q6_k_element(const struct pd_block_q6_k *block, int i)
{
    int half = i / 128;
    int quarter = i / 32 % 4;
    int column = i % 32;
    int low = block->ql[64 * half + 32 * (quarter % 2) + column] >> 4 * (quarter / 2) & 15;
    return low | (block->qh[32 * half + column] >> 2 * quarter & 3) << 4;
}

/* The 6-bit scale and minimum of sub-block j (0..7) of a Q4_K or Q5_K block. */
static inline void pd_k_scale_min(const uint8_t scales[12], int j, uint8_t *scale_ret,
                                  uint8_t *min_ret)
{
    if (j < 4) {
        *scale_ret = scales[j] & 63;
        *min_ret = scales[j + 4] & 63;
    } else {
        *scale_ret = (uint8_t)((scales[j + 4] & 15) | (scales[j - 4] >> 6) << 4);
        *min_ret = (uint8_t)((scales[j + 4] >> 4) | (scales[j] >> 6) << 4);
    }
}

#endif
