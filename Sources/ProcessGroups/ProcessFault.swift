/// Why the processes of a run cannot find each other, in words.
struct ProcessFault: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
