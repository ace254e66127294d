import SIPMessage
import SIPTransport
import SansIO

/// `fault: { drop: the 1st 200 INVITE, from: kallglot }`, `fault: { drop: the INVITE, containing: "a=inactive" }`
struct FaultStep: FieldStep {
  static let keyword = "fault"
  static let summary = """
    From now on a fault affects a message: it is lost, delayed, duplicated, resets its connection, or arrives changed; of a stream it may \
    be split, stalled, or the last one. A fault that no message ever matches is a finding.
    """
  static let examples = [
    "fault: { drop: the first 2 200 INVITE, from: kallglot }", "fault: { delay: the ACK, by: 2 s, from: pbx }",
    "fault: { duplicate: the 1st BYE }",
    "fault: { drop: every INVITE, where: { CSeq: \"2 *\" } }",
    "fault: { replace: the INVITE, text: \"CSeq: 1 \", with: \"CSeq: x \", from: pbx }",
    "fault: { corrupt: the 3rd RTP, at: 0, optional: true }",
    "fault: { drop: the ACK of the 200, from: pbx, to: kallglot }", "fault: { drop: the 50th to 80th RTP, from: pbx }",
    "fault: { drop: every RTP, from: pbx, for: 2 s }", "fault: { split: every INVITE, into: 1 }",
  ]

  private static let group = ["drop", "delay", "duplicate", "reset", "replace", "corrupt", "split", "stall", "halfClose"]
  private static let drop = Key.optional("drop", .message, "Is lost; over TCP and TLS it arrives 200 ms late.")
  private static let delay = Key.optional("delay", .message, "Is delayed, by `by`.")
  private static let duplicate = Key.optional("duplicate", .message, "Arrives twice; over UDP only.")
  private static let reset = Key.optional("reset", .message, "The connection is reset instead of carrying it; a datagram is lost.")
  private static let replace = Key.optional("replace", .message, "Arrives with `text` replaced by `with`: deliberately broken.")
  private static let corrupt = Key.optional("corrupt", .message, "Arrives with one byte inverted: deliberately broken.")
  private static let split = Key.optional(
    "split", .message, "Over TCP and TLS: leaves in segments of `into` octets, as a stack does that writes piece by piece.")
  private static let stall = Key.optional(
    "stall", .message, "Over TCP and TLS: the connection brings nothing in this direction, from this message on, for `by`.")
  private static let halfClose = Key.optional(
    "halfClose", .message,
    "Over TCP and TLS: FIN follows it, as if its sender would write no more on this connection; when it does, the connection is reset.")
  private static let by = Key.required("by", .duration, "The delay.").with(.key("delay"), .key("stall"))
  private static let into = Key.optional("into", .integer(1...1_460), "The octets of each segment; 1 when missing.").with(.key("split"))
  private static let text = Key.required("text", .text, "The text to replace; messages without it do not count.").with(.key("replace"))
  private static let with = Key.required("with", .text, "The replacement.").with(.key("replace"))
  private static let at = Key.optional("at", .integer(0...65_535), "The offset of the byte; by default the middle one.")
    .with(.key("corrupt"))
  private static let from = Key.optional("from", .member, "Who sends it; anybody when missing.")
  private static let to = Key.optional("to", .member, "Whom it is for; anybody when missing.")
  private static let lifetime = Key.optional("for", .duration, "The fault is over after so long; at the end of the run when missing.")
  private static let conditions = Key.optional(
    "where", .headerPositions, "Only messages with such header fields count; `*` matches any text.")
  private static let containing = Key.optional("containing", .oneOrMore(.text), "Only messages with these texts count.")
  private static let optional = Key.standard("optional", .flag, "false", "Not a finding if no message matches.")
  static let mapping = MappingShape(
    actions + [by, into, text, with, at, from, to, lifetime, conditions, containing, optional], exactlyOneOf: [group])
  private static let actions: [any DescribedField] = named
  private static let named = [drop, delay, duplicate, reset, replace, corrupt, split, stall, halfClose]

