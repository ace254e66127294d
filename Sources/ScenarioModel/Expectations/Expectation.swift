import SansIO

/// Something that a scenario wants to see. Each kind has a file of its own and the key that selects it; ``ExpectationRegistry`` lists them,
/// and schema and documentation are made from what they say of themselves.
protocol Expectation: Sendable {
  /// The key that tells this kind from the others: `leg`, `hears`, …; the first of ``fields``.
  static var key: String { get }
  static var summary: String { get }
  static var fields: [any DescribedField] { get }
  /// Of each of these groups of ``fields`` exactly one stands there.
  static var exactlyOneOf: [[String]] { get }
  /// As they stand in a step; a test reads each of them.
  static var examples: [String] { get }
  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem)
  /// What is wanted, in words.
  var text: String { get }
  /// The requirement behind it, for findings.
  var rule: String { get }
  /// Where the causes are looked for when it does not come true.
  var inquiry: Inquiry { get }
  func judge(_ script: Script) -> Judgement
  /// What fulfils the wish, for findings about what must never be; asked only when it is fulfilled.
  func sighting(_ script: Script) -> (String, FrameCitation?)
  /// The member that alone knows whether it is so; nil when packets show it.
  var knownTo: String? { get }
  /// As something that must never be, it is forbidden also while the calls are cleared at the end of a run.
  var holdsToTheEnd: Bool { get }
  /// Keeps what later steps may take from what fulfilled the wish.
  func keep(in script: inout Script)
}

/// The requirement behind an expectation, where the scenario names it.
enum Requirement {
  static let key = Key.optional(
    "rule", .text, "The requirement behind it, for findings: `RFC 3261 §9.1: a CANCEL has the branch of its INVITE`.")
}

extension Expectation {
  static var exactlyOneOf: [[String]] { [] }
  static var key: String { fields.first?.description.name ?? "" }
  func sighting(_ script: Script) -> (String, FrameCitation?) { ("it became true", script.newestEvidence) }
  func keep(in script: inout Script) {}
  var knownTo: String? { nil }
  var holdsToTheEnd: Bool { false }
}

/// Whether a wish is fulfilled, and what is seen instead.
enum Judgement {
  case met
  /// It is so, and has to stay so until the time is over: `exactly 2`, `none`.
  case holds
  case open(Sight)
  /// It cannot come true any more.
  case impossible(Sight)

  static func open(_ text: @escaping @autoclosure () -> String, _ evidence: FrameCitation?) -> Judgement {
    .open(Sight(compose: text, evidence: evidence))
  }

  static func impossible(_ text: @escaping @autoclosure () -> String, _ evidence: FrameCitation?) -> Judgement {
    .impossible(Sight(compose: text, evidence: evidence))
  }
}

/// What is seen instead of what is wanted: its text is composed when a finding needs it, since after most looks a better one follows.
struct Sight {
  fileprivate let compose: () -> String
  let evidence: FrameCitation?

  var text: String { compose() }
}
