package import Fetching
import Foundation

/// Sends a client's requests over libcurl.
package func sender(_ http: HTTPClient) -> SendRequest {
    { request in
        let response = try await http.request(
            request.method, request.url, headers: request.headers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) },
            body: request.method == "GET" ? nil : Array(request.body), timeout: request.timeout)
        let retryAfter = response.headers.last { $0.name == "retry-after" }.flatMap { Int($0.value) }
        return ClientResponse(
            status: response.status, body: Data(response.body), retryAfter: retryAfter.map { .seconds(max(0, $0)) })
    }
}
