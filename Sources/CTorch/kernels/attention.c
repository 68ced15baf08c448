#include "kernels.h"

#if defined(__x86_64__)
#include "packed.h"

// Queries go through in tiles of 6: 6 rows by 4 vectors of sums, 4 vectors of keys or values and one pair of the row's
// stay in the 32 registers. A tile's scores and their softmax fit in the first cache.

enum { TILE = 6 };

/// Two numbers, repeated over the vector.
AVX512_INLINE __m512bh pair(const uint16_t *x) { return (__m512bh)_mm512_set1_epi32(*(const int32_t *)x); }
AVX512_INLINE __m512bh vector(const uint16_t *x) { return (__m512bh)_mm512_loadu_si512(x); }

/// sums[row][0...3] += pair(row) · four vectors at `right`.
#define MULTIPLY_TILE(sums, pair_of_row, right)                                                                        \
    do {                                                                                                               \
        const uint16_t *const r = (right);                                                                             \
        const __m512bh v0 = vector(r), v1 = vector(r + 32), v2 = vector(r + 64), v3 = vector(r + 96);                  \
        _Pragma("GCC unroll 6") for (int row = 0; row < TILE; row++) {                                                 \
            const __m512bh x = pair(pair_of_row);                                                                      \
            sums[row][0] = _mm512_dpbf16_ps(sums[row][0], x, v0);                                                      \
            sums[row][1] = _mm512_dpbf16_ps(sums[row][1], x, v1);                                                      \
            sums[row][2] = _mm512_dpbf16_ps(sums[row][2], x, v2);                                                      \
            sums[row][3] = _mm512_dpbf16_ps(sums[row][3], x, v3);                                                      \
        }                                                                                                              \
    } while (0)

/// A tile's products with all keys, [TILE][columns].
AVX512 static void multiply_keys(const uint16_t *const queries[TILE], const uint16_t *keys, ptrdiff_t columns,
                                 int32_t width, float *scores) {
    ptrdiff_t column = 0;
    for (; column + 64 <= columns; column += 64) {
        __m512 sums[TILE][4] = {};
        for (ptrdiff_t p = 0; p < width / 2; p++)
            MULTIPLY_TILE(sums, queries[row] + 2 * p, keys + (p * columns + column) * 2);
#pragma GCC unroll 6
        for (int row = 0; row < TILE; row++)
#pragma GCC unroll 4
            for (int i = 0; i < 4; i++) _mm512_storeu_ps(scores + row * columns + column + 16 * i, sums[row][i]);
    }
    for (; column < columns; column += 16) {
        __m512 sums[TILE] = {};
        for (ptrdiff_t p = 0; p < width / 2; p++) {
            const __m512bh k = vector(keys + (p * columns + column) * 2);
#pragma GCC unroll 6
            for (int row = 0; row < TILE; row++) sums[row] = _mm512_dpbf16_ps(sums[row], pair(queries[row] + 2 * p), k);
        }
#pragma GCC unroll 6
        for (int row = 0; row < TILE; row++) _mm512_storeu_ps(scores + row * columns + column, sums[row]);
    }
}

/// exp((scores - their largest) / √width) of the first `count`, then zeros up to `columns`; returns one over their sum.
///
/// `scale` is log2(e) over the root of the head's width.
AVX512 static float softmax(const float *scores, int32_t count, ptrdiff_t columns, float scale, uint16_t *weights) {
    const ptrdiff_t whole = count / 16 * 16;
    const __mmask16 rest = (__mmask16)((1u << (count % 16)) - 1);
    __m512 top = _mm512_set1_ps(-INFINITY), other = top;
    ptrdiff_t i = 0;
    for (; i + 32 <= whole; i += 32) {
        top = _mm512_max_ps(top, _mm512_loadu_ps(scores + i));
        other = _mm512_max_ps(other, _mm512_loadu_ps(scores + i + 16));
    }
    if (i < whole) top = _mm512_max_ps(top, _mm512_loadu_ps(scores + i));
    if (rest) other = _mm512_mask_max_ps(other, rest, other, _mm512_loadu_ps(scores + whole));
    const float largest = _mm512_reduce_max_ps(_mm512_max_ps(top, other));
    const __m512 scales = _mm512_set1_ps(scale), shift = _mm512_set1_ps(-largest * scale);
    __m512 sum = _mm512_setzero_ps(), other_sum = sum;
    for (i = 0; i + 32 <= whole; i += 32) {
        const __m512 x = exp2_of(_mm512_fmadd_ps(_mm512_loadu_ps(scores + i), scales, shift));
        const __m512 y = exp2_of(_mm512_fmadd_ps(_mm512_loadu_ps(scores + i + 16), scales, shift));
        sum = _mm512_add_ps(sum, x);
        other_sum = _mm512_add_ps(other_sum, y);
        _mm512_storeu_si512(weights + i, (__m512i)_mm512_cvtne2ps_pbh(y, x));
    }
    for (; i < columns; i += 16) {
        const __mmask16 used = i < whole ? 0xffff : i == whole ? rest : 0;
        const __m512 x = _mm512_fmadd_ps(_mm512_loadu_ps(scores + i), scales, shift);
        const __m512 y = _mm512_maskz_mov_ps(used, exp2_of(x));
        sum = _mm512_add_ps(sum, y);
        store_bfloat16(weights + i, y);
    }
    return 1 / _mm512_reduce_add_ps(_mm512_add_ps(sum, other_sum));
}

