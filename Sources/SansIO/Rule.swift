/// A rule that messages, calls and streams are held to, most of them of a standard.
///
/// The module `Rules` declares them all, once each; who finds one broken names it.
public struct Rule: Sendable {
  /// How bad it is where a capture shows the rule broken.
  public enum Severity: String, Hashable, Sendable, Comparable, CaseIterable {
    /// A rule is broken in bytes that the capture shows.
    case error
    /// Probably a fault; the capture alone does not prove it.
    case warning
    case note

    private var weight: Int {
      switch self {
      case .error: 0
      case .warning: 1
      case .note: 2
      }
    }

    /// The worse comes first.
    public static func < (left: Severity, right: Severity) -> Bool { left.weight < right.weight }
  }

  /// Who looks for it.
  public struct Watchers: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// A member of the Lab that takes part in a call, in `run` and `serve`.
    public static let peer = Watchers(rawValue: 1)
    /// Who reads the packets, in `run` and `inspect`.
    public static let reader = Watchers(rawValue: 2)
    public static let both: Watchers = [.peer, .reader]
  }

  /// One reference, so that an event that carries a violation is no larger for its texts.
  private let texts: Texts

  private final class Texts: Sendable {
    let id, section, sentence: String
    let severity: Severity
    let watchers: Watchers
    let judgesAbsence: Bool

    init(_ id: String, _ section: String, _ sentence: String, _ severity: Severity, _ watchers: Watchers, _ judgesAbsence: Bool) {
      (self.id, self.section, self.sentence) = (id, section, sentence)
      (self.severity, self.watchers, self.judgesAbsence) = (severity, watchers, judgesAbsence)
    }
  }

  /// - Parameters:
  ///   - severity: the worst that a reader says of it; what packets do not prove is said more mildly.
  ///   - section: the section that most breaches rest on; "" where it is not a rule of a standard.
  ///   - judgesAbsence: it speaks of what is missing, so that it proves nothing where parts of a capture are missing.
  public init(
    _ id: String, _ severity: Severity, _ section: String, _ sentence: String, by watchers: Watchers = .reader, judgesAbsence: Bool = false
  ) { texts = Texts(id, section, sentence, severity, watchers, judgesAbsence) }

  /// The word by which scenarios and programs know it: `ack-sequence`.
  public var id: String { texts.id }
  /// The standard and its section: `RFC 3261 §13.2.2.4`.
  public var section: String { texts.section }
  /// The rule in our words.
  public var sentence: String { texts.sentence }
  public var severity: Severity { texts.severity }
  public var watchers: Watchers { texts.watchers }
  public var judgesAbsence: Bool { texts.judgesAbsence }
}

extension Rule: Hashable {
  public static func == (one: Self, other: Self) -> Bool { one.id == other.id }

  public func hash(into hasher: inout Hasher) { hasher.combine(id) }
}
