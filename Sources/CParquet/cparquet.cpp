#include "cparquet.h"

#include <arrow/api.h>
#include <arrow/extension_type.h>
#include <arrow/io/api.h>
#include <arrow/util/float16.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/arrow/writer.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
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
    std::string text;                // what `cpq_text` and `cpq_column_kind` wrote last
    std::vector<std::string> texts;  // what `cpq_texts` found last
};

static thread_local std::string read_fault;

/// A file whose owner reads its ranges.
class RangesFile : public arrow::io::RandomAccessFile {
public:
    explicit RangesFile(cpq_ranges_t ranges) : ranges(ranges) {}
    ~RangesFile() override { ranges.release(ranges.context); }

    arrow::Status Close() override { is_closed = true; return arrow::Status::OK(); }
    bool closed() const override { return is_closed; }
    arrow::Result<int64_t> GetSize() override { return ranges.byte_count; }
    arrow::Result<int64_t> Tell() const override { return place; }
    arrow::Status Seek(int64_t position) override { place = position; return arrow::Status::OK(); }
    arrow::Result<int64_t> ReadAt(int64_t position, int64_t count, void *out) override {
        if (position < 0 || count < 0) return arrow::Status::IOError("a range that cannot be: the file is damaged");
        int64_t got = ranges.read(ranges.context, position, count, out);
        if (got < 0) return arrow::Status::IOError(read_fault);
        return got;
    }
    arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(int64_t position, int64_t count) override {
        ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateResizableBuffer(count, pool()));
        ARROW_ASSIGN_OR_RAISE(int64_t got, ReadAt(position, count, buffer->mutable_data()));
        ARROW_RETURN_NOT_OK(buffer->Resize(got));
        return std::shared_ptr<arrow::Buffer>(std::move(buffer));
    }
    arrow::Result<int64_t> Read(int64_t count, void *out) override {
        ARROW_ASSIGN_OR_RAISE(int64_t got, ReadAt(place, count, out));
        place += got;
        return got;
    }
    arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t count) override {
        ARROW_ASSIGN_OR_RAISE(auto buffer, ReadAt(place, count));
        place += buffer->size();
        return buffer;
    }

private:
    cpq_ranges_t ranges;
    int64_t place = 0;
    bool is_closed = false;
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
                              .memory_pool(pool())
                              ->compression(arrow::Compression::ZSTD)
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

static void open_reader(std::shared_ptr<arrow::io::RandomAccessFile> file, cpq_reader_t *out) {
    auto r = std::make_unique<cpq_reader>();
    parquet::ReaderProperties properties(pool());
    properties.enable_buffered_stream();
    parquet::ArrowReaderProperties arrow_properties(/*use_threads=*/false);
    arrow_properties.set_pre_buffer(false);
    arrow_properties.set_arrow_extensions_enabled(true);  // so that a UUID is told from other bytes
    parquet::arrow::FileReaderBuilder builder;
    check(builder.Open(std::move(file), properties));
    builder.memory_pool(pool());
    builder.properties(arrow_properties);
    check(builder.Build(&r->reader));
    check(r->reader->GetSchema(&r->schema));
    *out = r.release();
}

