#pragma once
#include "ctorch.h"
#ifdef __cplusplus
extern "C" {
#endif

// Several processes that train together: c10d's store, by which they find each other, and groups over it. Conventions are
// those of ctorch.h. Where libtorch has no c10d, or gloo's headers cannot be stood in for, `ct_group_is_built` is false and
// the other calls that return int fail with a reason.

/// A process of the group is gone, or did not answer in time: the group is of no use any more.
#define CT_FAILURE_GROUP 2

bool ct_group_is_built(void);

/// A handle on a store. Release it with `ct_store_free`.
typedef struct ct_store *ct_store_t;
/// Connects to the store at `host` and `port`; with `serves` it is in this process, and port 0 takes a free one. Waits
/// for it for `milliseconds`. All keys begin with `prefix`.
int ct_store_open(const char *host, uint16_t port, bool serves, const char *prefix, int64_t milliseconds,
                  ct_store_t *out);
void ct_store_free(ct_store_t store);
uint16_t ct_store_port(ct_store_t store);
int ct_store_set(ct_store_t store, const char *key, const void *bytes, size_t count);
/// The bytes of `key` (uint8), waited for for `milliseconds`.
int ct_store_get(ct_store_t store, const char *key, int64_t milliseconds, ct_tensor_t *out);

/// A handle on a group. Release it with `ct_group_free`, after all that uses it.
typedef struct ct_group *ct_group_t;
/// Joins the group `name` of `count` processes as number `index`; the others reach this one at `address`. `milliseconds`
/// is how long a call may wait for the other processes.
int ct_group_make(ct_store_t store, const char *name, int32_t index, int32_t count, const char *address,
                  int64_t milliseconds, ct_group_t *out);
void ct_group_free(ct_group_t group);
/// Replaces tensors by their sums over the processes, added in the order of the processes: the same bits in all of them.
int ct_group_sum(ct_group_t group, const ct_tensor_t *tensors, int32_t count);
/// The tensors `x` of all processes one after the other; process i has `rows[i]` rows.
int ct_group_gather(ct_group_t group, ct_tensor_t x, const int64_t *rows, ct_tensor_t *out);
/// Sends `sent[i]` rows of `x`, in order, to process i, and gives the `received[i]` rows from each, in order.
int ct_group_exchange(ct_group_t group, ct_tensor_t x, const int64_t *sent, const int64_t *received, ct_tensor_t *out);
/// Waits until all processes are here.
int ct_group_meet(ct_group_t group);

/// The gradients of parameters in buckets, which a thread of its own sums over a group, bucket after bucket, while the
/// backward pass goes on. Release it with `ct_buckets_free`, before the parameters.
typedef struct ct_buckets *ct_buckets_t;
/// Buckets of about `bytes` each for float32 `parameters`, in their order, which is the same in all processes. The group is
/// used by nothing else. A parameter can be in one `ct_buckets_t` at a time.
int ct_buckets_make(ct_group_t group, const ct_tensor_t *parameters, int32_t count, int64_t bytes, ct_buckets_t *out);
void ct_buckets_free(ct_buckets_t buckets);
/// From now on a parameter whose gradient was added to is done: what the next backward pass leaves is summed.
int ct_buckets_begin(ct_buckets_t buckets);
/// Waits until every gradient is the sum over the processes. A parameter that has none in any process has none.
int ct_buckets_finish(ct_buckets_t buckets);
/// The numbers of the `count` parameters in the order in which their gradients came in the last pass.
void ct_buckets_order(ct_buckets_t buckets, int64_t *order);

#ifdef __cplusplus
}
#endif
