/// An encoding of one byte a character, by which UTF-8 is often misread.
///
/// Bytes up to 7F are ASCII in all of them. The tables are those of Python's codecs; in a "sloppy" one a byte without a
/// character stands for the control character of its number, and byte 1A for U+FFFD, as in ftfy.
struct ByteEncoding: Sendable {
    /// The characters of bytes 80 to FF.
    private let upper: [Unicode.Scalar]
    private let bytes: [Unicode.Scalar: UInt8]
    let isSloppy: Bool

    private init(_ upper: String, isSloppy: Bool = false) {
        self.upper = Array(upper.unicodeScalars)
        precondition(self.upper.count == 128, "an encoding has 128 characters beyond ASCII")
        self.isSloppy = isSloppy
        bytes = Dictionary(uniqueKeysWithValues: zip(self.upper, 0x80...0xff))
    }

    /// The character of `byte`, which is 80 or more.
    func scalar(_ byte: UInt8) -> Unicode.Scalar { upper[Int(byte) - 0x80] }

    /// The bytes that read as `text`; nil where there are none.
    func encoded(_ text: [Unicode.Scalar]) -> [UInt8]? {
        var encoded: [UInt8] = []
        encoded.reserveCapacity(text.count)
        for scalar in text {
            if let byte = bytes[scalar] {
                encoded.append(byte)
            } else if isSloppy, scalar == "\u{fffd}" {
                encoded.append(0x1a)
            } else if scalar.isASCII, !(isSloppy && scalar == "\u{1a}") {
                encoded.append(UInt8(scalar.value))
            } else {
                return nil
            }
        }
        return encoded
    }

    static let latin1 = ByteEncoding(String(String.UnicodeScalarView((0x80...0xff).map { Unicode.Scalar(UInt8($0)) })))
    static let windows1252 = ByteEncoding(
        """
        €\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ\u{a0}¡¢£¤¥¦§¨©ª«¬\u{ad}®¯°±²³´µ¶·¸¹º»¼½¾¿À\
        ÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ
        """, isSloppy: true)
    static let windows1251 = ByteEncoding(
        """
        ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—\u{98}™љ›њќћџ\u{a0}ЎўЈ¤Ґ¦§Ё©Є«¬\u{ad}®Ї°±Ііґµ¶·ё№є»јЅѕїАБВГДЕЖЗИЙКЛМНОПРСТУФ\
        ХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюя
        """, isSloppy: true)
    static let windows1250 = ByteEncoding(
        """
        €\u{81}‚\u{83}„…†‡\u{88}‰Š‹ŚŤŽŹ\u{90}‘’“”•–—\u{98}™š›śťžź\u{a0}ˇ˘Ł¤Ą¦§¨©Ş«¬\u{ad}®Ż°±˛ł´µ¶·¸ąş»Ľ˝ľżŔ\
        ÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢßŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙
        """, isSloppy: true)
    static let windows1253 = ByteEncoding(
        """
        €\u{81}‚ƒ„…†‡\u{88}‰\u{8a}‹\u{8c}\u{8d}\u{8e}\u{8f}\u{90}‘’“”•–—\u{98}™\u{9a}›\u{9c}\u{9d}\u{9e}\
        \u{9f}\u{a0}΅Ά£¤¥¦§¨©ª«¬\u{ad}®―°±²³΄µ¶·ΈΉΊ»Ό½ΎΏΐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡÒΣΤΥΦΧΨΩΪΫάέήίΰαβγδεζηθικλμνξοπρςσ\
        τυφχψωϊϋόύώÿ
        """, isSloppy: true)
    static let windows1254 = ByteEncoding(
        """
        €\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}\u{8e}\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}\u{9e}Ÿ\u{a0}¡¢£¤¥¦§¨©ª«¬\u{ad}®¯°±²³´µ¶\
        ·¸¹º»¼½¾¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏĞÑÒÓÔÕÖ×ØÙÚÛÜİŞßàáâãäåæçèéêëìíîïğñòóôõö÷øùúûüışÿ
        """, isSloppy: true)
    static let windows1257 = ByteEncoding(
        """
        €\u{81}‚\u{83}„…†‡\u{88}‰\u{8a}‹\u{8c}¨ˇ¸\u{90}‘’“”•–—\u{98}™\u{9a}›\u{9c}¯˛\u{9f}\u{a0}¡¢£¤¥¦§Ø©Ŗ«¬\
        \u{ad}®Æ°±²³´µ¶·ø¹ŗ»¼½¾æĄĮĀĆÄÅĘĒČÉŹĖĢĶĪĻŠŃŅÓŌÕÖ×ŲŁŚŪÜŻŽßąįāćäåęēčéźėģķīļšńņóōõö÷ųłśūüżž˙
        """, isSloppy: true)
    static let iso8859Part2 = ByteEncoding(
        """
        \u{80}\u{81}\u{82}\u{83}\u{84}\u{85}\u{86}\u{87}\u{88}\u{89}\u{8a}\u{8b}\u{8c}\u{8d}\u{8e}\u{8f}\
        \u{90}\u{91}\u{92}\u{93}\u{94}\u{95}\u{96}\u{97}\u{98}\u{99}\u{9a}\u{9b}\u{9c}\u{9d}\u{9e}\u{9f}\
        \u{a0}Ą˘Ł¤ĽŚ§¨ŠŞŤŹ\u{ad}ŽŻ°ą˛ł´ľśˇ¸šşťź˝žżŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢßŕáâăäĺćçčéęëěíîďđńňóôőö÷řů\
        úűüýţ˙
        """)
    static let macRoman = ByteEncoding(
        """
        ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø¿¡¬√ƒ≈∆«»…\u{a0}ÀÃÕŒœ–—“”‘’÷◊ÿŸ⁄€‹›ﬁ\
        ﬂ‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ\u{f8ff}ÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ
        """)
    static let codePage437 = ByteEncoding(
        """
        ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπ\
        ΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}
        """)
}
