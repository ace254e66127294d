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

  public init(_ frame: FrameCitation, at: Instant, _ direction: Direction, _ text: String) {
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
    self.rule = rule
    self.expected = expected
    self.observed = observed
    self.evidence = evidence
  }

  /// The finding in one line, for journals, captures and log lines.
  public var line: String {
    "\(place.map { "\($0): " } ?? "")\(rule): expected \(expected), observed \(observed)"
  }
}
