import Foundation
import TestSupport
import Testing

@Suite("A full disk", .serialized) struct FullDiskTests {
    /// Finds no room for files with one of `names` in their paths while there is a file `full`.
    private func fullDisk(_ site: Site, for names: [String]) throws -> String {
        try site.library(
            """
            #define _GNU_SOURCE
            #include <dlfcn.h>
            #include <errno.h>
            #include <stdio.h>
            #include <string.h>
            #include <unistd.h>
            static int full(int file) {
                char link[64], path[4096];
                if (access("\(site.folder)/full", F_OK) != 0) return 0;
                snprintf(link, sizeof link, "/proc/self/fd/%d", file);
                ssize_t length = readlink(link, path, sizeof path - 1);
                if (length < 0) return 0;
                path[length] = 0;
                return \(names.map { "strstr(path, \"\($0)\")" }.joined(separator: " || "));
            }
            #define FAIL if (full(file)) { errno = ENOSPC; return -1; }
            ssize_t write(int file, const void *bytes, size_t count) {
                FAIL return ((ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write"))(file, bytes, count);
            }
            ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) {
                FAIL return ((ssize_t (*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite"))(file, bytes, count, at);
            }
            ssize_t pwrite64(int file, const void *bytes, size_t count, off_t at) {
                FAIL return ((ssize_t (*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite"))(file, bytes, count, at);
            }
            """)
    }

    @Test("is waited for: the build says so once and goes on by itself, and nothing is lost")
    func goesOn() throws {
        let site = try Site(count: 24)
        let manifest = try site.manifest(
            "m", captions: "original", unitRows: 6, extra: "fetch: {allow_private_addresses: true}")
        try #require(site.build(manifest, to: "whole").status == 0)
        let library = try fullDisk(site, for: ["/scratch/spools-", "/scratch/demo-", "/scratch/dataset.json"])
        let full = site.folder + "/full"
        try Data().write(to: URL(fileURLWithPath: full))
        let build = try Program(
            Site.pipeline, site.buildArguments(manifest, to: "out", workers: 1), environment: ["LD_PRELOAD": library])
        let isSaid = eventually { build.errors.contains("disk is full") || !build.isRunning }
        #expect(isSaid && build.isRunning, "\(build.errors)")
        try FileManager.default.removeItem(atPath: full)
        let ended = build.wait()
        #expect(ended.status == 0, "\(ended.errors)")
        #expect(ended.errors.components(separatedBy: "disk is full").count == 2, "\(ended.errors)")
        #expect(ended.errors.contains("the disk has room again"))
        #expect(
            try site.files("out").filter { $0.key.hasPrefix("shards/") }
                == site.files("whole").filter { $0.key.hasPrefix("shards/") })
    }

    @Test("that leaves no room for the description ends a build that is done as something to resume, with exit code 69")
    func description() throws {
        let site = try Site(count: 8)
        let manifest = try site.manifest(
            "m", captions: "original", unitRows: 4, extra: "fetch: {allow_private_addresses: true, outage: 1}")
        let library = try fullDisk(site, for: ["/scratch/dataset.json"])
        let full = URL(fileURLWithPath: site.folder + "/full")
        try Data().write(to: full)
        let ended = try Program.run(
            Site.pipeline, site.buildArguments(manifest, to: "out", workers: 1), environment: ["LD_PRELOAD": library])
        #expect(ended.status == 69 && ended.errors.contains("run the same command to resume"), "\(ended)")
        try FileManager.default.removeItem(at: full)
        #expect(try site.build(manifest, to: "out").status == 0)
        #expect(try site.files("out")["dataset.json"] != nil)
    }
}
