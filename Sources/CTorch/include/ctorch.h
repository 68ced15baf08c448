#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

/// An owned handle on a tensor. Release it with `ct_free` exactly once.
typedef struct ct_tensor *ct_tensor_t;

/// Element types, as `dtype` below.
enum { CT_FLOAT32 = 0, CT_BFLOAT16 = 1, CT_FLOAT16 = 2, CT_INT64 = 3, CT_UINT8 = 4, CT_FLOAT64 = 5, CT_BOOL = 6 };

/// A device is -1 for the processor, or the number of a CUDA device.
enum { CT_CPU = -1 };

/// What `ct_linear_packed` does to its result before it is written.
enum { CT_NONE = 0, CT_GELU = 1, CT_QUICK_GELU = 2, CT_RELU = 3, CT_GELU_TANH = 4 };

// Every call that returns int returns 0, or -1 with the reason in `ct_last_error` of the calling thread.

const char *ct_last_error(void);

#define CT_FAILURE_OTHER 0
/// A device has not enough free memory.
#define CT_FAILURE_MEMORY 1
/// The kind of failure of the calling thread's last failed call.
int32_t ct_last_failure(void);
void ct_free(ct_tensor_t x);

// What a tensor is.
int32_t ct_rank(ct_tensor_t x);
int64_t ct_size(ct_tensor_t x, int32_t dimension);
int32_t ct_dtype(ct_tensor_t x);
int32_t ct_device(ct_tensor_t x);

// In and out.
/// Copies `bytes` of a tensor in row order into a new one on the processor.
int ct_from_bytes(const void *bytes, int32_t dtype, const int64_t *shape, int32_t rank, ct_tensor_t *out);
/// Copies the tensor whose elements stand `strides` apart within the `count` bytes at `bytes` into a new one in row order.
int ct_from_strided(const void *bytes, size_t count, int32_t dtype, const int64_t *shape, const int64_t *strides,
                    int32_t rank, ct_tensor_t *out);
/// A tensor on memory of the caller's, who is told by `release(context)` when the last user is gone. When the call
/// fails, `release` is not called.
int ct_from_memory(void *memory, int32_t dtype, const int64_t *shape, int32_t rank, void (*release)(void *),
                   void *context, ct_tensor_t *out);
/// Copies the elements in row order to `out`, `count` bytes, in the tensor's own type.
int ct_copy_bytes(ct_tensor_t x, void *out, size_t count);
int ct_empty(const int64_t *shape, int32_t rank, int32_t dtype, int32_t device, ct_tensor_t *out);
int ct_to(ct_tensor_t x, int32_t dtype, int32_t device, ct_tensor_t *out);

/// Writes the `count` tensors by their names as Python's `torch.save({key: {name: tensor}})` does, each with storage of its own.
/// `write` is given the file's bytes in order; where it returns false, the call fails.
int ct_save(const char *key, const char *const *names, const ct_tensor_t *tensors, int32_t count,
            bool (*write)(void *context, const void *bytes, size_t count), void *context);

// Shape.
int ct_reshape(ct_tensor_t x, const int64_t *shape, int32_t rank, ct_tensor_t *out);
int ct_permute(ct_tensor_t x, const int64_t *dimensions, int32_t rank, ct_tensor_t *out);
int ct_expand(ct_tensor_t x, const int64_t *shape, int32_t rank, ct_tensor_t *out);
int ct_narrow(ct_tensor_t x, int32_t dimension, int64_t start, int64_t count, ct_tensor_t *out);
int ct_contiguous(ct_tensor_t x, ct_tensor_t *out);
/// The same elements in memory of their own; one that may be saved for a backward pass, also of a tensor that was made
/// between `ct_inference_begin` and its end.
int ct_copy(ct_tensor_t x, ct_tensor_t *out);
int ct_concatenate(const ct_tensor_t *parts, int32_t count, int32_t dimension, ct_tensor_t *out);
/// Images `x` [B, C, H, W] resized to `height` and `width` by bicubic interpolation without antialiasing.
int ct_resize_bicubic(ct_tensor_t x, int64_t height, int64_t width, bool align_corners, ct_tensor_t *out);
int ct_index_select(ct_tensor_t x, int32_t dimension, ct_tensor_t index, ct_tensor_t *out);
/// Overwrites the elements of `x`, which may be a view, with those of `source`.
int ct_assign(ct_tensor_t x, ct_tensor_t source);

