// Files as Python's torch.save writes them, by libtorch's own pickler and archive writer.
#include "support.h"

#include <ATen/core/Dict.h>
#include <caffe2/serialize/inline_container.h>
#include <torch/csrc/jit/serialization/pickler.h>

namespace {

using Tensors = c10::Dict<std::string, at::Tensor>;

/// `x` on the processor in row order, in a storage that holds nothing else: a record is a whole storage.
at::Tensor alone(const at::Tensor &x) {
    at::Tensor own = x.detach().cpu().contiguous();
    return own.storage().nbytes() == own.nbytes() ? own : own.clone();
}

/// The pickle of `{key: tensors}`, and the tensors that it refers to, in its order.
std::string pickled(const char *key, const Tensors &tensors, std::vector<at::Tensor> &table) {
    std::string bytes;
    // Without tags: with them dictionaries are rebuilt by a function that only TorchScript's own reader knows.
    torch::jit::Pickler pickler([&](const char *part, size_t count) { bytes.append(part, count); }, nullptr, nullptr,
                                nullptr, nullptr, false);
    c10::Dict<std::string, Tensors> whole;
    whole.insert(key, tensors);
    pickler.protocol();
    pickler.pushIValue(whole);
    pickler.stop();
    table = pickler.tensorData();
    return bytes;
}

} // namespace

int ct_save(const char *key, const char *const *names, const ct_tensor_t *tensors, int32_t count,
            bool (*write)(void *, const void *, size_t), void *context) {
    return ct::guarded([&] {
        Tensors state;
        for (int32_t i = 0; i < count; ++i) state.insert(names[i], alone(tensors[i]->value));
        std::vector<at::Tensor> table;
        const std::string pickle = pickled(key, state, table);
        // The writer throws in its destructor where it was told of a failure: it is not told, and what follows is dropped.
        bool failed = false;
        caffe2::serialize::PyTorchStreamWriter writer([&](const void *part, size_t size) {
            failed = failed || !write(context, part, size);
            return size;
        });
        writer.writeRecord("data.pkl", pickle.data(), pickle.size());
        writer.writeRecord("byteorder", "little", 6);
        for (size_t i = 0; i < table.size(); ++i)
            writer.writeRecord("data/" + std::to_string(i), table[i].data_ptr(), table[i].nbytes());
        writer.writeEndOfFile();
        TORCH_CHECK(!failed, "not written");
    });
}
