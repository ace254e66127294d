import Media
import SansIO

/// `buffer: kallglot, late: none, underruns: at most 2, depth: "<= 120 ms"`
struct BufferExpectation: Expectation {
  static let summary = """
    What the jitter buffer of a member did on its newest leg, or on its side of a named call: known when the leg is over, and only where \
    the member has a `jitterBuffer`.
    """
  static let examples = [
    "{ buffer: kallglot, late: none, underruns: at most 2 }", "{ buffer: pbx, leg: leg, reordered: 10, depth: \"<= 200 ms\" }",
  ]

  private typealias Counts = JitterBufferCounts
  private static let buffer = Key.required("buffer", .party, "The member.")
  private static let leg = Key.optional("leg", .leg, "On which call.")
  private static let depth = Key.optional("depth", .durationBound, "The longest delay from arrival to playing.")
  private static let delay = Key.optional("delay", .durationBound, "The delay at the end.")
  private static func count(_ name: String, _ summary: String) -> Field<Count?> { Key.optional(name, .count, summary) }
  private static let counts: [(key: Field<Count?>, value: @Sendable (JitterBufferCounts) -> Int)] = [
    (count("played", "Frames that were played."), { $0.played }),
    (count("late", "Packets that came after their time."), { $0.late }),
    (count("discarded", "Packets that came and were not played: late ones, and those left out to shrink the delay."), { $0.discarded }),
    (count("reordered", "Packets that were overtaken and played in their place all the same."), { $0.reordered }),
    (count("lost", "Packets that had not come when it was their turn."), { $0.lost }),
    (count("duplicates", "Packets that came twice."), { $0.duplicates }),
    (count("underruns", "Packet times at which the packet was still on its way."), { $0.underruns }),
    (count("concealed", "Packet times that were filled without a packet."), { $0.concealed }),
    (count("resets", "Beginnings anew: another SSRC, a jump of sequence numbers or of time."), { $0.resets }),
  ]
  static let fields: [any DescribedField] = [buffer, leg] + counts.map(\.key) + [depth, delay, Requirement.key]

  private let member: String
  private let leg: String?
  private let wanted: [(name: String, count: Count, value: @Sendable (JitterBufferCounts) -> Int)]
  private let depth: Bound?
  private let delay: Bound?
  let rule: String

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (member, leg) = (try fields[Self.buffer], try fields[Self.leg])
    (depth, delay) = (try fields[Self.depth], try fields[Self.delay])
    var wanted: [(name: String, count: Count, value: @Sendable (JitterBufferCounts) -> Int)] = []
    for (key, value) in Self.counts { if let count = try fields[key] { wanted.append((key.description.name, count, value)) } }
    self.wanted = wanted
    rule = try fields[Requirement.key] ?? "RFC 3550 §6.4.1: a jitter buffer makes up for jitter"
  }

  var text: String {
    var parts = wanted.map { "\($0.name) \($0.count.text.isEmpty ? "at least once" : $0.count.text)" }
    if let depth { parts.append("depth \(depth.text)") }
    if let delay { parts.append("delay \(delay.text)") }
    let what = parts.isEmpty ? "" : ": \(parts.joined(separator: ", "))"
    return "the jitter buffer of \(member)\(leg.map { " on \($0)" } ?? "") is known\(what)"
  }
  var knownTo: String? { member }
  var inquiry: Inquiry { .leg(of: member) }

  func judge(_ script: Script) -> Judgement {
    let story = story(script)
    guard let story, let counts = story.quality?.buffer else {
      return .open("no leg of \(member) with a jitter buffer is over", story?.evidence ?? script.lastEvidence[member])
    }
    let isMet =
      wanted.allSatisfy { $0.count.admits($0.value(counts)) } && depth?.admits(counts.maximumDelay.milliseconds) ?? true
      && delay?.admits(counts.delay.milliseconds) ?? true
    return isMet ? .met : .impossible(Self.observed(counts), story.mediaEvidence ?? story.evidence)
  }

  func sighting(_ script: Script) -> (String, FrameCitation?) {
    let story = story(script)
    return (story?.quality?.buffer.map(Self.observed) ?? "there is none", story?.mediaEvidence ?? story?.evidence)
  }

  private func story(_ script: Script) -> LegStory? { leg.map { script.story($0, at: member) } ?? script.newest(member) }

  private static func observed(_ counts: JitterBufferCounts) -> String {
    let values = Self.counts.map { "\($0.value(counts)) \($0.key.description.name)" }.joined(separator: ", ")
    return "\(values), delay \(Int(counts.delay.milliseconds)) ms, at most \(Int(counts.maximumDelay.milliseconds)) ms"
  }
}

extension Duration {
  var milliseconds: Double { Double(wholeNanoseconds) / 1e6 }
}
