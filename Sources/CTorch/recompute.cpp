#include "support.h"

#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include <stdexcept>

using namespace ct;

namespace {

/// A function of the caller's, kept until no backward pass can need it any more.
struct Body : torch::CustomClassHolder {
    ct_body_t run;
    void (*release_context)(void *);
    void *context;

    Body(ct_body_t run, void (*release)(void *), void *context)
        : run(run), release_context(release), context(context) {}
    ~Body() override { release_context(context); }

    at::Tensor operator()(const at::Tensor &x) const {
        ct_tensor_t out = nullptr;
        if (run(context, new ct_tensor{x}, &out) != 0) throw std::runtime_error(last_error);
        at::Tensor y = out->value;
        delete out;
        return y;
    }
};

/// Autocast as it was where a function was computed first, until the end of the scope.
///
/// Parameters are converted anew: a copy that is kept would be part of the graph of one pass.
struct Autocasting {
    at::DeviceType device;
    bool caches = at::autocast::is_autocast_cache_enabled();
    bool is_on;

    Autocasting(at::DeviceType device, bool is_on, at::ScalarType dtype) : device(device), is_on(is_on) {
        if (!is_on) return;
        at::autocast::set_autocast_dtype(device, dtype);
        at::autocast::set_autocast_enabled(device, true);
        at::autocast::set_autocast_cache_enabled(false);
    }
    ~Autocasting() {
        if (!is_on) return;
        // A backward pass runs without it.
        at::autocast::set_autocast_enabled(device, false);
        at::autocast::set_autocast_cache_enabled(caches);
    }
};

struct Recomputed : torch::autograd::Function<Recomputed> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &x,
                              const c10::intrusive_ptr<Body> &body) {
        context->save_for_backward({x});
        context->saved_data["body"] = c10::IValue::make_capsule(body);
        const at::DeviceType device = x.device().type();
        context->saved_data["autocast"] = at::autocast::is_autocast_enabled(device);
        context->saved_data["dtype"] = static_cast<int64_t>(at::autocast::get_autocast_dtype(device));
        return (*body)(x);
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list gradients) {
        const auto body = c10::static_intrusive_pointer_cast<Body>(context->saved_data["body"].toCapsule());
        at::AutoGradMode recording(true);
        at::Tensor x = context->get_saved_variables()[0].detach().requires_grad_(true);
        at::Tensor y;
        {
            Autocasting as_before(x.device().type(), context->saved_data["autocast"].toBool(),
                                  static_cast<at::ScalarType>(context->saved_data["dtype"].toInt()));
            y = (*body)(x);
        }
        torch::autograd::backward({y}, {gradients[0]});
        return {x.grad(), at::Tensor()};
    }
};

} // namespace

extern "C" {

int ct_share(ct_tensor_t x, ct_tensor_t *out) {
    return made(out, [&] { return x->value; });
}

int ct_recompute(ct_tensor_t x, ct_body_t run, void (*release)(void *), void *context, ct_tensor_t *out) {
    return made(out, [&] {
        const auto body = c10::make_intrusive<Body>(run, release, context);
        if (!at::GradMode::is_enabled() || !x->value.requires_grad()) return (*body)(x->value);
        return Recomputed::apply(x->value, body);
    });
}
}
