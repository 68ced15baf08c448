package import Samples

/// One row of the demonstration's list, with all that is true of it.
package struct DemoRow: Hashable, Sendable, Codable {
    /// The formats that images are written in; the raw value is the ending of the file's name.
    package enum Format: String, Sendable, Codable {
        case jpeg = "jpg"
        case png, webp
    }

    /// What is unusual about the row, to see a pipeline cope with it.
    package enum Oddity: String, Sendable, Codable, CaseIterable {
        /// No such file: the server answers 404.
        case missing
        /// The file ends in its middle.
        case truncated
        /// A page of HTML under the name of an image.
        case page
        /// A file of no bytes.
        case empty
        /// The server asks that the image not be used for training.
        case optedOut
        /// The list has no URL in this row.
        case noURL
        /// The server takes its time.
        case slow
        /// The server calls the image plain text.
        case mislabelled
        /// The pixels lie on their side; a tag in the file says how to turn them.
        case turned

        /// Why a pipeline leaves the row out; nil where it does not.
        package var rejection: Rejection.Reason? {
            switch self {
            case .missing: .httpError
            case .truncated: .decodeError
            case .page, .empty: .notAnImage
            case .optedOut: .optedOut
            case .noURL: .badRow
            case .slow, .mislabelled, .turned: nil
            }
        }

        /// The folder of the row's file; the server treats each folder in its own way.
        var folder: String {
            switch self {
            case .optedOut: "optout"
            case .slow: "slow"
            case .mislabelled: "mislabelled"
            default: "images"
            }
        }
    }

    /// The row's number in the list, from 0.
    package let row: Int
    /// The path of the image under the folder, and in its URL; nil where the list has no URL.
    package let file: String?
    /// The format of the image.
    package let format: Format
    /// The quality it is written with, 1 to 100; of no effect on PNG.
    package let quality: Int
    /// What is unusual about it.
    package let oddity: Oddity?
    /// What the image shows.
    package let scene: Scene
    /// A true caption.
    package let caption: String
    /// The caption in the list.
    package let webCaption: String
    /// Whether that is true.
    package let webCaptionIsTrue: Bool
    /// The status that a pipeline with the default manifest gives the row: `success` or a reason for its rejection.
    package let expectedStatus: String
}
