#include "cparquet.h"

#include <arrow/api.h>
#include <arrow/io/api.h>
#include <arrow/util/float16.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/writer.h>

#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

static thread_local std::string last_error;

/// Runs `body` and turns every C++ exception into -1 plus a message: none crosses into Swift.
template <typename Body> static int guarded(Body body) {
    try { body(); return 0; }
    catch (const std::exception &e) { last_error = e.what(); }
    catch (...) { last_error = "unknown C++ exception"; }
    return -1;
}

static void check(const arrow::Status &status) {
    if (!status.ok()) throw std::runtime_error(status.ToString());
}
template <typename Value> static Value take(arrow::Result<Value> result) {
    check(result.status());
    return std::move(result).ValueUnsafe();
}

/// The system's own: what is freed goes back, and a file read once does not stay in the process's size.
static arrow::MemoryPool *pool() { return arrow::system_memory_pool(); }

struct cpq_writer {
    std::shared_ptr<arrow::Schema> schema;
    std::vector<std::shared_ptr<arrow::ArrayBuilder>> builders;
    std::vector<cpq_type_t> types;
    std::shared_ptr<arrow::io::FileOutputStream> file;
    std::unique_ptr<parquet::arrow::FileWriter> writer;
};

struct cpq_reader {
    std::unique_ptr<parquet::arrow::FileReader> reader;
    std::shared_ptr<arrow::Schema> schema;
    std::unique_ptr<arrow::RecordBatchReader> batches;
    std::vector<int> order;  // position of the selection -> column of the batch
    std::shared_ptr<arrow::RecordBatch> batch;
};

static std::shared_ptr<arrow::DataType> type_of(cpq_type_t type) {
    switch (type) {
    case CPQ_STRING: return arrow::utf8();
    case CPQ_INT64: return arrow::int64();
    case CPQ_DOUBLE: return arrow::float64();
    case CPQ_BOOL: return arrow::boolean();
    case CPQ_STRING_LIST: return arrow::list(arrow::utf8());
    case CPQ_DOUBLE_LIST: return arrow::list(arrow::float64());
    }
    throw std::runtime_error("unknown column type");
}

static arrow::ArrayBuilder *leaf(cpq_writer_t w, int column) {
    auto *builder = w->builders.at(column).get();
    bool is_list = w->types[column] == CPQ_STRING_LIST || w->types[column] == CPQ_DOUBLE_LIST;
    return is_list ? static_cast<arrow::ListBuilder *>(builder)->value_builder() : builder;
}

