#include "kernels.h"

#if defined(__x86_64__)

bool ck_has_bfloat16(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bf16");
}

bool ck_has_int8(void) { return ck_has_bfloat16() && __builtin_cpu_supports("avx512vnni"); }

#else

// Other processors have none of the kernels; what calls them asks first.

bool ck_has_bfloat16(void) { return false; }
size_t ck_packed_count(int32_t count, int32_t width) { return 0; }
size_t ck_scratch_bytes(int32_t count) { return 0; }
void ck_pack(const uint16_t *keys, const uint16_t *values, ptrdiff_t stride, int32_t count, int32_t width,
             uint16_t *packed) {
    __builtin_trap();
}
void ck_attend(const uint16_t *queries, ptrdiff_t query_stride, int32_t rows, const uint16_t *packed, int32_t count,
               int32_t width, bool causal, uint16_t *out, ptrdiff_t out_stride, void *scratch) {
    __builtin_trap();
}
void ck_attend_one(const uint16_t *query, const uint16_t *keys, const uint16_t *values, int32_t count, uint16_t *out,
                   float *weights) {
    __builtin_trap();
}
void ck_quick_gelu(uint16_t *x, size_t count) { __builtin_trap(); }
bool ck_has_int8(void) { return false; }
size_t ck_int8_weight_bytes(int32_t outputs, int32_t inputs) { return 0; }
void ck_int8_pack(const float *weight, int32_t outputs, int32_t inputs, uint8_t *packed) { __builtin_trap(); }
void ck_int8_round(const uint16_t *x, int32_t rows, int32_t inputs, uint8_t *q, ck_rounding *roundings) {
    __builtin_trap();
}
void ck_int8_linear(const uint8_t *q, const ck_rounding *roundings, int32_t rows, const uint8_t *packed,
                    int32_t outputs, int32_t inputs, const uint16_t *bias, int32_t activation,
                    const uint16_t *residual, uint16_t *out) {
    __builtin_trap();
}

#endif
