import TextTokenizers

/// `caption` as BLIP and BLIP-2 are trained on it: lower case, punctuation that says little turned to spaces, runs of white
/// space made one space, at most `wordLimit` words.
///
/// Source: LAVIS `lavis/processors/blip_processors.py`, `BlipCaptionProcessor.pre_caption`.
public func blipCaption(_ caption: String, wordLimit: Int = 50) -> String {
    cleanedCaption(caption, wordLimit: wordLimit)
}