// Arithmetic.
int ct_add(ct_tensor_t x, ct_tensor_t y, ct_tensor_t *out);
int ct_subtract(ct_tensor_t x, ct_tensor_t y, ct_tensor_t *out);
int ct_divide(ct_tensor_t x, ct_tensor_t y, ct_tensor_t *out);
int ct_scale(ct_tensor_t x, double factor, ct_tensor_t *out);
int ct_matmul(ct_tensor_t x, ct_tensor_t y, ct_tensor_t *out);
int ct_gelu(ct_tensor_t x, ct_tensor_t *out);
int ct_quick_gelu(ct_tensor_t x, ct_tensor_t *out);
/// GELU approximated by tanh.
int ct_gelu_tanh(ct_tensor_t x, ct_tensor_t *out);
int ct_relu(ct_tensor_t x, ct_tensor_t *out);
int ct_logsumexp(ct_tensor_t x, ct_tensor_t *out);
int ct_l2_norm(ct_tensor_t x, ct_tensor_t *out);

// Layers.
/// `bias` may be NULL.
int ct_linear(ct_tensor_t x, ct_tensor_t weight, ct_tensor_t bias, ct_tensor_t *out);
int ct_layer_norm(ct_tensor_t x, ct_tensor_t weight, ct_tensor_t bias, double epsilon, ct_tensor_t *out);
/// The last dimension divided by its root mean square, which is taken in float32, then scaled by `weight`, whose type
/// the result has.
int ct_rms_norm(ct_tensor_t x, ct_tensor_t weight, double epsilon, ct_tensor_t *out);
/// Softmax attention over [B, heads, T, D], scaled by D^-0.5.
int ct_attention(ct_tensor_t q, ct_tensor_t k, ct_tensor_t v, bool causal, ct_tensor_t *out);
/// Whether `ct_linear_packed` serves weights like this one: float32 or bfloat16 on the processor, oneDNN built in.
bool ct_can_pack(ct_tensor_t weight);
/// Reorders a weight once into oneDNN's own layout, good for inputs of about `rows` rows.
int ct_pack_linear(ct_tensor_t weight, int64_t rows, ct_tensor_t *out);
/// A linear layer with a packed weight, its activation or its residual sum fused; `bias` and `residual` may be NULL.
int ct_linear_packed(ct_tensor_t x, ct_tensor_t packed, ct_tensor_t bias, int32_t activation, ct_tensor_t residual,
                     ct_tensor_t *out);

// Training. What is computed outside `ct_inference_begin` from tensors that require gradients records how.
/// A copy of `x` that requires gradients: a parameter.
int ct_parameter(ct_tensor_t x, ct_tensor_t *out);
/// The same elements as a tensor that takes no part in gradients.
int ct_detach(ct_tensor_t x, ct_tensor_t *out);
/// Adds the gradients of the scalar `loss` to those of all parameters that it was computed from.
int ct_backward(ct_tensor_t loss);
/// The gradient of a parameter; zeros where none has come.
int ct_gradient(ct_tensor_t parameter, ct_tensor_t *out);
/// Drops the gradients.
int ct_clear_gradients(const ct_tensor_t *parameters, int32_t count);
/// The length of all gradients as one vector; where it is over `limit`, they are scaled to that length. 0 is no limit.
int ct_scale_gradients(const ct_tensor_t *parameters, int32_t count, double factor);
int ct_clip_gradients(const ct_tensor_t *parameters, int32_t count, double limit, double *norm);
/// One step of AdamW in place, number `step` from 1, on parameters that have gradients.
int ct_adamw(const ct_tensor_t *parameters, const ct_tensor_t *means, const ct_tensor_t *squares, int32_t count,
             int64_t step, double rate, double beta1, double beta2, double epsilon, double decay);
