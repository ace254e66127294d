import Media
import RTP
import SansIO

/// `reports: kallglot, roundTrip: ">= 90 ms", metrics: true`
struct ReportsExpectation: Expectation {
  static let summary = """
    What the RTCP of the peer told a member on its newest leg, or on its side of a named call: known when the leg is over, and only where \
    the member has a `jitterBuffer` or `voipMetrics`.
    """
  static let examples = [
    "{ reports: kallglot, roundTrip: \">= 90 ms\" }", "{ reports: pbx, leg: leg, metrics: true, malformed: none }",
  ]

  private static let reports = Key.required("reports", .party, "Who got them.")
  private static let leg = Key.optional("leg", .leg, "On which call.")
  private static let roundTrip = Key.optional(
    "roundTrip", .durationBound, "The longest time to the peer and back, by LSR and DLSR (RFC 3550 §6.4.1).")
  private static let metrics = Key.optional("metrics", .flag, "Whether the peer sent VoIP metrics of what it heard (RFC 3611 §4.7).")
  private static let malformed = Key.optional("malformed", .count, "Packets that could not be read.")
  static let fields: [any DescribedField] = [reports, leg, roundTrip, metrics, malformed, Requirement.key]

  private let member: String
  private let leg: String?
  private let roundTrip: Bound?
  private let metrics: Bool?
  private let malformed: Count?
  let rule: String

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (member, leg) = (try fields[Self.reports], try fields[Self.leg])
    (roundTrip, metrics, malformed) = (try fields[Self.roundTrip], try fields[Self.metrics], try fields[Self.malformed])
    rule = try fields[Requirement.key] ?? "RFC 3550 §6.4"
  }

  var text: String {
    var parts: [String] = []
    if let roundTrip { parts.append("a round trip \(roundTrip.text)") }
    if let metrics { parts.append(metrics ? "VoIP metrics" : "no VoIP metrics") }
    if let malformed { parts.append("malformed ones \(malformed.text.isEmpty ? "at least once" : malformed.text)") }
    return "\(member) got reports\(leg.map { " on \($0)" } ?? "")\(parts.isEmpty ? "" : " with \(parts.joined(separator: ", "))")"
  }
  var knownTo: String? { member }
  var inquiry: Inquiry { .leg(of: member) }

  func judge(_ script: Script) -> Judgement {
    let story = story(script)
    guard let story, let quality = story.quality else {
      return .open("no leg of \(member) that keeps figures is over", story?.evidence ?? script.lastEvidence[member])
    }
    let isInTime = roundTrip.map { bound in quality.longestRoundTrip.map { bound.admits($0.milliseconds) } ?? false } ?? true
    let isMet =
      isInTime && metrics.map { $0 == (quality.peerMetrics != nil) } ?? true && malformed?.admits(quality.malformedControl) ?? true
    return isMet ? .met : .impossible(Self.observed(quality), story.mediaEvidence ?? story.evidence)
  }

  func sighting(_ script: Script) -> (String, FrameCitation?) {
    let story = story(script)
    return (story?.quality.map(Self.observed) ?? "nothing is known", story?.mediaEvidence ?? story?.evidence)
  }

  private func story(_ script: Script) -> LegStory? { leg.map { script.story($0, at: member) } ?? script.newest(member) }

  private static func observed(_ quality: MediaQuality) -> String {
    let time = quality.longestRoundTrip.map { "a round trip of up to \(Int($0.milliseconds)) ms" } ?? "no round trip was measured"
    return "\(time), \(quality.peerMetrics == nil ? "no " : "")VoIP metrics, \(CountText.of(quality.malformedControl, "packet")) malformed"
  }
}
