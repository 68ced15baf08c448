#pragma once
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

/// Parquet files in and out, by Arrow C++. Every call that returns `int` and can fail returns -1 then, with the reason
/// in `cpq_last_error` of the calling thread.
const char *cpq_last_error(void);

/// What a column holds; lists are of values that are never null.
typedef enum { CPQ_STRING, CPQ_INT64, CPQ_DOUBLE, CPQ_BOOL, CPQ_STRING_LIST, CPQ_DOUBLE_LIST } cpq_type_t;

/// A file being written: rows are appended column by column, then ended as a row group.
typedef struct cpq_writer *cpq_writer_t;

/// Creates the file; `level` is zstd's.
int cpq_writer_open(const char *path, const char *const *names, const cpq_type_t *types, int columns, int level,
                    cpq_writer_t *out);
int cpq_append_null(cpq_writer_t writer, int column);
/// Appends a text to a string column, or to the list that `cpq_begin_list` began.
int cpq_append_string(cpq_writer_t writer, int column, const char *bytes, size_t count);
int cpq_append_int(cpq_writer_t writer, int column, int64_t value);
/// Appends a number to a double column, or to the list that `cpq_begin_list` began.
int cpq_append_double(cpq_writer_t writer, int column, double value);
int cpq_append_bool(cpq_writer_t writer, int column, int value);
int cpq_begin_list(cpq_writer_t writer, int column);
/// Writes the rows appended so far as one row group.
int cpq_end_row_group(cpq_writer_t writer);
/// Writes the footer; nothing can be appended afterwards.
int cpq_writer_close(cpq_writer_t writer);
void cpq_writer_free(cpq_writer_t writer);

/// A file open for reading, row group by row group, in batches of bounded size.
typedef struct cpq_reader *cpq_reader_t;

int cpq_reader_open(const char *path, cpq_reader_t *out);

/// A file that is read in ranges by its owner. `read` fills `buffer` with at most `count` bytes from `offset` on and returns
/// how many there were, or calls `cpq_read_failed` with the reason and returns -1. `release` is called once, also where
/// opening fails.
typedef struct {
    void *context;
    int64_t byte_count;
    int64_t (*read)(void *context, int64_t offset, int64_t count, void *buffer);
    void (*release)(void *context);
} cpq_ranges_t;
void cpq_read_failed(const char *reason);
int cpq_reader_open_ranges(cpq_ranges_t ranges, cpq_reader_t *out);
int64_t cpq_row_count(cpq_reader_t reader);
int cpq_row_group_count(cpq_reader_t reader);
/// The rows of a row group; -1 where there is no such group.
int64_t cpq_row_group_rows(cpq_reader_t reader, int group);
int cpq_column_count(cpq_reader_t reader);
/// The name of top-level column `column`; valid as long as the reader.
const char *cpq_column_name(cpq_reader_t reader, int column);

/// What the values of a column are; of a list, what its elements are.
typedef enum {
    CPQ_TEXT_KIND,
    /// Bytes that may be text: old writers mark no text as such.
    CPQ_BYTES_KIND,
    CPQ_FIXED_BYTES_KIND,
    CPQ_BOOL_KIND,
    CPQ_INTEGER_KIND,
    CPQ_REAL_KIND,
    CPQ_DECIMAL_KIND,
    /// A date, a time, or both.
    CPQ_MOMENT_KIND,
    CPQ_UUID_KIND,
    /// Nothing but nulls.
    CPQ_NULL_KIND,
    /// A struct with `bytes`, the file of an image, as Hugging Face's `datasets` writes them.
    CPQ_IMAGE_KIND,
    /// None of these.
    CPQ_OTHER_KIND
} cpq_kind_t;
/// What top-level column `column` holds, in how many lists one in another, and the type's name; valid until the next call.
int cpq_column_kind(cpq_reader_t reader, int column, cpq_kind_t *kind, int *depth, const char **name);

/// Starts reading `columns` (numbers of top-level columns) of one row group, at most `batch` rows at a time, and fewer
/// where the group's rows are large.
int cpq_select(cpq_reader_t reader, int group, const int *columns, int count, int64_t batch);
/// The next batch; `*rows` is 0 behind the last.
int cpq_next(cpq_reader_t reader, int64_t *rows);

/// The cells of the current batch; `position` counts the selected columns. 1: there is a value; 0: it is null.
/// Text of any kind, or bytes; valid until the next batch.
int cpq_string(cpq_reader_t reader, int position, int64_t row, const char **bytes, size_t *count);
/// The same, and every other value but lists and structs written exactly: whole numbers and decimals in digits, other
/// numbers in as few digits as tell them apart, `true` and `false`, ISO 8601, the canonical form of a UUID, bytes of fixed
/// count in hexadecimal digits. Not-a-number is null. Valid until the next call.
int cpq_text(cpq_reader_t reader, int position, int64_t row, const char **bytes, size_t *count);
/// How many texts are in a list, those of the lists in it one after the other and nulls left out, or 1 for a single value.
int cpq_texts(cpq_reader_t reader, int position, int64_t row, int64_t *count);
/// One of those that `cpq_texts` counted last; valid until it is called again.
int cpq_text_at(cpq_reader_t reader, int64_t place, const char **bytes, size_t *count);
/// The text or bytes in the field `name` of a struct; null where the struct is, or has no such field.
int cpq_field(cpq_reader_t reader, int position, int64_t row, const char *name, const char **bytes, size_t *count);
/// Any number or boolean as a double.
int cpq_double(cpq_reader_t reader, int position, int64_t row, double *value);
/// Any integer as one, and any other number that is whole.
int cpq_int(cpq_reader_t reader, int position, int64_t row, int64_t *value);
/// How many values the list cell holds; the calls below take a place in it, and give 1 or 0 for that value.
int cpq_list_count(cpq_reader_t reader, int position, int64_t row, int64_t *count);
int cpq_list_string(cpq_reader_t reader, int position, int64_t row, int64_t place, const char **bytes, size_t *count);
int cpq_list_double(cpq_reader_t reader, int position, int64_t row, int64_t place, double *value);
void cpq_reader_free(cpq_reader_t reader);

#ifdef __cplusplus
}
#endif
