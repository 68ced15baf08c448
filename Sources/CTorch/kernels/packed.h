#pragma once
#include "kernels.h"
#include "simd.h"

// Packed keys and values of one head of `width`, with `columns` = their count rounded up to a multiple of 16:
//   keys    [width / 2 pairs of the head's elements][columns][2]
//   values  [columns / 2 pairs of rows][width rounded up to a multiple of 32][2]
// so that one vector holds what one VDPBF16PS multiplies with one pair of a query or of the softmax.

static inline int32_t padded(int32_t count) { return (count + 15) / 16 * 16; }
static inline int32_t padded_width(int32_t width) { return (width + 31) / 32 * 32; }

/// Of the elements from `start` on, up to 32, those that a head of `width` has.
static inline uint32_t used_elements(int32_t width, ptrdiff_t start) {
    const ptrdiff_t count = width - start;
    return count >= 32 ? 0xffffffffu : (1u << count) - 1;
}

static inline uint16_t *packed_values(const uint16_t *packed, int32_t count, int32_t width) {
    return (uint16_t *)packed + (ptrdiff_t)padded(count) * width;
}
