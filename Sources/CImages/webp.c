#include "support.h"
#include <stdlib.h>
#include <string.h>
#include <webp/decode.h>
#include <webp/demux.h>
#include <webp/encode.h>

static ci_status_t fail_webp(VP8StatusCode code, char *message) {
    switch (code) {
    case VP8_STATUS_OUT_OF_MEMORY: return ci_fail(CI_NO_MEMORY, message, "no memory for the WebP");
    case VP8_STATUS_UNSUPPORTED_FEATURE: return ci_fail(CI_UNSUPPORTED, message, "an unknown feature of WebP");
    case VP8_STATUS_NOT_ENOUGH_DATA: return ci_fail(CI_DAMAGED, message, "the WebP data end too early");
    default: return ci_fail(CI_DAMAGED, message, "corrupt WebP data");
    }
}

// Decodes one bitstream into RGB, or into RGBA where it has alpha.
static VP8StatusCode decode_stream(ci_input_t input, WebPDecoderConfig *config, ci_output_t output) {
    VP8StatusCode code = WebPGetFeatures(input.bytes, input.count, &config->input);
    if (code != VP8_STATUS_OK) return code;
    if (config->input.width != output.width || config->input.height != output.height) return VP8_STATUS_BITSTREAM_ERROR;
    size_t bytes = config->input.has_alpha ? 4 : 3, stride = (size_t)output.width * bytes;
    config->output.colorspace = config->input.has_alpha ? MODE_RGBA : MODE_RGB;
    config->output.is_external_memory = 1;
    config->output.u.RGBA.rgba = output.pixels;
    config->output.u.RGBA.stride = (int)stride;
    config->output.u.RGBA.size = stride * (size_t)output.height;
    code = WebPDecode(input.bytes, input.count, config);
    if (code == VP8_STATUS_OK && config->input.has_alpha)
        ci_compose_on_white(output.pixels, (size_t)output.width * (size_t)output.height);
    return code;
}

// Puts the first frame on a white canvas.
static ci_status_t decode_frame(WebPDemuxer *demuxer, WebPDecoderConfig *config, ci_output_t canvas, char *message) {
    if (WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_WIDTH) != (uint32_t)canvas.width
        || WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_HEIGHT) != (uint32_t)canvas.height)
        return ci_fail(CI_DAMAGED, message, "two headers with different sizes");
    WebPIterator frame;
    if (!WebPDemuxGetFrame(demuxer, 1, &frame)) return ci_fail(CI_DAMAGED, message, "an animation without frames");
    // The demuxer has checked that the frame lies on the canvas.
    size_t width = (size_t)frame.width, height = (size_t)frame.height, row = (size_t)canvas.width * 3;
    uint8_t *pixels = malloc(width * height * 4);
    if (!pixels) {
        WebPDemuxReleaseIterator(&frame);
        return ci_fail(CI_NO_MEMORY, message, "no memory for a frame");
    }
    VP8StatusCode code = decode_stream(
        (ci_input_t){frame.fragment.bytes, frame.fragment.size}, config,
        (ci_output_t){frame.width, frame.height, pixels});
    if (code == VP8_STATUS_OK) {
        memset(canvas.pixels, 255, row * (size_t)canvas.height);
        uint8_t *corner = canvas.pixels + (size_t)frame.y_offset * row + (size_t)frame.x_offset * 3;
        for (size_t y = 0; y < height; y++) memcpy(corner + y * row, pixels + y * width * 3, width * 3);
    }
    free(pixels);
    WebPDemuxReleaseIterator(&frame);
    return code == VP8_STATUS_OK ? CI_OK : fail_webp(code, message);
}

ci_status_t ci_webp_decode(ci_input_t input, ci_output_t output, char *message) {
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config)) return ci_fail(CI_UNSUPPORTED, message, "libwebp of another version");
    VP8StatusCode code = WebPGetFeatures(input.bytes, input.count, &config.input);
    if (code == VP8_STATUS_OK && !config.input.has_animation) code = decode_stream(input, &config, output);
    if (code != VP8_STATUS_OK) return fail_webp(code, message);
    if (!config.input.has_animation) return CI_OK;

    WebPData data = {input.bytes, input.count};
    WebPDemuxer *demuxer = WebPDemux(&data);
    if (!demuxer) return ci_fail(CI_DAMAGED, message, "a corrupt WebP animation");
    ci_status_t status = decode_frame(demuxer, &config, output, message);
    WebPDemuxDelete(demuxer);
    return status;
}

ci_status_t ci_webp_encode(ci_pixels_t image, int quality, ci_encoded_t *out, char *message) {
    uint8_t *bytes = NULL;
    size_t count = WebPEncodeRGB(image.pixels, image.width, image.height, image.width * 3, (float)quality, &bytes);
    if (!count) {
        WebPFree(bytes);
        return ci_fail(CI_UNSUPPORTED, message, "libwebp refuses the picture");
    }
    *out = (ci_encoded_t){bytes, count};
    return CI_OK;
}
