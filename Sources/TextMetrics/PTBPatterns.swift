/// What the caption package's tokenizer takes for one token, as patterns of `LongestMatch`.
///
/// Source: the behaviour of `edu.stanford.nlp.process.PTBTokenizer` of Stanford CoreNLP 3.4.1, which pycocoevalcap runs;
/// found by comparing outputs. Where only the choice between marks that are dropped afterwards differs, patterns are simpler.
enum PTBPatterns {
    /// How a token is written.
    enum Kind { case plain, text, suffix, quotes, brackets, smiley, dash, spaced, phone }

    struct Rule {
        let pattern: String
        /// What must follow the token for it to be one.
        let behind: String?
        let kind: Kind

        init(_ pattern: String, behind: String? = nil, _ kind: Kind = .plain) {
            (self.pattern, self.behind, self.kind) = (pattern, behind, kind)
        }
    }

    static let rules = cut + words + apostrophes + addresses + suffixes + numbers + abbreviated + things + marks

    private static let apostrophe = "(['\u{92}’]|&apos;)"
    private static let anyQuote = "(['\u{92}’`\u{91}‘‛]|&apos;)"
    private static let letter = "(\\m|&[aeiouAEIOU](acute|grave|uml);)"
    private static let word = "\(letter)(\(letter)|\\d)*([.!?]\(letter)(\(letter)|\\d)*)*"
    private static let suffix = "\(apostrophe)([msdMSD]|re|ve|ll)"
    private static let number = "(\\d+|\\d*([.:,\u{ad}\u{66b}\u{66c}]\\d+)+)"
    private static let thing = "([dDoOlL]\(anyQuote)[\\l\\d])?[\\l\\d]+(-([dDoOlL]\(anyQuote)[\\l\\d])?[\\l\\d]+)*"
    private static let acronym = "[A-Za-z](\\.[A-Za-z])+"

    /// Words that are cut in two.
    private static let cut = [
        Rule("can", behind: "not"), Rule("gon|wan", behind: "na"), Rule("got", behind: "ta"),
        Rule("lem|gim", behind: "me"), Rule("more", behind: "'n"), Rule("\(apostrophe)t", behind: "is|was"),
    ]

    private static let name = "[A-Za-z][A-Za-z0-9_:.\\-]*"
    private static let words = [
        // In front of a letter that stands alone, an abbreviation keeps its dot and the letter is a word.
        Rule("(\(dates)|\(states)|\(companies)|\(persons))\\.", behind: "[^\u{0}]"),
        Rule("<([!?][A-Za-z\\-][^>]*|/?\(name)( +\(name)( *= *('[^']*'|\"[^\"]*\"))?)* */? *)>", .spaced),
        Rule(word, behind: suffix, .text),
        Rule("[A-Za-z\u{ad}]*[A-MO-Za-mo-z\u{ad}]", behind: "n\(anyQuote)t", .text), Rule(word, .text),
        Rule("(\(word)|\(number)|\(thing)|[\\l\\d]+([_\\-][\\l\\d]+)+)\\.", behind: "[,;:、]", .text),
    ]

    private static let apostrophes = [
        Rule("\(apostrophe)n\(apostrophe)?"), Rule("[lLdDjJ]\(apostrophe)"), Rule("dunkin\(apostrophe)"),
        Rule("somethin\(apostrophe)"), Rule("ol\(apostrophe)"), Rule("\(apostrophe)em"),
        Rule("[A-HJ-XZn]\(anyQuote)\\l{2}\\l*"), Rule("\(apostrophe)[2-9]0s"), Rule("\(apostrophe)till?"),
        Rule("\\l\\l*[aeiouyAEIOUY]\(anyQuote)[aeiouA-Z]\\l*"), Rule("\(apostrophe)cause"), Rule("cont'd\\.?"),
        Rule("nor'easter|c'mon|e'er|s'mores|ev'ry|li'l|nat'l"), Rule("O\(anyQuote)o"),
        Rule("y\(apostrophe)", behind: "\\l"),
    ]

