import Foundation
import Locks
import TestSupport
import Testing

@testable import Serving

@Suite("The HTTP server", .timeLimit(.minutes(1))) struct WebServerTests {
    @Test("answers one request after another on a connection, head and body in one write")
    func keptAlive() async throws {
        try await Site.run { site in
            let connection = try site.connection()
            for _ in 0..<20 {
                #expect(connection.send("GET /?a=b HTTP/1.1\r\nHost: x\r\n\r\n"))
                // The first read brings all there is.
                let answer = await offPool { String(decoding: connection.receive(1), as: UTF8.self) }
                let rest = await offPool { String(decoding: connection.receiveWhatIsThere(), as: UTF8.self) }
                #expect((answer + rest).hasPrefix("HTTP/1.1 200 OK\r\n") && rest.hasSuffix("\r\n\r\nhello"))
            }
            #expect(
                connection.send(
                    "POST /echo HTTP/1.1\r\nContent-Length: 2\r\n\r\nabGET / HTTP/1.1\r\nConnection: close\r\n\r\n"))
            let both = await offPool { String(decoding: connection.receive(), as: UTF8.self) }
            let first = try #require(both.range(of: "\r\n\r\nab")),
                second = try #require(both.range(of: "\r\n\r\nhello"))
            #expect(first.upperBound < second.lowerBound && second.upperBound == both.endIndex)
        }
    }

    @Test("a request for the head alone has no body, and a path that is not known has an answer")
    func heads() async throws {
        try await Site.run { site in
            let head = try await site.exchange("HEAD / HTTP/1.1\r\nConnection: close\r\n\r\n")
            #expect(head.lowercased().contains("content-length: 5\r\n") && head.hasSuffix("\r\n\r\n"))
            #expect(try await site.exchange("GET /no HTTP/1.1\r\nConnection: close\r\n\r\n").hasPrefix("HTTP/1.1 404"))
        }
    }

    @Test("header lines of 300 kB are refused, others are served meanwhile")
    func longHeaders() async throws {
        try await Site.run { site in
            let line = "GET / HTTP/1.1\r\nX: " + String(repeating: "x", count: 300_000)
            let connections = [try site.connection(), try site.connection()]
            for connection in connections { _ = await offPool { connection.send(line) } }
            #expect(try await site.isServing())
            for connection in connections {
                let answer = await offPool { String(decoding: connection.receive(), as: UTF8.self) }
                #expect(answer.hasPrefix("HTTP/1.1 400 "))
            }
            for head in [
                "GET /" + String(repeating: "x", count: 20_000) + " HTTP/1.1\r\n\r\n",
                "GET / HTTP/1.1\r\n" + String(repeating: "X: y\r\n", count: 200) + "\r\n",
                "GET / HTTP/1.1\r\n" + String(repeating: "X: \(String(repeating: "y", count: 8000))\r\n", count: 9),
            ] {
                #expect(try await site.exchange(head).hasPrefix("HTTP/1.1 400 "), "\(head.prefix(20))")
            }
            #expect(try await site.isServing())
        }
    }

    @Test("a client that dribbles its headers, its body, or nothing at all is cut off")
    func slowness() async throws {
        var limits = WebLimits()
        (limits.headerTime, limits.bodyTime, limits.idleTime) = (
            .milliseconds(200), .milliseconds(200), .milliseconds(200)
        )
        let headerTime = limits.headerTime
        try await Site.run(limits) { (site: Site) async throws in
            let slow = ["GET / HTTP/1.1\r\nX: ", "POST /echo HTTP/1.1\r\nContent-Length: 900\r\n\r\n", "\r\n"]
            for start in slow {
                let (connection, begun) = (try site.connection(), ContinuousClock.now)
                let sent = await offPool {
                    connection.send(start)
                    // Each byte comes well within any time that starts anew with it.
                    var count = 0
                    while connection.send(start == "\r\n" ? "\r\n" : "x") {
                        count += 1
                        usleep(20_000)
                    }
                    return count
                }
                #expect(sent > 0 && sent < 500 && ContinuousClock.now - begun >= headerTime)
                #expect(await offPool { connection.receive() }.isEmpty)
            }
            #expect(try await site.exchange("").isEmpty)  // returns when the server ends it
            // Also behind an answer.
            #expect(try await site.exchange("GET / HTTP/1.1\r\n\r\n").hasSuffix("hello"))
        }
    }

    @Test("a client may take its time between requests, and is not cut off while it waits for its answer")
    func patience() async throws {
        var limits = WebLimits()
        (limits.headerTime, limits.bodyTime, limits.idleTime) = (.milliseconds(50), .milliseconds(50), .seconds(30))
        let gate = Gate()
        try await Site.run(limits, gate: gate) { site in
            let connection = try site.connection()
            for path in ["/", "/held", "/"] {
                connection.send("GET \(path) HTTP/1.1\r\n\r\n")
                if path == "/held" {
                    usleep(150_000)  // past every short limit
                    gate.open()
                }
                #expect(await offPool { connection.receive(15) } == Array("HTTP/1.1 200 OK".utf8))
                await offPool { _ = connection.receiveWhatIsThere() }
                usleep(100_000)
            }
        }
    }

    @Test("endless bodies are answered, and take no memory")
    func endlessBodies() async throws {
        let before = try residentBytes()
        let faults = Faults()
        try await Site.run(faults: faults) { site in
            let chunk = Array("10000\r\n\(String(repeating: "x", count: 65_536))\r\n".utf8)
            try await withThrowingTaskGroup(of: (sent: Int, answer: String).self) { group in
                for path in ["/unread", "/echo", "/unread", "/echo"] {
                    let connection = try site.connection()
                    group.addTask {
                        await offPool {
                            connection.send("POST \(path) HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
                            var sent = 0
                            while sent < 200_000 * chunk.count, connection.send(chunk) { sent += chunk.count }
                            return (sent, String(decoding: connection.receive(), as: UTF8.self))
                        }
                    }
                }
                #expect(try await site.isServing())
                for try await (sent, answer) in group {
                    #expect(sent < 200_000 * chunk.count, "it was read to its end")
                    // A sender that does not listen may lose the answer.
                    #expect(["HTTP/1.1 401", "HTTP/1.1 413", ""].contains(String(answer.prefix(12))))
                }
            }
        }
        #expect(faults.all == [.tooLong, .tooLong])
        #expect(try residentBytes() - before < 64 << 20)
    }

    @Test("a body that is too long by its head is refused before it comes; one that is cut short is no body")
    func bodies() async throws {
        let faults = Faults()
        try await Site.run(faults: faults) { site in
            let head = "POST /echo HTTP/1.1\r\n"
            for length in ["1001", "99999999999", "99999999999999999999999"] {
                let answer = try await site.exchange(head + "Content-Length: \(length)\r\n\r\n{}")
                #expect(answer.hasPrefix("HTTP/1.1 413") || answer.hasPrefix("HTTP/1.1 400"), "\(length)")
            }
            let connection = try site.connection()
            connection.send(head + "Content-Length: 10\r\n\r\n{}")
            connection.finishSending()
            #expect(await offPool { connection.receive(13) } != Array("HTTP/1.1 200 ".utf8))
            let body = String(repeating: "x", count: 1000)
            let whole = try await site.exchange(
                head + "Connection: close\r\nContent-Length: 1000\r\n\r\n" + body)
            #expect(whole.hasSuffix("\r\n\r\n" + body))
        }
        #expect(!faults.all.isEmpty)
    }

    @Test("those who hold many connections open take them from one another, not from those who ask")
    func manyConnections() async throws {
        var limits = WebLimits()
        limits.connections = 40
        let gate = Gate()
        try await Site.run(limits, gate: gate) { site in
            let held = try site.connection()
            held.send("GET /held HTTP/1.1\r\n\r\n")
            let kept = try site.connection()
            kept.send("GET / HTTP/1.1\r\n\r\n")
            #expect(await offPool { kept.receive(15) } == Array("HTTP/1.1 200 OK".utf8))
            var dribblers: [RawConnection] = []
            for index in 0..<300 {
                let connection = try site.connection()
                connection.send("GET / HT")
                dribblers.append(connection)
                if index % 50 == 49 { #expect(try await site.isServing()) }
            }
            #expect(site.server.connections.count <= 40)
            #expect(site.server.connections.endedForOthers >= 250)
            await offPool { _ = kept.receiveWhatIsThere() }
            kept.send("GET / HTTP/1.1\r\n\r\n")
            #expect(await offPool { kept.receive(15) } == Array("HTTP/1.1 200 OK".utf8))
            gate.open()
            #expect(await offPool { held.receive(15) } == Array("HTTP/1.1 200 OK".utf8))
            #expect(dribblers.count == 300)
        }
    }

    @Test("where all connections are busy, a new one is ended")
    func allBusy() async throws {
        var limits = WebLimits()
        limits.connections = 2
        let gate = Gate()
        try await Site.run(limits, gate: gate) { site in
            let held = [try site.connection(), try site.connection()]
            for connection in held { connection.send("GET /held HTTP/1.1\r\n\r\n") }
            while gate.waitingCount < 2 { await Task.yield() }
            #expect(try await !site.isServing())
            gate.open()
            for connection in held {
                #expect(await offPool { connection.receive(15) } == Array("HTTP/1.1 200 OK".utf8))
            }
            #expect(try await site.isServing())
        }
    }

    @Test("a request that is being answered when the server ends is answered, a connection without one is ended")
    func ending() async throws {
        let gate = Gate()
        let connections = Locked<[RawConnection]>([])
        try await Site.run(gate: gate) { site in
            let (held, idle) = (try site.connection(), try site.connection())
            held.send("GET /held HTTP/1.1\r\n\r\n")
            while gate.waitingCount < 1 { await Task.yield() }
            connections.withLock { $0 = [held, idle] }
            Thread.detachNewThread {
                _ = idle.receive()  // the server is ending
                gate.open()
            }
        }
        let held = connections.withLock { $0[0] }
        #expect(await offPool { String(decoding: held.receive(), as: UTF8.self) }.hasSuffix("at last"))
    }

    @Test("a request that is never answered does not keep the server from ending")
    func stuck() async throws {
        var limits = WebLimits()
        limits.endTime = .milliseconds(100)
        let gate = Gate()
        try await Site.run(limits, gate: gate) { site in
            let held = try site.connection()
            held.send("GET /held HTTP/1.1\r\n\r\n")
            while gate.waitingCount < 1 { await Task.yield() }
        }
        gate.open()
    }

    @Test("says why it cannot listen, and which addresses are this machine's alone")
    func addresses() async throws {
        try await Site.run { site in
            let second = try WebServer(host: "127.0.0.1", port: site.port, logger: silent) { _ in WebAnswer(status: 200)
            }
            let taken = await #expect(throws: ServingError.self) { try await second.serve { _ in } }
            #expect(taken?.address == "127.0.0.1:\(site.port)")
        }
        for host in ["not an address", "127.example.org", "", "300.1.1.1"] {
            #expect(throws: ServingError.self) {
                try WebServer(host: host, port: 0, logger: silent) { _ in WebAnswer(status: 200) }
            }
            #expect(!WebServer.isLoopback(host))
        }
        for host in ["127.0.0.1", "127.9.9.9", "localhost", "::1"] { #expect(WebServer.isLoopback(host)) }
        for host in ["0.0.0.0", "::", "10.0.0.1"] { #expect(!WebServer.isLoopback(host)) }
    }

    @Test("the work of a cancelled server goes on to its end, while requests are answered")
    func cancelled() async throws {
        let served = Flag()
        await withTaskGroup(of: Void.self) { group in
            let (begun, beginning) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
            group.addTask {
                await #expect(throws: CancellationError.self) {
                    try await Site.run { site in
                        beginning.finish()
                        while !Task.isCancelled { await Task.yield() }
                        let isServing = try await site.isServing()
                        served.isSet.withLock { $0 = isServing }
                        try Task.checkCancellation()
                    }
                }
            }
            for await _ in begun {}
            group.cancelAll()
        }
        #expect(served.isSet.withLock { $0 })
    }
}
