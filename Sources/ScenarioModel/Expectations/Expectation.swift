import SansIO

/// Something that a scenario wants to see. Each kind has a file of its own and the key that selects it; ``ExpectationRegistry`` lists them.
protocol Expectation: Sendable {
  /// The key that tells this kind from the others: `leg`, `hears`, …
  static var key: String { get }
  static var summary: String { get }
  /// The other keys it takes.
  static var fields: [String] { get }
  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem)
  /// What is wanted, in words.
  var text: String { get }
  /// The requirement behind it, for findings.
  var rule: String { get }
  func judge(_ script: Script) -> Judgement
  /// What fulfils the wish, for findings about what must never be; asked only when it is fulfilled.
  func sighting(_ script: Script) -> (String, FrameCitation?)
}

extension Expectation {
  func sighting(_ script: Script) -> (String, FrameCitation?) { ("it became true", script.newestEvidence) }
}

/// Whether a wish is fulfilled, and what is seen instead.
enum Judgement {
  case met
  case open(String, FrameCitation?)
  /// It cannot come true any more.
  case impossible(String, FrameCitation?)
}

/// All kinds of expectations.
enum ExpectationRegistry {
  static let kinds: [any Expectation.Type] = [
    ToneExpectation.self, LegExpectation.self, DecisionExpectation.self, RegistrationExpectation.self,
    PingExpectation.self, ModificationExpectation.self, MessageExpectation.self, WireExpectation.self, ViolationExpectation.self,
    PortExpectation.self, SendingExpectation.self,
    // Last: 'at' is a field of others too.
    MemberLegExpectation.self,
  ]

  /// Reads the expectation in `place`, which may have the keys in `others` besides.
  static func read(
    _ place: NodeReader, others: [String], _ scope: inout StepScope
  ) throws(SourceProblem) -> (any Expectation, FieldSet) {
    let keys = try place.pairs()
    guard let kind = kinds.first(where: { kind in keys.contains { $0.key == kind.key } }) else {
      let words = kinds.map { $0.key }
      guard let first = keys.first(where: { !others.contains($0.key) }) else {
        throw place.problem("an expectation needs one of: \(words.joined(separator: ", "))")
      }
      throw first.keyPlace.problem("unknown expectation '\(first.key)'\(Spelling.hint(for: first.key, among: words)) Known: \(words.joined(separator: ", "))")
    }
    let fields = try place.fields([kind.key] + kind.fields + others)
    return (try kind.init(fields, &scope), fields)
  }
}