int cpq_reader_open(const char *path, cpq_reader_t *out) {
    return guarded([&] { open_reader(take(arrow::io::ReadableFile::Open(path)), out); });
}
void cpq_read_failed(const char *reason) { read_fault = reason; }
int cpq_reader_open_ranges(cpq_ranges_t ranges, cpq_reader_t *out) {
    auto file = std::make_shared<RangesFile>(ranges);
    return guarded([&] { open_reader(std::move(file), out); });
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

static cpq_kind_t kind_of(const arrow::DataType &type) {
    switch (type.id()) {
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
    case arrow::Type::STRING_VIEW: return CPQ_TEXT_KIND;
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::BINARY_VIEW: return CPQ_BYTES_KIND;
    case arrow::Type::FIXED_SIZE_BINARY: return CPQ_FIXED_BYTES_KIND;
    case arrow::Type::BOOL: return CPQ_BOOL_KIND;
    case arrow::Type::INT8:
    case arrow::Type::UINT8:
    case arrow::Type::INT16:
    case arrow::Type::UINT16:
    case arrow::Type::INT32:
    case arrow::Type::UINT32:
    case arrow::Type::INT64:
    case arrow::Type::UINT64: return CPQ_INTEGER_KIND;
    case arrow::Type::HALF_FLOAT:
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE: return CPQ_REAL_KIND;
    case arrow::Type::DECIMAL32:
    case arrow::Type::DECIMAL64:
    case arrow::Type::DECIMAL128:
    case arrow::Type::DECIMAL256: return CPQ_DECIMAL_KIND;
    case arrow::Type::DATE32:
    case arrow::Type::DATE64:
    case arrow::Type::TIME32:
    case arrow::Type::TIME64:
    case arrow::Type::TIMESTAMP: return CPQ_MOMENT_KIND;
    case arrow::Type::NA: return CPQ_NULL_KIND;
    case arrow::Type::DICTIONARY: return kind_of(*static_cast<const arrow::DictionaryType &>(type).value_type());
    case arrow::Type::EXTENSION: {
        const auto &extension = static_cast<const arrow::ExtensionType &>(type);
        return extension.extension_name() == "arrow.uuid" ? CPQ_UUID_KIND : kind_of(*extension.storage_type());
    }
    case arrow::Type::STRUCT: {
        auto bytes = static_cast<const arrow::StructType &>(type).GetFieldByName("bytes");
        return bytes && kind_of(*bytes->type()) == CPQ_BYTES_KIND ? CPQ_IMAGE_KIND : CPQ_OTHER_KIND;
    }
    default: return CPQ_OTHER_KIND;
    }
}
int cpq_column_kind(cpq_reader_t r, int column, cpq_kind_t *kind, int *depth, const char **name) {
    return guarded([&] {
        if (column < 0 || column >= r->schema->num_fields()) throw std::out_of_range("no such column");
        auto type = r->schema->field(column)->type();
        r->text = type->ToString();
        *name = r->text.c_str();
        for (*depth = 0; type->id() == arrow::Type::LIST || type->id() == arrow::Type::LARGE_LIST
                         || type->id() == arrow::Type::FIXED_SIZE_LIST; ++*depth)
            type = static_cast<const arrow::BaseListType &>(*type).value_type();
        *kind = kind_of(*type);
    });
}

/// Adds the leaves of a field to `leaves`: Parquet stores, and selects, leaves.
static void add_leaves(const parquet::arrow::SchemaField &field, std::vector<int> &leaves) {
    if (field.is_leaf()) leaves.push_back(field.column_index);
    for (const auto &child : field.children) add_leaves(child, leaves);
}

int cpq_select(cpq_reader_t r, int group, const int *columns, int count, int64_t batch) {
    return guarded([&] {
        r->batch.reset();
        // The columns come in the order of the file, each once; names say nothing, for two may have the same.
        std::vector<int> fields(columns, columns + count);
        std::sort(fields.begin(), fields.end());
        fields.erase(std::unique(fields.begin(), fields.end()), fields.end());
        std::vector<int> leaves;
        const auto &all = r->reader->manifest().schema_fields;
        for (int field : fields) add_leaves(all.at(field), leaves);
        // Rows with images in them are read a few at a time.
        auto metadata = r->reader->parquet_reader()->metadata()->RowGroup(group);
        double most = 64 << 20, bytes = 1;
        for (int leaf : leaves) bytes += (double)metadata->ColumnChunk(leaf)->total_uncompressed_size();
        double rows = most * (double)metadata->num_rows() / std::max(bytes, 1.0);
        r->reader->set_batch_size((int64_t)std::clamp(rows, 1.0, (double)batch));
        r->batches = take(r->reader->GetRecordBatchReader({group}, leaves));
        if (r->batches->schema()->num_fields() != (int)fields.size())
            throw std::runtime_error("columns that cannot be told apart");
        r->order.clear();
        for (int c = 0; c < count; c++)
            r->order.push_back(
                (int)(std::lower_bound(fields.begin(), fields.end(), columns[c]) - fields.begin()));
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
    bool is_uuid = false;
};

static bool is_uuid(const arrow::DataType &type) {
    return type.id() == arrow::Type::EXTENSION
        && static_cast<const arrow::ExtensionType &>(type).extension_name() == "arrow.uuid";
}

static Value cell(cpq_reader_t r, int position, int64_t row) {
    if (!r->batch || row < 0 || row >= r->batch->num_rows()) throw std::out_of_range("no such row in the batch");
    return {r->batch->column(r->order.at(position)).get(), row};
}
/// The value behind dictionary codes and extension types; whether there is one.
static bool resolve(Value &value) {
    while (value.array->IsValid(value.row)) {
        if (value.array->type_id() == arrow::Type::DICTIONARY) {
            const auto &codes = static_cast<const arrow::DictionaryArray &>(*value.array);
            value = {codes.dictionary().get(), codes.GetValueIndex(value.row), value.is_uuid};
        } else if (value.array->type_id() == arrow::Type::EXTENSION) {
            const auto &extension = static_cast<const arrow::ExtensionArray &>(*value.array);
            value = {extension.storage().get(), value.row, is_uuid(*extension.type())};
        } else {
            return true;
        }
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
template <typename Array> static std::string formatted(const Value &value) {
    return static_cast<const Array &>(*value.array).FormatValue(value.row);
}
static std::string decimal_text(const Value &value) {
    switch (value.array->type_id()) {
    case arrow::Type::DECIMAL32: return formatted<arrow::Decimal32Array>(value);
    case arrow::Type::DECIMAL64: return formatted<arrow::Decimal64Array>(value);
    case arrow::Type::DECIMAL128: return formatted<arrow::Decimal128Array>(value);
    case arrow::Type::DECIMAL256: return formatted<arrow::Decimal256Array>(value);
    default: wrong_type(value, "decimals");
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
    case arrow::Type::DECIMAL32:
    case arrow::Type::DECIMAL64:
    case arrow::Type::DECIMAL128:
    case arrow::Type::DECIMAL256: return std::stod(decimal_text(value));
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

template <typename Number> static std::string digits(Number number) {
    char text[400];
    auto end = std::to_chars(text, text + sizeof text, number).ptr;
    return {text, end};
}
/// A whole number in all its digits, whatever its exponent; another in as few as tell it from its neighbours.
template <typename Real> static std::string real_text(Real number) {
    if (number == 0) return "0";
    if (std::isfinite(number) && std::trunc(number) == number && std::fabs(number) < Real(1e22f)) {
        char text[400];
        return {text, std::to_chars(text, text + sizeof text, number, std::chars_format::fixed).ptr};
    }
    return digits(number);
}
/// `2026-11-28`, of days since 1970 in the calendar of today. Source: Howard Hinnant, `civil_from_days`.
static std::string date_text(int64_t days) {
    int64_t shifted = days + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097, of_era = shifted - era * 146097;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * of_year + 2) / 153, day = of_year - (153 * month + 2) / 5 + 1;
    month += month < 10 ? 3 : -9;
    int64_t year = year_of_era + era * 400 + (month <= 2);
    if (year < 1 || year > 9999) throw std::runtime_error("a date outside the years 1 to 9999");
    char text[16];
    std::snprintf(text, sizeof text, "%04d-%02d-%02d", (int)year, (int)month, (int)day);
    return text;
}
static int64_t per_second(arrow::TimeUnit::type unit) {
    switch (unit) {
    case arrow::TimeUnit::SECOND: return 1;
    case arrow::TimeUnit::MILLI: return 1000;
    case arrow::TimeUnit::MICRO: return 1000000;
    case arrow::TimeUnit::NANO: return 1000000000;
    }
    throw std::runtime_error("unknown unit of time");
}
/// `12:34:56`, with as many decimals as the unit has where they are not 0.
static std::string clock_text(int64_t count, int64_t per_second) {
    int64_t seconds = count / per_second, rest = count % per_second;
    char text[32];
    int length = std::snprintf(text, sizeof text, "%02d:%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60),
                               (int)(seconds % 60));
    int decimals = per_second == 1000 ? 3 : per_second == 1000000 ? 6 : 9;
    if (rest != 0) std::snprintf(text + length, sizeof text - length, ".%0*d", decimals, (int)rest);
    return text;
}
static std::string timestamp_text(int64_t count, const arrow::TimestampType &type) {
    int64_t per_day = per_second(type.unit()) * 86400, days = count / per_day, rest = count % per_day;
    if (rest < 0) days -= 1, rest += per_day;
    return date_text(days) + "T" + clock_text(rest, per_second(type.unit())) + (type.timezone().empty() ? "" : "Z");
}
static std::string hexadecimal(std::string_view bytes) {
    std::string text;
    for (unsigned char byte : bytes) for (int half : {byte >> 4, byte & 15}) text += "0123456789abcdef"[half];
    return text;
}
static std::string uuid_text(std::string_view bytes) {
    std::string text = hexadecimal(bytes);
    if (text.size() != 32) throw std::runtime_error("a UUID that is not 16 bytes long");
    for (int place : {20, 16, 12, 8}) text.insert(place, "-");
    return text;
}
static bool is_text(const Value &value) {
    switch (value.array->type_id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW: return !value.is_uuid;
    default: return false;
    }
}
/// The value as text, which no other value of its type has.
static std::string exact_text(const Value &value) {
    const auto &type = *value.array->type();
    if (value.is_uuid) return uuid_text(text_of(value));
    if (is_text(value)) return std::string(text_of(value));
    switch (type.id()) {
    case arrow::Type::FIXED_SIZE_BINARY: return hexadecimal(text_of(value));
    case arrow::Type::BOOL: return at<arrow::BooleanArray>(value) ? "true" : "false";
    case arrow::Type::INT8: return digits<int>(at<arrow::Int8Array>(value));
    case arrow::Type::UINT8: return digits<int>(at<arrow::UInt8Array>(value));
    case arrow::Type::INT16: return digits(at<arrow::Int16Array>(value));
    case arrow::Type::UINT16: return digits(at<arrow::UInt16Array>(value));
    case arrow::Type::INT32: return digits(at<arrow::Int32Array>(value));
    case arrow::Type::UINT32: return digits(at<arrow::UInt32Array>(value));
    case arrow::Type::INT64: return digits(at<arrow::Int64Array>(value));
    case arrow::Type::UINT64: return digits(at<arrow::UInt64Array>(value));
    case arrow::Type::HALF_FLOAT:
        return real_text(arrow::util::Float16::FromBits(at<arrow::HalfFloatArray>(value)).ToFloat());
    case arrow::Type::FLOAT: return real_text(at<arrow::FloatArray>(value));
    case arrow::Type::DOUBLE: return real_text(at<arrow::DoubleArray>(value));
    case arrow::Type::DECIMAL32:
    case arrow::Type::DECIMAL64:
    case arrow::Type::DECIMAL128:
    case arrow::Type::DECIMAL256: return decimal_text(value);
    case arrow::Type::DATE32: return date_text(at<arrow::Date32Array>(value));
    case arrow::Type::DATE64: return date_text(at<arrow::Date64Array>(value) / 86400000);
    case arrow::Type::TIME32:
        return clock_text(at<arrow::Time32Array>(value),
                          per_second(static_cast<const arrow::Time32Type &>(type).unit()));
    case arrow::Type::TIME64:
        return clock_text(at<arrow::Time64Array>(value),
                          per_second(static_cast<const arrow::Time64Type &>(type).unit()));
    case arrow::Type::TIMESTAMP:
        return timestamp_text(at<arrow::TimestampArray>(value), static_cast<const arrow::TimestampType &>(type));
    default: wrong_type(value, "text");
    }
}
/// Whether a number is none: writers without nulls write that.
static bool is_not_a_number(const Value &value) {
    switch (value.array->type_id()) {
    case arrow::Type::HALF_FLOAT:
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE: return std::isnan(double_of(value));
    default: return false;
    }
}
/// Adds the texts of a value, and of the lists in it.
static void add_texts(Value value, std::vector<std::string> &texts) {
    if (!resolve(value) || is_not_a_number(value)) return;
    switch (value.array->type_id()) {
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST:
    case arrow::Type::FIXED_SIZE_LIST: {
        int64_t count = 0;
        Value first = list_of(value, count);
        for (int64_t place = 0; place < count; place++) add_texts({first.array, first.row + place}, texts);
        break;
    }
    default: texts.push_back(exact_text(value));
    }
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
int cpq_text(cpq_reader_t r, int position, int64_t row, const char **bytes, size_t *count) {
    bool is_number = true;
    int status = given([&] { return cell(r, position, row); }, [&](const Value &value) {
        if (is_text(value)) return view(value, bytes, count);
        if (is_not_a_number(value)) { is_number = false; return; }
        r->text = exact_text(value);
        *bytes = r->text.data();
        *count = r->text.size();
    });
    return is_number ? status : 0;
}
int cpq_texts(cpq_reader_t r, int position, int64_t row, int64_t *count) {
    return guarded([&] {
        r->texts.clear();
        add_texts(cell(r, position, row), r->texts);
        *count = (int64_t)r->texts.size();
    });
}
int cpq_text_at(cpq_reader_t r, int64_t place, const char **bytes, size_t *count) {
    return guarded([&] {
        const auto &text = r->texts.at((size_t)place);
        *bytes = text.data();
        *count = text.size();
    });
}
int cpq_field(cpq_reader_t r, int position, int64_t row, const char *name, const char **bytes, size_t *count) {
    bool has_field = true;
    int status = given([&] {
        Value value = cell(r, position, row);
        if (!resolve(value)) return value;
        if (value.array->type_id() != arrow::Type::STRUCT) wrong_type(value, "structs");
        int child = static_cast<const arrow::StructType &>(*value.array->type()).GetFieldIndex(name);
        has_field = child >= 0;
        if (!has_field) return value;
        // `field` minds the slice that the array is, and keeps what it gives for as long as the array lives.
        return Value{static_cast<const arrow::StructArray &>(*value.array).field(child).get(), value.row};
    }, [&](const Value &value) { if (has_field) view(value, bytes, count); });
    return has_field ? status : 0;
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
