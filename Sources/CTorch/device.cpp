#include "ctorch_device.h"
#include "support.h"

#include <tuple>

using namespace ct;

extern "C" {

int ct_compare(ct_tensor_t x, ct_tensor_t y, int32_t operation, ct_tensor_t *out) {
    return made(out, [&] {
        const at::Tensor &a = x->value, &b = y->value;
        switch (operation) {
        case CT_LESS: return at::lt(a, b);
        case CT_AT_MOST: return at::le(a, b);
        case CT_EQUAL: return at::eq(a, b);
        case CT_AND: return at::logical_and(a, b);
        case CT_OR: return at::logical_or(a, b);
        default: TORCH_CHECK(false, "no comparison ", operation);
        }
    });
}
int ct_is_finite(ct_tensor_t x, ct_tensor_t *out) {
    return made(out, [&] { return at::isfinite(x->value); });
}
int ct_all(ct_tensor_t x, ct_tensor_t *out) {
    return made(out, [&] { return at::all(x->value); });
}
int ct_where(ct_tensor_t condition, ct_tensor_t x, ct_tensor_t y, ct_tensor_t *out) {
    return made(out, [&] { return at::where(condition->value, x->value, y->value); });
}

int ct_multiply(ct_tensor_t x, ct_tensor_t y, ct_tensor_t *out) {
    return made(out, [&] { return x->value * y->value; });
}
int ct_exp(ct_tensor_t x, ct_tensor_t *out) {
    return made(out, [&] { return at::exp(x->value); });
}
int ct_floor(ct_tensor_t x, ct_tensor_t *out) {
    return made(out, [&] { return at::floor(x->value); });
}
int ct_clamp(ct_tensor_t x, double least, double most, ct_tensor_t *out) {
    return made(out, [&] { return at::clamp(x->value, least, most); });
}
int ct_sum(ct_tensor_t x, ct_tensor_t *out) {
    return made(out, [&] { return at::sum(x->value, {-1}, true); });
}
int ct_cumulative_sum(ct_tensor_t x, ct_tensor_t *out) {
    return made(out, [&] { return at::cumsum(x->value, -1); });
}

int ct_largest(ct_tensor_t x, int64_t count, ct_tensor_t *values, ct_tensor_t *places) {
    return guarded([&] {
        auto [v, p] = at::topk(x->value, count, -1, /*largest=*/true, /*sorted=*/false);
        *values = new ct_tensor{v};
        *places = new ct_tensor{p};
    });
}
int ct_order(ct_tensor_t x, bool descending, ct_tensor_t *places) {
    return made(places, [&] { return std::get<1>(at::sort(x->value, /*stable=*/true, -1, descending)); });
}
int ct_gather(ct_tensor_t x, int32_t dimension, ct_tensor_t index, ct_tensor_t *out) {
    return made(out, [&] { return at::gather(x->value, dimension, index->value); });
}
int ct_scatter(ct_tensor_t x, int32_t dimension, ct_tensor_t index, ct_tensor_t source) {
    return guarded([&] { x->value.scatter_(dimension, index->value, source->value); });
}
int ct_index_copy(ct_tensor_t x, int32_t dimension, ct_tensor_t index, ct_tensor_t source) {
    return guarded([&] { x->value.index_copy_(dimension, index->value, source->value); });
}
int ct_fill(ct_tensor_t x, double value) {
    return guarded([&] { x->value.fill_(value); });
}
int ct_add_in_place(ct_tensor_t x, ct_tensor_t y) {
    return guarded([&] { x->value.add_(y->value); });
}

int ct_attention_masked(ct_tensor_t q, ct_tensor_t k, ct_tensor_t v, ct_tensor_t mask, ct_tensor_t *out) {
    return made(out, [&] {
        return at::scaled_dot_product_attention(q->value, k->value, v->value, mask->value);
    });
}
}
