#pragma once
#include "kernels/kernels.h"
#include "support.h"

inline const uint16_t *bits(const at::Tensor &x) { return static_cast<const uint16_t *>(x.data_ptr()); }
inline uint16_t *bits(at::Tensor &x) { return static_cast<uint16_t *>(x.data_ptr()); }

/// `x` with its elements adjacent; what the bfloat16 kernels cannot read is an error.
inline at::Tensor readable(const at::Tensor &x) {
    TORCH_CHECK(ck_has_bfloat16(), "this processor has no bfloat16 kernels");
    TORCH_CHECK(x.is_cpu() && x.scalar_type() == at::kBFloat16, "the kernels read bfloat16 on the processor");
    return x.contiguous();
}
