#pragma once
#include "ctorch.h"
#ifdef __cplusplus
extern "C" {
#endif

// What only a CUDA device has: streams, graphs, memory to ask about. Where this shim was built without CUDA's headers, or
// for a libtorch without CUDA, `ct_cuda_is_built` is false and the other calls that return int fail with a reason.

bool ct_cuda_is_built(void);

/// An own stream of `device`; release it with `ct_stream_free`.
int ct_stream_make(int32_t device, void **out);
void ct_stream_free(void *stream);
/// Makes `stream` the calling thread's: what it starts from then on is computed in turn there.
int ct_stream_begin(void *stream);
/// Gives the calling thread the device's default stream back.
int ct_stream_end(void *stream);
/// The number of the calling thread's stream on `device`; 0 for the default one.
int64_t ct_stream_current(int32_t device);
/// Waits for all that was started on `device`.
int ct_synchronize(int32_t device);
/// Gives memory that libtorch keeps in reserve back to the devices.
int ct_cuda_empty_cache(void);
/// Whether attention may be computed by cuDNN, which libtorch prefers on some devices.
void ct_cuda_use_cudnn_attention(bool use);
/// Bytes of memory of `device` that are free, those that libtorch keeps in reserve counted, and that there are.
int ct_cuda_memory(int32_t device, int64_t *available, int64_t *total);

/// Copies `count` bytes into a new tensor on `device` by way of page-locked memory, without waiting for the copy.
int ct_upload(const void *bytes, int32_t dtype, const int64_t *shape, int32_t rank, int32_t device, ct_tensor_t *out);

/// Begins to record what the calling thread starts on its stream, which is not the default one, instead of doing it. No
/// other thread of the process can record meanwhile: it waits here.
int ct_graph_begin(int32_t device, void **graph);
/// Ends the recording, on the thread that began it; `graph` can then be run, or is gone, with its memory, where this fails.
int ct_graph_end(void *graph);
/// Does what was recorded, on the calling thread's stream, on the same memory.
int ct_graph_run(void *graph);
void ct_graph_free(void *graph);

#ifdef __cplusplus
}
#endif
