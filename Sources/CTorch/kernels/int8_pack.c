#include "kernels.h"

#if defined(__x86_64__)
#include "int8.h"

size_t ck_int8_weight_bytes(int32_t outputs, int32_t inputs) {
    return (size_t)((outputs + BLOCK - 1) / BLOCK) * block_bytes(inputs);
}

/// The scale that brings the largest of a row to 127; any for a row of zeros.
static float scale_of(const float *row, int32_t count) {
    float largest = 0;
    for (int32_t i = 0; i < count; i++) largest = fabsf(row[i]) > largest ? fabsf(row[i]) : largest;
    return largest > 0 ? largest / 127 : 1;
}

void ck_int8_pack(const float *weight, int32_t outputs, int32_t inputs, uint8_t *packed) {
    memset(packed, 0, ck_int8_weight_bytes(outputs, inputs));
    for (int32_t output = 0; output < outputs; output++) {
        uint8_t *block = packed + output / BLOCK * block_bytes(inputs);
        const float *row = weight + (ptrdiff_t)output * inputs;
        const int32_t column = output % BLOCK;
        const float scale = scale_of(row, inputs);
        int32_t sum = 0;
        for (int32_t i = 0; i < inputs; i++) {
            const int32_t q = (int32_t)lrintf(row[i] / scale);
            sum += q;
            ((int8_t *)block)[(i / 4 * BLOCK + column) * 4 + i % 4] = (int8_t)q;
        }
        block_scales(block, inputs)[column] = scale;
        block_sums(block, inputs)[column] = (float)sum;
    }
}

AVX512 void ck_int8_round(const uint16_t *x, int32_t rows, int32_t inputs, uint8_t *q, ck_rounding *roundings) {
    for (ptrdiff_t row = 0; row < rows; row++, x += inputs, q += inputs) {
        __m512 least = _mm512_setzero_ps(), most = least;  // 0 is always a number that can be said exactly
        for (ptrdiff_t i = 0; i < inputs; i += 16) {
            const __m512 v = load_bfloat16(x + i);
            least = _mm512_min_ps(v, least);
            most = _mm512_max_ps(v, most);
        }
        const float low = _mm512_reduce_min_ps(least), high = _mm512_reduce_max_ps(most);
        const float scale = high > low ? (high - low) / 255 : 1;
        const float zero = rintf(-low / scale);
        const __m512 factor = _mm512_set1_ps(1 / scale), shift = _mm512_set1_ps(zero);
        for (ptrdiff_t i = 0; i < inputs; i += 16) {
            const __m512i n = _mm512_cvtps_epi32(_mm512_fmadd_ps(load_bfloat16(x + i), factor, shift));
            const __m512i positive = _mm512_max_epi32(n, _mm512_setzero_si512());
            _mm_storeu_si128((__m128i *)(q + i), _mm512_cvtusepi32_epi8(positive));
        }
        roundings[row] = (ck_rounding){scale, zero};
    }
}

#endif
