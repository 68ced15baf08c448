package import Foundation
import HTTPTypes
import HummingbirdCore
import NIOCore

/// A request, of which the head has been read.
package struct WebRequest: Sendable {
    private let request: Request

    init(_ request: Request) { self.request = request }

    /// Such as `GET`.
    package var method: String { request.method.rawValue }

    /// The path as it was sent, without a query.
    package var path: String { String((request.head.path ?? "").prefix { $0 != "?" }) }

    /// The first header of that name; names differ by more than case.
    package func header(_ name: String) -> String? {
        HTTPField.Name(name).flatMap { request.headers[$0] }
    }

    /// All of the body, of at most `limit` bytes whatever the head says; to be called once.
    package func body(limit: Int) async throws(BodyFault) -> Data {
        if let announced = header("Content-Length"), Int(announced).map({ $0 > limit }) ?? true { throw .tooLong }
        var data = Data()
        do {
            for try await part in request.body {
                guard data.count + part.readableBytes <= limit else { throw BodyFault.tooLong }
                data.append(contentsOf: part.readableBytesView)
            }
        } catch {
            throw error as? BodyFault ?? .cutShort
        }
        if let announced = header("Content-Length"), Int(announced) != data.count { throw .cutShort }
        return data
    }
}

/// Why there is no body.
package enum BodyFault: Error, Hashable, Sendable {
    /// It has more bytes than it may have.
    case tooLong
    /// The client went away, or took too long.
    case cutShort
}

/// What is answered.
package struct WebAnswer: Sendable {
    package var status: Int
    package var headers: [(name: String, value: String)]
    package var body: Data
    /// Ends the connection; what the client still sends is not read.
    package var closes: Bool

    package init(
        status: Int, headers: [(name: String, value: String)] = [], body: Data = Data(), closes: Bool = false
    ) {
        (self.status, self.headers, self.body, self.closes) = (status, headers, body, closes)
    }

    /// Head, body and end go out in one write.
    func write(to writer: consuming ResponseWriter, method: String) async throws {
        var fields = HTTPFields()
        for (name, value) in headers {
            if let name = HTTPField.Name(name) { fields[name] = value }
        }
        fields[.contentLength] = "\(body.count)"
        if closes { fields[.connection] = "close" }
        let content = method == "HEAD" ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: body))
        try await writer.write(
            response: HTTPTypes.HTTPResponse(status: .init(code: status), headerFields: fields), body: content)
    }
}
