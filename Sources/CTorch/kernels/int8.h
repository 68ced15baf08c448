#pragma once
#include "kernels.h"
#include "simd.h"

#include <string.h>

// A packed weight is blocks of 64 outputs, the last filled up with zeros:
//   numbers [inputs / 4][64][4]   one vector holds what one VPDPBUSD multiplies with four numbers of a row
//   scales  [64] float
//   sums    [64] float            of the outputs' rounded weights, which a row's zero is multiplied with

enum { BLOCK = 64 };

static inline ptrdiff_t block_bytes(int32_t inputs) { return ((ptrdiff_t)inputs + 2 * sizeof(float)) * BLOCK; }
static inline float *block_scales(const uint8_t *block, int32_t inputs) {
    return (float *)(block + (ptrdiff_t)inputs * BLOCK);
}
static inline float *block_sums(const uint8_t *block, int32_t inputs) { return block_scales(block, inputs) + BLOCK; }
