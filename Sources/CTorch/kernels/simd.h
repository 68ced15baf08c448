#pragma once
#include <immintrin.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>

/// The package is built for any x86-64; functions with this attribute run only where `ck_has_bfloat16` is true.
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,fma")))
#define AVX512_INLINE AVX512 static inline __attribute__((always_inline))

/// Sixteen bfloat16 numbers as floats.
AVX512_INLINE __m512 load_bfloat16(const uint16_t *x) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)x)), 16));
}

/// Those of sixteen bfloat16 numbers that `used` names; the others are not read, and zero.
AVX512_INLINE __m512 load_some_bfloat16(const uint16_t *x, __mmask16 used) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(used, x)), 16));
}

/// Rounds sixteen floats to the nearest bfloat16 numbers.
AVX512_INLINE void store_bfloat16(uint16_t *out, __m512 x) {
    _mm256_storeu_si256((__m256i *)out, (__m256i)_mm512_cvtneps_pbh(x));
}

/// 2^x for x of -126 to 127 (smaller numbers count as -126), within 4e-6 of it; NaN stays NaN.
///
/// The exponent's bits come from rounding by addition of 1.5 · 2^23, the mantissa from Taylor's polynomial of 2^r,
/// |r| <= 1/2.
AVX512_INLINE __m512 exp2_of(__m512 x) {
    const __m512 rounder = _mm512_set1_ps(12582912.f);
    x = _mm512_max_ps(_mm512_set1_ps(-126.f), x);  // in this order NaN passes
    const __m512 rounded = _mm512_add_ps(x, rounder);
    const __m512 r = _mm512_sub_ps(x, _mm512_sub_ps(rounded, rounder));
    __m512 y = _mm512_set1_ps(9.6181291e-3f);
    y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(5.5504109e-2f));
    y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(2.4022651e-1f));
    y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(6.9314718e-1f));
    y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(1.f));
    const __m512i exponent = _mm512_slli_epi32(_mm512_castps_si512(rounded), 23);
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(y), exponent));
}

/// x · σ(1.702 x).
AVX512_INLINE __m512 quick_gelu_of(__m512 x) {
    const __m512 exponent = _mm512_mul_ps(x, _mm512_set1_ps(-1.702f * 1.44269504f));
    const __m512 e = exp2_of(_mm512_min_ps(_mm512_set1_ps(126), exponent));  // in this order NaN passes
    return _mm512_div_ps(x, _mm512_add_ps(_mm512_set1_ps(1), e));
}
