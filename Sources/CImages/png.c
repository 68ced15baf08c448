#include "support.h"
#include <spng.h>
#include <stdlib.h>

static ci_status_t fail_png(int error, char *message) {
    return ci_fail(error == SPNG_EMEM ? CI_NO_MEMORY : CI_DAMAGED, message, spng_strerror(error));
}

// Whether a pixel can be less than opaque.
static int has_alpha(spng_ctx *png, const struct spng_ihdr *header) {
    struct spng_trns transparency;
    return header->color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA
        || header->color_type == SPNG_COLOR_TYPE_TRUECOLOR_ALPHA || spng_get_trns(png, &transparency) == SPNG_OK;
}

static ci_status_t decode(spng_ctx *png, ci_input_t input, ci_output_t output, char *message) {
    // Text, profiles and the like are of no use here, but may claim and inflate to a lot.
    enum { most_chunk_bytes = 32 << 20 };
    spng_set_chunk_limits(png, most_chunk_bytes, most_chunk_bytes);
    spng_set_png_buffer(png, input.bytes, input.count);

    struct spng_ihdr header;
    int error = spng_get_ihdr(png, &header);
    if (error) return fail_png(error, message);
    if (header.width != (uint32_t)output.width || header.height != (uint32_t)output.height)
        return ci_fail(CI_DAMAGED, message, "two headers with different sizes");

    // 16-bit samples keep their high byte.
    int alpha = has_alpha(png, &header), format = alpha ? SPNG_FMT_RGBA8 : SPNG_FMT_RGB8;
    size_t pixels = (size_t)output.width * (size_t)output.height;
    error = spng_decode_image(png, output.pixels, pixels * (alpha ? 4 : 3), format, alpha ? SPNG_DECODE_TRNS : 0);
    if (!error) error = spng_decode_chunks(png);  // what is left, for the checksum of the last pixels
    if (error) return fail_png(error, message);
    if (alpha) ci_compose_on_white(output.pixels, pixels);
    return CI_OK;
}

ci_status_t ci_png_decode(ci_input_t input, ci_output_t output, char *message) {
    spng_ctx *png = spng_ctx_new(0);
    if (!png) return ci_fail(CI_NO_MEMORY, message, "no memory for a PNG decoder");
    ci_status_t status = decode(png, input, output, message);
    spng_ctx_free(png);
    return status;
}

static ci_status_t encode(spng_ctx *png, ci_pixels_t image, ci_encoded_t *out, char *message) {
    struct spng_ihdr header = {
        .width = (uint32_t)image.width, .height = (uint32_t)image.height, .bit_depth = 8,
        .color_type = SPNG_COLOR_TYPE_TRUECOLOR,
    };
    spng_set_option(png, SPNG_ENCODE_TO_BUFFER, 1);
    int error = spng_set_ihdr(png, &header);
    size_t count = (size_t)image.width * (size_t)image.height * 3;
    if (!error) error = spng_encode_image(png, image.pixels, count, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE);
    if (error) return fail_png(error, message);
    out->bytes = spng_get_png_buffer(png, &out->count, &error);
    return out->bytes ? CI_OK : fail_png(error, message);
}

ci_status_t ci_png_encode(ci_pixels_t image, ci_encoded_t *out, char *message) {
    spng_ctx *png = spng_ctx_new(SPNG_CTX_ENCODER);
    if (!png) return ci_fail(CI_NO_MEMORY, message, "no memory for a PNG encoder");
    ci_status_t status = encode(png, image, out, message);
    spng_ctx_free(png);
    return status;
}
