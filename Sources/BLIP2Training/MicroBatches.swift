extension Range<Int> {
    /// The range in `count` parts, or in as many as it has elements, each as long as another or one longer.
    func divided(by count: Int) -> [Range<Int>] {
        let parts = Swift.min(count, self.count)
        return (0..<parts).map { part in
            lowerBound + part * self.count / parts..<lowerBound + (part + 1) * self.count / parts
        }
    }
}
