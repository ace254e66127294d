import SansIO

/// A line of a scenario file, or of a file that it includes.
public struct SourcePlace: Hashable, Sendable, CustomStringConvertible {
  public var file: String
  /// From 1.
  public var line: Int

  public init(file: String, line: Int) {
    self.file = file
    self.line = max(1, line)
  }

  /// `scenarios/x.yaml:17`, as editors and CI take it.
  public var description: String { "\(file):\(line)" }
}

/// A packet as one line of text: which frame of which capture, when it was there and what it is.
public struct Exhibit: Hashable, Sendable {
  public enum Direction: String, Hashable, Sendable { case sent, received }

  public var frame: FrameCitation
  /// The frame's own time.
  public var at: Instant
  public var direction: Direction
  /// `403 Forbidden to INVITE`, `RTP, payload type 0, sequence number 4711`. Printable.
  public var text: String
  /// RTP or RTCP.
  public var isMedia = false

  public init(_ frame: FrameCitation, at: Instant, _ direction: Direction, _ text: String, isMedia: Bool = false) {
    self.isMedia = isMedia
    self.frame = frame
    self.at = at
    self.direction = direction
    self.text = text
  }
}

/// A requirement that was not met, with what to look at.
public struct Finding: Sendable, Hashable {
  public var rule: String
  public var expected: String
  public var observed: String
  /// Why, the nearest cause first; where nothing is known it says what was looked at.
  public var because: [Cause] = []
  /// What it is about.
  var inquiry: Inquiry?
  /// The frame to blame; nil where none was sent.
  public var evidence: FrameCitation?
  /// What that frame is; nil where the stage keeps it no more.
  public var exhibit: Exhibit?
  /// Where the step stands that was not met; the scenario's first line where a peer broke a rule.
  public var place: SourcePlace?
  /// The step in words; empty for a rule that a peer broke.
  public var step: String = ""
  /// How often the same was found.
  public var count = 1
  /// When it was found, on the run's own clock.
  public var at: Instant = .zero

  public init(rule: String, expected: String, observed: String, evidence: FrameCitation?) {
    self.init(rule: rule, expected: expected, observed: observed, evidence: evidence, about: nil)
  }

  /// - Parameter inquiry: where its causes are looked for.
  init(rule: String, expected: String, observed: String, evidence: FrameCitation?, about inquiry: Inquiry?) {
    self.rule = rule
    self.expected = expected
    self.observed = observed
    self.evidence = evidence
    self.inquiry = inquiry
  }

  /// A fault to which no message came.
  public init(unmet plan: FaultPlan, seen: Int, at now: Instant) {
    let sender = plan.sender.map { " from \($0)" } ?? ""
    self.init(
      rule: "the scenario", expected: "the fault '\(plan.text)' applies to a message\(sender)",
      observed: seen == 0 ? "no such message was sent" : "only \(seen) such message\(seen == 1 ? " was" : "s were") sent", evidence: nil,
      about: .fault(plan))
    step = "fault: \(plan.text)"
    place = plan.place
    at = now
  }

  /// The finding in one line, for journals, captures and log lines.
  public var line: String {
    let reason = because.isEmpty ? "" : ", because \(because.map(\.description).joined(separator: "; "))"
    return "\(place.map { "\($0): " } ?? "")\(rule): expected \(expected), observed \(observed)\(reason)"
  }
}
