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
int64_t cpq_row_count(cpq_reader_t reader);
int cpq_row_group_count(cpq_reader_t reader);
/// The rows of a row group; -1 where there is no such group.
int64_t cpq_row_group_rows(cpq_reader_t reader, int group);
int cpq_column_count(cpq_reader_t reader);
/// The name of top-level column `column`; valid as long as the reader.
const char *cpq_column_name(cpq_reader_t reader, int column);
/// Starts reading `columns` (numbers of top-level columns) of one row group, `batch` rows at a time.
int cpq_select(cpq_reader_t reader, int group, const int *columns, int count, int64_t batch);
/// The next batch; `*rows` is 0 behind the last.
int cpq_next(cpq_reader_t reader, int64_t *rows);

/// The cells of the current batch; `position` counts the selected columns. 1: there is a value; 0: it is null.
/// Text of any kind, or bytes; valid until the next batch.
int cpq_string(cpq_reader_t reader, int position, int64_t row, const char **bytes, size_t *count);
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
