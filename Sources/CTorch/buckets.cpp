#include "group.h"

#ifdef CT_HAS_GROUPS

#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <condition_variable>
#include <exception>
#include <thread>

using namespace ct;

namespace {

/// Elements to which the places of gradients in a bucket are aligned.
constexpr int64_t alignment = 16;

/// Where a parameter's gradient is in its bucket.
struct Slot {
    at::Tensor parameter;
    size_t bucket;
    int64_t start;
    int64_t flag; // the element that counts the processes that have a gradient
    bool came = false;
};

struct Bucket {
    at::Tensor flat; // the gradients, then their flags, on the processor
    int64_t length = 0;
    size_t members = 0;
    size_t waiting = 0; // gradients that have not come
};

struct Buckets : std::enable_shared_from_this<Buckets> {
    std::shared_ptr<Group> group;
    std::vector<Slot> slots;
    std::vector<Bucket> buckets;
    std::vector<int64_t> order;

    std::mutex mutex;
    std::condition_variable changed;
    bool active = false, twice = false, ended = false;
    size_t summed = 0; // buckets of this pass, from the first
    std::exception_ptr failure;

    at::Tensor place(const Slot &slot) const {
        const at::Tensor &parameter = slot.parameter;
        return buckets[slot.bucket].flat.narrow(0, slot.start, parameter.numel()).view(parameter.sizes());
    }
    bool is_here(const Slot &slot) const { return slot.parameter.device().is_cpu(); }

    /// Puts a parameter's gradient into its bucket, and makes that place the gradient.
    void take(Slot &slot) {
        at::NoGradGuard off;
        at::Tensor here = place(slot);
        at::Tensor &gradient = slot.parameter.mutable_grad();
        if (!gradient.defined()) {
            here.zero_();
        } else if (gradient.data_ptr() != here.data_ptr()) {
            here.copy_(gradient);
            if (is_here(slot)) gradient = here;
        }
        buckets[slot.bucket].flat.data_ptr<float>()[slot.flag] = gradient.defined() ? 1 : 0;
    }

    /// Takes what the backward pass has added to parameter `number`.
    void came(size_t number) {
        Slot &slot = slots[number];
        {
            std::lock_guard lock(mutex);
            if (!active) return;
            twice = twice || slot.came;
            if (slot.came) return;
            slot.came = true;
            order.push_back(static_cast<int64_t>(number));
        }
        take(slot);
        std::lock_guard lock(mutex);
        if (--buckets[slot.bucket].waiting == 0) changed.notify_all();
    }

    /// Sums bucket after bucket, in their order, as they are filled; on a thread of its own.
    void run() {
        std::unique_lock lock(mutex);
        for (;;) {
            changed.wait(lock, [&] {
                return ended || (!failure && summed < buckets.size() && buckets[summed].waiting == 0);
            });
            if (ended) return;
            at::Tensor &flat = buckets[summed].flat;
            lock.unlock();
            std::exception_ptr problem;
            try {
                std::lock_guard calls(group->calls);
                sum_in_order(*group, flat);
            } catch (...) {
                problem = std::current_exception();
            }
            lock.lock();
            failure = problem;
            summed++;
            changed.notify_all();
        }
    }

    void begin() {
        std::lock_guard lock(mutex);
        for (Slot &slot : slots) slot.came = false;
        for (Bucket &bucket : buckets) bucket.waiting = bucket.members;
        order.clear();
        summed = 0;
        twice = false;
        active = true;
    }

    void finish() {
        for (size_t number = 0; number < slots.size(); number++)
            if (!slots[number].came) came(number);
        std::unique_lock lock(mutex);
        active = false;
        TORCH_CHECK(!twice, "a gradient was added to after it had been handed on: one backward pass may follow begin");
        changed.wait(lock, [&] { return failure || summed == buckets.size(); });
        if (failure) std::rethrow_exception(failure);
        for (Slot &slot : slots) hand_back(slot);
    }

