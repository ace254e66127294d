import RTP
import SansIO

/// `digits: kallglot, are: "12#"`, with `as:` and `leg:`.
struct DigitsExpectation: Expectation {
  static let summary = """
    These digits, no fewer and no more, have come to a member since the call began, on its newest leg that is not over or on its side of a \
    named call. It is looked at until the time is over: a digit that comes twice is one too many. Tones in the audio are listened for only \
    where an expectation says `as: in-band`.
    """
  static let examples = [
    "{ digits: kallglot, are: \"12#\", within: 1 s }", "{ digits: pbx, are: \"5\", as: info, leg: leg }",
    "{ digits: kallglot, are: \"7\", atLeast: 90 ms, atMost: 110 ms }", "{ digits: kallglot, are: none, within: 500 ms }",
  ]

  private static let digits = Key.required("digits", .party, "Who gets them.")
  private static let are = Key.required("are", .digitsOrNone, "The digits in their order, in quotes, or `none`.")
  private static let way = Key.optional("as", ValueType<DigitWay>.word, "Those that came this way alone.")
  private static let atLeast = Key.optional("atLeast", .duration, "Each lasted so long or longer, by its own clock.")
  private static let atMost = Key.optional("atMost", .duration, "None lasted longer.")
  private static let leg = Key.optional("leg", .leg, "On which call.")
  static let fields: [any DescribedField] = [digits, are, way, atLeast, atMost, leg]

  private let member: String
  private let wanted: [Digit]
  private let way: DigitWay?
  private let shortest: Duration?
  private let longest: Duration?
  private let leg: String?

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (member, wanted, way) = (try fields[Self.digits], try fields[Self.are], try fields[Self.way])
    (shortest, longest, leg) = (try fields[Self.atLeast], try fields[Self.atMost], try fields[Self.leg])
    if way == .inBand { scope.notes.listensForTones(member) }
  }

  var text: String {
    let wish = wanted.isEmpty ? "no digit" : wanted.text
    return "\(member) gets \(wish)\(way.map { " as \($0.rawValue)" } ?? "")\(leg.map { " on \($0)" } ?? "")"
      + (shortest.map { ", each at least \($0)" } ?? "") + (longest.map { ", none longer than \($0)" } ?? "")
  }
  var rule: String { "RFC 4733 §2.5.2: each digit that is pressed comes once" }
  var knownTo: String? { member }
  var inquiry: Inquiry { .digits(member, call: leg) }

  func judge(_ script: Script) -> Judgement {
    guard let story = story(script) else {
      return .open("\(member) has no leg\(leg.map { " of \($0)" } ?? "")", script.lastEvidence[member])
    }
    let heard = story.digits.filter { way == nil || $0.way == way }
    let evidence = story.mediaEvidence ?? story.evidence
    guard wanted.starts(with: heard.map(\.digit)) else { return .impossible(observed(heard), evidence) }
    for digit in heard {
      // What no message tells is no length that any bound allows.
      guard let milliseconds = digit.milliseconds else {
        if shortest != nil || longest != nil { return .impossible("\(observed(heard)), whose length nothing tells", evidence) }
        continue
      }
      let length = Duration.milliseconds(milliseconds)
      if shortest.map({ length < $0 }) ?? false || longest.map({ length > $0 }) ?? false { return .impossible(observed(heard), evidence) }
    }
    return heard.count == wanted.count ? .holds : .open(observed(heard), evidence)
  }

  func sighting(_ script: Script) -> (String, FrameCitation?) {
    let story = story(script)
    return (observed(story?.digits ?? []), story?.mediaEvidence ?? story?.evidence)
  }

  private func story(_ script: Script) -> LegStory? { leg.map { script.story($0, at: member) } ?? script.live(member) }

  private func observed(_ heard: [HeardDigit]) -> String {
    guard !heard.isEmpty else { return "\(member) got no digit" }
    let digits = heard.map { "\($0.digit) (\($0.way.name)\($0.milliseconds.map { ", \($0) ms" } ?? ""))" }
    return "\(member) got \(digits.joined(separator: ", "))"
  }
}