extern "C" {
const char *cpq_last_error(void) { return last_error.c_str(); }

int cpq_writer_open(const char *path, const char *const *names, const cpq_type_t *types, int columns, int level,
                    cpq_writer_t *out) {
    return guarded([&] {
        auto w = std::make_unique<cpq_writer>();
        std::vector<std::shared_ptr<arrow::Field>> fields;
        for (int i = 0; i < columns; i++) {
            fields.push_back(arrow::field(names[i], type_of(types[i])));
            std::unique_ptr<arrow::ArrayBuilder> builder;
            check(arrow::MakeBuilder(pool(), fields.back()->type(), &builder));
            w->builders.push_back(std::move(builder));
            w->types.push_back(types[i]);
        }
        w->schema = arrow::schema(fields);
        w->file = take(arrow::io::FileOutputStream::Open(path));
        auto properties = parquet::WriterProperties::Builder()
                              .compression(arrow::Compression::ZSTD)
                              ->compression_level(level)
                              ->created_by("blip2-pipeline")
                              ->build();
        auto arrow_properties = parquet::ArrowWriterProperties::Builder().set_use_threads(false)->build();
        w->writer = take(parquet::arrow::FileWriter::Open(*w->schema, pool(), w->file,
                                                          properties, arrow_properties));
        *out = w.release();
    });
}
int cpq_append_null(cpq_writer_t w, int column) {
    return guarded([&] { check(w->builders.at(column)->AppendNull()); });
}
int cpq_append_string(cpq_writer_t w, int column, const char *bytes, size_t count) {
    return guarded([&] {
        check(static_cast<arrow::StringBuilder *>(leaf(w, column))->Append(std::string_view(bytes, count)));
    });
}
int cpq_append_int(cpq_writer_t w, int column, int64_t value) {
    return guarded([&] { check(static_cast<arrow::Int64Builder *>(leaf(w, column))->Append(value)); });
}
int cpq_append_double(cpq_writer_t w, int column, double value) {
    return guarded([&] { check(static_cast<arrow::DoubleBuilder *>(leaf(w, column))->Append(value)); });
}
int cpq_append_bool(cpq_writer_t w, int column, int value) {
    return guarded([&] { check(static_cast<arrow::BooleanBuilder *>(leaf(w, column))->Append(value != 0)); });
}
int cpq_begin_list(cpq_writer_t w, int column) {
    return guarded([&] { check(static_cast<arrow::ListBuilder *>(w->builders.at(column).get())->Append()); });
}
int cpq_end_row_group(cpq_writer_t w) {
    return guarded([&] {
        std::vector<std::shared_ptr<arrow::Array>> arrays;
        for (auto &builder : w->builders) arrays.push_back(take(builder->Finish()));
        int64_t rows = arrays.empty() ? 0 : arrays[0]->length();
        for (auto &array : arrays)
            if (array->length() != rows) throw std::runtime_error("columns of different lengths");
        if (rows > 0) check(w->writer->WriteTable(*arrow::Table::Make(w->schema, arrays, rows), rows));
    });
}
int cpq_writer_close(cpq_writer_t w) {
    return guarded([&] {
        check(w->writer->Close());
        check(w->file->Close());
    });
}
void cpq_writer_free(cpq_writer_t w) { guarded([&] { delete w; }); }

int cpq_reader_open(const char *path, cpq_reader_t *out) {
    return guarded([&] {
        auto r = std::make_unique<cpq_reader>();
        auto file = take(arrow::io::ReadableFile::Open(path));
        parquet::ReaderProperties properties(pool());
        properties.enable_buffered_stream();
        parquet::ArrowReaderProperties arrow_properties(/*use_threads=*/false);
        arrow_properties.set_pre_buffer(false);
        parquet::arrow::FileReaderBuilder builder;
        check(builder.Open(file, properties));
        builder.memory_pool(pool());
        builder.properties(arrow_properties);
        check(builder.Build(&r->reader));
        check(r->reader->GetSchema(&r->schema));
        *out = r.release();
    });
}
int64_t cpq_row_count(cpq_reader_t r) { return r->reader->parquet_reader()->metadata()->num_rows(); }
int cpq_row_group_count(cpq_reader_t r) { return r->reader->num_row_groups(); }
int64_t cpq_row_group_rows(cpq_reader_t r, int group) {
    int64_t rows = -1;
    guarded([&] { rows = r->reader->parquet_reader()->metadata()->RowGroup(group)->num_rows(); });
    return rows;
}
int cpq_column_count(cpq_reader_t r) { return r->schema->num_fields(); }
const char *cpq_column_name(cpq_reader_t r, int column) { return r->schema->field(column)->name().c_str(); }

int cpq_select(cpq_reader_t r, int group, const int *columns, int count, int64_t batch) {
    return guarded([&] {
        r->batch.reset();
        r->reader->set_batch_size(batch);
        // Parquet selects leaves; a list of a plain type is one leaf, found by the name of its top-level column.
        auto *schema = r->reader->parquet_reader()->metadata()->schema();
        std::vector<int> leaves;
        for (int i = 0; i < schema->num_columns(); i++) {
            const auto &root = schema->GetColumnRoot(i)->name();
            for (int c = 0; c < count; c++)
                if (root == r->schema->field(columns[c])->name()) { leaves.push_back(i); break; }
        }
        r->batches = take(r->reader->GetRecordBatchReader({group}, leaves));
        r->order.clear();
        for (int c = 0; c < count; c++)
            r->order.push_back(r->batches->schema()->GetFieldIndex(r->schema->field(columns[c])->name()));
    });
}
int cpq_next(cpq_reader_t r, int64_t *rows) {
    return guarded([&] {
        check(r->batches->ReadNext(&r->batch));
        *rows = r->batch ? r->batch->num_rows() : 0;
    });
}

}  // extern "C"

/// One value: a row of an array. `list` places and dictionary codes lead to a value of another array.
struct Value {
    const arrow::Array *array;
    int64_t row;
};

