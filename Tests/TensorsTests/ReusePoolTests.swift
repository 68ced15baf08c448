import Tensors
import Testing

@Suite("A pool of values that are used again")
struct ReusePoolTests {
    private struct Broken: Error {}

    @Test("a value is used again for what it was made for, and for nothing else")
    func again() {
        let pool = ReusePool<String, Int>(limit: 4)
        var made = 0
        func use(_ key: String) -> Int {
            pool.use(key) {
                made += 1
                return made
            } _: {
                $0
            }
        }
        #expect([use("a"), use("a"), use("b"), use("a")] == [1, 1, 2, 1])
        #expect(pool.count == 2)
    }

    @Test("no more values than the limit are kept: the one that came back first is made anew")
    func bound() {
        let pool = ReusePool<Int, Int>(limit: 3)
        var made: [Int] = []
        func use(_ key: Int) {
            pool.use(key) {
                made.append(key)
                return key
            } _: {
                #expect($0 == key)
            }
        }
        for key in 0..<50 {
            use(key)
            #expect(pool.count <= 3)
        }
        made = []
        for key in [49, 48, 47, 46] { use(key) }
        #expect(made == [46])
    }

    @Test("values that are in use at the same time are different ones, and those over the limit are not kept")
    func together() {
        let pool = ReusePool<Int, Int>(limit: 2)
        var made = 0
        func nested(_ depth: Int) {
            guard depth > 0 else { return }
            pool.use(0) {
                made += 1
                return made
            } _: { _ in
                nested(depth - 1)
            }
        }
        nested(5)
        #expect(made == 5)
        #expect(pool.count == 2)
    }

    @Test("a value with which something failed does not come back")
    func failed() {
        let pool = ReusePool<Int, Int>(limit: 2)
        #expect(throws: Broken.self) {
            try pool.use(0) { () throws(Broken) in
                1
            } _: { _ throws(Broken) in
                throw Broken()
            }
        }
        #expect(pool.count == 0)
    }
}
