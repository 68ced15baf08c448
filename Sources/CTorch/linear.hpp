#pragma once
// Linear layers, and how oneDNN's operators are called; no part of the shim's interface.
#include "support.h"

#include <ATen/core/dispatch/Dispatcher.h>

namespace ct {

// oneDNN's operators have no C++ declaration; their schemas are the same in libtorch 2.11 and 2.13.
using Scalars = c10::List<std::optional<at::Scalar>>;
using Pack = at::Tensor(const at::Tensor &, std::optional<c10::SymInt>);
using Pointwise = at::Tensor(const at::Tensor &, const at::Tensor &, const std::optional<at::Tensor> &,
                             c10::string_view, Scalars, std::optional<c10::string_view>);
using Binary = at::Tensor(const at::Tensor &, const at::Tensor &, const at::Tensor &,
                          const std::optional<at::Tensor> &, c10::string_view);

template <typename Signature> auto operation(const char *name, const char *overload) {
    return c10::Dispatcher::singleton().findSchemaOrThrow(name, overload).typed<Signature>();
}

/// `x · weightᵀ + bias`, by whichever library is the fastest; records gradients.
at::Tensor best_linear(const at::Tensor &x, const at::Tensor &weight, const std::optional<at::Tensor> &bias);

} // namespace ct
