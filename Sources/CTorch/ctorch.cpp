#include "kernels.hpp"
#include "linear.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/InferenceMode.h>

#include <cstdlib>
#include <cstring>

#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

using namespace ct;

namespace {

/// oneDNN keeps what it has prepared for every shape that it meets, 1,024 of them unless it is told otherwise. In training, where
/// hardly two batches have the same number of tokens, that comes to a gigabyte. It reads the variable once, at its first use.
[[maybe_unused]] const bool keeps_few_shapes = setenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "256", 0) == 0;

/// What oneDNN calls an activation that it fuses.
const char *pointwise_name(int32_t activation) {
    switch (activation) {
    case CT_GELU:
    case CT_GELU_TANH: return "gelu";
    case CT_RELU: return "relu";
    default: return "none";
    }
}

at::Tensor quick_gelu(const at::Tensor &x) {
    // x * sigmoid(1.702 x) = silu(1.702 x) / 1.702, with one temporary.
    at::Tensor y = x * 1.702;
    return at::silu_(y).div_(1.702);
}

} // namespace

namespace {

/// Attention by whole products. The library's fused kernel goes backward through thousands of small products, each of
/// which sets up a primitive when it is in bfloat16: five times the time of these.
at::Tensor plain_attention(const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, bool causal) {
    at::Tensor scores = at::matmul(q * (1 / std::sqrt(static_cast<double>(q.size(-1)))), k.transpose(-2, -1));
    if (causal) {
        const at::Tensor later = at::ones({q.size(-2), k.size(-2)}, q.options().dtype(at::kBool)).triu(1);
        scores = scores.masked_fill(later, -std::numeric_limits<double>::infinity());
    }
    return at::matmul(at::softmax(scores, -1), v);
}

} // namespace

