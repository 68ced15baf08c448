#include "kernels.h"

#if defined(__x86_64__)
#include "packed.h"

/// Keys 16 at a time: 16 rows of 16 pairs become 16 pairs of 16 rows, by four rounds of shuffles. Rows from `count` on
/// are zero.
AVX512 static void transpose(const uint16_t *rows, ptrdiff_t stride, int32_t count, uint32_t *out, ptrdiff_t out_stride) {
    __m512i a[16], b[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) a[i] = i < count ? _mm512_loadu_si512(rows + i * stride) : _mm512_setzero_si512();
#pragma GCC unroll 8
    for (int i = 0; i < 16; i += 2) {
        b[i] = _mm512_unpacklo_epi32(a[i], a[i + 1]);
        b[i + 1] = _mm512_unpackhi_epi32(a[i], a[i + 1]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 16; i += 4) {
        a[i] = _mm512_unpacklo_epi64(b[i], b[i + 2]);
        a[i + 1] = _mm512_unpackhi_epi64(b[i], b[i + 2]);
        a[i + 2] = _mm512_unpacklo_epi64(b[i + 1], b[i + 3]);
        a[i + 3] = _mm512_unpackhi_epi64(b[i + 1], b[i + 3]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        b[i] = _mm512_shuffle_i32x4(a[i], a[i + 4], 0x88);
        b[i + 4] = _mm512_shuffle_i32x4(a[i], a[i + 4], 0xdd);
        b[i + 8] = _mm512_shuffle_i32x4(a[i + 8], a[i + 12], 0x88);
        b[i + 12] = _mm512_shuffle_i32x4(a[i + 8], a[i + 12], 0xdd);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        _mm512_storeu_si512(out + i * out_stride, _mm512_shuffle_i32x4(b[i], b[i + 8], 0x88));
        _mm512_storeu_si512(out + (i + 8) * out_stride, _mm512_shuffle_i32x4(b[i], b[i + 8], 0xdd));
        _mm512_storeu_si512(out + (i + 4) * out_stride, _mm512_shuffle_i32x4(b[i + 4], b[i + 12], 0x88));
        _mm512_storeu_si512(out + (i + 12) * out_stride, _mm512_shuffle_i32x4(b[i + 4], b[i + 12], 0xdd));
    }
}

/// Values of two rows become pairs, element by element.
AVX512 static void interleave(const uint16_t *values, ptrdiff_t stride, int32_t count, uint16_t *out) {
    const __m512i low = _mm512_set_epi16(47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8, 39, 7, 38, 6, 37,
                                         5, 36, 4, 35, 3, 34, 2, 33, 1, 32, 0);
    const __m512i high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
    for (ptrdiff_t row = 0; row < padded(count); row += 2)
        for (ptrdiff_t half = 0; half < WIDTH; half += 32) {
            const uint16_t *v = values + row * stride + half;
            const __m512i x = row < count ? _mm512_loadu_si512(v) : _mm512_setzero_si512();
            const __m512i y = row + 1 < count ? _mm512_loadu_si512(v + stride) : _mm512_setzero_si512();
            _mm512_storeu_si512(out + row * WIDTH + 2 * half, _mm512_permutex2var_epi16(x, low, y));
            _mm512_storeu_si512(out + row * WIDTH + 2 * half + 32, _mm512_permutex2var_epi16(x, high, y));
        }
}

size_t ck_packed_count(int32_t count) { return 2 * (size_t)padded(count) * WIDTH; }

AVX512 void ck_pack(const uint16_t *keys, const uint16_t *values, ptrdiff_t stride, int32_t count, uint16_t *packed) {
    const ptrdiff_t columns = padded(count);
    uint32_t *pairs = (uint32_t *)packed;
    for (ptrdiff_t row = 0; row < columns; row += 16)
        for (ptrdiff_t half = 0; half < 2; half++)
            transpose(keys + row * stride + 32 * half, stride, (int32_t)(count - row), pairs + 16 * half * columns + row,
                      columns);
    interleave(values, stride, count, packed_values(packed, count));
}

#endif
