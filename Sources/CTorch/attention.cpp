#include "kernels.hpp"

using namespace ct;

// Shape letters of this file: B images or texts, N rows, T tokens, H heads, D width of a head.

namespace {

at::Tensor checked(const at::Tensor &x, int64_t rank) {
    TORCH_CHECK(x.dim() == rank, "expected rank ", rank, ", got ", x.dim());
    return readable(x);
}

/// The width of each of `heads` heads that make `width`.
int64_t head_width(int64_t width, int64_t heads) {
    TORCH_CHECK(heads > 0 && width % heads == 0 && ct_has_attention(width / heads), width, " is not ", heads,
                " heads that the kernels serve");
    return width / heads;
}

at::Tensor room(size_t bytes) { return at::empty({static_cast<int64_t>(bytes)}, at::kByte); }

} // namespace

extern "C" {

bool ct_has_attention(int64_t width) {
    return width > 0 && width <= CK_WIDEST_HEAD && width % CK_WIDTH_STEP == 0 && ck_has_bfloat16();
}
bool ct_has_step_attention(int64_t width) { return width == CK_STEP_WIDTH && ck_has_bfloat16(); }

int ct_self_attention(ct_tensor_t qkv, int64_t heads, int64_t queries, bool causal, ct_tensor_t *out) {
    return made(out, [&] {
        const at::Tensor x = checked(qkv->value, 3);
        const int64_t images = x.size(0), tokens = x.size(1), width = x.size(2) / 3;
        TORCH_CHECK(x.size(2) == 3 * width, "qkv is not 3 parts");
        const int64_t head = head_width(width, heads);
        TORCH_CHECK(tokens > 0 && queries > 0 && queries <= tokens, queries, " queries of ", tokens, " tokens");
        at::Tensor y = at::empty({images, queries, width}, x.options());
        at::Tensor packed = room(ck_packed_count(tokens, head) * sizeof(uint16_t)), scratch = room(ck_scratch_bytes(tokens));
        for (int64_t i = 0; i < images * heads; i++) {
            const int64_t image = i / heads, place = i % heads * head;
            const uint16_t *q = bits(x) + image * tokens * 3 * width + place;
            ck_pack(q + width, q + 2 * width, 3 * width, tokens, head, bits(packed));
            ck_attend(q, 3 * width, queries, bits(packed), tokens, head, causal,
                      bits(y) + image * queries * width + place, width, scratch.data_ptr());
        }
        return y;
    });
}

int ct_pack_keys_values(ct_tensor_t kv, int64_t heads, ct_tensor_t *out) {
    return made(out, [&] {
        const at::Tensor x = checked(kv->value, 3);
        const int64_t images = x.size(0), keys = x.size(1), width = x.size(2) / 2;
        TORCH_CHECK(x.size(2) == 2 * width, "keys and values are not 2 parts");
        const int64_t head = head_width(width, heads), count = ck_packed_count(keys, head);
        at::Tensor packed = at::empty({images, heads, count}, x.options());
        for (int64_t i = 0; i < images * heads; i++) {
            const uint16_t *k = bits(x) + i / heads * keys * 2 * width + i % heads * head;
            ck_pack(k, k + width, 2 * width, keys, head, bits(packed) + i * count);
        }
        return packed;
    });
}

int ct_cross_attention(ct_tensor_t q, ct_tensor_t packed, int64_t keys, const int64_t *rows, ct_tensor_t *out) {
    return made(out, [&] {
        const at::Tensor x = checked(q->value, 3), p = checked(packed->value, 3);
        const int64_t tokens = x.size(1), width = x.size(2), heads = p.size(1), count = p.size(2);
        const int64_t head_size = head_width(width, heads);
        TORCH_CHECK(count == int64_t(ck_packed_count(keys, head_size)), "packed for other heads or keys");
        at::Tensor y = at::empty_like(x), scratch = room(ck_scratch_bytes(keys));
        int64_t first = 0;
        for (int64_t image = 0; image < p.size(0); first += rows[image++]) {
            TORCH_CHECK(first + rows[image] <= x.size(0), "more rows than the ", x.size(0), " that there are");
            for (int64_t head = 0; head < heads; head++) {
                const int64_t place = first * tokens * width + head * head_size;
                ck_attend(bits(x) + place, width, rows[image] * tokens, bits(p) + (image * heads + head) * count, keys,
                          head_size, false, bits(y) + place, width, scratch.data_ptr());
            }
        }
        TORCH_CHECK(first == x.size(0), first, " rows have an image, of ", x.size(0));
        return y;
    });
}

int ct_step_attention(ct_tensor_t qkv, ct_tensor_t keys, ct_tensor_t values, int64_t place, ct_tensor_t *out) {
    return made(out, [&] {
        const at::Tensor x = checked(qkv->value, 3);
        at::Tensor &k = keys->value, &v = values->value;
        TORCH_CHECK(x.size(2) % (3 * CK_STEP_WIDTH) == 0, "width ", x.size(2), " is not heads of ", int(CK_STEP_WIDTH));
        const int64_t rows = x.size(0), width = x.size(2) / 3, heads = width / CK_STEP_WIDTH;
        const std::vector<int64_t> shape = {rows, heads, k.size(2), CK_STEP_WIDTH};
        TORCH_CHECK(x.size(1) == 1 && k.sizes() == shape && v.sizes() == shape, "the cache has another shape");
        TORCH_CHECK(k.is_contiguous() && v.is_contiguous() && k.scalar_type() == x.scalar_type() &&
                        v.scalar_type() == x.scalar_type(),
                    "the cache is a view, or of another type");
        TORCH_CHECK(place >= 0 && place < k.size(2), "the cache has no place ", place);
        at::Tensor y = at::empty({rows, 1, width}, x.options()), weights = room((place + 1) * sizeof(float));
        for (int64_t i = 0; i < rows * heads; i++) {
            const uint16_t *q = bits(x) + i / heads * 3 * width + i % heads * CK_STEP_WIDTH;
            const int64_t start = i * k.size(2) * CK_STEP_WIDTH, end = start + place * CK_STEP_WIDTH;
            std::copy_n(q + width, int(CK_STEP_WIDTH), bits(k) + end);
            std::copy_n(q + 2 * width, int(CK_STEP_WIDTH), bits(v) + end);
            ck_attend_one(q, bits(k) + start, bits(v) + start, place + 1, bits(y) + i * CK_STEP_WIDTH,
                          static_cast<float *>(weights.data_ptr()));
        }
        return y;
    });
}
}
