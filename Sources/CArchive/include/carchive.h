#pragma once
#include <stddef.h>
#include <stdint.h>

/// A tar being read forwards by libarchive, through gzip, zstd, bzip2 or xz where its bytes say so.
typedef struct car_reader *car_reader_t;

typedef enum { CAR_FILE, CAR_FOLDER, CAR_OTHER } car_kind_t;

/// Reads the open file from byte `offset` on, where a header starts; NULL, with `errno` set, after a fault of the system, and
/// then the descriptor is still the caller's. Otherwise `car_free` closes it.
car_reader_t car_open(int descriptor, int64_t offset);
/// The same for a file that is compressed but not a tar: its one member is what it holds.
car_reader_t car_open_raw(int descriptor);
/// Whether the file goes through a filter, so that offsets are of what is decompressed; known after the first member.
int car_is_compressed(car_reader_t reader);
/// The next member: 1; 0 behind the last, -1 after a fault. `name` is valid until the next call, `position` is that of the
/// member's first header in the decompressed tar, counted from where reading started.
int car_next(car_reader_t reader, const char **name, int64_t *size, int64_t *position, car_kind_t *kind);
/// Reads the member's bytes: how many there were, 0 at its end, -1 after a fault.
int64_t car_read(car_reader_t reader, void *buffer, size_t capacity);
/// What was wrong.
const char *car_error(car_reader_t reader);
/// The system's number for it where the disk or the memory is to blame; 0 where the archive is.
int car_system_fault(car_reader_t reader);
void car_free(car_reader_t reader);

/// A text being turned into UTF-8 part by part; NULL where the encoding is not known on this machine.
typedef struct car_recoder *car_recoder_t;
car_recoder_t car_recoder_open(const char *encoding);
/// Turns bytes of `in` into UTF-8; gives how many of `out` it wrote, and in `used` how many of `in` it took. Bytes that the
/// encoding does not have become U+FFFD; those of a letter that is cut off are left, unless `is_last`.
size_t car_recode(car_recoder_t recoder, const void *in, size_t count, size_t *used, void *out, size_t capacity, int is_last);
void car_recoder_free(car_recoder_t recoder);

/// Inflates a raw deflate stream of known length; 0 when it had exactly `out_count` bytes, -1 when it is damaged, -2 without
/// memory.
int car_inflate(const void *in, size_t in_count, void *out, size_t out_count);
/// The CRC-32 of `bytes`, as zip archives have it.
uint32_t car_crc32(const void *bytes, size_t count);
