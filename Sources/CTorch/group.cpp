#include "group.h"

#include <c10/util/Logging.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

using namespace ct;

#ifdef CT_HAS_GROUPS

namespace {

/// Up to so many bytes each process sends all that it has to all others: one exchange instead of two.
constexpr int64_t small = 64 << 10;

void finish(const c10::intrusive_ptr<c10d::Work> &work) { work->wait(); }

/// The bytes of a contiguous tensor.
at::Tensor bytes_of(const at::Tensor &x) { return x.reshape({-1}).view(at::kByte); }

/// Sends `sent_counts[i]` bytes of `sent` to process i, in order, and receives as many from each as it sends here.
void exchange(Group &group, at::Tensor received, at::Tensor sent, std::vector<int64_t> received_counts,
              std::vector<int64_t> sent_counts) {
    finish(group.backend->alltoall_base(received, sent, received_counts, sent_counts));
}

/// Gives `own` to all processes: `out` is what they have, one after the other, `received[i]` bytes of process i.
void give(Group &group, const at::Tensor &own, const at::Tensor &out, const std::vector<int64_t> &received) {
    const at::Tensor bytes = bytes_of(own);
    const int64_t count = bytes.numel();
    at::Tensor copies = at::empty({count * group.count}, bytes.options());
    for (int64_t i = 0; i < group.count; i++)
        std::memcpy(copies.data_ptr<uint8_t>() + i * count, bytes.const_data_ptr<uint8_t>(), count);
    exchange(group, bytes_of(out), copies, received, std::vector<int64_t>(group.count, count));
}

/// `sum` of `count` elements from each of the parts that lie one after the other.
template <typename Element> void add_parts(Element *sum, const Element *parts, int64_t count, int64_t number) {
    std::copy(parts, parts + count, sum);
    for (int64_t part = 1; part < number; part++)
        for (int64_t i = 0; i < count; i++) sum[i] += parts[part * count + i];
}

template <typename Element> void sum_elements(Group &group, at::Tensor &flat) {
    const int64_t count = flat.numel(), part = count / group.count;
    const int64_t bytes = static_cast<int64_t>(flat.nbytes());
    if (bytes <= small) {
        at::Tensor all = at::empty({count * group.count}, flat.options());
        give(group, flat, all, std::vector<int64_t>(group.count, bytes));
        add_parts(flat.data_ptr<Element>(), all.const_data_ptr<Element>(), count, group.count);
        return;
    }
    // 1. Each process gets its part of all; 2. adds it up; 3. and gives the sum to all.
    const std::vector<int64_t> equal(group.count, bytes / group.count);
    at::Tensor parts = at::empty_like(flat), sum = at::empty({part}, flat.options());
    exchange(group, bytes_of(parts), bytes_of(flat), equal, equal);
    add_parts(sum.data_ptr<Element>(), parts.const_data_ptr<Element>(), part, group.count);
    give(group, sum, flat, equal);
}

/// Sums those of `values` that are of one type, as one vector.
void sum_together(Group &group, const std::vector<at::Tensor> &values) {
    int64_t count = 0;
    for (const at::Tensor &value : values) count += value.numel();
    at::Tensor flat = at::zeros({rounded_up(count, group.count)}, values[0].options().device(at::kCPU));
    int64_t start = 0;
    for (const at::Tensor &value : values) {
        flat.narrow(0, start, value.numel()).copy_(value.reshape({-1}));
        start += value.numel();
    }
    sum_in_order(group, flat);
    start = 0;
    for (const at::Tensor &value : values) {
        value.copy_(flat.narrow(0, start, value.numel()).view(value.sizes()));
        start += value.numel();
    }
}

int64_t total(const std::vector<int64_t> &rows) {
    int64_t sum = 0;
    for (int64_t row : rows) sum += row;
    return sum;
}

/// The shape of `x`, with `rows` rows.
std::vector<int64_t> shape_with(const at::Tensor &x, int64_t rows) {
    std::vector<int64_t> shape = x.sizes().vec();
    shape[0] = rows;
    return shape;
}

int64_t bytes_in_row(const at::Tensor &x) {
    int64_t count = x.element_size();
    for (int64_t dimension = 1; dimension < x.dim(); dimension++) count *= x.size(dimension);
    return count;
}

std::vector<int64_t> times(const std::vector<int64_t> &rows, int64_t factor) {
    std::vector<int64_t> scaled;
    for (int64_t row : rows) scaled.push_back(row * factor);
    return scaled;
}

/// What came from the processes, on the device that `x` is on.
at::Tensor exchanged(Group &group, const at::Tensor &x, const std::vector<int64_t> &sent,
                     const std::vector<int64_t> &received) {
    TORCH_CHECK(x.dim() > 0 && x.size(0) == total(sent), "the rows to be sent are not those of the tensor");
    const at::Tensor source = x.detach().to(at::kCPU).contiguous();
    at::Tensor out = at::empty(shape_with(source, total(received)), source.options());
    const int64_t row = bytes_in_row(source);
    exchange(group, bytes_of(out), bytes_of(source), times(received, row), times(sent, row));
    return out.to(x.device());
}

/// The parts of all processes, each with `rows[i]` rows of its own.
at::Tensor gathered(Group &group, const at::Tensor &x, const std::vector<int64_t> &rows) {
    TORCH_CHECK(x.dim() > 0 && x.size(0) == rows[group.index], "the rows to be gathered are not those of the tensor");
    const at::Tensor own = x.detach().to(at::kCPU).contiguous();
    at::Tensor all = at::empty(shape_with(own, total(rows)), own.options());
    give(group, own, all, times(rows, bytes_in_row(own)));
    return all.to(x.device());
}

std::vector<int64_t> counts(const int64_t *values, const Group &group) { return {values, values + group.count}; }

} // namespace

