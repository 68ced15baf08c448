import CFiles
import Glibc

/// Opens the file `path` under the folder `root` for reading; -1, and `errno`, where it cannot be.
///
/// Neither `..` nor a link leads out of the folder: `EXDEV`, or `ELOOP`. A pipe or a device does not make it wait.
package func openBeneath(_ root: String, _ path: String) -> Int32 {
    let folder = open(root, cfiles_path_only | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { return -1 }
    defer { keepingError { close(folder) } }
    let path = String(path.drop { $0 == "/" })
    let descriptor = cfiles_open_beneath(folder, path)
    guard descriptor < 0, errno == ENOSYS || errno == EPERM else { return descriptor }
    return openStepByStep(folder, path)  // an old kernel, or a sandbox that knows no openat2
}

/// As `openBeneath`, by a call for each part of the path; it takes no link at all.
func openStepByStep(_ root: Int32, _ path: String) -> Int32 {
    let parts = path.split(separator: "/").filter { $0 != "." }.map(String.init)
    guard let last = parts.last else {
        errno = EISDIR
        return -1
    }
    guard !parts.contains("..") else {
        errno = EXDEV
        return -1
    }
    var folder = root
    defer { if folder != root { keepingError { close(folder) } } }
    for part in parts.dropLast() {
        let next = openat(folder, part, cfiles_path_only | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        let isLink = next < 0 && errno == ENOTDIR && linkExists(folder, part)
        if folder != root { keepingError { close(folder) } }
        folder = next
        guard folder >= 0 else {
            folder = root
            if isLink { errno = ELOOP }
            return -1
        }
    }
    return openat(folder, last, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
}

private func linkExists(_ folder: Int32, _ name: String) -> Bool {
    var status = stat()
    return keepingError {
        fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_mode & S_IFMT == S_IFLNK
    }
}

@discardableResult
private func keepingError<Value>(_ body: () -> Value) -> Value {
    let saved = errno
    defer { errno = saved }
    return body()
}
