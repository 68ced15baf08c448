import Coordination
import Foundation
import Locks
import Samples
import TestSupport
import Testing
import Yams

@testable import Transport

/// docs/openapi.yaml, as far as it is needed to hold messages against it.
private struct Description: @unchecked Sendable {
    private let root: [String: Any]

    init() throws {
        let text = try String(contentsOfFile: Project.root + "/docs/openapi.yaml", encoding: .utf8)
        root = try #require(try Yams.load(yaml: text) as? [String: Any])
    }

    /// The methods of each path, in upper case.
    var routes: Set<String> {
        Set(
            (root["paths"] as? [String: [String: Any]] ?? [:]).flatMap { path, methods in
                methods.keys.map { "\($0.uppercased()) \(path)" }
            })
    }

    func operation(_ method: String, _ path: String) -> [String: Any]? {
        ((root["paths"] as? [String: Any])?[path] as? [String: Any])?[method.lowercased()] as? [String: Any]
    }

    /// The schema of the JSON in `part` of an operation: a body, or an answer.
    func schema(of part: Any?) -> [String: Any]? {
        let part = resolved(part)
        let content = part?["content"] as? [String: Any]
        return resolved((content?["application/json"] as? [String: Any])?["schema"])
    }

    private func resolved(_ value: Any?) -> [String: Any]? {
        guard let object = value as? [String: Any], let reference = object["$ref"] as? String else {
            return value as? [String: Any]
        }
        let path = reference.split(separator: "/").dropFirst()
        return path.reduce(root as Any?) { ($0 as? [String: Any])?[String($1)] } as? [String: Any]
    }

    /// What is wrong with `value` by `schema`; empty where nothing is.
    func faults(_ value: Any, _ schema: [String: Any], at place: String = "") -> [String] {
        let schema = resolved(schema) ?? schema
        var faults: [String] = []
        if let allowed = schema["enum"] as? [String], (value as? String).map({ !allowed.contains($0) }) ?? true {
            faults.append("\(place): \(value) is none of \(allowed)")
        }
        if let constant = schema["const"] as? String, value as? String != constant {
            faults.append("\(place): \(value)")
        }
        if let pattern = schema["pattern"] as? String,
            (value as? String)?.range(of: pattern, options: .regularExpression) == nil
        {
            faults.append("\(place): \(value) is not like \(pattern)")
        }
        let isBoolean = (value as? NSNumber).map { "\($0)" == "true" || "\($0)" == "false" } ?? false
        switch schema["type"] as? String {
        case "string": if !(value is String) { faults.append("\(place): no string") }
        case "integer":
            guard let number = value as? NSNumber, number.doubleValue == number.doubleValue.rounded() else {
                return faults + ["\(place): no integer"]
            }
            if let least = schema["minimum"] as? Int, number.intValue < least {
                faults.append("\(place): below \(least)")
            }
        case "number": if !(value is NSNumber) { faults.append("\(place): no number") }
        case "boolean": if !isBoolean && !(value is Bool) { faults.append("\(place): no boolean") }
        case "array":
            guard let list = value as? [Any] else { return faults + ["\(place): no list"] }
            let items = schema["items"] as? [String: Any] ?? [:]
            for (index, item) in list.enumerated() { faults += self.faults(item, items, at: "\(place)[\(index)]") }
        case "object":
            guard let object = value as? [String: Any] else { return faults + ["\(place): no object"] }
            let properties = schema["properties"] as? [String: [String: Any]] ?? [:]
            for name in schema["required"] as? [String] ?? [] where object[name] == nil {
                faults.append("\(place): no \(name)")
            }
            for (name, item) in object {
                if let property = properties[name] ?? schema["additionalProperties"] as? [String: Any] {
                    faults += self.faults(item, property, at: "\(place).\(name)")
                } else {
                    faults.append("\(place): \(name) is not described")
                }
            }
        default: break
        }
        return faults
    }
}