extern "C" {

const char *ct_last_error(void) { return last_error.c_str(); }
int32_t ct_last_failure(void) { return last_failure; }
void ct_free(ct_tensor_t x) { delete x; }

int32_t ct_rank(ct_tensor_t x) { return static_cast<int32_t>(x->value.dim()); }
int64_t ct_size(ct_tensor_t x, int32_t dimension) { return x->value.sizes()[dimension]; }
int32_t ct_dtype(ct_tensor_t x) {
    for (int32_t i = 0; i < type_count; i++)
        if (types[i] == x->value.scalar_type()) return i;
    return -1;
}
int32_t ct_device(ct_tensor_t x) { return x->value.is_cuda() ? x->value.get_device() : CT_CPU; }

int ct_from_bytes(const void *bytes, int32_t dtype, const int64_t *shape, int32_t rank, ct_tensor_t *out) {
    return made(out, [&] {
        at::Tensor t = at::empty(ints(shape, rank), type_of(dtype));
        if (t.nbytes()) std::memcpy(t.data_ptr(), bytes, t.nbytes());
        return t;
    });
}
int ct_from_strided(const void *bytes, size_t count, int32_t dtype, const int64_t *shape, const int64_t *strides,
                    int32_t rank, ct_tensor_t *out) {
    return made(out, [&] {
        // The file's memory may be at an odd address: the bytes move first.
        at::Tensor all = at::empty({static_cast<int64_t>(count / at::elementSize(type_of(dtype)))}, type_of(dtype));
        if (count) std::memcpy(all.data_ptr(), bytes, all.nbytes());
        return all.as_strided(ints(shape, rank), ints(strides, rank)).clone(at::MemoryFormat::Contiguous);
    });
}
int ct_from_memory(void *memory, int32_t dtype, const int64_t *shape, int32_t rank, void (*release)(void *),
                   void *context, ct_tensor_t *out) {
    return made(out, [&] {
        // from_blob may run the deleter when it fails itself; ownership passes on success only.
        auto owned = std::make_shared<bool>(false);
        auto deleter = [release, context, owned](void *) {
            if (*owned) release(context);
        };
        at::Tensor t = at::from_blob(memory, ints(shape, rank), deleter, at::TensorOptions(type_of(dtype)));
        *owned = true;
        return t;
    });
}
int ct_copy_bytes(ct_tensor_t x, void *out, size_t count) {
    return guarded([&] {
        at::Tensor t = x->value.to(at::kCPU).contiguous();
        TORCH_CHECK(t.nbytes() == count, "expected ", count, " bytes, tensor has ", t.nbytes());
        if (count) std::memcpy(out, t.data_ptr(), count);
    });
}
int ct_empty(const int64_t *shape, int32_t rank, int32_t dtype, int32_t device, ct_tensor_t *out) {
    return made(out, [&] {
        return at::empty(ints(shape, rank), at::TensorOptions(type_of(dtype)).device(device_of(device)));
    });
}
int ct_to(ct_tensor_t x, int32_t dtype, int32_t device, ct_tensor_t *out) {
    return made(out, [&] { return x->value.to(device_of(device), type_of(dtype)); });
}

int ct_reshape(ct_tensor_t x, const int64_t *shape, int32_t rank, ct_tensor_t *out) {
    return made(out, [&] { return x->value.reshape(ints(shape, rank)); });
}
int ct_permute(ct_tensor_t x, const int64_t *dimensions, int32_t rank, ct_tensor_t *out) {
    return made(out, [&] { return x->value.permute(ints(dimensions, rank)); });
}
int ct_expand(ct_tensor_t x, const int64_t *shape, int32_t rank, ct_tensor_t *out) {
    return made(out, [&] { return x->value.expand(ints(shape, rank)); });
}
int ct_narrow(ct_tensor_t x, int32_t dimension, int64_t start, int64_t count, ct_tensor_t *out) {
    return made(out, [&] { return x->value.narrow(dimension, start, count); });
}
int ct_contiguous(ct_tensor_t x, ct_tensor_t *out) {
    return made(out, [&] { return x->value.contiguous(); });
}
int ct_copy(ct_tensor_t x, ct_tensor_t *out) {
    return made(out, [&] { return x->value.clone(at::MemoryFormat::Contiguous); });
}
int ct_concatenate(const ct_tensor_t *parts, int32_t count, int32_t dimension, ct_tensor_t *out) {
    return made(out, [&] {
        return at::cat(list(parts, count), dimension);
    });
}
int ct_resize_bicubic(ct_tensor_t x, int64_t height, int64_t width, bool align_corners, ct_tensor_t *out) {
    return made(out, [&] { return at::upsample_bicubic2d(x->value, {height, width}, align_corners); });
}
int ct_index_select(ct_tensor_t x, int32_t dimension, ct_tensor_t index, ct_tensor_t *out) {
    return made(out, [&] { return at::index_select(x->value, dimension, index->value); });
}
int ct_assign(ct_tensor_t x, ct_tensor_t source) {
    return guarded([&] { x->value.copy_(source->value); });
}

int ct_add(ct_tensor_t x, ct_tensor_t y, ct_tensor_t *out) {
    return made(out, [&] { return x->value + y->value; });
}
int ct_subtract(ct_tensor_t x, ct_tensor_t y, ct_tensor_t *out) {
    return made(out, [&] { return x->value - y->value; });
}
int ct_divide(ct_tensor_t x, ct_tensor_t y, ct_tensor_t *out) {
    return made(out, [&] { return x->value / y->value; });
}
int ct_scale(ct_tensor_t x, double factor, ct_tensor_t *out) {
    return made(out, [&] { return x->value * factor; });
}
int ct_matmul(ct_tensor_t x, ct_tensor_t y, ct_tensor_t *out) {
    return made(out, [&] { return at::matmul(x->value, y->value); });
}
int ct_gelu(ct_tensor_t x, ct_tensor_t *out) {
    return made(out, [&] { return at::gelu(x->value); });
}
int ct_quick_gelu(ct_tensor_t x, ct_tensor_t *out) {
    return made(out, [&] { return quick_gelu(x->value); });
}
int ct_gelu_tanh(ct_tensor_t x, ct_tensor_t *out) {
    return made(out, [&] { return at::gelu(x->value, "tanh"); });
}
int ct_relu(ct_tensor_t x, ct_tensor_t *out) {
    return made(out, [&] { return at::relu(x->value); });
}
int ct_logsumexp(ct_tensor_t x, ct_tensor_t *out) {
    return made(out, [&] { return at::logsumexp(x->value, {-1}); });
}
int ct_l2_norm(ct_tensor_t x, ct_tensor_t *out) {
    return made(out, [&] { return x->value.norm(2, {-1}, true); });
}

int ct_linear(ct_tensor_t x, ct_tensor_t weight, ct_tensor_t bias, ct_tensor_t *out) {
    return made(out, [&] { return best_linear(x->value, weight->value, maybe(bias)); });
}
int ct_layer_norm(ct_tensor_t x, ct_tensor_t weight, ct_tensor_t bias, double epsilon, ct_tensor_t *out) {
    return made(out, [&] {
        return at::layer_norm(x->value, {weight->value.size(0)}, weight->value, bias->value, epsilon);
    });
}
int ct_rms_norm(ct_tensor_t x, ct_tensor_t weight, double epsilon, ct_tensor_t *out) {
    return made(out, [&] {
        const at::Tensor wide = x->value.to(at::kFloat);
        const at::Tensor y = wide * at::rsqrt(wide.square().mean(-1, true) + epsilon);
        return weight->value * y.to(weight->value.scalar_type());
    });
}
int ct_attention(ct_tensor_t q, ct_tensor_t k, ct_tensor_t v, bool causal, ct_tensor_t *out) {
    return made(out, [&] {
        if (q->value.is_cpu() && at::GradMode::is_enabled() && q->value.scalar_type() == at::kBFloat16)
            return plain_attention(q->value, k->value, v->value, causal);
        return at::scaled_dot_product_attention(q->value, k->value, v->value, {}, 0.0, causal);
    });
}

bool ct_can_pack(ct_tensor_t weight) {
    const at::Tensor &w = weight->value;
    const bool served = w.scalar_type() == at::kFloat || (w.scalar_type() == at::kBFloat16 && ct_cpu_has_bfloat16());
    return w.is_cpu() && served && at::globalContext().hasMKLDNN() &&
           c10::Dispatcher::singleton().findSchema({"mkldnn::_linear_pointwise", "binary"}).has_value();
}
int ct_pack_linear(ct_tensor_t weight, int64_t rows, ct_tensor_t *out) {
    return made(out, [&] {
        return operation<Pack>("mkldnn::_reorder_linear_weight", "").call(weight->value.contiguous(), rows);
    });
}
int ct_linear_packed(ct_tensor_t x, ct_tensor_t packed, ct_tensor_t bias, int32_t activation, ct_tensor_t residual,
                     ct_tensor_t *out) {
    return made(out, [&] {
        if (residual)
            return operation<Binary>("mkldnn::_linear_pointwise", "binary")
                .call(x->value, residual->value, packed->value, maybe(bias), "add");
        at::Tensor y = operation<Pointwise>("mkldnn::_linear_pointwise", "")
                           .call(x->value, packed->value, maybe(bias), pointwise_name(activation), Scalars(),
                                 activation == CT_GELU_TANH ? "tanh" : "none");
        if (activation != CT_QUICK_GELU) return y;
        if (y.scalar_type() != at::kBFloat16 || !ck_has_bfloat16()) return quick_gelu(y);
        ck_quick_gelu(bits(y), y.numel());
        return y;
    });
}

void *ct_inference_begin(void) { return new c10::InferenceMode(true); }
void ct_inference_end(void *guard) { delete static_cast<c10::InferenceMode *>(guard); }
void ct_set_threads(int32_t count) { at::set_num_threads(count); }
int32_t ct_cuda_device_count(void) {
    return at::globalContext().hasCUDA() ? static_cast<int32_t>(at::getNumGPUs()) : 0;
}
bool ct_cpu_has_bfloat16(void) {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512bf16");
#elif defined(__aarch64__)
    return getauxval(AT_HWCAP2) & (1UL << 14); // HWCAP2_BF16
#else
    return false;
#endif
}
}
