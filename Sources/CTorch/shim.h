#pragma once
#include "ctorch.h"

#include <ATen/ATen.h>

#include <string>

struct ct_tensor {
    at::Tensor value;
};

/// What `ct_last_error` says on this thread.
extern thread_local std::string last_error;

/// Runs `body` and turns every C++ exception into -1 plus a message: none crosses into Swift.
template <typename Body> int guarded(Body body) {
    try {
        body();
        return 0;
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
