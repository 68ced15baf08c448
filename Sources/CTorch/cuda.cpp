#include "ctorch_cuda.h"
#include "support.h"

#include <cstring>
#include <memory>
#include <mutex>
#include <string>

// A libtorch with CUDA has the first file; the CUDA toolkit, or wheels of it, have the others.
#if __has_include(<c10/cuda/impl/cuda_cmake_macros.h>) && __has_include(<cuda_runtime_api.h>) && \
    __has_include(<crt/host_config.h>)
#define CT_CUDA 1
#include <ATen/Context.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>
#else
#define CT_CUDA 0
#endif

using namespace ct;

#if CT_CUDA

namespace {
namespace allocator = c10::cuda::CUDACachingAllocator;

struct stream_t {
    c10::cuda::CUDAStream value;
};

/// One recording at a time in the process: those of two threads would mix their memory.
std::mutex recording;

/// A recorded step with a pool of memory of its own.
struct graph_t {
    at::cuda::CUDAGraph value;
    const at::cuda::MempoolId_t pool = at::cuda::graph_pool_handle();
    const c10::DeviceIndex device;

    explicit graph_t(c10::DeviceIndex device) : device(device) {}

    /// What libtorch leaves behind when a recording fails: a filter in the allocator that would send later allocations to
    /// this graph's pool, and the pool.
    void clean_up() {
        guarded([&] { allocator::endAllocateToPool(device, pool); });
        guarded([&] { allocator::releasePool(device, pool); });
        cudaGetLastError(); // an error of the recording is no error of what comes next
    }
};
} // namespace

extern "C" {

bool ct_cuda_is_built(void) { return true; }

int ct_stream_make(int32_t device, void **out) {
    return guarded([&] {
        const auto index = static_cast<c10::DeviceIndex>(device);
        *out = new stream_t{c10::cuda::getStreamFromPool(/*isHighPriority=*/false, index)};
    });
}
void ct_stream_free(void *stream) { delete static_cast<stream_t *>(stream); }
int ct_stream_begin(void *stream) {
    return guarded([&] {
        const c10::cuda::CUDAStream &value = static_cast<stream_t *>(stream)->value;
        c10::cuda::set_device(value.device_index());
        c10::cuda::setCurrentCUDAStream(value);
    });
}
int ct_stream_end(void *stream) {
    return guarded([&] {
        const c10::DeviceIndex device = static_cast<stream_t *>(stream)->value.device_index();
        c10::cuda::setCurrentCUDAStream(c10::cuda::getDefaultCUDAStream(device));
    });
}
int64_t ct_stream_current(int32_t device) {
    return c10::cuda::getCurrentCUDAStream(static_cast<c10::DeviceIndex>(device)).id();
}
int ct_synchronize(int32_t device) {
    return guarded([&] {
        c10::cuda::set_device(static_cast<c10::DeviceIndex>(device));
        c10::cuda::device_synchronize();
    });
}
int ct_cuda_memory(int32_t device, int64_t *available, int64_t *total) {
    return guarded([&] {
        at::globalContext().lazyInitDevice(at::kCUDA); // before that the allocator knows no device
        // What the allocator reserved and does not use, it will use before it asks the device for more.
        constexpr auto all = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
        const auto index = static_cast<c10::DeviceIndex>(device);
        const auto [free, size] = allocator::get()->getMemoryInfo(index);
        const auto stats = allocator::getDeviceStats(index);
        const int64_t unused = stats.reserved_bytes[all].current - stats.allocated_bytes[all].current;
        *available = static_cast<int64_t>(free) + unused;
        *total = static_cast<int64_t>(size);
    });
}
int ct_cuda_empty_cache(void) {
    return guarded([&] { allocator::emptyCache(); });
}
void ct_cuda_use_cudnn_attention(bool use) { at::globalContext().setSDPUseCuDNN(use); }

int ct_upload(const void *bytes, int32_t dtype, const int64_t *shape, int32_t rank, int32_t device, ct_tensor_t *out) {
    return made(out, [&] {
        const auto options = at::TensorOptions(type_of(dtype)).pinned_memory(device >= 0);
        at::Tensor t = at::empty(ints(shape, rank), options);
        if (t.nbytes()) std::memcpy(t.data_ptr(), bytes, t.nbytes());
        return device < 0 ? t : t.to(device_of(device), /*non_blocking=*/true);
    });
}

int ct_graph_begin(int32_t device, void **graph) {
    recording.lock();
    std::unique_ptr<graph_t> made;
    int status = guarded([&] {
        made = std::make_unique<graph_t>(static_cast<c10::DeviceIndex>(device));
        // Only this thread is watched: other engines may allocate and wait meanwhile.
        made->value.capture_begin(made->pool, cudaStreamCaptureModeThreadLocal);
    });
    if (status == 0) {
        *graph = made.release();
        return 0;
    }
    const std::string reason = last_error;
    if (made) made->clean_up();
    recording.unlock();
    last_error = reason;
    return status;
}
int ct_graph_end(void *graph) {
    auto *recorded = static_cast<graph_t *>(graph);
    const int status = guarded([&] { recorded->value.capture_end(); });
    if (status != 0) {
        const std::string reason = last_error;
        recorded->clean_up();
        delete recorded;
        last_error = reason;
    }
    recording.unlock();
    return status;
}
int ct_graph_run(void *graph) {
    return guarded([&] { static_cast<graph_t *>(graph)->value.replay(); });
}
void ct_graph_free(void *graph) { delete static_cast<graph_t *>(graph); }
}

#else

static int absent() {
    last_error = "this shim was built without CUDA";
    return -1;
}

extern "C" {

bool ct_cuda_is_built(void) { return false; }
int ct_stream_make(int32_t, void **) { return absent(); }
void ct_stream_free(void *) {}
int ct_stream_begin(void *) { return absent(); }
int ct_stream_end(void *) { return absent(); }
int64_t ct_stream_current(int32_t) { return 0; }
int ct_synchronize(int32_t) { return absent(); }
int ct_cuda_memory(int32_t, int64_t *, int64_t *) { return absent(); }
int ct_cuda_empty_cache(void) { return 0; }
void ct_cuda_use_cudnn_attention(bool) {}
int ct_upload(const void *bytes, int32_t dtype, const int64_t *shape, int32_t rank, int32_t device, ct_tensor_t *out) {
    return made(out, [&] {
        at::Tensor t = at::empty(ints(shape, rank), at::TensorOptions(type_of(dtype)));
        if (t.nbytes()) std::memcpy(t.data_ptr(), bytes, t.nbytes());
        return t.to(device_of(device));
    });
}
int ct_graph_begin(int32_t, void **) { return absent(); }
int ct_graph_end(void *) { return absent(); }
int ct_graph_run(void *) { return absent(); }
void ct_graph_free(void *) {}
}

#endif
