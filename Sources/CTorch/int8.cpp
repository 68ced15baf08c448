#include "kernels.hpp"

using namespace ct;

extern "C" {

bool ct_has_int8(int64_t inputs) { return inputs % 16 == 0 && ck_has_int8(); }

int ct_pack_int8(ct_tensor_t weight, ct_tensor_t *out) {
    return made(out, [&] {
        const at::Tensor w = weight->value.to(at::kFloat).contiguous();
        TORCH_CHECK(w.is_cpu() && w.dim() == 2 && ct_has_int8(w.size(1)), "no integer kernel for this weight");
        at::Tensor packed = at::empty({int64_t(ck_int8_weight_bytes(w.size(0), w.size(1)))}, at::kByte);
        ck_int8_pack(w.data_ptr<float>(), w.size(0), w.size(1), packed.data_ptr<uint8_t>());
        return packed;
    });
}

int ct_linear_int8(ct_tensor_t input, ct_tensor_t packed, int64_t outputs, ct_tensor_t bias, int32_t activation,
                   ct_tensor_t residual, ct_tensor_t *out) {
    return made(out, [&] {
        const at::Tensor x = readable(input->value);
        const int64_t inputs = x.size(-1), rows = x.numel() / inputs;
        TORCH_CHECK(packed->value.numel() == int64_t(ck_int8_weight_bytes(outputs, inputs)), "another layer's weight");
        auto shape = x.sizes().vec();
        shape.back() = outputs;
        const at::Tensor b = bias ? readable(bias->value) : at::Tensor();
        const at::Tensor r = residual ? readable(residual->value) : at::Tensor();
        TORCH_CHECK(!bias || b.numel() == outputs, "a bias of another size");
        TORCH_CHECK(!residual || r.sizes() == shape, "a residual of another shape");
        at::Tensor y = at::empty(shape, x.options()), q = at::empty({rows, inputs}, at::kByte);
        std::vector<ck_rounding> roundings(rows);
        ck_int8_round(bits(x), rows, inputs, q.data_ptr<uint8_t>(), roundings.data());
        ck_int8_linear(q.data_ptr<uint8_t>(), roundings.data(), rows, packed->value.data_ptr<uint8_t>(), outputs,
                       inputs, bias ? bits(b) : nullptr, activation, residual ? bits(r) : nullptr, bits(y));
        return y;
    });
}
}
