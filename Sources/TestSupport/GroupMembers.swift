import Foundation
import Locks
package import Tensors

/// Groups whose processes are threads of this one: gloo does not mind.
package enum GroupMembers {
    /// Runs `body` as each of `count` processes of a group; what they returned, in their order.
    package static func run<Value: Sendable>(
        _ count: Int, _ body: @escaping @Sendable (GlooGroup) throws -> Value
    ) throws -> [Value] {
        let results = Locked([Int: Result<Value, any Error>]())
        let store = try ProcessStore(host: "127.0.0.1", port: 0, serves: true, prefix: "test", timeout: .seconds(30))
        let done = DispatchSemaphore(value: 0)
        for index in 0..<count {
            let thread = Thread {
                let result = Result {
                    let own = try ProcessStore(
                        host: "127.0.0.1", port: store.port, serves: false, prefix: "test", timeout: .seconds(30))
                    return try body(
                        GlooGroup(
                            "group", over: own, index: index, count: count, address: "127.0.0.1",
                            timeout: .seconds(120)))
                }
                results.withLock { $0[index] = result }
                done.signal()
            }
            thread.stackSize = 8 << 20
            thread.start()
        }
        for _ in 0..<count { done.wait() }
        return try results.withLock { results in
            try results.sorted { $0.key < $1.key }.map { try $0.value.get() }
        }
    }
}
