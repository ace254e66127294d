import SIPMessage
import SansIO

/// `call: { from: pbx, to: session demo, as: leg }`
struct CallStep: FieldStep {
  static let keyword = "call"
  static let summary =
    "A member places a call to a session, to another member or to a URI; the endpoint calls an account where it registered."
  static let examples = [
    "call: { from: pbx, to: session demo, as: leg }", "call: { from: kallglot, to: pbx }", "call: { from: kallglot, to: account acme }",
    "call: { from: pbx, to: \"sip:+4930123@sip.kallglot.com\" }",
  ]

  static let defaultLeg = "leg"
  private static let from = Key.required("from", .party, "Who calls.")
  private static let to = Key.required(
    "to", .destination,
    "Who is called: `session NAME`, `account NAME` (by the endpoint, where it registered), a name of the cast, or a SIP URI.")
  private static let name = Key.standard("as", .text, defaultLeg, "What later steps call the caller's leg.")
  static let mapping = MappingShape([from, to, name])

  private let from: String
  private let to: StageCommand.Destination
  private let name: String
  private let toText: String

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    from = try fields[Self.from]
    to = try fields[Self.to]
    toText = try fields.place(of: Self.to)?.text() ?? ""
    name = try fields[Self.name]
    if case .account(let account) = to, scope.scenario.endpoint?.name != from {
      throw fields.place.problem("only the endpoint knows where the account \(account) registered, \(from) does not")
    }
    switch to {
    case .uri(let text) where (try? SIPURI(parsing: text)).map({ scope.scenario.knows($0.host) }) == true: break
    case .session, .uri: try scope.needTrunk("a call to '\(toText)'", at: fields.place(of: Self.to) ?? fields.place)
    case .account, .member: break
    }
    scope.legs.append(name)
    scope.notes.give(.leg, name, at: fields.place)
  }

  var text: String { "call from \(from) to \(toText) as \(name)" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.commands.append(.call(from: from, to: to, as: name))
    return .done
  }
}

extension ValueType where Value == StageCommand.Destination {
  static var destination: ValueType {
    ValueType(.quantity(.target)) { (place, scope) throws(SourceProblem) in
      let text = try place.text()
      let words = text.split(separator: " ").map(String.init)
      if words.count == 2, words[0] == "session" {
        scope.notes.use(.session, words[1])
        // A session that is not given may be called as well: that is what 404 is for.
        return .session(id: scope.scenario.sessions.first { $0.name == words[1] }?.id ?? "sess_\(words[1])")
      }
      if words.count == 2, words[0] == "account" {
        guard scope.scenario.accounts.contains(where: { $0.name == words[1] }) else {
          throw place.problem(
            "account '\(words[1])' is not given\(Spelling.hint(for: words[1], among: scope.scenario.accounts.map(\.name)))")
        }
        scope.notes.use(.account, words[1])
        return .account(words[1])
      }
      if scope.scenario.member(text) != nil {
        scope.notes.use(.member, text)
        return .member(text)
      }
      if text.hasPrefix("sip:") || text.hasPrefix("sips:") {
        scope.useNames(in: text)
        return .uri(text)
      }
      let hint = Spelling.hint(for: text, among: scope.scenario.cast.map(\.name))
      throw place.problem("'\(text)' is neither 'session NAME', 'account NAME', a SIP URI nor a name of the cast\(hint)")
    }
  }
}
