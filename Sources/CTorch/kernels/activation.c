#include "kernels.h"

#if defined(__x86_64__)
#include "simd.h"

AVX512 void ck_quick_gelu(uint16_t *x, size_t count) {
    for (size_t i = 0; i < count; i += 16) {
        const __mmask16 used = count - i < 16 ? (__mmask16)((1u << (count - i)) - 1) : 0xffff;
        const __m512 y = quick_gelu_of(load_some_bfloat16(x + i, used));
        _mm256_mask_storeu_epi16(x + i, used, (__m256i)_mm512_cvtneps_pbh(y));
    }
}

#endif