    private static let lastOfURL = "[^ \t\n\u{c}\r\"<>|.!?(){},-]"
    private static let addresses = [
        Rule("https?://[^ \t\n\u{c}\r\"<>|(){}]+\(lastOfURL)"),
        Rule(
            "(www\\.([^ \t\n\u{c}\r\"<>|.!?(){},]+\\.)+[a-zA-Z]{2,4}"
                + "|([^ \t\n\u{c}\r\"`'<>|.!?(){},-_$]+\\.)+(com|net|org|edu))"
                + "(/[^ \t\n\u{c}\r\"<>|()]+\(lastOfURL))?"),
        Rule(
            "(<|&lt;)?[a-zA-Z0-9][^ \t\n\u{c}\r\"<>|()\u{a0}{}]*@([^ \t\n\u{c}\r\"<>|().\u{a0}{}]+\\.)*"
                + "[^ \t\n\u{c}\r\"<>|().\u{a0}{}]+(>|&gt;)?"),
        Rule("@[a-zA-Z_][a-zA-Z_0-9]*"), Rule("#\(letter)+"),
    ]

    private static let suffixes = [
        Rule(suffix, behind: "[^A-Za-z]", .suffix), Rule("n\(anyQuote)t", behind: "[^A-Za-z]", .suffix),
        Rule("'", behind: "[A-Za-z][^ \t\n\r\u{a0}]", .dash), Rule(suffix, .suffix), Rule("n\(anyQuote)t", .suffix),
    ]

    private static let numbers = [
        Rule("\\d{1,2}[\\-/]\\d{1,2}[\\-/]\\d{2,4}"), Rule("[\\-+]?\(number)", .text),
        Rule("[⁺⁻₊₋]?([⁰¹²³⁴-⁹]+|[₀-₉]+)"),
        Rule("(\\d{1,4}[\\- \u{a0}])?\\d{1,4}(\\\\?/|⁄)\\d{1,4}", .spaced), Rule("[¼½¾⅓-⅞]"), Rule("[A-Z]*$|#+"),
        Rule("[\u{80}¢£¤₠€]"),
        Rule(
            "(\\([0-9]{2,3}\\)[ \u{a0}]?|(\\+\\+?)?([0-9]{2,4}[\\- \u{a0}])?[0-9]{2,4}[\\- \u{a0}])"
                + "[0-9]{3,4}[\\- \u{a0}]?[0-9]{3,5}|((\\+\\+?)?[0-9]{2,4}\\.)?[0-9]{2,4}\\.[0-9]{3,4}\\.[0-9]{3,5}",
            .phone),
    ]

    private static let dates = "jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|mon|tues?|wed|thu|thurs|fri"
    private static let states =
        "ala|ariz|[A]rk|calif|colo|conn|ct|dak|[D]el|fla|ga|[I]ll|ind|kans?|ky|la|[M]ass|md|mich|minn|[M]iss|mo|mont|neb"
        + "|nev|okla|[O]re|[P]a|penn|tenn|[T]ex|va|vt|[W]ash|wisc?|wyo"
    private static let companies =
        "inc|cos?|corp|pp?tys?|ltd|plc|rt|bancorp|dept|bhd|assn|univ|intl|sys|bldg|est|tel|ext|sq|al"
    private static let persons = "jr|sr|bros|blvd|rd|esq|etc|(ed|ph)\\.d"
    private static let titles =
        "mr|mrs|ms|[M]iss|drs?|profs?|sens?|reps?|attys?|lt|col|gen|messrs|govs?|adm|rev|maj|sgt|cpl|pvt|capt|ste?|ave|ft"
        + "|pres|lieut|hon|brig|co?mdr|pfc|spc|supts?|det|mt|adj|adv|asst|assoc|ens|insp|mlle|mme|msgr|sfc"
        + "|m[ft]g|natl|elec|invt|vs|[v]|alex|wm|jos|cie|a\\.k\\.a|cf|treas"

