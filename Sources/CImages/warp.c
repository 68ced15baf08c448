#include "support.h"
#include <math.h>

// OpenCV's affine warp with linear interpolation, as up to version 4.10: modules/imgproc/src/imgwarp.cpp, warpAffine and
// remapBilinear. Coordinates are in fixed point of 10 bits, of which 5 choose among 32 × 32 weights of 15 bits.

#define COORDINATE_BITS 10
#define CHOICE_BITS 5
#define CHOICES (1 << CHOICE_BITS)

static int fixed(double value) { return (int)lrint(value * (1 << COORDINATE_BITS)); }

static int value_at(ci_pixels_t image, int x, int y, int channel, const uint8_t fill[3]) {
    if (x < 0 || y < 0 || x >= image.width || y >= image.height) return fill[channel];
    return image.pixels[((size_t)y * (size_t)image.width + (size_t)x) * 3 + (size_t)channel];
}

void ci_warp(ci_pixels_t image, ci_affine_t forth, const uint8_t fill[3], uint8_t *pixels) {
    double determinant = forth.xx * forth.yy - forth.xy * forth.yx, scale = determinant != 0 ? 1 / determinant : 0;
    ci_affine_t back = {
        .xx = forth.yy * scale, .xy = -forth.xy * scale, .yx = -forth.yx * scale, .yy = forth.xx * scale};
    back.x = -back.xx * forth.x - back.xy * forth.y;
    back.y = -back.yx * forth.x - back.yy * forth.y;
    const int half = (1 << COORDINATE_BITS) / CHOICES / 2, shift = COORDINATE_BITS - CHOICE_BITS;
    for (int y = 0; y < image.height; y++) {
        int first_x = fixed(back.xy * y + back.x) + half, first_y = fixed(back.yy * y + back.y) + half;
        for (int x = 0; x < image.width; x++, pixels += 3) {
            int from_x = (first_x + fixed(back.xx * x)) >> shift, from_y = (first_y + fixed(back.yx * x)) >> shift;
            int column = from_x >> CHOICE_BITS, row = from_y >> CHOICE_BITS;
            int right = from_x & (CHOICES - 1), below = from_y & (CHOICES - 1);
            int weights[4] = {
                (CHOICES - right) * (CHOICES - below) * 32, right * (CHOICES - below) * 32,
                (CHOICES - right) * below * 32, right * below * 32};
            for (int channel = 0; channel < 3; channel++) {
                int sum = 1 << 14;
                for (int tap = 0; tap < 4; tap++) {
                    sum += weights[tap] * value_at(image, column + (tap & 1), row + (tap >> 1), channel, fill);
                }
                pixels[channel] = (uint8_t)(sum >> 15);
            }
        }
    }
}
