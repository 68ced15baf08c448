#include "support.h"

#include <ATen/autocast_mode.h>

using namespace ct;

namespace {

at::DeviceType kind(int32_t device) { return device < 0 ? at::kCPU : at::kCUDA; }

/// The gradients of those of `parameters` that have one.
std::vector<at::Tensor> gradients(const ct_tensor_t *parameters, int32_t count) {
    std::vector<at::Tensor> found;
    for (int32_t i = 0; i < count; i++)
        if (parameters[i]->value.grad().defined()) found.push_back(parameters[i]->value.grad());
    return found;
}

struct Constant {
    at::NoGradGuard no_gradients;
    c10::impl::ExcludeDispatchKeyGuard no_autocast{c10::autocast_dispatch_keyset};
};

} // namespace

extern "C" {

int ct_parameter(ct_tensor_t x, ct_tensor_t *out) {
    return made(out, [&] { return x->value.detach().clone(at::MemoryFormat::Contiguous).requires_grad_(true); });
}
int ct_detach(ct_tensor_t x, ct_tensor_t *out) {
    return made(out, [&] { return x->value.detach(); });
}
int ct_backward(ct_tensor_t loss) {
    return guarded([&] {
        // What a backward pass multiplies has the types of the forward pass already.
        c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
        loss->value.backward();
    });
}
int ct_gradient(ct_tensor_t parameter, ct_tensor_t *out) {
    return made(out, [&] {
        const at::Tensor &gradient = parameter->value.grad();
        return gradient.defined() ? gradient : at::zeros_like(parameter->value.detach());
    });
}
int ct_clear_gradients(const ct_tensor_t *parameters, int32_t count) {
    return guarded([&] {
        for (int32_t i = 0; i < count; i++) parameters[i]->value.mutable_grad() = at::Tensor();
    });
}
int ct_scale_gradients(const ct_tensor_t *parameters, int32_t count, double factor) {
    return guarded([&] {
        at::NoGradGuard off;
        const std::vector<at::Tensor> found = gradients(parameters, count);
        if (!found.empty()) at::_foreach_mul_(found, factor);
    });
}
int ct_clip_gradients(const ct_tensor_t *parameters, int32_t count, double limit, double *norm) {
    return guarded([&] {
        at::NoGradGuard off;
        const std::vector<at::Tensor> found = gradients(parameters, count);
        TORCH_CHECK(!found.empty(), "no parameter has a gradient");
        *norm = at::stack(at::_foreach_norm(found)).norm().item<double>();
        if (limit > 0 && *norm > limit) at::_foreach_mul_(found, limit / (*norm + 1e-6));
    });
}
int ct_adamw(const ct_tensor_t *parameters, const ct_tensor_t *means, const ct_tensor_t *squares, int32_t count,
             int64_t step, double rate, double beta1, double beta2, double epsilon, double decay) {
    return guarded([&] {
        at::NoGradGuard off;
        std::vector<at::Tensor> values, slopes, first, second, steps;
        for (int32_t i = 0; i < count; i++) {
            const at::Tensor &value = parameters[i]->value;
            if (!value.grad().defined()) continue;
            values.push_back(value.detach()); // shares the storage
            slopes.push_back(value.grad());
            first.push_back(means[i]->value);
            second.push_back(squares[i]->value);
            steps.push_back(at::full({}, static_cast<double>(step), value.options().dtype(at::kFloat).requires_grad(false)));
        }
        if (values.empty()) return;
        at::_fused_adamw_(values, slopes, first, second, {}, steps, rate, beta1, beta2, decay, epsilon, false, false);
    });
}
int ct_clamp_in_place(ct_tensor_t x, double low, double high) {
    return guarded([&] {
        at::NoGradGuard off;
        x->value.clamp_(low, high);
    });
}
int ct_maximum(ct_tensor_t x, ct_tensor_t *out) {
    return made(out, [&] { return std::get<0>(at::max(x->value, -1)); });
}
int ct_matmul_exact(ct_tensor_t x, ct_tensor_t y, ct_tensor_t *out) {
    return made(out, [&] {
        c10::impl::ExcludeDispatchKeyGuard off(c10::autocast_dispatch_keyset);
        return at::matmul(x->value, y->value);
    });
}
int ct_softmax(ct_tensor_t x, ct_tensor_t *out) {
    return made(out, [&] { return at::softmax(x->value, -1); });
}
int ct_log_softmax(ct_tensor_t x, ct_tensor_t *out) {
    return made(out, [&] { return at::log_softmax(x->value, -1); });
}
int ct_mean(ct_tensor_t x, ct_tensor_t *out) {
    return made(out, [&] { return x->value.mean(); });
}
int ct_cross_entropy(ct_tensor_t logits, ct_tensor_t classes, double smoothing, ct_tensor_t *out) {
    return made(out, [&] {
        return at::cross_entropy_loss(logits->value, classes->value, {}, at::Reduction::Mean, -100, smoothing);
    });
}
void *ct_constant_begin(void) { return new Constant; }
void ct_constant_end(void *guard) { delete static_cast<Constant *>(guard); }
int ct_autocast_begin(int32_t dtype, int32_t device) {
    return guarded([&] {
        at::autocast::set_autocast_dtype(kind(device), type_of(dtype));
        at::autocast::set_autocast_enabled(kind(device), true);
        at::autocast::increment_nesting();
    });
}
void ct_autocast_end(int32_t device) {
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(kind(device), false);
}
}