/// The first `rows` rows of a tile: their weights' products with all values, times `inverses`.
AVX512 static void multiply_values(const uint16_t *weights, const uint16_t *values, ptrdiff_t columns, int32_t width,
                                   const float *inverses, int32_t rows, uint16_t *out, ptrdiff_t out_stride) {
    const ptrdiff_t stride = 2 * padded_width(width);
    ptrdiff_t start = 0;
    for (; start + 64 <= width; start += 64) {
        __m512 sums[TILE][4] = {};
        for (ptrdiff_t p = 0; p < columns / 2; p++)
            MULTIPLY_TILE(sums, weights + row * columns + 2 * p, values + p * stride + 2 * start);
#pragma GCC unroll 6
        for (int row = 0; row < TILE; row++) {
            if (row >= rows) break;
            const __m512 inverse = _mm512_set1_ps(inverses[row]);
#pragma GCC unroll 4
            for (int i = 0; i < 4; i++)
                store_bfloat16(out + row * out_stride + start + 16 * i, _mm512_mul_ps(sums[row][i], inverse));
        }
    }
    for (; start < width; start += 32) {
        const uint32_t used = used_elements(width, start);
        __m512 sums[TILE][2] = {};
        for (ptrdiff_t p = 0; p < columns / 2; p++) {
            const uint16_t *const right = values + p * stride + 2 * start;
            const __m512bh v0 = vector(right), v1 = vector(right + 32);
#pragma GCC unroll 6
            for (int row = 0; row < TILE; row++) {
                const __m512bh x = pair(weights + row * columns + 2 * p);
                sums[row][0] = _mm512_dpbf16_ps(sums[row][0], x, v0);
                sums[row][1] = _mm512_dpbf16_ps(sums[row][1], x, v1);
            }
        }
#pragma GCC unroll 6
        for (int row = 0; row < TILE; row++) {
            if (row >= rows) break;
            const __m512 inverse = _mm512_set1_ps(inverses[row]);
#pragma GCC unroll 2
            for (int i = 0; i < 2; i++)
                _mm256_mask_storeu_epi16(out + row * out_stride + start + 16 * i, (__mmask16)(used >> 16 * i),
                                         (__m256i)_mm512_cvtneps_pbh(_mm512_mul_ps(sums[row][i], inverse)));
        }
    }
}

size_t ck_scratch_bytes(int32_t count) { return TILE * (size_t)padded(count) * (sizeof(float) + sizeof(uint16_t)); }

AVX512 void ck_attend(const uint16_t *queries, ptrdiff_t query_stride, int32_t rows, const uint16_t *packed,
                      int32_t count, int32_t width, bool causal, uint16_t *out, ptrdiff_t out_stride, void *scratch) {
    const ptrdiff_t columns = padded(count);
    const float scale = 1.44269504f / sqrtf((float)width);
    float *scores = scratch;
    uint16_t *weights = (uint16_t *)(scores + TILE * columns);
    for (int32_t first = 0; first < rows; first += TILE) {
        const int32_t used = rows - first < TILE ? rows - first : TILE;
        const uint16_t *tile[TILE];
        for (int row = 0; row < TILE; row++)  // a short tile repeats its first row
            tile[row] = queries + (first + (row < used ? row : 0)) * query_stride;
        multiply_keys(tile, packed, columns, width, scores);
        float inverses[TILE];
        for (int row = 0; row < TILE; row++) {
            const int32_t seen = causal && row < used ? first + row + 1 : causal ? first + 1 : count;
            inverses[row] = softmax(scores + row * columns, seen, columns, scale, weights + row * columns);
        }
        multiply_values(weights, packed_values(packed, count, width), columns, width, inverses, used,
                        out + first * out_stride, out_stride);
    }
}

#endif
