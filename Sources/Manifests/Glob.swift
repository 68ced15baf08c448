import Glibc

/// The files that the shell pattern `pattern` matches, sorted by name.
func matches(of pattern: String) -> [String] {
    var result = unsafe glob_t()
    defer { unsafe globfree(&result) }
    guard unsafe glob(pattern, GLOB_ERR, nil, &result) == 0 else { return [] }
    return unsafe (0..<Int(result.gl_pathc)).compactMap { index in
        unsafe result.gl_pathv[index].map { unsafe String(cString: $0) }
    }
}
