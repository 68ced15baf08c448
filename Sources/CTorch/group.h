#pragma once
// A group of processes, for the files of this shim that use one.
#include "support.h"
#include "ctorch_group.h"

#include <ATen/ATen.h>
#include <torch/version.h>

#if __has_include(<torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>)
#include <gloo/algorithm.h>
// The stubs were checked against the c10d of these versions, in which nothing but names of gloo is asked for.
#if !defined(CT_GLOO_STUBS) || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR == 13)
#define CT_HAS_GROUPS
#endif
#endif

#ifdef CT_HAS_GROUPS
#define USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <memory>
#include <mutex>

struct ct_store {
    c10::intrusive_ptr<c10d::TCPStore> server;
    c10::intrusive_ptr<c10d::Store> value;
};

namespace ct {

struct Group {
    c10::intrusive_ptr<c10d::Backend> backend;
    int64_t index, count;
    std::mutex calls; // c10d numbers its calls, without a lock of its own
};

} // namespace ct

struct ct_group {
    std::shared_ptr<ct::Group> value;
};

namespace ct {

/// Adds `flat` up over the processes, in their order, in place: contiguous, on the processor, of one of the types that are
/// summed, with a number of elements that is a multiple of the number of processes. Uses one thread.
void sum_in_order(Group &group, at::Tensor &flat);

/// Runs `body`, whose failures make the group useless; that memory ran out stays the word for it.
template <typename Body> int in_group(Body body) {
    const int status = guarded(body);
    if (status != 0 && last_failure != CT_FAILURE_MEMORY) last_failure = CT_FAILURE_GROUP;
    return status;
}

/// The next multiple of `part`.
inline int64_t rounded_up(int64_t count, int64_t part) { return (count + part - 1) / part * part; }

} // namespace ct
#endif
