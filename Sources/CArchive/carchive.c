#include "carchive.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { block = 1 << 18 };

struct car_reader {
    struct archive *archive;
    int descriptor;
    int fault;  // of the system, when it read the file
    int64_t offset, length;
    char buffer[block];
};

static la_ssize_t read_some(struct archive *archive, void *data, const void **out) {
    struct car_reader *r = data;
    ssize_t got;
    do got = pread(r->descriptor, r->buffer, block, r->offset);
    while (got < 0 && errno == EINTR);
    if (got < 0) {
        r->fault = errno;
        archive_set_error(archive, errno, "read: %s", strerror(errno));
        return ARCHIVE_FATAL;
    }
    r->offset += got;
    *out = r->buffer;
    return got;
}
static la_int64_t skip_some(struct archive *archive, void *data, la_int64_t count) {
    (void)archive;
    struct car_reader *r = data;
    int64_t rest = r->length - r->offset;
    if (count > rest) count = rest > 0 ? rest : 0;
    r->offset += count;
    return count;
}

static car_reader_t open_as(int descriptor, int64_t offset, int is_raw) {
    struct car_reader *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->descriptor = descriptor;
    struct stat status;
    if (fstat(descriptor, &status) < 0) goto fail;
    r->length = status.st_size;
    r->offset = offset;
    errno = ENOMEM;
    if (!(r->archive = archive_read_new())) goto fail;
    archive_read_support_filter_gzip(r->archive);
    archive_read_support_filter_zstd(r->archive);
    archive_read_support_filter_bzip2(r->archive);
    archive_read_support_filter_xz(r->archive);
    if (is_raw) {
        archive_read_support_format_raw(r->archive);
    } else {
        archive_read_support_format_tar(r->archive);
        archive_read_support_format_empty(r->archive);
    }
    // A failure to open is told by the first `car_next`, which has words for it.
    archive_read_open2(r->archive, r, NULL, read_some, skip_some, NULL);
    return r;
fail:
    {
        int code = errno;
        if (r->archive) archive_read_free(r->archive);
        free(r);
        errno = code;
    }
    return NULL;
}
car_reader_t car_open(int descriptor, int64_t offset) { return open_as(descriptor, offset, 0); }
car_reader_t car_open_raw(int descriptor) { return open_as(descriptor, 0, 1); }
int car_is_compressed(car_reader_t r) { return archive_filter_code(r->archive, 0) != ARCHIVE_FILTER_NONE; }

int car_next(car_reader_t r, const char **name, int64_t *size, int64_t *position, car_kind_t *kind) {
    struct archive_entry *entry;
    int status = archive_read_next_header(r->archive, &entry);
    if (status == ARCHIVE_EOF) return 0;
    if (status < ARCHIVE_WARN) return -1;
    *name = archive_entry_pathname(entry);
    if (!*name) *name = archive_entry_pathname_utf8(entry);
    if (!*name) *name = "";
    *size = archive_entry_size(entry);
    *position = archive_read_header_position(r->archive);
    int is_link = archive_entry_hardlink(entry) != NULL;
    *kind = is_link ? CAR_OTHER : archive_entry_filetype(entry) == AE_IFREG ? CAR_FILE
          : archive_entry_filetype(entry) == AE_IFDIR                      ? CAR_FOLDER
                                                                           : CAR_OTHER;
    return 1;
}
int64_t car_read(car_reader_t r, void *buffer, size_t capacity) {
    la_ssize_t got = archive_read_data(r->archive, buffer, capacity);
    return got < 0 ? -1 : got;
}
const char *car_error(car_reader_t r) {
    const char *text = archive_error_string(r->archive);
    return text ? text : "damaged";
}
int car_system_fault(car_reader_t r) {
    return r->fault ? r->fault : archive_errno(r->archive) == ENOMEM ? ENOMEM : 0;
}
void car_free(car_reader_t r) {
    if (!r) return;
    archive_read_free(r->archive);
    close(r->descriptor);
    free(r);
}

struct car_recoder {
    iconv_t converter;
    size_t step;  // bytes of the smallest letter
};

car_recoder_t car_recoder_open(const char *encoding) {
    iconv_t converter = iconv_open("UTF-8", encoding);
    if (converter == (iconv_t)-1) return NULL;
    struct car_recoder *r = malloc(sizeof *r);
    if (!r) {
        iconv_close(converter);
        return NULL;
    }
    r->converter = converter;
    r->step = strncasecmp(encoding, "utf-16", 6) == 0 ? 2 : 1;
    return r;
}
size_t car_recode(car_recoder_t r, const void *in, size_t count, size_t *used, void *out, size_t capacity, int is_last) {
    char *from = (char *)in, *to = out;
    size_t left = count, room = capacity;
    while (left > 0) {
        if (iconv(r->converter, &from, &left, &to, &room) != (size_t)-1) break;
        if (errno == E2BIG || (errno == EINVAL && !is_last) || room < 3) break;
        memcpy(to, "\xef\xbf\xbd", 3);
        to += 3, room -= 3;
        // What is left of a unit at the end is passed as a whole; every other step keeps to the units.
        size_t step = left < r->step ? left : r->step;
        from += step, left -= step;
    }
    *used = count - left;
    return capacity - room;
}
void car_recoder_free(car_recoder_t r) {
    if (!r) return;
    iconv_close(r->converter);
    free(r);
}

int car_inflate(const void *in, size_t in_count, void *out, size_t out_count) {
    if (in_count > UINT32_MAX || out_count > UINT32_MAX) return -1;
    z_stream stream = {.next_in = (Bytef *)in, .avail_in = (uInt)in_count, .next_out = out, .avail_out = (uInt)out_count};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return -2;
    int status = inflate(&stream, Z_FINISH);
    size_t made = stream.total_out;
    inflateEnd(&stream);
    if (status == Z_MEM_ERROR) return -2;
    return status == Z_STREAM_END && made == out_count ? 0 : -1;
}
uint32_t car_crc32(const void *bytes, size_t count) {
    uLong sum = crc32_z(0, NULL, 0);
    return (uint32_t)crc32_z(sum, bytes, count);
}