@Suite("docs/openapi.yaml", .timeLimit(.minutes(1))) struct OpenAPITests {
    @Test("describes every message that the server knows, and no other")
    func routes() throws {
        #expect(try Description().routes == Set(Route.allCases.map { "\($0.method) \($0.path)" }))
        let page = try String(contentsOfFile: Project.root + "/docs/api.md", encoding: .utf8)
        for route in Route.allCases { #expect(page.contains("`\(route.method) \(route.path)`"), "\(route)") }
    }

    @Test("describes all that travels in a whole conversation, both ways, refusals too")
    func conversation() async throws {
        let description = try Description()
        let seen = Locked<[String: Set<Int>]>([:])
        let send: SendRequest = { request in
            let response = try await sendOverLoopback(request)
            let path = try #require(URLComponents(string: request.url)).path
            seen.withLock { _ = $0["\(request.method) \(path)", default: []].insert(response.status) }
            let operation = try #require(description.operation(request.method, path))
            if !request.body.isEmpty {
                let schema = try #require(description.schema(of: operation["requestBody"]), "\(path)")
                let value = try JSONSerialization.jsonObject(with: request.body)
                let faults = description.faults(value, schema)
                #expect(faults.isEmpty, "\(path) \(faults)")
            }
            let answers = operation["responses"] as? [String: Any] ?? [:]
            let schema = description.schema(of: answers["\(response.status)"] ?? answers["default"])
            let value = try JSONSerialization.jsonObject(with: response.body)
            let faults = description.faults(value, try #require(schema))
            #expect(faults.isEmpty, "\(path) \(response.status) \(faults)")
            return response
        }
        try await Service.run(units: 5) { service in
            let client = CoordinatorClient(
                CoordinatorAccess(url: service.url, token: service.token), worker: "w", node: "n1",
                policy: hastyPolicy, send: send)
            let grants = try #require(try await client.acquire(limit: 3).grants)
            #expect(grants.count == 3)
            #expect(try await client.renew(grants[0].lease) == .accepted)
            var counts = WorkerCounts()
            (counts.rows, counts.rejections) = (7, ["timeout": 2])
            let other = Lease(unit: grants[0].lease.unit, worker: "w", incarnation: "i", generation: 9)
            let units = [grants[0].lease, other].map { WorkerReport.Progress(lease: $0, rows: 4) }
            let finding = HostFinding(kind: "server", reason: "http_error", message: "status 503", status: 503)
            let news = HostNews(heldSeconds: 3, restSeconds: 60, finding: finding)
            let hosts = [
                HostUse(host: "http://h:80", running: 1, wanted: 16, news: news),
                HostUse(host: "http://i:80", running: 0, wanted: 2),
            ]
            let beat = try await client.heartbeat(counts, units: units, hosts: hosts)
            #expect(beat.lost == [other] && beat.hosts.map(\.connections) == [16, 2])
            #expect(try await client.publish(grants[0].lease, someResult) == .accepted)
            await #expect(throws: TransportError.self) {
                try await client.publish(
                    grants[1].lease,
                    UnitResult(
                        samples: 1, byteCount: 1, digest: someDigest, tableByteCount: 1, tableDigest: someDigest,
                        rejections: [:]))
            }
            #expect(try await client.release(grants[1].lease) == .accepted)
            for _ in 0..<3 {
                let grant = try #require(try await client.acquire().grant)
                #expect(try await client.fail(grant.lease, message: "disk \"full\"\n") == .accepted)
            }
            #expect(try await client.crashed(grants[2].lease, CrashedRow(row: 22, signal: 11)) == .accepted)
            _ = try await client.acquire(limit: 5)
            _ = try await client.acquire(limit: 5)
            #expect(try await client.ended(node: "n1") == ["w"])
            _ = try await client.ended(message: "gone")
            _ = try await client.status()
            _ = try await client.manifest()
            for token in [service.token, service.readToken] {
                for (method, name) in [("GET", "/healthz"), ("POST", "/api/v1/renew")] {
                    _ = try await send(
                        ClientRequest(
                            method: method, url: service.url + name,
                            headers: ["Authorization": "Bearer \(token.secret)"], body: Data(),
                            timeout: .seconds(10)))
                }
            }
        }
        let routes = Route.allCases.filter { $0 != .metrics }
        #expect(Set(seen.withLock { $0.keys }) == Set(routes.map { "\($0.method) \($0.path)" }))
        #expect(seen.withLock { $0["POST /api/v1/renew"] } == [200, 400, 401])
    }
}
