#include "kernels.h"

#if defined(__x86_64__)
#include "packed.h"

/// Keys 16 at a time: 16 rows of 16 pairs become 16 pairs of 16 rows, by four rounds of shuffles. Rows from `count` on
/// are zero, so are elements that `used` does not name.
AVX512 static void transpose(const uint16_t *rows, ptrdiff_t stride, int32_t count, uint32_t used, __m512i pairs[16]) {
    __m512i a[16], b[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++)
        a[i] = i < count ? _mm512_maskz_loadu_epi16(used, rows + i * stride) : _mm512_setzero_si512();
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
        pairs[i] = _mm512_shuffle_i32x4(b[i], b[i + 8], 0x88);
        pairs[i + 8] = _mm512_shuffle_i32x4(b[i], b[i + 8], 0xdd);
        pairs[i + 4] = _mm512_shuffle_i32x4(b[i + 4], b[i + 12], 0x88);
        pairs[i + 12] = _mm512_shuffle_i32x4(b[i + 4], b[i + 12], 0xdd);
    }
}

/// Values of two rows become pairs, element by element.
AVX512 static void interleave(const uint16_t *values, ptrdiff_t stride, int32_t count, int32_t width, uint16_t *out) {
    const __m512i low = _mm512_set_epi16(47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8, 39, 7, 38, 6, 37,
                                         5, 36, 4, 35, 3, 34, 2, 33, 1, 32, 0);
    const __m512i high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
    for (ptrdiff_t row = 0; row < padded(count); row += 2)
        for (ptrdiff_t start = 0; start < width; start += 32) {
            const uint16_t *v = values + row * stride + start;
            const __mmask32 used = used_elements(width, start);
            const __m512i x = row < count ? _mm512_maskz_loadu_epi16(used, v) : _mm512_setzero_si512();
            const __m512i y = row + 1 < count ? _mm512_maskz_loadu_epi16(used, v + stride) : _mm512_setzero_si512();
            uint16_t *o = out + row * padded_width(width) + 2 * start;
            _mm512_storeu_si512(o, _mm512_permutex2var_epi16(x, low, y));
            _mm512_storeu_si512(o + 32, _mm512_permutex2var_epi16(x, high, y));
        }
}

size_t ck_packed_count(int32_t count, int32_t width) {
    return (size_t)padded(count) * (size_t)(width + padded_width(width));
}

AVX512 void ck_pack(const uint16_t *keys, const uint16_t *values, ptrdiff_t stride, int32_t count, int32_t width,
                    uint16_t *packed) {
    const ptrdiff_t columns = padded(count), pairs = width / 2;
    uint32_t *out = (uint32_t *)packed;
    for (ptrdiff_t row = 0; row < columns; row += 16)
        for (ptrdiff_t first = 0; first < pairs; first += 16) {
            __m512i block[16];
            transpose(keys + row * stride + 2 * first, stride, (int32_t)(count - row), used_elements(width, 2 * first),
                      block);
            for (ptrdiff_t i = 0; i < 16 && first + i < pairs; i++)
                _mm512_storeu_si512(out + (first + i) * columns + row, block[i]);
        }
    interleave(values, stride, count, width, packed_values(packed, count, width));
}

#endif
