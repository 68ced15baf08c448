#include "support.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

// Pillow's resampling in 8 bits: src/libImaging/Resample.c, as up to version 12. Two passes of weighted sums, rows
// first, with weights in 22-bit fixed point and results rounded and clamped to 8 bits after each pass. The rows of
// the first pass are kept only as long as the second one needs them.

#define PRECISION 22
#define HALF (1 << (PRECISION - 1))

#if defined(__x86_64__) && defined(__linux__)
#define FOR_EVERY_PROCESSOR __attribute__((target_clones("avx2", "sse4.1", "default")))
#else
#define FOR_EVERY_PROCESSOR
#endif

typedef int32_t int4_t __attribute__((vector_size(16)));
typedef uint8_t byte4_t __attribute__((vector_size(4)));

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

// Weights for the `count` outputs from `start` on of a resize from `from` to `to` positions. 0 when memory is short.
static int axis_init(axis_t *axis, int from, int to, int start, int count, ci_filter_t filter) {
    double (*kernel)(double) = filter == CI_BICUBIC ? bicubic : hamming;
    double scale = (double)from / to, stretch = scale < 1.0 ? 1.0 : scale;
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
        if (from == to) {  // nothing to do along this axis
            axis->first[i] = start + i;
            axis->taps[i] = 1;
            axis->weights[(size_t)i * (size_t)most] = 1 << PRECISION;
            continue;
        }
        double centre = (start + i + 0.5) * scale, sum = 0;
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

static inline uint8_t clamp(int32_t sum) {
    int32_t value = sum >> PRECISION;
    return value < 0 ? 0 : value > 255 ? 255 : (uint8_t)value;
}

// One row, from `in`, which has a byte to spare at its end, to `out`, which has one too.
FOR_EVERY_PROCESSOR
static void resample_row(const axis_t *axis, const uint8_t *in, uint8_t *out) {
    const int4_t most = {255, 255, 255, 255};
    const int32_t *weights = axis->weights;
    for (int i = 0; i < axis->count; i++, weights += axis->most_taps, out += 3) {
        const uint8_t *from = in + (size_t)axis->first[i] * 3;
        int4_t sum = {HALF, HALF, HALF, HALF};
        for (int tap = 0; tap < axis->taps[i]; tap++, from += 3) {
            byte4_t pixel;
            memcpy(&pixel, from, sizeof pixel);
            sum += __builtin_convertvector(pixel, int4_t) * weights[tap];
        }
        sum = __builtin_elementwise_min(__builtin_elementwise_max(sum >> PRECISION, (int4_t){0}), most);
        byte4_t pixel = __builtin_convertvector(sum, byte4_t);
        memcpy(out, &pixel, sizeof pixel);
    }
}

// One row of `count` bytes as the weighted sum of rows.
FOR_EVERY_PROCESSOR
static void sum_rows(const uint8_t *const *rows, const int32_t *weights, int taps, size_t count, uint8_t *out) {
    enum { block = 64 };
    for (size_t start = 0; start < count; start += block) {
        size_t width = count - start < block ? count - start : block;
        int32_t sums[block];
        for (size_t x = 0; x < block; x++) sums[x] = HALF;
        for (int tap = 0; tap < taps; tap++) {
            const uint8_t *row = rows[tap] + start;
            int32_t weight = weights[tap];
            if (width == block)
                for (size_t x = 0; x < block; x++) sums[x] += row[x] * weight;
            else
                for (size_t x = 0; x < width; x++) sums[x] += row[x] * weight;
        }
        for (size_t x = 0; x < width; x++) out[start + x] = clamp(sums[x]);
    }
}

// The first pass over the rows that the second one asks for, in a ring of as many rows as one sum takes.
typedef struct {
    ci_pixels_t image;
    const axis_t *axis;
    size_t stride;      // of a row in the ring, with its spare byte
    int capacity;       // rows in the ring
    int next;           // the first row that was not yet made
    uint8_t *ring;
    uint8_t *padded;    // one row of the image with a byte to spare
} rows_t;

static const uint8_t *row_at(const rows_t *rows, int y) {
    return rows->ring + (size_t)(y % rows->capacity) * rows->stride;
}

static void make_rows(rows_t *rows, int first, int end) {
    size_t width = (size_t)rows->image.width * 3;
    if (rows->next < first) rows->next = first;
    for (; rows->next < end; rows->next++) {
        memcpy(rows->padded, rows->image.pixels + (size_t)rows->next * width, width);
        resample_row(rows->axis, rows->padded, (uint8_t *)row_at(rows, rows->next));
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
    rows_t rows = {.image = image, .axis = &across};
    ci_status_t status = CI_NO_MEMORY;
    if (axis_init(&across, image.width, resize.width, resize.x, output.width, resize.filter)
        && axis_init(&down, image.height, resize.height, resize.y, output.height, resize.filter)) {
        rows.stride = (size_t)output.width * 3 + 1;
        rows.capacity = down.most_taps;
        rows.ring = malloc((size_t)rows.capacity * rows.stride);
        rows.padded = calloc((size_t)image.width * 3 + 1, 1);
        if (rows.ring && rows.padded) status = run(&rows, &across, &down, output.pixels);
    }
    free(rows.ring);
    free(rows.padded);
    axis_free(&across);
    axis_free(&down);
    return status;
}
