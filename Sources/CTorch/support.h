#pragma once
// What the implementation files of this shim share; no part of its interface.
#include "ctorch.h"

#include <ATen/ATen.h>

#include <exception>
#include <optional>
#include <string>
#include <vector>

struct ct_tensor {
    at::Tensor value;
};

namespace ct {

/// Why the last failed call of this thread failed, and which kind of failure it was (CT_FAILURE_...).
inline thread_local std::string last_error;
inline thread_local int32_t last_failure = CT_FAILURE_OTHER;

/// Runs `body` and turns every C++ exception into -1 plus a message: none crosses into Swift.
template <typename Body> int guarded(Body body) {
    last_failure = CT_FAILURE_OTHER;
    try {
        body();
        return 0;
    } catch (const c10::OutOfMemoryError &e) {
        last_failure = CT_FAILURE_MEMORY;
        last_error = e.what_without_backtrace();
    } catch (const c10::Error &e) {
        last_error = e.what_without_backtrace();
    } catch (const std::exception &e) {
        last_error = e.what();
    } catch (...) {
        last_error = "unknown C++ exception";
    }
    return -1;
}

/// Runs `body` and hands its tensor out as an owned handle.
template <typename Body> int made(ct_tensor_t *out, Body body) {
    return guarded([&] { *out = new ct_tensor{body()}; });
}

inline constexpr int32_t type_count = 7;
inline const at::ScalarType types[type_count] = {at::kFloat, at::kBFloat16, at::kHalf, at::kLong,
                                                 at::kByte,  at::kDouble,   at::kBool};

inline at::ScalarType type_of(int32_t dtype) {
    TORCH_CHECK(dtype >= 0 && dtype < type_count, "no element type ", dtype);
    return types[dtype];
}

inline at::Device device_of(int32_t device) {
    return device < 0 ? at::Device(at::kCPU) : at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(device));
}

inline at::IntArrayRef ints(const int64_t *values, int32_t count) { return {values, static_cast<size_t>(count)}; }

inline std::optional<at::Tensor> maybe(ct_tensor_t x) {
    return x ? std::optional<at::Tensor>(x->value) : std::nullopt;
}

inline std::vector<at::Tensor> list(const ct_tensor_t *tensors, int32_t count) {
    std::vector<at::Tensor> values;
    for (int32_t i = 0; i < count; i++) values.push_back(tensors[i]->value);
    return values;
}

} // namespace ct
