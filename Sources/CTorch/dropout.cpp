#include "kernels.hpp"

using namespace ct;

namespace {

/// SplitMix64's finalizer of the elements of an int64 tensor, seen as unsigned.
at::Tensor mixed(at::Tensor x) {
    const auto shifted = [](const at::Tensor &y, int64_t by) {
        return at::bitwise_and(at::bitwise_right_shift(y, by), static_cast<int64_t>(~uint64_t(0) >> by));
    };
    x = at::bitwise_xor(x, shifted(x, 30)) * static_cast<int64_t>(0xbf58476d1ce4e5b9);
    x = at::bitwise_xor(x, shifted(x, 27)) * static_cast<int64_t>(0x94d049bb133111eb);
    return at::bitwise_xor(x, shifted(x, 31));
}

/// The factors of `ck_dropout_factors`, on the keys' device.
at::Tensor device_factors(const at::Tensor &keys, int64_t count, int64_t place, double rate) {
    const int64_t increment = static_cast<int64_t>(0x9e3779b97f4a7c15);
    const at::Tensor pairs = at::arange(1, (count + 1) / 2 + 1, keys.options()) * increment;
    const at::Tensor states =
        mixed(keys + static_cast<int64_t>(static_cast<uint64_t>(place) * static_cast<uint64_t>(increment)));
    const at::Tensor bits = mixed(states.unsqueeze(1) + pairs);
    const int64_t low = 0xffffffff;
    const at::Tensor numbers =
        at::stack({at::bitwise_and(bits, low), at::bitwise_and(at::bitwise_right_shift(bits, 32), low)}, 2)
            .reshape({keys.size(0), -1})
            .narrow(1, 0, count);
    const int64_t dropped = std::min<int64_t>(static_cast<int64_t>(rate * 4294967296.0), 4294967295);
    return at::ge(numbers, dropped).to(at::kFloat) * static_cast<double>(static_cast<float>(1 / (1 - rate)));
}

} // namespace

extern "C" int ct_dropout(ct_tensor_t x, ct_tensor_t keys, int64_t place, double rate, bool kernel,
                          ct_tensor_t *out) {
    return made(out, [&] {
        const at::Tensor &k = keys->value;
        TORCH_CHECK(x->value.dim() == 2 && k.dim() == 1 && k.size(0) == x->value.size(0), "one key a row");
        TORCH_CHECK(k.scalar_type() == at::kLong && k.is_contiguous(), "keys are int64");
        TORCH_CHECK(rate >= 0 && rate < 1, "a rate of ", rate);
        if (!kernel || !k.is_cpu())
            return x->value * device_factors(k, x->value.size(1), place, rate).to(x->value.scalar_type());
        at::Tensor factors = at::empty(x->value.sizes(), x->value.options().dtype(at::kFloat).requires_grad(false));
        ck_dropout_factors(reinterpret_cast<const uint64_t *>(k.data_ptr<int64_t>()), factors.size(0), factors.size(1),
                           place, rate, factors.data_ptr<float>());
        return x->value * factors.to(x->value.scalar_type());
    });
}
