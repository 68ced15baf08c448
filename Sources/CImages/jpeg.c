#include "support.h"
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
// libjpeg's headers want these two first.
#include <jpeglib.h>
#include <jerror.h>

// libjpeg reports errors by a function that must not return. Here it leaves by longjmp to the one frame that called
// setjmp; between the two are only frames of libjpeg.
typedef struct {
    struct jpeg_error_mgr base;
    jmp_buf leave;
    char *message;
    ci_status_t status;
} failure_t;

static ci_status_t status_of(int code) {
    switch (code) {
    case JERR_OUT_OF_MEMORY: return CI_NO_MEMORY;
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_CCIR601_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_NOTIMPL:
    case JERR_IMAGE_TOO_BIG: return CI_UNSUPPORTED;
    default: return CI_DAMAGED;
    }
}

static void leave(j_common_ptr codec) {
    failure_t *failure = (failure_t *)codec->err;
    char text[JMSG_LENGTH_MAX];
    codec->err->format_message(codec, text);
    failure->status = ci_fail(status_of(codec->err->msg_code), failure->message, text);
    longjmp(failure->leave, 1);
}

// Some warnings mean that pixels were made up; they end the decoding. The others are about markers that do no harm.
static void judge(j_common_ptr codec, int level) {
    if (level >= 0) return;
    switch (codec->err->msg_code) {
    case JWRN_HIT_MARKER:
    case JWRN_JPEG_EOF:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC: leave(codec);
    }
}

static void silent(j_common_ptr codec) { (void)codec; }

static struct jpeg_error_mgr *prepare(failure_t *failure, char *message) {
    struct jpeg_error_mgr *errors = jpeg_std_error(&failure->base);
    errors->error_exit = leave;
    errors->emit_message = judge;
    errors->output_message = silent;
    failure->message = message;
    failure->status = CI_OK;
    return errors;
}

// A progressive file can hold any number of scans, each of which costs a pass over the whole picture.
typedef struct {
    struct jpeg_progress_mgr base;
    int most_scans;
} scan_limit_t;

static void check_scans(j_common_ptr codec) {
    j_decompress_ptr decoder = (j_decompress_ptr)codec;
    if (decoder->input_scan_number <= ((scan_limit_t *)codec->progress)->most_scans) return;
    failure_t *failure = (failure_t *)codec->err;
    failure->status = ci_fail(CI_DAMAGED, failure->message, "more scans than a picture of this size can need");
    longjmp(failure->leave, 1);
}

// CMYK as Adobe writes it, with 255 for no ink; the arithmetic is Pillow's.
static void rgb_of_cmyk(const uint8_t *cmyk, uint8_t *rgb, int width) {
    for (int x = 0; x < width; x++, cmyk += 4, rgb += 3) {
        for (int channel = 0; channel < 3; channel++) {
            unsigned product = (255u - cmyk[channel]) * cmyk[3] + 128;
            rgb[channel] = (uint8_t)(cmyk[3] - (((product >> 8) + product) >> 8));
        }
    }
}

// The part of each row that is decoded. The library decodes whole blocks of coefficients; beside the part it decodes one
// more block where there is one, because smooth chroma upsampling looks at the neighbours of a pixel.
typedef struct {
    JDIMENSION first, width;  // columns that the library gives
    int skipped;              // of those, how many stand before the part
} columns_t;

static columns_t choose_columns(struct jpeg_decompress_struct *decoder, ci_part_t part, ci_output_t output) {
    columns_t columns = {.width = decoder->output_width};
    if (output.width == part.width) return columns;
    int margin = decoder->max_h_samp_factor * 8, first = part.x > margin ? part.x - margin : 0;
    int end = part.x + output.width + margin < part.width ? part.x + output.width + margin : part.width;
    columns.first = (JDIMENSION)first;
    columns.width = (JDIMENSION)(end - first);
    jpeg_crop_scanline(decoder, &columns.first, &columns.width);
    columns.skipped = part.x - (int)columns.first;
    return columns;
}

// One row after the other through a row of room, for what is not to be stored as it comes.
static void read_row_by_row(
    struct jpeg_decompress_struct *decoder, columns_t columns, int has_black, ci_output_t output) {
    JSAMPARRAY row = decoder->mem->alloc_sarray(
        (j_common_ptr)decoder, JPOOL_IMAGE, columns.width * (has_black ? 4 : 3), 1);
    size_t stride = (size_t)output.width * 3;
    for (int y = 0; y < output.height;) {
        if (jpeg_read_scanlines(decoder, row, 1) != 1) continue;
        uint8_t *target = output.pixels + (size_t)y++ * stride;
        if (has_black) rgb_of_cmyk(row[0] + columns.skipped * 4, target, output.width);
        else memcpy(target, row[0] + columns.skipped * 3, stride);
    }
}