/// Limits the elements in place.
int ct_clamp_in_place(ct_tensor_t x, double low, double high);
int ct_softmax(ct_tensor_t x, ct_tensor_t *out);
/// The largest of the last dimension, which goes away.
int ct_maximum(ct_tensor_t x, ct_tensor_t *out);
/// The matrix product in the operands' own type, also between `ct_autocast_begin` and its end.
int ct_matmul_exact(ct_tensor_t x, ct_tensor_t y, ct_tensor_t *out);
/// `x` [rows, n] with each element set to 0 with chance `rate`, the others divided by 1 - rate. What is dropped of a row
/// is decided by its key (int64 [rows]), `place` and the element's number alone. With `kernel`, our own draws on the
/// processor; without, and on other devices, the library's operations draw the same.
int ct_dropout(ct_tensor_t x, ct_tensor_t keys, int64_t place, double rate, bool kernel, ct_tensor_t *out);
int ct_log_softmax(ct_tensor_t x, ct_tensor_t *out);
/// The mean of all elements, a scalar.
int ct_mean(ct_tensor_t x, ct_tensor_t *out);
/// The mean cross-entropy of logits [N, V] against classes int64 [N], with label smoothing.
int ct_cross_entropy(ct_tensor_t logits, ct_tensor_t classes, double smoothing, ct_tensor_t *out);
/// A function of the caller's: takes `x` over and hands out a tensor, or returns -1.
typedef int (*ct_body_t)(void *context, ct_tensor_t x, ct_tensor_t *out);
/// `body` of `x`, which is computed again in the backward pass instead of keeping what it needs. `release(context)` is called
/// when it is not needed any more, also when this fails.
int ct_recompute(ct_tensor_t x, ct_body_t body, void (*release)(void *), void *context, ct_tensor_t *out);
/// Another handle on the same tensor.
int ct_share(ct_tensor_t x, ct_tensor_t *out);
/// Until `ct_autocast_end`, products on this thread run in `dtype`, parameters stay as they are.
int ct_autocast_begin(int32_t dtype, int32_t device);
void ct_autocast_end(int32_t device);

// Attention by our own kernels, for inference: bfloat16 on the processor, nothing recorded.
/// Whether this processor runs them, and for heads of `width`.
bool ct_has_attention(int64_t width);
/// Whether it runs `ct_step_attention` for heads of `width` too.
bool ct_has_step_attention(int64_t width);
/// Attention of the first `queries` tokens over all of the fused `qkv` [B, T, 3 * heads * D]: [B, queries, heads * D].
int ct_self_attention(ct_tensor_t qkv, int64_t heads, int64_t queries, bool causal, ct_tensor_t *out);
/// Keys and values [B, S, 2 * heads * D] in the order in which `ct_cross_attention` multiplies them.
int ct_pack_keys_values(ct_tensor_t kv, int64_t heads, ct_tensor_t *out);
/// Attention of `q` [N, T, heads * D] over `keys` packed keys and values; `rows[b]` rows of `q` belong to image b.
int ct_cross_attention(ct_tensor_t q, ct_tensor_t packed, int64_t keys, const int64_t *rows, ct_tensor_t *out);
/// Adds the keys and values of `qkv` [N, 1, 3 * heads * D] at `place` of the cache's [N, heads, P, D], and attends to
/// all up to them: [N, 1, heads * D].
int ct_step_attention(ct_tensor_t qkv, ct_tensor_t keys, ct_tensor_t values, int64_t place, ct_tensor_t *out);

// Linear layers in 8-bit integers by our own kernels, for inference: bfloat16 in and out.
/// Whether this processor runs them, for layers of `inputs` inputs.
bool ct_has_int8(int64_t inputs);
/// Rounds and packs a weight [out, in].
int ct_pack_int8(ct_tensor_t weight, ct_tensor_t *out);
/// A linear layer of `outputs` outputs with a weight from `ct_pack_int8`; the rest as in `ct_linear_packed`, with no
/// activation but the first three.
int ct_linear_int8(ct_tensor_t x, ct_tensor_t packed, int64_t outputs, ct_tensor_t bias, int32_t activation,
                   ct_tensor_t residual, ct_tensor_t *out);

// The library.
/// Ends the recording of gradients on this thread, until the guard is handed back to `ct_inference_end`.
void *ct_inference_begin(void);
void ct_inference_end(void *guard);
/// Ends the recording of gradients and autocast on this thread, until the guard is handed back; what is computed in
/// between may take part in training as a constant.
void *ct_constant_begin(void);
void ct_constant_end(void *guard);
/// The threads that one operation started on the calling thread may use.
void ct_set_threads(int32_t count);
int32_t ct_cuda_device_count(void);
/// Whether this processor multiplies bfloat16 in hardware.
bool ct_cpu_has_bfloat16(void);

#ifdef __cplusplus
}
#endif
