#include "kernels.h"

// The numbers are SplitMix64's from a state that key and place decide: two of 32 bits from each of 64.

static const uint64_t INCREMENT = 0x9e3779b97f4a7c15;

static inline __attribute__((always_inline)) uint64_t mixed(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

static inline __attribute__((always_inline)) void fill(uint64_t state, size_t count, uint32_t dropped, float kept,
                                                       float *out) {
    size_t i = 0;
    for (; i + 2 <= count; i += 2) {
        const uint64_t bits = mixed(state + (i / 2 + 1) * INCREMENT);
        out[i] = (uint32_t)bits < dropped ? 0 : kept;
        out[i + 1] = (uint32_t)(bits >> 32) < dropped ? 0 : kept;
    }
    if (i < count) out[i] = (uint32_t)mixed(state + (i / 2 + 1) * INCREMENT) < dropped ? 0 : kept;
}

static void fill_plainly(uint64_t state, size_t count, uint32_t dropped, float kept, float *out) {
    fill(state, count, dropped, kept, out);
}

#if defined(__x86_64__)
__attribute__((target("avx512f,avx512dq,avx512vl,avx512bw"))) static void fill_fast(uint64_t state, size_t count,
                                                                                    uint32_t dropped, float kept,
                                                                                    float *out) {
    fill(state, count, dropped, kept, out);
}
static bool is_fast(void) { return __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"); }
#else
static void (*const fill_fast)(uint64_t, size_t, uint32_t, float, float *) = fill_plainly;
static bool is_fast(void) { return false; }
#endif

void ck_dropout_factors(const uint64_t *keys, size_t rows, size_t count, uint64_t place, double rate, float *out) {
    const double limit = rate * 4294967296.0;
    const uint32_t dropped = limit >= 4294967295.0 ? 4294967295u : (uint32_t)limit;
    const float kept = (float)(1 / (1 - rate));
    for (size_t row = 0; row < rows; row++) {
        const uint64_t state = mixed(keys[row] + place * INCREMENT);
        (is_fast() ? fill_fast : fill_plainly)(state, count, dropped, kept, out + row * count);
    }
}
