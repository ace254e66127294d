import Mark
import SansIO

/// What reading a file brings up besides the scenario: every mistake, what is never used, and where names were given.
///
/// A reference, so that all who read one file write into the same; nothing outlives the reading.
final class ReadingNotes {
  /// A kind of name that a file gives.
  enum Kind: String, CaseIterable {
    case member, account, session, certificate, leg, message
    /// A value of `defaults`.
    case standard
  }

  private(set) var problems: [SourceProblem] = []
  /// References of `proves` to what does not exist.
  private(set) var references: [SourceProblem] = []
  /// What is read, but should be written otherwise.
  private(set) var warnings: [SourceProblem] = []
  private var used: Set<String> = []
  private var addresses: Set<IPAddress> = []
  private var given: [(kind: Kind, name: String, place: NodeReader)] = []

  /// An expectation looks at rules that were broken.
  private(set) var hasRuleExpectations = false

  func asksForRules() { hasRuleExpectations = true }

  /// An expectation looks at what is sent in clear.
  private(set) var looksForPlaintext = false

  func asksForPlaintext() { looksForPlaintext = true }

  /// A step asks how good a stream was.
  private(set) var looksForQuality = false

  func asksForQuality() { looksForQuality = true }

  /// The marks that steps speak, in their order.
  private(set) var marks: [SpokenMark] = []

  /// Reads what steps play.
  var loader = SourceLoader.none

  /// An expectation looks at what marks tell.
  var listensForMarks = false

  /// The speaker that a mark's name stands for; nil when there are too many.
  func mark(_ name: String) -> SpokenMark? {
    if let known = marks.first(where: { $0.name == name }) { return known }
    guard let speaker = MarkSpeaker(marks.count) else { return nil }
    marks.append(SpokenMark(name: name, speaker: speaker))
    return marks.last
  }

  /// Members whose expectations look for tones in the audio.
  private(set) var toneListeners: Set<String> = []

  func listensForTones(_ member: String) { toneListeners.insert(member) }

  func add(_ problem: SourceProblem) { problems.append(problem) }

  func warn(_ problem: SourceProblem) { if !warnings.contains(problem) { warnings.append(problem) } }

  func addReference(_ problem: SourceProblem) { references.append(problem) }

  /// Reads on after a mistake; nil where one was made.
  @discardableResult
  func attempt<Value>(_ body: () throws(SourceProblem) -> Value) -> Value? {
    do { return try body() } catch {
      add(error)
      return nil
    }
  }

  func use(_ address: IPAddress) { addresses.insert(address) }
  func uses(_ address: IPAddress) -> Bool { addresses.contains(address) }
  func use(_ kind: Kind, _ name: String) { used.insert("\(kind) \(name)") }
  func uses(_ kind: Kind, _ name: String) -> Bool { used.contains("\(kind) \(name)") }
  func give(_ kind: Kind, _ name: String, at place: NodeReader) {
    given.append((kind, name, place))
    if place.node.isPlain, place.node.scalar == name, YAML11.isOther(name) {
      warn(place.problem("readers of YAML 1.1 do not take '\(name)' for a name: put it in quotes, or choose another"))
    }
  }

  /// What was given a name and never used by it, in the order of the file.
  var unused: [SourceProblem] {
    unused { $0 != .standard }
  }

  /// Values of `defaults` that no key takes: nobody has even read them.
  var unusedDefaults: [SourceProblem] { unused { $0 == .standard } }

  private func unused(_ isMeant: (Kind) -> Bool) -> [SourceProblem] {
    given.filter { isMeant($0.kind) && !used.contains("\($0.kind) \($0.name)") }.map { entry in
      switch entry.kind {
      case .member: entry.place.problem("\(entry.name) is not used in this file")
      case .account: entry.place.problem("no member or session uses the account \(entry.name)")
      case .session: entry.place.problem("no step calls the session \(entry.name)")
      case .certificate: entry.place.problem("no member and no policy shows the certificate \(entry.name)")
      case .leg: entry.place.problem("no expectation uses the leg \(entry.name)")
      case .message: entry.place.problem("no step uses the message \(entry.name)")
      case .standard: entry.place.problem("no key in this file uses this value")
      }
    }
  }
}
