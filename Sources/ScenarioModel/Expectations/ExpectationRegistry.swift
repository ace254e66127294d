/// All kinds of expectations, in the order of the documentation.
enum ExpectationRegistry {
  static let kinds: [any Expectation.Type] = [
    LegExpectation.self, MemberLegExpectation.self, ReinviteExpectation.self, HearingExpectation.self, DigitsExpectation.self,
    DecisionExpectation.self, RegistrationExpectation.self, PingExpectation.self, MessageExpectation.self, PacketExpectation.self,
    WireExpectation.self, TLSExpectation.self, ViolationExpectation.self, PlaintextExpectation.self,
    PortExpectation.self, SendingExpectation.self, NATExpectation.self, FirewallExpectation.self, LatchExpectation.self,
    DropExpectation.self, QualityExpectation.self, BufferExpectation.self, ReportsExpectation.self, MouthToEarExpectation.self,
  ]

  /// Reads the expectation in `place`, which may have the keys of `context` besides.
  static func read(
    _ place: NodeReader, _ context: ExpectationContext, _ scope: inout StepScope
  ) throws(SourceProblem) -> (any Expectation, FieldSet) {
    let keys = try place.pairs()
    let present = kinds.filter { kind in keys.contains { $0.key == kind.key } }
    // A key that selects one kind may be a field of another: 'at' of a leg. The kind that takes all of them is meant.
    let kind = present.first { kind in present.allSatisfy { other in kind.fields.contains { $0.description.name == other.key } } }
    guard let kind = kind ?? present.first else {
      let words = kinds.map { $0.key }
      guard let first = keys.first(where: { key in !context.others.words.contains(key.key) }) else {
        throw place.problem("an expectation needs one of: \(words.joined(separator: ", "))")
      }
      let hint = Spelling.hint(for: first.key, among: words)
      throw first.keyPlace.problem("unknown expectation '\(first.key)'\(hint.isEmpty ? "." : hint) Known: \(words.joined(separator: ", "))")
    }
    if context.isProhibition, kind == DigitsExpectation.self {
      throw place.problem("'digits' says what comes and that no more does: write 'expect: { digits: …, are: none }' instead of 'never'")
    }
    let fields = try place.fields(context.shape(of: kind), scope)
    if context.isProhibition { try checkCount(fields) }
    return (try kind.init(fields, &scope), fields)
  }
  /// `never` waits for the moment at which something becomes true, and `exactly 2`, `at most 2` and `none` have none: they may be true
  /// until one more comes.
  private static func checkCount(_ fields: FieldSet) throws(SourceProblem) {
    guard let place = fields.place(of: countKey), let count = Count(try place.text()) else { return }
    if case .atLeast = count { return }
    throw place.problem("in 'never' a count is a number such as 2, which means 2 or more")
  }

  /// A moment before which something must not be so is one at which it becomes so, and `none` and `at most 2` are so from the beginning.
  static func checkMoment(_ fields: FieldSet, at place: NodeReader) throws(SourceProblem) {
    guard let written = fields.place(of: countKey), let count = Count(try written.text()) else { return }
    switch count {
    case .atLeast: return
    case .exactly(let number) where number > 0: return
    case .exactly, .atMost:
      throw place.problem("'times: \(try written.text())' is so from the beginning: 'never' with 'during' says that it stays so")
    }
  }

  private static let countKey = Key.standard("times", .count, "1", "How often.")
}
