import Foundation
import Tensors
import TestSupport
import Testing

@Suite("Files of torch.save")
struct TorchFileTests {
    /// Runs a script of PyTorch in `folder`, which it finds as the current one.
    private func python(_ script: String, in folder: String) throws {
        try Python.run("import os, sys\nos.chdir(sys.argv[1])\n" + script, [folder])
    }

    @Test("are read as PyTorch reads them: any protocol, type and stride, parameters, tied tensors, LAVIS's dictionary")
    func real() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try python(
            """
            import torch
            from collections import OrderedDict
            from safetensors.torch import save_file
            r = torch.Generator().manual_seed(1)
            model = torch.nn.Sequential(torch.nn.Linear(5, 3), torch.nn.LayerNorm(3))
            optimizer = torch.optim.AdamW(model.parameters())
            model(torch.ones(2, 5)).sum().backward()
            optimizer.step()
            whole = torch.randn(4, 6, generator=r)
            state = model.state_dict()
            state.update({
                "half": torch.randn(3, 2, generator=r).half(), "brain": torch.randn(7, generator=r).bfloat16(),
                "ids": torch.tensor([[1, -2, 2 ** 40]]), "bytes": torch.tensor([0, 7, 255], dtype=torch.uint8),
                "scalar": torch.tensor(2.5), "none": torch.zeros(0, 4), "whole": whole, "turned": whole.t(),
                "part": whole[1:3], "columns": whole[:, 1:5:2], "permuted": torch.randn(2, 3, 4, generator=r).permute(2, 0, 1),
                "parameter": torch.nn.Parameter(torch.randn(2, generator=r)), "tied": whole,
                "one": torch.randn(1, 3, generator=r).expand(1, 3), "name \\u732b": torch.ones(1)})
            plain = {name: value.detach().clone().contiguous() for name, value in state.items()}
            save_file(plain, "plain.safetensors")
            config = {"run": {"lr": 1e-4, "names": ["a", "b"], "size": (1, 2), "flag": True, "none": None, "big": 2 ** 62}}
            lavis = {"model": state, "optimizer": optimizer.state_dict(), "config": config, "scaler": {"scale": 65536.0},
                     "epoch": 3}
            torch.save(lavis, "lavis.pth")
            torch.save({"state_dict": dict(state)}, "wrapped.bin")
            for protocol in (2, 3, 4, 5):
                torch.save(state, f"protocol{protocol}.bin", pickle_protocol=protocol)
            """, in: folder)
        let plain = try SafetensorsFile(folder + "/plain.safetensors")
        for name in ["lavis.pth", "wrapped.bin"] + (2...5).map({ "protocol\($0).bin" }) {
            let file = try Checkpoint(file: "\(folder)/\(name)")
            #expect(file.names == plain.names)
            for tensor in plain.names {
                let (read, expected) = (try file.tensor(tensor), try plain.tensor(tensor))
                #expect(read.shape == expected.shape && file.shape(of: tensor) == expected.shape)
                #expect(read.dtype == expected.dtype)
                #expect(try read.bytes() == expected.bytes(), "\(name): \(tensor)")
            }
        }
    }

    @Test("written here are what PyTorch reads, without running code, and equal tensors make equal bytes")
    func written() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let grid = try Tensor((0..<12).map(Float.init), shape: [3, 4])
        let tensors = [
            "grid": grid, "turned": try grid.permuted([1, 0]), "half": try grid.to(.float16),
            "brain": try grid.to(.bfloat16), "scalar": try Tensor([2.5] as [Float], shape: []), "same": grid,
            "none": try Tensor([] as [Float], shape: [0, 4]), "name \u{732b}": grid,
            "part": try grid.narrowed(0, 1..<2),
        ]
        let path = folder + "/ours.pth"
        try writeTorchFile(tensors, under: "model", to: path)
        try python(
            """
            import torch, zipfile
            whole = torch.load("ours.pth", weights_only=True)
            assert type(whole) is dict and list(whole) == ["model"], whole
            model, grid = whole["model"], torch.arange(12.).reshape(3, 4)
            assert list(model) == sorted(model), list(model)
            expected = {"grid": grid, "turned": grid.t(), "half": grid.half(), "brain": grid.bfloat16(), "same": grid,
                        "scalar": torch.tensor(2.5), "none": torch.zeros(0, 4), "name \\u732b": grid, "part": grid[1:2]}
            assert model.keys() == expected.keys()
            for name, value in expected.items():
                assert model[name].dtype == value.dtype and torch.equal(model[name], value), name
            with zipfile.ZipFile("ours.pth") as archive: assert archive.testzip() is None
            """, in: folder)
        let read = try Checkpoint(file: path)
        #expect(read.names == tensors.keys.sorted())
        for (name, tensor) in tensors { #expect(try read.tensor(name).bytes() == tensor.bytes(), "\(name)") }
        try writeTorchFile(tensors, under: "model", to: folder + "/again.pth")
        #expect(FileManager.default.contentsEqual(atPath: path, andPath: folder + "/again.pth"))
    }

    @Test("that cannot be written are an error, and nothing is left of them")
    func fullDisk() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let one = ["x": try Tensor([1] as [Float], shape: [1])]
        for path in ["/dev/full", folder + "/none/x.pth"] {
            let error = #expect(throws: CheckpointError.self) { try writeTorchFile(one, under: "model", to: path) }
            #expect(error?.code == .unreadable && error?.file.hasPrefix(path) == true)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }

    @Test("give tensors that outlive the file, and writing to one leaves the file as it is")
    func lifetime() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try python("import torch\ntorch.save({'x': torch.tensor([1., 2.])}, 'x.bin')", in: folder)
        let tensor = try { try TorchFile(folder + "/x.bin").tensor("x") }()
        try tensor.assign(Tensor([8, 9] as [Float], shape: [2]))
        #expect(try tensor.floats() == [8, 9])
        #expect(try TorchFile(folder + "/x.bin").tensor("x").floats() == [1, 2])
    }

    @Test("of kinds that are not read are refused with what to do")
    func refused() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try python(
            """
            import torch, zipfile, argparse, numpy
            x = {"x": torch.ones(2)}
            torch.save(x, "old.pth", _use_new_zipfile_serialization=False)
            torch.save({"model": x, "args": argparse.Namespace(lr=1)}, "namespace.pth")
            torch.save({"model": x, "loss": numpy.float64(1)}, "numpy.pth")
            torch.save(torch.nn.Linear(2, 2), "module.pth")
            torch.save({"epoch": 3, "step": 4}, "nothing.pth")
            torch.save({"x": torch.ones(2, dtype=torch.float8_e4m3fn)}, "float8.pth")
            torch.save({"x": torch.ones(2, dtype=torch.int32)}, "int32.pth")
            torch.save({"x": torch.ones(1).expand(1000)}, "expanded.pth")
            torch.jit.script(torch.nn.Linear(2, 2)).save("program.pth")
            torch.save(x, "x.pth")
            with zipfile.ZipFile("x.pth") as z, zipfile.ZipFile("deflated.pth", "w", zipfile.ZIP_DEFLATED) as out:
                for name in z.namelist(): out.writestr(name, z.read(name))
            with zipfile.ZipFile("x.pth") as z, zipfile.ZipFile("stored.pth", "w") as out:
                for name in z.namelist(): out.writestr(name, z.read(name))
            with open("cut.pth", "wb") as out: out.write(open("x.pth", "rb").read()[:-30])
            with open("page.pth", "w") as out: out.write("<!doctype html>")
            from safetensors.torch import save_file
            save_file(x, "named.bin")
            """, in: folder)
        for (name, code, text) in [
            ("old", .badHeader, "before 1.6"), ("namespace", .refused, "argparse.Namespace"),
            ("numpy", .refused, "numpy"), ("module", .refused, "torch.nn.modules.linear.Linear"),
            ("nothing", .badHeader, "its keys: epoch, step"), ("float8", .refused, "torch."),
            ("expanded", .badShape, "share a place"), ("program", .refused, "TorchScript"),
            ("deflated", .badHeader, "compressed"), ("cut", .truncated, "cut short"), ("page", .badHeader, "web page"),
        ] as [(String, CheckpointError.Code, String)] {
            let error = #expect(throws: CheckpointError.self) { try TorchFile("\(folder)/\(name).pth") }
            #expect(error?.code == code, "\(name): \(error?.description ?? "")")
            #expect(error?.message.contains(text) == true, "\(name): \(error?.message ?? "")")
            #expect(error?.description.contains("\n") == false)
        }
        let safe = #expect(throws: CheckpointError.self) { try TorchFile(folder + "/named.bin") }
        #expect(safe?.message.contains(".safetensors") == true)
        // Stored by another program, at any place in the file: copied instead of used in place.
        #expect(try TorchFile(folder + "/stored.pth").tensor("x").floats() == [1, 1])
        let file = try TorchFile(folder + "/int32.pth")
        #expect(file.shape(of: "x") == [2])
        let type = #expect(throws: CheckpointError.self) { try file.tensor("x") }
        #expect(type?.code == .badType)
    }
}
