#pragma once
#include "ctorch.h"
#ifdef __cplusplus
extern "C" {
#endif

// Operations for work that stays on its device: none waits for the device, and none allocates through the host, so that
// a CUDA graph can hold them. Conventions are those of ctorch.h.

enum { CT_LESS = 0, CT_AT_MOST = 1, CT_EQUAL = 2, CT_AND = 3, CT_OR = 4 };

/// Truth values, of comparison or logic `operation`, with broadcasting.
int ct_compare(ct_tensor_t x, ct_tensor_t y, int32_t operation, ct_tensor_t *out);
int ct_is_finite(ct_tensor_t x, ct_tensor_t *out);
/// One truth value: whether all of `x` are true.
int ct_all(ct_tensor_t x, ct_tensor_t *out);
int ct_where(ct_tensor_t condition, ct_tensor_t x, ct_tensor_t y, ct_tensor_t *out);

int ct_multiply(ct_tensor_t x, ct_tensor_t y, ct_tensor_t *out);
int ct_exp(ct_tensor_t x, ct_tensor_t *out);
int ct_floor(ct_tensor_t x, ct_tensor_t *out);
int ct_clamp(ct_tensor_t x, double least, double most, ct_tensor_t *out);
/// Sums over the last dimension, which stays with size 1.
int ct_sum(ct_tensor_t x, ct_tensor_t *out);
/// Sums up to and with each place of the last dimension.
int ct_cumulative_sum(ct_tensor_t x, ct_tensor_t *out);

/// The `count` largest of the last dimension and their places, in no order that can be relied on.
int ct_largest(ct_tensor_t x, int64_t count, ct_tensor_t *values, ct_tensor_t *places);
/// The places of the last dimension's elements in ascending or descending order, equal ones in the order they have.
int ct_order(ct_tensor_t x, bool descending, ct_tensor_t *places);
/// The elements of `x` at the places `index` (int64) of dimension `dimension`.
int ct_gather(ct_tensor_t x, int32_t dimension, ct_tensor_t index, ct_tensor_t *out);
/// Overwrites the elements of `x` at the places `index` (int64) of dimension `dimension` with `source`.
int ct_scatter(ct_tensor_t x, int32_t dimension, ct_tensor_t index, ct_tensor_t source);
/// Overwrites the slices `index` (int64, one dimension) of dimension `dimension` with those of `source`.
int ct_index_copy(ct_tensor_t x, int32_t dimension, ct_tensor_t index, ct_tensor_t source);
/// Overwrites all elements of `x`.
int ct_fill(ct_tensor_t x, double value);
/// Adds `y` to the elements of `x`.
int ct_add_in_place(ct_tensor_t x, ct_tensor_t y);

/// Softmax attention over [B, heads, T, D], scaled by D^-0.5, to the keys for which `mask` is true.
int ct_attention_masked(ct_tensor_t q, ct_tensor_t k, ct_tensor_t v, ct_tensor_t mask, ct_tensor_t *out);

#ifdef __cplusplus
}
#endif
