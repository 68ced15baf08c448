#include "support.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

// Pillow's resampling in 8 bits: src/libImaging/Resample.c, as up to version 12. Two passes of weighted sums, rows
// first, with weights in fixed point of 22 bits, and results rounded and clamped to 8 bits after each pass. The rows of
// the first pass are kept only as long as the second one needs them.

#define PRECISION 22
#define HALF (1 << (PRECISION - 1))
#define BLOCK 32

#if defined(__x86_64__) && defined(__linux__)
#define FOR_EVERY_PROCESSOR __attribute__((target_clones("avx2", "sse4.1", "default")))
#else
#define FOR_EVERY_PROCESSOR
#endif

typedef int32_t i32x8_t __attribute__((vector_size(32)));
typedef int32_t i32x16_t __attribute__((vector_size(64)));
typedef int16_t i16x16_t __attribute__((vector_size(32)));
typedef uint8_t u8x8_t __attribute__((vector_size(8)));
typedef uint8_t u8x16_t __attribute__((vector_size(16)));
#define EVEN(vector) __builtin_shufflevector(vector, vector, 0, 2, 4, 6, 8, 10, 12, 14)
#define ODD(vector) __builtin_shufflevector(vector, vector, 1, 3, 5, 7, 9, 11, 13, 15)
#define CLAMP(vector, type) __builtin_elementwise_min(__builtin_elementwise_max(vector, (type){0}), (type){0} + 255)

static double bicubic(double x) {
    const double a = -0.5;
    x = fabs(x);
    if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    return x < 2.0 ? (((x - 5) * x + 8) * x - 4) * a : 0.0;
}

static double hamming(double x) {
    x = fabs(x);
    if (x == 0.0) return 1.0;
    if (x >= 1.0) return 0.0;
    x *= M_PI;
    return sin(x) / x * (0.54f + 0.46f * cos(x));
}

// What one axis needs: for each output position, the first input position, how many, and their weights.
typedef struct {
    int count, most_taps;
    int *first, *taps;
    int32_t *weights;  // most_taps for each position, zeros behind the used ones
} axis_t;

static void axis_free(axis_t *axis) {
    free(axis->first);
    free(axis->taps);
    free(axis->weights);
}

// Weights for the `count` outputs from `start` on of a resize of `extent` of `from` positions, which begin at `begin`, to
// `to` positions. 0 when memory is short.
static int axis_init(
    axis_t *axis, int from, double begin, double extent, int to, int start, int count, ci_filter_t filter
) {
    double (*kernel)(double) = filter == CI_BICUBIC ? bicubic : hamming;
    double scale = extent / to, stretch = scale < 1.0 ? 1.0 : scale;
    double support = (filter == CI_BICUBIC ? 2.0 : 1.0) * stretch, shrink = 1.0 / stretch;
    int most = (int)ceil(support) * 2 + 1;
    axis->count = count;
    axis->most_taps = most;
    axis->first = malloc((size_t)count * sizeof(int));
    axis->taps = malloc((size_t)count * sizeof(int));
    axis->weights = calloc((size_t)count * (size_t)most, sizeof(int32_t));
    double *exact = malloc((size_t)most * sizeof(double));
    if (!axis->first || !axis->taps || !axis->weights || !exact) {
        free(exact);
        return 0;
    }
    for (int i = 0; i < count; i++) {
        if (from == to && extent == from) {  // nothing to do along this axis
            axis->first[i] = start + i;
            axis->taps[i] = 1;
            axis->weights[(size_t)i * (size_t)most] = 1 << PRECISION;
            continue;
        }
        double centre = begin + (start + i + 0.5) * scale, sum = 0;
        int low = (int)(centre - support + 0.5), high = (int)(centre + support + 0.5);
        if (low < 0) low = 0;
        if (high > from) high = from;
        for (int x = 0; x < high - low; x++) {
            exact[x] = kernel((x + low - centre + 0.5) * shrink);
            sum += exact[x];
        }
        int32_t *weights = axis->weights + (size_t)i * (size_t)most;
        for (int x = 0; x < high - low; x++) {
            double weight = sum != 0.0 ? exact[x] / sum : exact[x];
            weights[x] = (int32_t)((weight < 0 ? -0.5 : 0.5) + weight * (1 << PRECISION));
        }
        axis->first[i] = low;
        axis->taps[i] = high - low;
    }
    free(exact);
    return 1;
}

