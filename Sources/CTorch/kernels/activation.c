#include "kernels.h"

#if defined(__x86_64__)
#include "simd.h"

AVX512 void ck_quick_gelu(uint16_t *x, size_t count) {
    const __m512 one = _mm512_set1_ps(1), scale = _mm512_set1_ps(-1.702f * 1.44269504f), most = _mm512_set1_ps(126);
    for (size_t i = 0; i < count; i += 16) {
        const __mmask16 used = count - i < 16 ? (__mmask16)((1u << (count - i)) - 1) : 0xffff;
        const __m512i bits = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(used, x + i));
        const __m512 value = _mm512_castsi512_ps(_mm512_slli_epi32(bits, 16));
        const __m512 e = exp2_of(_mm512_min_ps(most, _mm512_mul_ps(value, scale)));
        const __m512 y = _mm512_div_ps(value, _mm512_add_ps(one, e));
        _mm256_mask_storeu_epi16(x + i, used, (__m256i)_mm512_cvtneps_pbh(y));
    }
}

#endif
