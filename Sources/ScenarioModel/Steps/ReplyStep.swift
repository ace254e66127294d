import SIPMessage
import SansIO

/// `reply: { from: wire, to: pbx, status: 302 Moved Temporarily, headers: { Contact: "<sip:a@192.0.2.31>" } }`
struct ReplyStep: Step {
  static let keyword = "reply"
  static let summary =
    "A wire member answers the newest request it received (of the method 'request'): Via, From, To, Call-ID and CSeq are copied (RFC 3261 §8.2.6), the rest stands in the file."

  private let wire: WireStep
  private let status: String
  private let tag: String?
  private let method: String?

  init(_ place: NodeReader, _ scope: inout StepScope) throws(SourceProblem) {
    let fields = try place.fields(WireStep.keys + ["status", "tag", "request"])
    wire = try WireStep(fields, scope)
    status = try fields.required("status").value("a status with its phrase such as '200 OK'") { text in
      Int(text.prefix { $0 != " " }).flatMap { (100...699).contains($0) ? text : nil }
    }
    tag = try fields["tag"]?.text()
    method = try fields["request"]?.text()
  }

  var text: String { "\(wire.from) answers \(method ?? "the last request") with \(status)" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress { look(&script, at: now) }

  func look(_ script: inout Script, at now: Instant) -> StepProgress {
    guard let request = script.wireDialogs.request(of: wire.from, method: method) else {
      let deadline = script.stepBegan.advanced(by: .seconds(5))
      if now < deadline { return .waiting(until: deadline) }
      return .failed(
        Finding(rule: "the scenario", expected: "\(wire.from) has received \(method ?? "a request") to answer", observed: "none came in 5 s", evidence: script.lastEvidence[wire.from]))
    }
    let isProvisional100 = status.hasPrefix("100")
    let own = isProvisional100 ? tag : tag ?? "wire"
    if let own, let callID = try? request.callID() { script.wireDialogs.setTag(own, of: wire.from, callID: callID) }
    script.forgetMessages(wire.from)
    script.commands.append(wire.command(WireMessage.response(to: request, start: status, tag: own, fields: wire.fields, body: wire.body)))
    return .done
  }
}

/// `request: { from: wire, to: kallglot, method: BYE }`
struct RequestStep: Step {
  static let keyword = "request"
  static let summary =
    "A wire member sends a request within the dialog of the INVITE that it last sent or received: tags, Call-ID, target and the next CSeq are the run's, the rest stands in the file."

  private let wire: WireStep
  private let method: String
  private let uri: String?
  private let sequence: Int?

  init(_ place: NodeReader, _ scope: inout StepScope) throws(SourceProblem) {
    let fields = try place.fields(WireStep.keys + ["method", "uri", "cseq"])
    wire = try WireStep(fields, scope)
    method = try fields.required("method").text()
    uri = try fields["uri"]?.text()
    sequence = try fields["cseq"]?.integer(0...2_147_483_647)
  }

  var text: String { "\(wire.from) sends \(method) within its dialog" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    guard let dialog = script.wireDialogs.dialogs[wire.from] else {
      return .failed(
        Finding(rule: "the scenario", expected: "\(wire.from) has a dialog to send \(method) in", observed: "no INVITE and no answer to one came", evidence: script.lastEvidence[wire.from]))
    }
    let next = script.wireDialogs.nextSequence(of: wire.from, method: method)
    let branch = script.wireDialogs.nextBranch()
    script.forgetMessages(wire.from)
    script.commands.append(
      wire.command(
        WireMessage.request(
          method, uri: uri, in: dialog, via: wire.via, branch: branch, sequence: sequence.map { UInt32($0) } ?? next, fields: wire.fields,
          body: wire.body)))
    return .done
  }
}

/// What both kinds of messages that wire members write by rule have in common.
struct WireStep: Sendable {
  static let keys = ["from", "to", "headers", "body"]

  let from: String
  /// Our sent-by in Via.
  let via: String
  let fields: [(String, String)]
  let body: String?
  private let to: String

  init(_ fields: FieldSet, _ scope: StepScope) throws(SourceProblem) {
    let sender = try fields.required("from")
    from = try scope.member(sender)
    guard let member = scope.scenario.member(from), case .wire = member.role else {
      throw sender.problem("\(from) is no wire member: only those send what a scenario writes")
    }
    let host = member.address.isIPv6 ? "[\(member.address)]" : member.address.description
    via = "SIP/2.0/\(member.transport.viaToken) \(host)"
    to = try scope.member(try fields.required("to"))
    var list: [(String, String)] = []
    if let place = fields["headers"] { for (name, _, value) in try place.pairs() { for element in try value.elementsOrOne() { list.append((name, try element.text())) } } }
    self.fields = list
    body = try fields["body"]?.text()
  }

  func command(_ bytes: Bytes) -> StageCommand { .send(from: from, to: to, bytes) }
}