    void hand_back(Slot &slot) {
        at::NoGradGuard off;
        at::Tensor &gradient = slot.parameter.mutable_grad();
        const bool is_any = buckets[slot.bucket].flat.const_data_ptr<float>()[slot.flag] > 0;
        if (!is_any) gradient = at::Tensor();
        else if (is_here(slot)) gradient = place(slot);
        else gradient = place(slot).to(slot.parameter.device());
    }
};

/// Tells the buckets of a parameter that its gradient was added to; they may be gone.
struct Hook : torch::autograd::PostAccumulateGradHook {
    std::weak_ptr<Buckets> owner;
    size_t number;
    Hook(std::weak_ptr<Buckets> owner, size_t number) : owner(std::move(owner)), number(number) {}
    void operator()(const at::Tensor &) override {
        if (auto buckets = owner.lock()) buckets->came(number);
    }
};

/// Divides the parameters into buckets: the next one begins where `bytes` are reached.
void fill(Buckets &made, const std::vector<at::Tensor> &parameters, int64_t bytes) {
    for (const at::Tensor &parameter : parameters) {
        TORCH_CHECK(parameter.scalar_type() == at::kFloat && parameter.is_contiguous(), "parameters are float32");
        if (made.buckets.empty() || made.buckets.back().length * 4 >= bytes) made.buckets.emplace_back();
        Bucket &bucket = made.buckets.back();
        made.slots.push_back({parameter, made.buckets.size() - 1, bucket.length, 0});
        bucket.length = rounded_up(bucket.length + parameter.numel(), alignment);
        bucket.members++;
    }
    for (Slot &slot : made.slots) slot.flag = made.buckets[slot.bucket].length++;
    for (Bucket &bucket : made.buckets) {
        bucket.flat = at::zeros({rounded_up(bucket.length, made.group->count)}, at::kFloat);
        bucket.waiting = bucket.members; // nothing is summed before the first pass
    }
}

} // namespace

struct ct_buckets {
    std::shared_ptr<Buckets> value;
    std::thread thread;
};

extern "C" {

int ct_buckets_make(ct_group_t group, const ct_tensor_t *parameters, int32_t count, int64_t bytes, ct_buckets_t *out) {
    return guarded([&] {
        auto made = std::make_shared<Buckets>();
        made->group = group->value;
        fill(*made, list(parameters, count), bytes);
        for (size_t number = 0; number < made->slots.size(); number++)
            torch::autograd::impl::set_post_acc_grad_hooks(
                made->slots[number].parameter, std::make_unique<Hook>(made, number));
        *out = new ct_buckets{made, std::thread([made] { made->run(); })};
    });
}
void ct_buckets_free(ct_buckets_t buckets) {
    {
        std::lock_guard lock(buckets->value->mutex);
        buckets->value->ended = true;
    }
    buckets->value->changed.notify_all();
    // It may be in a call that the others never answer; what it uses it owns.
    buckets->thread.detach();
    delete buckets;
}
int ct_buckets_begin(ct_buckets_t buckets) {
    return guarded([&] { buckets->value->begin(); });
}
int ct_buckets_finish(ct_buckets_t buckets) {
    const int status = guarded([&] { buckets->value->finish(); });
    if (status != 0 && buckets->value->failure && last_failure != CT_FAILURE_MEMORY) last_failure = CT_FAILURE_GROUP;
    return status;
}
void ct_buckets_order(ct_buckets_t buckets, int64_t *order) {
    std::copy(buckets->value->order.begin(), buckets->value->order.end(), order);
}
}

#else

extern "C" {
int ct_buckets_make(ct_group_t, const ct_tensor_t *, int32_t, int64_t, ct_buckets_t *) {
    return ct::guarded([] { TORCH_CHECK(false, "this libtorch has no groups of processes"); });
}
void ct_buckets_free(ct_buckets_t) {}
int ct_buckets_begin(ct_buckets_t) { return -1; }
int ct_buckets_finish(ct_buckets_t) { return -1; }
void ct_buckets_order(ct_buckets_t, int64_t *) {}
}

#endif
