#include "support.h"
#include <gif_lib.h>
#include <stdlib.h>
#include <string.h>

static int read_input(GifFileType *gif, GifByteType *bytes, int count) {
    ci_input_t *left = gif->UserData;
    size_t taken = (size_t)count < left->count ? (size_t)count : left->count;
    memcpy(bytes, left->bytes, taken);
    left->bytes += taken;
    left->count -= taken;
    return (int)taken;
}

static ci_status_t fail_gif(GifFileType *gif, char *message) {
    const char *text = GifErrorString(gif->Error);
    return ci_fail(gif->Error == D_GIF_ERR_NOT_ENOUGH_MEM ? CI_NO_MEMORY : CI_DAMAGED, message,
        text ? text : "corrupt GIF data");
}

// Reads the blocks up to the first frame's description, and which colour is transparent in it: -1 for none.
static ci_status_t find_frame(GifFileType *gif, int *transparent, char *message) {
    *transparent = NO_TRANSPARENT_COLOR;
    for (;;) {
        GifRecordType record;
        if (DGifGetRecordType(gif, &record) == GIF_ERROR) return fail_gif(gif, message);
        if (record == IMAGE_DESC_RECORD_TYPE)
            return DGifGetImageDesc(gif) == GIF_OK ? CI_OK : fail_gif(gif, message);
        if (record != EXTENSION_RECORD_TYPE) return ci_fail(CI_DAMAGED, message, "a GIF without a frame");
        int kind;
        GifByteType *block;
        int read = DGifGetExtension(gif, &kind, &block);
        while (read == GIF_OK && block) {
            GraphicsControlBlock control;
            if (kind == GRAPHICS_EXT_FUNC_CODE && DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK)
                *transparent = control.TransparentColor;
            read = DGifGetExtensionNext(gif, &block);
        }
        if (read != GIF_OK) return fail_gif(gif, message);
    }
}

static GifColorType colour_at(const GifFileType *gif, int index) {
    const ColorMapObject *map = gif->Image.ColorMap ? gif->Image.ColorMap : gif->SColorMap;
    return index < map->ColorCount ? map->Colors[index] : (GifColorType){0, 0, 0};
}

static void put(uint8_t *pixel, GifColorType colour) {
    pixel[0] = colour.Red;
    pixel[1] = colour.Green;
    pixel[2] = colour.Blue;
}

// Paints one line of the frame on the canvas, which holds the frame.
static void paint(const GifFileType *gif, int transparent, const uint8_t *line, int y, ci_output_t canvas) {
    int top = gif->Image.Top + y, left = gif->Image.Left;
    for (int x = 0; x < gif->Image.Width; x++) {
        if (line[x] == transparent) continue;
        size_t pixel = (size_t)top * (size_t)canvas.width + (size_t)(left + x);
        put(canvas.pixels + pixel * 3, colour_at(gif, line[x]));
    }
}

// Whether `count` bytes of sub-blocks hold no code that stands for nothing, up to the frame's last pixel; giflib makes
// something up for such a code. Data that end too soon are left to it.
static int has_valid_codes(const uint8_t *in, size_t count, int code_size, size_t pixels) {
    if (code_size < 1 || code_size > 8) return 0;
    uint16_t lengths[4096];
    const int clear = 1 << code_size, end = clear + 1;
    int next = clear + 2, width = code_size + 1, before = -1, bits = 0;
    uint32_t buffer = 0;
    size_t block = 0, done = 0;
    for (int code = 0; code < clear; code++) lengths[code] = 1;
    while (done < pixels) {
        for (; bits < width; bits += 8) {
            if (block == 0) {
                if (count == 0 || *in == 0) return 1;
                block = *in++;
                count--;
            }
            if (count == 0) return 1;
            buffer |= (uint32_t)*in++ << bits;
            count--;
            block--;
        }
        int code = (int)(buffer & ((1u << width) - 1));
        buffer >>= width;
        bits -= width;
        if (code == end) return 1;
        if (code == clear) {
            next = clear + 2;
            width = code_size + 1;
            before = -1;
            continue;
        }
        if (before < 0 ? code > end : code > next) return 0;
        if (before >= 0 && next < 4096) {
            lengths[next] = (uint16_t)(lengths[before] + 1);
            if (++next == 1 << width && width < 12) width++;
        }
        done += lengths[code];
        before = code;
    }
    return 1;
}

static ci_status_t decode(GifFileType *gif, size_t most_pixels, ci_output_t canvas, char *message) {
    int transparent;
    ci_status_t status = find_frame(gif, &transparent, message);
    if (status != CI_OK) return status;
    int width = gif->Image.Width, height = gif->Image.Height;
    int right = gif->Image.Left + width, bottom = gif->Image.Top + height;
    if (canvas.width != (gif->SWidth > right ? gif->SWidth : right)
        || canvas.height != (gif->SHeight > bottom ? gif->SHeight : bottom))
        return ci_fail(CI_DAMAGED, message, "two headers with different sizes");
    if (!gif->Image.ColorMap && !gif->SColorMap) return ci_fail(CI_DAMAGED, message, "a GIF without colours");
    if (width < 1 || height < 1 || (size_t)width * (size_t)height > most_pixels)
        return ci_fail(CI_DAMAGED, message, "a frame of an impossible size");

    // giflib has read the code size by now, and nothing behind it.
    const ci_input_t *left = gif->UserData;
    if (!has_valid_codes(left->bytes, left->count, left->bytes[-1], (size_t)width * (size_t)height))
        return ci_fail(CI_DAMAGED, message, "a code that stands for nothing");

    uint8_t *line = malloc((size_t)width);
    if (!line) return ci_fail(CI_NO_MEMORY, message, "no memory for a line");
    // Where the frame does not reach, the canvas is transparent, or colour 0 if no colour is transparent: as Pillow.
    size_t pixels = (size_t)canvas.width * (size_t)canvas.height;
    GifColorType ground = transparent >= 0 ? (GifColorType){255, 255, 255} : colour_at(gif, 0);
    for (size_t i = 0; i < pixels; i++) put(canvas.pixels + i * 3, ground);
    static const int starts[] = {0, 4, 2, 1}, steps[] = {8, 8, 4, 2};
    int passes = gif->Image.Interlace ? 4 : 1;
    for (int pass = 0; pass < passes && status == CI_OK; pass++) {
        int step = passes == 1 ? 1 : steps[pass];
        for (int y = starts[pass]; y < height && status == CI_OK; y += step) {
            if (DGifGetLine(gif, line, width) == GIF_OK) paint(gif, transparent, line, y, canvas);
            else status = fail_gif(gif, message);
        }
    }
    free(line);
    return status;
}

ci_status_t ci_gif_decode(ci_input_t input, size_t most_pixels, ci_output_t output, char *message) {
    int error = 0;
    GifFileType *gif = DGifOpen(&input, read_input, &error);
    if (!gif) {
        const char *text = GifErrorString(error);
        return ci_fail(CI_DAMAGED, message, text ? text : "corrupt GIF data");
    }
    ci_status_t status = decode(gif, most_pixels, output, message);
    DGifCloseFile(gif, &error);
    return status;
}