// The weights of an axis for four taps at a time, split so that products with a byte fit 16 by 16 bits: a weight is
// 2048 * high + low. A group lies beside four pixels as `resample_rows` orders them: taps 0 and 1 in turn for red,
// green and blue, two idle places, then taps 2 and 3.
typedef struct {
    int16_t high[16], low[16];
} group_t;

typedef struct {
    int per_pixel;  // groups for each output position
    group_t *groups;
} groups_t;

static int groups_init(groups_t *groups, const axis_t *axis) {
    int most = 0;
    for (int i = 0; i < axis->count; i++) most = axis->taps[i] > most ? axis->taps[i] : most;
    groups->per_pixel = (most + 3) / 4;
    groups->groups = calloc((size_t)axis->count * (size_t)groups->per_pixel, sizeof(group_t));
    if (!groups->groups) return 0;
    group_t *first = groups->groups;
    const int32_t *weights = axis->weights;
    for (int i = 0; i < axis->count; i++, weights += axis->most_taps, first += groups->per_pixel) {
        for (int tap = 0; tap < axis->taps[i]; tap++) {
            for (int channel = 0; channel < 3; channel++) {
                int place = tap % 4 / 2 * 8 + channel * 2 + tap % 2;
                first[tap / 4].high[place] = (int16_t)(weights[tap] >> 11);
                first[tap / 4].low[place] = (int16_t)(weights[tap] & 2047);
            }
        }
    }
    return 1;
}

// Two rows at a time. Behind each row of `in` are as many bytes to spare as a group can read too far, behind each row
// of `out` is one.
FOR_EVERY_PROCESSOR
static void resample_rows(
    const axis_t *axis, const groups_t *groups, const uint8_t *const in[2], uint8_t *const out[2]) {
    const u8x16_t zero = {0};
    const group_t *group = groups->groups;
    for (int i = 0; i < axis->count; i++) {
        size_t from = (size_t)axis->first[i] * 3, to = (size_t)i * 3;
        i32x8_t sums[2] = {{0}, {0}};
        for (int part = 0; part < groups->per_pixel; part++, group++, from += 12) {
            i16x16_t high, low;
            memcpy(&high, group->high, sizeof high);
            memcpy(&low, group->low, sizeof low);
            for (int row = 0; row < 2; row++) {
                u8x16_t pixels;
                memcpy(&pixels, in[row] + from, sizeof pixels);
                pixels = __builtin_shufflevector(
                    pixels, zero, 0, 3, 1, 4, 2, 5, 16, 16, 6, 9, 7, 10, 8, 11, 16, 16);
                // Written so that a compiler finds the instruction that multiplies and adds pairs.
                i32x16_t wide = __builtin_convertvector(pixels, i32x16_t);
                i32x16_t highs = wide * __builtin_convertvector(high, i32x16_t);
                i32x16_t lows = wide * __builtin_convertvector(low, i32x16_t);
                sums[row] += ((EVEN(highs) + ODD(highs)) << 11) + (EVEN(lows) + ODD(lows));
            }
        }
        i32x8_t sum = __builtin_shufflevector(sums[0], sums[1], 0, 1, 2, 3, 8, 9, 10, 11)
            + __builtin_shufflevector(sums[0], sums[1], 4, 5, 6, 7, 12, 13, 14, 15);
        u8x8_t bytes = __builtin_convertvector(CLAMP((sum + HALF) >> PRECISION, i32x8_t), u8x8_t);
        memcpy(out[0] + to, &bytes, 4);
        memcpy(out[1] + to, (uint8_t *)&bytes + 4, 4);
    }
}

