import Glibc

/// The certificates that this machine trusts.
enum Certificates {
    /// The file that holds them, of the places where systems keep it; nil leaves libcurl its own.
    ///
    /// A libcurl that came from another system looks only where that one had them.
    static let file: String? = [
        "/etc/ssl/certs/ca-certificates.crt",  // Debian, Ubuntu, Arch
        "/etc/pki/tls/certs/ca-bundle.crt",  // Red Hat, Rocky, Alma
        "/etc/ssl/ca-bundle.pem",  // SUSE
        "/etc/ssl/cert.pem",  // Alpine, BSD
    ].first { (path: String) in access(path, R_OK) == 0 }
}