void ct::sum_in_order(Group &group, at::Tensor &flat) {
    if (flat.numel() == 0) return;
    switch (flat.scalar_type()) {
    case at::kFloat: return sum_elements<float>(group, flat);
    case at::kDouble: return sum_elements<double>(group, flat);
    case at::kLong: return sum_elements<int64_t>(group, flat);
    default: TORCH_CHECK(false, "sums over processes are not of ", flat.scalar_type());
    }
}

extern "C" {

bool ct_group_is_built(void) { return true; }

int ct_store_open(const char *host, uint16_t port, bool serves, const char *prefix, int64_t milliseconds,
                  ct_store_t *out) {
    return in_group([&] {
        // What goes wrong is said by those who call; c10d would add pages of its own.
        if (!std::getenv("TORCH_CPP_LOG_LEVEL")) FLAGS_caffe2_log_level = 3; // fatal
        c10d::TCPStoreOptions options;
        options.port = port;
        options.isServer = serves;
        options.waitWorkers = false;
        options.timeout = std::chrono::milliseconds(milliseconds);
        auto store = c10::make_intrusive<c10d::TCPStore>(host, options);
        *out = new ct_store{store, c10::make_intrusive<c10d::PrefixStore>(prefix, store)};
    });
}
void ct_store_free(ct_store_t store) { delete store; }
uint16_t ct_store_port(ct_store_t store) { return store->server->getPort(); }
int ct_store_set(ct_store_t store, const char *key, const void *bytes, size_t count) {
    return in_group([&] {
        const uint8_t *first = static_cast<const uint8_t *>(bytes);
        store->value->set(key, std::vector<uint8_t>(first, first + count));
    });
}
int ct_store_get(ct_store_t store, const char *key, int64_t milliseconds, ct_tensor_t *out) {
    return in_group([&] {
        store->value->wait({key}, std::chrono::milliseconds(milliseconds));
        const std::vector<uint8_t> bytes = store->value->get(key);
        at::Tensor value = at::empty({static_cast<int64_t>(bytes.size())}, at::kByte);
        std::copy(bytes.begin(), bytes.end(), value.data_ptr<uint8_t>());
        *out = new ct_tensor{value};
    });
}

int ct_group_make(ct_store_t store, const char *name, int32_t index, int32_t count, const char *address,
                  int64_t milliseconds, ct_group_t *out) {
    return in_group([&] {
        auto options = c10d::ProcessGroupGloo::Options::create(std::chrono::milliseconds(milliseconds));
        options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname(address));
        auto scope = c10::make_intrusive<c10d::PrefixStore>(name, store->value);
        auto gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(scope, index, count, options);
        auto made = std::make_shared<Group>();
        made->backend = gloo;
        made->index = index;
        made->count = count;
        *out = new ct_group{made};
    });
}
void ct_group_free(ct_group_t group) { delete group; }
int ct_group_sum(ct_group_t group, const ct_tensor_t *tensors, int32_t count) {
    return in_group([&] {
        at::NoGradGuard off;
        std::lock_guard lock(group->value->calls);
        size_t left = static_cast<size_t>(count);
        for (at::ScalarType type : {at::kFloat, at::kDouble, at::kLong}) {
            std::vector<at::Tensor> values;
            for (int32_t i = 0; i < count; i++)
                if (tensors[i]->value.scalar_type() == type) values.push_back(tensors[i]->value.detach());
            if (!values.empty()) sum_together(*group->value, values);
            left -= values.size();
        }
        TORCH_CHECK(left == 0, "sums over processes are of float32, float64 and int64");
    });
}
int ct_group_gather(ct_group_t group, ct_tensor_t x, const int64_t *rows, ct_tensor_t *out) {
    return in_group([&] {
        at::NoGradGuard off;
        std::lock_guard lock(group->value->calls);
        *out = new ct_tensor{gathered(*group->value, x->value, counts(rows, *group->value))};
    });
}
int ct_group_exchange(ct_group_t group, ct_tensor_t x, const int64_t *sent, const int64_t *received, ct_tensor_t *out) {
    return in_group([&] {
        at::NoGradGuard off;
        std::lock_guard lock(group->value->calls);
        Group &own = *group->value;
        *out = new ct_tensor{exchanged(own, x->value, counts(sent, own), counts(received, own))};
    });
}
int ct_group_meet(ct_group_t group) {
    return in_group([&] {
        std::lock_guard lock(group->value->calls);
        finish(group->value->backend->barrier());
    });
}
}