static Value cell(cpq_reader_t r, int position, int64_t row) {
    if (!r->batch || row < 0 || row >= r->batch->num_rows()) throw std::out_of_range("no such row in the batch");
    return {r->batch->column(r->order.at(position)).get(), row};
}
/// The value behind dictionary codes; whether there is one.
static bool resolve(Value &value) {
    while (value.array->IsValid(value.row)) {
        if (value.array->type_id() != arrow::Type::DICTIONARY) return true;
        const auto &codes = static_cast<const arrow::DictionaryArray &>(*value.array);
        value = {codes.dictionary().get(), codes.GetValueIndex(value.row)};
    }
    return false;
}
[[noreturn]] static void wrong_type(const Value &value, const char *wanted) {
    throw std::runtime_error("the column holds " + value.array->type()->ToString() + ", not " + wanted);
}
template <typename Array> static auto at(const Value &value) {
    return static_cast<const Array &>(*value.array).GetView(value.row);
}
static std::string_view text_of(const Value &value) {
    switch (value.array->type_id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY: return at<arrow::BinaryArray>(value);
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY: return at<arrow::LargeBinaryArray>(value);
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW: return at<arrow::BinaryViewArray>(value);
    case arrow::Type::FIXED_SIZE_BINARY: return at<arrow::FixedSizeBinaryArray>(value);
    default: wrong_type(value, "text");
    }
}
static double double_of(const Value &value) {
    switch (value.array->type_id()) {
    case arrow::Type::BOOL: return at<arrow::BooleanArray>(value);
    case arrow::Type::INT8: return at<arrow::Int8Array>(value);
    case arrow::Type::UINT8: return at<arrow::UInt8Array>(value);
    case arrow::Type::INT16: return at<arrow::Int16Array>(value);
    case arrow::Type::UINT16: return at<arrow::UInt16Array>(value);
    case arrow::Type::INT32: return at<arrow::Int32Array>(value);
    case arrow::Type::UINT32: return at<arrow::UInt32Array>(value);
    case arrow::Type::INT64: return (double)at<arrow::Int64Array>(value);
    case arrow::Type::UINT64: return (double)at<arrow::UInt64Array>(value);
    case arrow::Type::HALF_FLOAT: return arrow::util::Float16::FromBits(at<arrow::HalfFloatArray>(value)).ToDouble();
    case arrow::Type::FLOAT: return at<arrow::FloatArray>(value);
    case arrow::Type::DOUBLE: return at<arrow::DoubleArray>(value);
    default: wrong_type(value, "numbers");
    }
}
static int64_t int_of(const Value &value) {
    if (value.array->type_id() == arrow::Type::INT64) return at<arrow::Int64Array>(value);
    double number = double_of(value);
    if (std::nearbyint(number) != number || std::fabs(number) > 9007199254740992.0)  // 2^53: no double skips a number
        throw std::runtime_error("not a whole number: " + std::to_string(number));
    return (int64_t)number;
}
/// Where the values of a list cell begin, and how many there are.
static Value list_of(const Value &value, int64_t &count) {
    switch (value.array->type_id()) {
    case arrow::Type::LIST: {
        const auto &list = static_cast<const arrow::ListArray &>(*value.array);
        count = list.value_length(value.row);
        return {list.values().get(), list.value_offset(value.row)};
    }
    case arrow::Type::LARGE_LIST: {
        const auto &list = static_cast<const arrow::LargeListArray &>(*value.array);
        count = list.value_length(value.row);
        return {list.values().get(), list.value_offset(value.row)};
    }
    case arrow::Type::FIXED_SIZE_LIST: {
        const auto &list = static_cast<const arrow::FixedSizeListArray &>(*value.array);
        count = list.value_length(value.row);
        return {list.values().get(), list.value_offset(value.row)};
    }
    default: wrong_type(value, "lists");
    }
}
static Value list_cell(cpq_reader_t r, int position, int64_t row, int64_t place) {
    int64_t count = 0;
    Value value = cell(r, position, row);
    if (!resolve(value)) throw std::out_of_range("the list is null");
    value = list_of(value, count);
    if (place < 0 || place >= count) throw std::out_of_range("no such place in the list");
    return {value.array, value.row + place};
}
static void view(const Value &value, const char **bytes, size_t *count) {
    auto text = text_of(value);
    *bytes = text.data();
    *count = text.size();
}
/// Gives the value that `find` leads to to `body`: 1 when there is one, 0 when it is null, -1 after an exception.
template <typename Find, typename Body> static int given(Find find, Body body) {
    bool found = false;
    int status = guarded([&] {
        Value value = find();
        found = resolve(value);
        if (found) body(value);
    });
    return status == 0 ? found : status;
}

extern "C" {
int cpq_string(cpq_reader_t r, int position, int64_t row, const char **bytes, size_t *count) {
    return given([&] { return cell(r, position, row); }, [&](const Value &value) { view(value, bytes, count); });
}
int cpq_double(cpq_reader_t r, int position, int64_t row, double *out) {
    return given([&] { return cell(r, position, row); }, [&](const Value &value) { *out = double_of(value); });
}
int cpq_int(cpq_reader_t r, int position, int64_t row, int64_t *out) {
    return given([&] { return cell(r, position, row); }, [&](const Value &value) { *out = int_of(value); });
}
int cpq_list_count(cpq_reader_t r, int position, int64_t row, int64_t *count) {
    return given([&] { return cell(r, position, row); }, [&](const Value &value) { list_of(value, *count); });
}
int cpq_list_string(cpq_reader_t r, int position, int64_t row, int64_t place, const char **bytes, size_t *count) {
    return given([&] { return list_cell(r, position, row, place); },
                 [&](const Value &value) { view(value, bytes, count); });
}
int cpq_list_double(cpq_reader_t r, int position, int64_t row, int64_t place, double *out) {
    return given([&] { return list_cell(r, position, row, place); },
                 [&](const Value &value) { *out = double_of(value); });
}
void cpq_reader_free(cpq_reader_t r) { guarded([&] { delete r; }); }
}
