import Images
import Samples
import Stages

/// What tests ask of a row, wherever it ended.
extension FinishedRow {
    var origin: RowOrigin {
        switch self {
        case .kept(let row, _): row.origin
        case .leftOut(let row): row.origin
        }
    }

    var rejection: Rejection? { if case .leftOut(let row) = self { row.rejection } else { nil } }
    var image: StoredImage? { if case .kept(let row, _) = self { row.image } else { nil } }
    var captions: RowCaptions? { if case .kept(_, let captions) = self { captions } else { nil } }

    var original: Size? {
        switch self {
        case .kept(let row, _): row.original
        case .leftOut(let row): row.original
        }
    }

    var sha256: ContentDigest? {
        switch self {
        case .kept(let row, _): row.sha256
        case .leftOut(let row): row.sha256
        }
    }

    var httpStatus: Int? {
        switch self {
        case .kept(let row, _): row.answer.httpStatus
        case .leftOut(let row): row.answer.httpStatus
        }
    }
}
