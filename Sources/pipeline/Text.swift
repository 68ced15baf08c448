import Foundation

/// JSON as the commands print it: sorted keys, indented.
func jsonText(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    encoder.dateEncodingStrategy = .iso8601
    return String(decoding: try encoder.encode(value), as: UTF8.self)
}

/// `1234567` as `1,234,567`.
func grouped(_ number: Int) -> String { number.formatted(.number.locale(Locale(identifier: "en_US"))) }

/// Lines of columns, two spaces apart; from column `numbersFrom` on they are flush right.
func aligned(_ rows: [[String]], numbersFrom: Int = .max) -> String {
    let widths = (0..<(rows.first?.count ?? 0)).map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
        row.enumerated().map { column, text in
            let space = String(repeating: " ", count: widths[column] - text.count)
            return column >= numbersFrom ? space + text : text + space
        }.joined(separator: "  ").replacing(/\s+$/, with: "")
    }.joined(separator: "\n")
}
