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
    /// Who reads the packets, in `run`, `serve` and `inspect`.
    public static let reader = Watchers(rawValue: 2)
    public static let both: Watchers = [.peer, .reader]
  }

  /// When a run fails by it although its scenario does not speak of it.
  public enum EffectOnRuns: String, Hashable, Sendable {
    /// Whenever packets show it broken; a note fails nothing.
    case always
    /// Where it is an error: as a warning it is what a NAT or a lossy link makes of packets that nobody sent wrongly.
    case errors
    /// Never: it says how a call went, or what packets only suggest, and a scenario may want just that. It asks for what it does not want.
    case asked
  }

  /// One reference, so that an event that carries a violation is no larger for its texts.
  private let texts: Texts

  private final class Texts: Sendable {
    let id, section, sentence: String
    let severity: Severity
    let watchers: Watchers
    let judgesAbsence: Bool
    let effectOnRuns: EffectOnRuns

    init(
      _ id: String, _ section: String, _ sentence: String, _ severity: Severity, _ watchers: Watchers, _ judgesAbsence: Bool,
      _ effectOnRuns: EffectOnRuns
    ) {
      (self.id, self.section, self.sentence) = (id, section, sentence)
      (self.severity, self.watchers, self.judgesAbsence, self.effectOnRuns) = (severity, watchers, judgesAbsence, effectOnRuns)
    }
  }

  /// - Parameters:
  ///   - severity: the worst that a reader says of it; what packets do not prove is said more mildly.
  ///   - section: the section that most breaches rest on; "" where it is not a rule of a standard.
  ///   - judgesAbsence: it speaks of what is missing, so that it proves nothing where parts of a capture are missing.
  ///   - failsRuns: by default always; but what is only missing proves nothing against anybody on a link that may lose it, unless a
  ///     member itself waits for it.
  public init(
    _ id: String, _ severity: Severity, _ section: String, _ sentence: String, by watchers: Watchers = .reader, judgesAbsence: Bool = false,
    failsRuns: EffectOnRuns? = nil
  ) {
    let effectOnRuns = failsRuns ?? (judgesAbsence && !watchers.contains(.peer) ? .asked : .always)
    texts = Texts(id, section, sentence, severity, watchers, judgesAbsence, effectOnRuns)
  }

  /// The word by which scenarios and programs know it: `ack-sequence`.
  public var id: String { texts.id }
  /// The standard and its section: `RFC 3261 §13.2.2.4`.
  public var section: String { texts.section }
  /// The rule in our words.
  public var sentence: String { texts.sentence }
  public var severity: Severity { texts.severity }
  public var watchers: Watchers { texts.watchers }
  public var judgesAbsence: Bool { texts.judgesAbsence }
  /// A note fails nothing, so that it counts only where it is asked for.
  public var effectOnRuns: EffectOnRuns { severity == .note ? .asked : texts.effectOnRuns }

  /// Whether a run fails where packets show the rule broken so clearly, although its scenario does not speak of it.
  public func failsRuns(_ severity: Severity) -> Bool {
    switch effectOnRuns {
    case .always: severity != .note
    case .errors: severity == .error
    case .asked: false
    }
  }
}

extension Rule: Hashable {
  public static func == (one: Self, other: Self) -> Bool { one.id == other.id }

  public func hash(into hasher: inout Hasher) { hasher.combine(id) }
}
