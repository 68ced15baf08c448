#pragma once
#include "kernels.h"
#include "simd.h"

// Packed keys and values of one head, with `columns` = their count rounded up to a multiple of 16:
//   keys    [32 pairs of the head's elements][columns][2]
//   values  [columns / 2 pairs of rows][64][2]
// so that one vector holds what one VDPBF16PS multiplies with one pair of a query or of the softmax.

enum { WIDTH = CK_HEAD_WIDTH };

static inline int32_t padded(int32_t count) { return (count + 15) / 16 * 16; }

static inline uint16_t *packed_values(const uint16_t *packed, int32_t count) {
    return (uint16_t *)packed + (ptrdiff_t)padded(count) * WIDTH;
}