#else

static int unavailable() {
    return guarded([] {
        TORCH_CHECK(false, "this libtorch (", TORCH_VERSION, ") came without gloo's headers, which several processes need");
    });
}

extern "C" {
bool ct_group_is_built(void) { return false; }
int ct_store_open(const char *, uint16_t, bool, const char *, int64_t, ct_store_t *) { return unavailable(); }
void ct_store_free(ct_store_t) {}
uint16_t ct_store_port(ct_store_t) { return 0; }
int ct_store_set(ct_store_t, const char *, const void *, size_t) { return unavailable(); }
int ct_store_get(ct_store_t, const char *, int64_t, ct_tensor_t *) { return unavailable(); }
int ct_group_make(ct_store_t, const char *, int32_t, int32_t, const char *, int64_t, ct_group_t *) {
    return unavailable();
}
void ct_group_free(ct_group_t) {}
int ct_group_sum(ct_group_t, const ct_tensor_t *, int32_t) { return unavailable(); }
int ct_group_gather(ct_group_t, ct_tensor_t, const int64_t *, ct_tensor_t *) { return unavailable(); }
int ct_group_exchange(ct_group_t, ct_tensor_t, const int64_t *, const int64_t *, ct_tensor_t *) {
    return unavailable();
}
int ct_group_meet(ct_group_t) { return unavailable(); }
}

#endif