  let plan: FaultPlan

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    let name = fields.chosen(Self.group)
    let chosen = Self.named.first { $0.description.name == name } ?? Self.drop
    guard let place = fields.place(of: chosen), let message = try fields[chosen] else {
      throw fields.place.problem("the key '\(name)' is missing")
    }
    let action = try Self.action(name, fields)
    var condition = MessagePattern(headers: try fields[Self.conditions] ?? [], containing: try fields[Self.containing] ?? [])
    if case .replace(let text, with: _) = action { condition.containing.append(text) }
    var plan = FaultPlan(
      text: "\(name) \(try place.text())\(condition.text.isEmpty ? "" : " with \(condition.text)")", sender: try fields[Self.from],
      subject: message.subject,
      occurrences: message.occurrences, action: action, condition: condition == MessagePattern() ? nil : condition,
      isOptional: try fields[Self.optional])
    (plan.receiver, plan.acknowledged, plan.lifetime) = (try fields[Self.to], message.acknowledged, try fields[Self.lifetime])
    if let receiver = plan.receiver { plan.text += " to \(receiver)" }
    if let lifetime = plan.lifetime { plan.text += " for \(lifetime)" }
    try Self.check(plan, name, place, scope.scenario)
    self.plan = plan
  }

  private static func action(_ name: String, _ fields: FieldSet) throws(SourceProblem) -> FaultPlan.Action {
    switch name {
    case "drop": return .drop
    case "duplicate": return .duplicate
    case "reset": return .reset
    case "corrupt": return .corrupt(offset: try fields[at])
    case "split": return .split(try fields[into] ?? 1)
    case "halfClose": return .halfClose
    case "replace":
      let (text, with) = (try fields[text], try fields[with])
      guard !text.isEmpty else { throw fields.place.problem("replace needs a 'text' that appears in the message") }
      return .replace(text: text, with: with)
    default: return .delay(try fields[by])
    }
  }

  /// What the network cannot do is said when the file is read: a fault sees the bytes of a write, and under TLS they are ciphertext.
  private static func check(_ plan: FaultPlan, _ name: String, _ place: NodeReader, _ scenario: Scenario) throws(SourceProblem) {
    let needsStream = ["split", "stall", "halfClose"].contains(name)
    switch plan.subject {
    case .rtp, .rtcp, .dtls:
      guard !needsStream else { throw place.problem("only TCP and TLS can be split, stalled or half-closed, not RTP, RTCP or DTLS") }
      guard plan.condition == nil else { throw place.problem("where, containing and replace read SIP messages, not RTP, RTCP or DTLS") }
      return
    case .request, .response, .none, .keepAlive, .tlsHandshake, .tlsClose, .raw: break
    }
    let transports = scenario.transports(of: plan.sender)
    if transports.allSatisfy({ $0 == .tls }), plan.condition != nil {
      throw place.problem(
        "where, containing and replace need the text of the message, and TLS hides it: only the kind of message can be named")
    }
    if transports.allSatisfy({ $0 == .tls }), case .corrupt = plan.action {
      throw place.problem("a corrupted TLS record only ends the connection: use 'reset'")
    }
    if needsStream, transports.allSatisfy({ !$0.isReliable }) {
      throw place.problem("only TCP and TLS can be split, stalled or half-closed, not UDP")
    }
    if transports.allSatisfy(\.isReliable), plan.action == .duplicate {
      throw place.problem("only datagrams can be duplicated, not TCP or TLS")
    }
  }

  var text: String { plan.text }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.commands.append(.fault(plan))
    return .done
  }
}

extension Scenario {
  /// What a member's signalling goes over; the endpoint's, and anybody's, over what the others use.
  fileprivate func transports(of sender: String?) -> [SIPTransportProtocol] {
    if let sender, let member = member(sender) {
      switch member.role {
      case .persona, .wire, .proxy: return [member.transport]
      case .endpoint: break
      }
    }
    return cast.compactMap { if case .endpoint = $0.role { nil } else { $0.transport } }
  }
}
