import Locks
import Serving

/// How many requests came, what became of them, and how long they took.
final class RequestMetrics: Sendable {
    /// Upper bounds of the histogram, in seconds; the last is without end.
    static let bounds: [Double] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, .infinity]

    private struct Series {
        var statuses: [Int: Int] = [:]
        var buckets = [Int](repeating: 0, count: RequestMetrics.bounds.count)
        var seconds = 0.0
    }

    private struct State {
        var routes: [Route?: Series] = [:]
        var unauthorized = 0
        var waiting = 0
        var turnedAway = 0
    }

    private let state = Locked(State())

    /// Takes in that a request of `route`, nil where there is none such, was answered.
    func note(_ route: Route?, status: Int, took duration: Duration) {
        let seconds = duration / .seconds(1)
        let bucket = Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count - 1
        state.withLock { state in
            state.routes[route, default: Series()].statuses[status, default: 0] += 1
            state.routes[route, default: Series()].buckets[bucket] += 1
            state.routes[route, default: Series()].seconds += seconds
            if status == 401 { state.unauthorized += 1 }
        }
    }

    /// Notes that a request came, and answers whether it is to be answered, which it is unless `limit` others are.
    ///
    /// In either case, `left` notes its end.
    func entered(limit: Int) -> Bool {
        state.withLock { state in
            state.waiting += 1
            if state.waiting > limit { state.turnedAway += 1 }
            return state.waiting <= limit
        }
    }

    /// A request that `entered` was answered.
    func left() { state.withLock { $0.waiting -= 1 } }

    /// Requests without a token, or with a wrong one.
    var unauthorizedCount: Int { state.withLock { $0.unauthorized } }

    var families: [MetricFamily] {
        let (routes, unauthorized, waiting, turnedAway) = state.withLock {
            ($0.routes, $0.unauthorized, $0.waiting, $0.turnedAway)
        }
        var requests = MetricFamily(
            "pipeline_http_requests_total", .counter, "Requests answered, by what was asked for and by status.")
        var durations = MetricFamily(
            "pipeline_http_request_duration_seconds", .histogram, "Time from a request's headers to its answer.")
        // `none` is what the server does not have.
        for (route, series) in routes.sorted(by: { ($0.key?.rawValue ?? "~") < ($1.key?.rawValue ?? "~") }) {
            let name = route?.rawValue ?? "none"
            for (status, count) in series.statuses.sorted(by: { $0.key < $1.key }) {
                requests.add(count, ["route": name, "status": "\(status)"])
            }
            var sum = 0
            for (bound, count) in zip(Self.bounds, series.buckets) {
                sum += count
                let le = bound == .infinity ? "+Inf" : "\(bound)"
                durations.add(Double(sum), suffix: "_bucket", ["route": name, "le": le])
            }
            durations.add(series.seconds, suffix: "_sum", ["route": name])
            durations.add(Double(sum), suffix: "_count", ["route": name])
        }
        return [
            requests, durations,
            MetricFamily(
                "pipeline_http_unauthorized_total", .counter, "Requests without a token or with a wrong one.",
                Double(unauthorized)),
            MetricFamily(
                "pipeline_http_requests_waiting", .gauge, "Requests that are being answered.", Double(waiting)),
            MetricFamily(
                "pipeline_http_turned_away_total", .counter,
                "Requests that were told to come back, since too many waited.",
                Double(turnedAway)),
        ]
    }
}

extension Connections {
    var families: [MetricFamily] {
        [
            MetricFamily("pipeline_http_connections", .gauge, "Connections that are open.", Double(count)),
            MetricFamily(
                "pipeline_http_connections_ended_total", .counter, "Connections that had to make room for others.",
                Double(endedForOthers)),
        ]
    }
}