    private static let abbreviated = [
        Rule("(\(dates)|\(states)|\(companies)|\(persons)|\(titles))\\."), Rule("\(acronym)\\."), Rule("[A-Za-z]\\."),
        Rule("[A-Za-z]", behind: "\\.[ \u{a0}]+(\(sentenceStarts))[ \u{a0}]"),
        Rule("(no|nos|art|prop|pp?|op|figs?|ca)\\.", behind: "[ \u{a0}]?\\d"),
    ]

    /// In front of these words, a letter with a dot ends a sentence.
    private static let sentenceStarts =
        "[A]|[A]bout|[A]ccording|[A]dditionally|[A]fter|[A]n|[A]s|[A]t|[B]ut|[H]ere?|[H]er|[H]owever|[I]f|[I]n|[I]t|[L]ast|[M]any"
        + "|[M]ore|[M]r\\.|[M]s\\.|[N]ow|[O]nce|[O]ne|[O]ther|[O]ur|[S]he|[S]ince|[S]o|[S]ome|[S]uch|[T]hat|[T]he|[T]heir|[T]hen"
        + "|[T]here|[T]hese|[T]hey|[T]his|[W]e|[W]hat|[W]hen|[W]hile|[Y]et|[Y]ou"

    private static let fileKinds = """
        bat|bmp|c|class|cgi|cpp|dll|docx?|exe|gif|gz|html?|jar|java|jpe?g|mov|mp[34g]|pdf|php|pl|png|pptx?|ps|py|sql|tar\
        |txt|wav|x|xml|zip|3gp|wm[va]|avi|flv
        """
    private static let things = [
        Rule(thing, .text), Rule("[A-Z]+((&|\\+|&amp;)[A-Z]+)+", .text), Rule("AT(&|&amp;)T", .text),
        Rule("[A-Za-z0-9]+(-[A-Za-z]+){0,2}(\\\\?/[A-Za-z0-9]+(-[A-Za-z]+){0,2}){1,2}"),
        Rule("[A-Za-z0-9][A-Za-z0-9.,\u{ad}]*(-([A-Za-z0-9\u{ad}]+|\(acronym)\\.))+", .text),
        Rule("[\\l\\d]+([._\\-][\\l\\d]+)*\\.(\(fileKinds))", behind: "[ .?!,\"'<]"),
        Rule("[\\l\\d]+([_\\-][\\l\\d]+)+", .text), Rule("[cf]#|c\\+\\+"),
    ]

    private static let marks = [
        Rule("<|>|&lt;|&gt;|<<|>>"), Rule("[?!]+"), Rule("\\.\\.\\.|\\. \\. \\.|…|\\.", .dash), Rule("[,;:]"),
        Rule("-+|[–—―\u{96}\u{97}]|\u{ad}", .dash), Rule("[(){}\\[\\]]", .brackets),
        Rule("\"|''|&quot;|'|&apos;", .dash), Rule("[`\u{82}\u{84}\u{91}-\u{94}‘-‟«»‹›]{1,2}", .quotes),
        Rule("\(apostrophe)\\d\\d", behind: "[ \u{a0}]"),
        Rule("[<>]?[:;=][\\-o*']?[()DPdpO\\\\{@|\\[\\]]", behind: "[^A-Za-z0-9]", .smiley),
        Rule("[\\-^x=~<>']_[\\-^x=~<>']|\\([\\-^x=~<>'][_.]?[\\-^x=~<>']\\)|\\([x^=~<>']-[x^=~<>'`]\\)", .smiley),
        Rule("&(amp;)?"), Rule("\\\\?\\*+"), Rule("_+"), Rule("@+"), Rule("[%^~|\\\\/=+]"), Rule("\\s"),
    ]
}
