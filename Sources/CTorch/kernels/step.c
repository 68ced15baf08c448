#include "kernels.h"

#if defined(__x86_64__)
#include "packed.h"

enum { WIDTH = CK_STEP_WIDTH };

AVX512 void ck_attend_one(const uint16_t *query, const uint16_t *keys, const uint16_t *values, int32_t count,
                          uint16_t *out, float *weights) {
    const __m512bh q0 = (__m512bh)_mm512_loadu_si512(query), q1 = (__m512bh)_mm512_loadu_si512(query + 32);
    float largest = -INFINITY;
    for (ptrdiff_t i = 0; i < count; i++) {
        const uint16_t *key = keys + i * WIDTH;
        __m512 sum = _mm512_dpbf16_ps(_mm512_setzero_ps(), q0, (__m512bh)_mm512_loadu_si512(key));
        sum = _mm512_dpbf16_ps(sum, q1, (__m512bh)_mm512_loadu_si512(key + 32));
        weights[i] = _mm512_reduce_add_ps(sum) * (1.44269504f / 8);
        largest = weights[i] > largest ? weights[i] : largest;
    }
    __m512 sums[4] = {};
    float total = 0;
    for (ptrdiff_t i = 0; i < count; i++) {
        const __m512 weight = exp2_of(_mm512_set1_ps(weights[i] - largest));
        total += _mm512_cvtss_f32(weight);
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++)
            sums[j] = _mm512_fmadd_ps(weight, load_bfloat16(values + i * WIDTH + 16 * j), sums[j]);
    }
    const __m512 inverse = _mm512_set1_ps(1 / total);
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) store_bfloat16(out + 16 * j, _mm512_mul_ps(sums[j], inverse));
}

#endif