// One row of `count` bytes as the weighted sum of rows, which can be read up to the next multiple of BLOCK.
FOR_EVERY_PROCESSOR
static void sum_rows(const uint8_t *const *rows, const int32_t *weights, int taps, size_t count, uint8_t *out) {
    for (size_t start = 0; start < count; start += BLOCK) {
        i32x16_t sums[2] = {(i32x16_t){0} + HALF, (i32x16_t){0} + HALF};
        for (int tap = 0; tap < taps; tap++) {
            u8x16_t left, right;
            memcpy(&left, rows[tap] + start, sizeof left);
            memcpy(&right, rows[tap] + start + 16, sizeof right);
            sums[0] += __builtin_convertvector(left, i32x16_t) * weights[tap];
            sums[1] += __builtin_convertvector(right, i32x16_t) * weights[tap];
        }
        uint8_t bytes[BLOCK];
        for (int half = 0; half < 2; half++) {
            i32x16_t sum = CLAMP(sums[half] >> PRECISION, i32x16_t);
            u8x16_t narrow = __builtin_convertvector(sum, u8x16_t);
            memcpy(bytes + 16 * half, &narrow, sizeof narrow);
        }
        if (count - start >= BLOCK) memcpy(out + start, bytes, BLOCK);
        else memcpy(out + start, bytes, count - start);
    }
}

// The first pass over the rows that the second one asks for, in a ring that holds what one sum takes.
typedef struct {
    ci_pixels_t image;
    const axis_t *axis;
    const groups_t *groups;
    size_t stride;  // of a row in the ring, with room behind it to write one byte and to read a block
    int capacity;  // rows in the ring
    int next;  // the first row that was not yet made
    uint8_t *ring;
    uint8_t *padded[2];  // a row of the image each, with bytes to spare
} rows_t;

static uint8_t *row_at(const rows_t *rows, int y) { return rows->ring + (size_t)(y % rows->capacity) * rows->stride; }

static void make_rows(rows_t *rows, int first, int end) {
    size_t width = (size_t)rows->image.width * 3;
    if (rows->next < first) rows->next = first;
    for (; rows->next < end; rows->next += 2) {
        int second = rows->next + 1 < rows->image.height ? rows->next + 1 : rows->next;
        memcpy(rows->padded[0], rows->image.pixels + (size_t)rows->next * width, width);
        memcpy(rows->padded[1], rows->image.pixels + (size_t)second * width, width);
        const uint8_t *in[2] = {rows->padded[0], rows->padded[1]};
        uint8_t *out[2] = {row_at(rows, rows->next), row_at(rows, second)};
        resample_rows(rows->axis, rows->groups, in, out);
    }
}

static ci_status_t run(rows_t *rows, const axis_t *across, const axis_t *down, uint8_t *pixels) {
    size_t count = (size_t)across->count * 3;
    const uint8_t **taken = malloc((size_t)down->most_taps * sizeof *taken);
    if (!taken) return CI_NO_MEMORY;
    for (int y = 0; y < down->count; y++, pixels += count) {
        int first = down->first[y], taps = down->taps[y];
        make_rows(rows, first, first + taps);
        for (int tap = 0; tap < taps; tap++) taken[tap] = row_at(rows, first + tap);
        sum_rows(taken, down->weights + (size_t)y * (size_t)down->most_taps, taps, count, pixels);
    }
    free(taken);
    return CI_OK;
}

ci_status_t ci_resample(ci_pixels_t image, ci_resize_t resize, ci_output_t output) {
    axis_t across = {0}, down = {0};
    groups_t groups = {0};
    rows_t rows = {.image = image, .axis = &across, .groups = &groups};
    ci_status_t status = CI_NO_MEMORY;
    ci_area_t area = resize.area;
    if (axis_init(&across, image.width, area.x, area.width, resize.width, resize.x, output.width, resize.filter)
        && axis_init(&down, image.height, area.y, area.height, resize.height, resize.y, output.height, resize.filter)
        && groups_init(&groups, &across)) {
        rows.stride = (size_t)output.width * 3 + BLOCK;
        rows.capacity = down.most_taps + 1;  // they are made in pairs
        rows.ring = calloc((size_t)rows.capacity, rows.stride);
        size_t padded = (size_t)image.width * 3 + (size_t)groups.per_pixel * 12 + 16;
        for (int i = 0; i < 2; i++) rows.padded[i] = calloc(padded, 1);
        if (rows.ring && rows.padded[0] && rows.padded[1]) status = run(&rows, &across, &down, output.pixels);
    }
    free(rows.ring);
    for (int i = 0; i < 2; i++) free(rows.padded[i]);
    free(groups.groups);
    axis_free(&across);
    axis_free(&down);
    return status;
}
