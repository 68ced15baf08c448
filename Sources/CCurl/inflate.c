#include "ccurl.h"

#include <stdlib.h>
#include <zlib.h>

struct ccurl_inflate {
    z_stream stream;
};

ccurl_inflate_t *ccurl_inflate_create(int is_raw) {
    ccurl_inflate_t *self = calloc(1, sizeof *self);
    // 32 recognises zlib's and gzip's headers.
    if (self && inflateInit2(&self->stream, is_raw ? -MAX_WBITS : MAX_WBITS + 32) == Z_OK) return self;
    free(self);
    return NULL;
}

void ccurl_inflate_free(ccurl_inflate_t *self) {
    inflateEnd(&self->stream);
    free(self);
}

int ccurl_inflate(ccurl_inflate_t *self, const void *input, size_t *input_count, void *output, size_t *output_count) {
    z_stream *stream = &self->stream;
    stream->next_in = (Bytef *)input;
    stream->avail_in = (uInt)*input_count;
    stream->next_out = output;
    stream->avail_out = (uInt)*output_count;
    int code = inflate(stream, Z_NO_FLUSH);
    *input_count -= stream->avail_in;
    *output_count -= stream->avail_out;
    if (code == Z_STREAM_END) return 1;
    return code == Z_OK || code == Z_BUF_ERROR ? 0 : -1;
}
