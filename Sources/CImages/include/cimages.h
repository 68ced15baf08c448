#pragma once
#include <stddef.h>
#include <stdint.h>

/// Decoders and encoders over libjpeg-turbo, libspng, libwebp and giflib, and a resampler.
///
/// Pixels are interleaved RGB8, rows top to bottom, without padding. Transparent pixels are composed on white in the
/// space of the file's own values. Nothing is applied that a file says about colour profiles, gamma or orientation.

/// How a call ended.
typedef enum {
    CI_OK = 0,
    CI_DAMAGED,      // truncated or corrupt: pixels are missing or cannot be trusted
    CI_UNSUPPORTED,  // well formed as far as read, but of a kind that the library does not decode
    CI_NO_MEMORY,
} ci_status_t;

/// What a failed call says to a person: a NUL-terminated text.
enum { CI_MESSAGE_CAPACITY = 200 };

/// Compressed bytes to read.
typedef struct {
    const uint8_t *bytes;
    size_t count;
} ci_input_t;

/// Where decoded pixels go, and the size that the file's header gave: another size in the data is damage.
typedef struct {
    int width, height;
    uint8_t *pixels;
} ci_output_t;

/// How much of a JPEG is decoded: the picture at 1/`denominator` (1, 2, 4 or 8) of its size is `width` × `height`, each side
/// rounded up, and of it only the part at (`x`, `y`) of the output's size.
typedef struct {
    int denominator;
    int width, height;
    int x, y;
} ci_part_t;

/// Decodes `part` into `output`, 3 bytes a pixel; the pixels are those of the whole picture. What stands in the file behind
/// the last row is not looked at. More than `most_scans` scans are damage. `message` has CI_MESSAGE_CAPACITY bytes, as in
/// all calls.
ci_status_t ci_jpeg_decode(ci_input_t input, ci_part_t part, int most_scans, ci_output_t output, char *message);

/// Decodes into `output`, which has room for 4 bytes a pixel; the first 3 a pixel are used in the end.
ci_status_t ci_png_decode(ci_input_t input, ci_output_t output, char *message);

/// Decodes the picture, or the first frame of an animation on its canvas, into `output`, which has room for 4 bytes a
/// pixel; the first 3 a pixel are used in the end.
ci_status_t ci_webp_decode(ci_input_t input, ci_output_t output, char *message);

/// Decodes the first frame on the canvas into `output`, 3 bytes a pixel; a frame of over `most_pixels` is damage.
ci_status_t ci_gif_decode(ci_input_t input, size_t most_pixels, ci_output_t output, char *message);

/// Bytes that an encoder made; release them with `ci_encoded_free`.
typedef struct {
    uint8_t *bytes;
    size_t count;
} ci_encoded_t;

/// Pixels to encode or to resample.
typedef struct {
    int width, height;
    const uint8_t *pixels;
} ci_pixels_t;

/// Encodes baseline JPEG with 4:2:0 chroma and the standard Huffman tables; `quality` 1 to 100.
ci_status_t ci_jpeg_encode(ci_pixels_t image, int quality, ci_encoded_t *out, char *message);
/// Encodes lossy WebP; `quality` 0 to 100.
ci_status_t ci_webp_encode(ci_pixels_t image, int quality, ci_encoded_t *out, char *message);
/// Encodes 8-bit RGB PNG.
ci_status_t ci_png_encode(ci_pixels_t image, ci_encoded_t *out, char *message);
void ci_encoded_free(ci_encoded_t encoded);

/// The interpolation kernels, with Pillow's names and shapes.
typedef enum {
    CI_HAMMING,
    CI_BICUBIC,
} ci_filter_t;

/// A part of an image, in pixels and parts of them.
typedef struct {
    double x, y, width, height;
} ci_area_t;

/// A resize of `area` to `width` × `height` of which only the window at (`x`, `y`) of the output's size is computed.
typedef struct {
    ci_area_t area;
    int width, height;
    int x, y;
    ci_filter_t filter;
} ci_resize_t;

/// Resamples `image` into `output`; equals Pillow's `resize` with `area` as its `box`, then `crop`, bit for bit.
ci_status_t ci_resample(ci_pixels_t image, ci_resize_t resize, ci_output_t output);

/// Turns or mirrors `image` as EXIF `orientation` (2 to 8) asks into `pixels`, which has the same number of pixels.
void ci_orient(ci_pixels_t image, int orientation, uint8_t *pixels);

/// Where a pixel goes: from (u, v) to (xx·u + xy·v + x, yx·u + yy·v + y).
typedef struct {
    double xx, xy, x;
    double yx, yy, y;
} ci_affine_t;

/// Moves the pixels of `image` into `pixels`, of the same size, with linear interpolation; what comes from outside is `fill`.
void ci_warp(ci_pixels_t image, ci_affine_t forth, const uint8_t fill[3], uint8_t *pixels);
