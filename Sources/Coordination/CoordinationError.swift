import Files

/// What went wrong while planning, leasing or publishing, and where.
package struct CoordinationError: SystemFault, Hashable, CustomStringConvertible {
    /// The closed list of faults; also the metric label.
    package enum Code: String, Sendable, CaseIterable {
        /// The job store cannot be read or written: disk full, damaged, no permission.
        case store
        /// Another build holds the job store.
        case locked
        /// Another coordinator has taken over the build; this one must end.
        case deposed
        /// The job store was written by a later version of the software.
        case newerSchema = "newer_schema"
        /// The job store was written by an earlier version of the software.
        case olderSchema = "older_schema"
        /// The output was begun with another manifest.
        case manifestChanged = "manifest_changed"
        /// A source could not be cut into work units.
        case planning
        /// A result does not fit the work unit that it is for.
        case badResult = "bad_result"
        /// The files of a finished unit could not be put in place.
        case publish
        /// The same unit is being published right now: ask again.
        case busy
        /// The conditional write found another state than its caller knew.
        case conflict
    }

    /// The class of the fault.
    package let code: Code
    /// What it is about: a file, a source or a work unit.
    package let subject: String
    /// Free text for a person.
    package let text: String
    /// The system's number for the fault; 0 where it is not the system's.
    package let number: Int32
    /// Whether the store was out of reach: the same may succeed when it is back.
    package let isOutage: Bool

    package init(_ code: Code, _ subject: String, _ text: String, number: Int32 = 0, isOutage: Bool = false) {
        self.code = code
        self.subject = subject
        self.text = text
        self.number = number
        self.isOutage = isOutage
    }

    /// Whether nothing is wrong with the unit that was worked on: the store is away, or another coordinator has the build.
    var isNoFaultOfUnit: Bool { isOutage || code == .deposed }

    /// `code: subject: text`, on one line.
    package var description: String { "\(code.rawValue): \(subject): \(text)" }
}