static void read_rows(struct jpeg_decompress_struct *decoder, ci_output_t output) {
    size_t stride = (size_t)output.width * 3;
    enum { batch = 16 };
    JSAMPROW rows[batch];
    for (JDIMENSION done = 0; done < (JDIMENSION)output.height;) {
        JDIMENSION count = (JDIMENSION)output.height - done;
        if (count > batch) count = batch;
        for (JDIMENSION i = 0; i < count; i++) rows[i] = output.pixels + (done + i) * stride;
        done += jpeg_read_scanlines(decoder, rows, count);
    }
}

ci_status_t ci_jpeg_decode(ci_input_t input, ci_part_t part, int most_scans, ci_output_t output, char *message) {
    struct jpeg_decompress_struct decoder;
    failure_t failure;
    scan_limit_t limit = {.base = {.progress_monitor = check_scans}, .most_scans = most_scans};
    decoder.err = prepare(&failure, message);
    if (setjmp(failure.leave)) {
        jpeg_destroy_decompress(&decoder);
        return failure.status;
    }
    jpeg_create_decompress(&decoder);
    decoder.progress = &limit.base;
    jpeg_mem_src(&decoder, input.bytes, input.count);
    jpeg_read_header(&decoder, TRUE);

    // Everything else stays at libjpeg's default, as in Pillow: the accurate DCT and smooth chroma upsampling.
    int has_black = decoder.num_components == 4;
    decoder.out_color_space = has_black ? JCS_CMYK : JCS_EXT_RGB;
    decoder.scale_num = 8 / (unsigned)part.denominator;
    decoder.scale_denom = 8;
    jpeg_calc_output_dimensions(&decoder);
    if (decoder.output_width != (JDIMENSION)part.width || decoder.output_height != (JDIMENSION)part.height) {
        jpeg_destroy_decompress(&decoder);
        return ci_fail(CI_DAMAGED, message, "two headers with different sizes");
    }
    jpeg_start_decompress(&decoder);
    columns_t columns = choose_columns(&decoder, part, output);
    if (part.y > 0) jpeg_skip_scanlines(&decoder, (JDIMENSION)part.y);
    if (has_black || columns.width != (JDIMENSION)output.width) {
        read_row_by_row(&decoder, columns, has_black, output);
    } else {
        read_rows(&decoder, output);
    }
    jpeg_destroy_decompress(&decoder);  // what follows the last row is of no interest
    return CI_OK;
}

ci_status_t ci_jpeg_encode(ci_pixels_t image, int quality, ci_encoded_t *out, char *message) {
    struct jpeg_compress_struct encoder;
    failure_t failure;
    // libjpeg grows this buffer when it must; at quality 95 a photograph has about half a byte a pixel.
    unsigned long capacity = (unsigned long)image.width * (unsigned long)image.height + 4096, size = capacity;
    unsigned char *first = malloc(capacity), *bytes = first;
    if (!first) return ci_fail(CI_NO_MEMORY, message, "no memory for the JPEG");
    encoder.err = prepare(&failure, message);
    if (setjmp(failure.leave)) {
        jpeg_destroy_compress(&encoder);
        free(first);
        return failure.status;
    }
    jpeg_create_compress(&encoder);
    jpeg_mem_dest(&encoder, &bytes, &size);
    encoder.image_width = (JDIMENSION)image.width;
    encoder.image_height = (JDIMENSION)image.height;
    encoder.input_components = 3;
    encoder.in_color_space = JCS_EXT_RGB;
    jpeg_set_defaults(&encoder);
    jpeg_set_quality(&encoder, quality, TRUE);
    jpeg_start_compress(&encoder, TRUE);
    while (encoder.next_scanline < encoder.image_height) {
        JSAMPROW row = (JSAMPROW)image.pixels + (size_t)encoder.next_scanline * (size_t)image.width * 3;
        jpeg_write_scanlines(&encoder, &row, 1);
    }
    jpeg_finish_compress(&encoder);
    jpeg_destroy_compress(&encoder);
    if (bytes != first) free(first);
    *out = (ci_encoded_t){.bytes = bytes, .count = size};
    return CI_OK;
}
