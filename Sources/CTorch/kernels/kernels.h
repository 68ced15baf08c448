#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

// Inner loops of inference that no library has in this form: AVX-512 on x86-64, one thread, plain memory.
//
// A bfloat16 is passed as its 16 bits. Rows are `stride` elements apart. Whoever calls asks `ck_has_...` first: on a
// processor without the instructions the kernels must not be called. None of them allocates, and the result for one
// row, head or image never depends on what else is in the call.

/// Whether this processor has what the bfloat16 kernels need.
bool ck_has_bfloat16(void);

// Attention: softmax(q · kᵀ / √width) · v of one head, products in bfloat16, sums and softmax in float32. The width of a
// head is a multiple of 8 from 8 to 256.

enum { CK_WIDTH_STEP = 8, CK_WIDEST_HEAD = 256 };

/// The elements that `count` keys and values of one head take when they are packed.
size_t ck_packed_count(int32_t count, int32_t width);
/// Packs keys and values of one head in the order in which `ck_attend` multiplies them.
void ck_pack(const uint16_t *keys, const uint16_t *values, ptrdiff_t stride, int32_t count, int32_t width,
             uint16_t *packed);
/// The bytes that `ck_attend` needs to work in, for `count` keys.
size_t ck_scratch_bytes(int32_t count);
/// Attention of `rows` queries of one head over `count` packed keys and values; with `causal`, row i sees the first
/// i + 1 of them.
void ck_attend(const uint16_t *queries, ptrdiff_t query_stride, int32_t rows, const uint16_t *packed, int32_t count,
               int32_t width, bool causal, uint16_t *out, ptrdiff_t out_stride, void *scratch);
/// The width of a head that `ck_attend_one` serves.
enum { CK_STEP_WIDTH = 64 };
/// Attention of one query of one head over `count` keys and values that lie row after row, 64 elements each.
/// `weights` has room for `count` floats.
void ck_attend_one(const uint16_t *query, const uint16_t *keys, const uint16_t *values, int32_t count, uint16_t *out,
                   float *weights);

/// x · σ(1.702 x) of every element, in place.
void ck_quick_gelu(uint16_t *x, size_t count);

// Dropout: which elements are dropped follows from a row's key, the place in the model and the element's number alone.

/// Writes `rows` rows of `count` factors: 0 with chance `rate`, which is below 1, and 1 / (1 - rate) otherwise. Runs on any
/// processor.
void ck_dropout_factors(const uint64_t *keys, size_t rows, size_t count, uint64_t place, double rate, float *out);

// Linear layers in integers: x is rounded to 0...255 with a scale and a zero of each row, the weight to -127...127 with
// a scale of each output; products are exact.

/// Whether this processor has what the integer kernels need: the bfloat16 ones and VNNI.
bool ck_has_int8(void);

/// What a linear layer does to its sums before they are rounded to bfloat16.
enum { CK_NONE = 0, CK_GELU = 1, CK_QUICK_GELU = 2 };

/// The bytes of a packed weight `[outputs, inputs]`; `inputs` is a multiple of 16.
size_t ck_int8_weight_bytes(int32_t outputs, int32_t inputs);
/// Rounds and packs the weight `[outputs, inputs]`.
void ck_int8_pack(const float *weight, int32_t outputs, int32_t inputs, uint8_t *packed);
/// How a row was rounded: x = scale · (q - zero).
typedef struct { float scale, zero; } ck_rounding;
/// Rounds `rows` rows of `inputs` numbers, which lie one after the other.
void ck_int8_round(const uint16_t *x, int32_t rows, int32_t inputs, uint8_t *q, ck_rounding *roundings);
/// activation(x · weightᵀ + bias) + residual, `[rows, outputs]`; `bias` and `residual` may be NULL.
void ck_int8_linear(const uint8_t *q, const ck_rounding *roundings, int32_t rows, const uint8_t *packed,
                    int32_t outputs, int32_t inputs, const uint16_t *bias, int32_t activation,
                    const uint16_t *residual, uint16_t *out);

#ifdef __cplusplus
}
#endif
