#include "support.h"
#include <stdlib.h>

void ci_encoded_free(ci_encoded_t encoded) { free(encoded.bytes); }

// The rounding is Pillow's.
static inline uint8_t on_white(uint8_t value, unsigned alpha) {
    unsigned sum = value * alpha + 255u * (255u - alpha) + 128;
    return (uint8_t)(((sum >> 8) + sum) >> 8);
}

void ci_compose_on_white(uint8_t *pixels, size_t count) {
    const uint8_t *from = pixels;
    for (size_t i = 0; i < count; i++, from += 4, pixels += 3) {
        unsigned alpha = from[3];
        uint8_t red = on_white(from[0], alpha), green = on_white(from[1], alpha), blue = on_white(from[2], alpha);
        pixels[0] = red;
        pixels[1] = green;
        pixels[2] = blue;
    }
}

void ci_orient(ci_pixels_t image, int orientation, uint8_t *pixels) {
    // Each orientation is a walk over the stored pixels: where it starts, and a step for x and one for y.
    ptrdiff_t column = 3, row = (ptrdiff_t)image.width * 3;
    ptrdiff_t last_column = row - 3, last_row = (ptrdiff_t)(image.height - 1) * row;
    ptrdiff_t start = 0, step_x = column, step_y = row;
    switch (orientation) {
    case 2: start = last_column, step_x = -column; break;
    case 3: start = last_row + last_column, step_x = -column, step_y = -row; break;
    case 4: start = last_row, step_y = -row; break;
    case 5: step_x = row, step_y = column; break;
    case 6: start = last_row, step_x = -row, step_y = column; break;
    case 7: start = last_row + last_column, step_x = -row, step_y = -column; break;
    case 8: start = last_column, step_x = row, step_y = -column; break;
    }
    int turned = orientation > 4;
    int width = turned ? image.height : image.width, height = turned ? image.width : image.height;
    for (int y = 0; y < height; y++) {
        const uint8_t *from = image.pixels + start + y * step_y;
        for (int x = 0; x < width; x++, from += step_x, pixels += 3) {
            pixels[0] = from[0];
            pixels[1] = from[1];
            pixels[2] = from[2];
        }
    }
}
