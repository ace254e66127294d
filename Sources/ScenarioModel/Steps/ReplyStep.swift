import SIPMessage
import SansIO

/// `reply: { from: wire, to: pbx, status: 302 Moved Temporarily, headers: { Contact: "<sip:a@192.0.2.31>" } }`
struct ReplyStep: FieldStep {
  static let keyword = "reply"
  static let summary = """
    A wire member answers the newest request it received (of the method `request`): Via, From, To, Call-ID and CSeq are copied \
    (RFC 3261 §8.2.6), the rest is given in the file.
    """
  static let examples = ["reply: { from: wire, to: pbx, status: 302 Moved Temporarily, headers: { Contact: \"<sip:a@192.0.2.31>\" } }"]

  private static let status = Key.required("status", .statusLine, "The status with its phrase.")
  private static let tag = Key.optional("tag", .template, "Tag of To, where the request has none; `wire` when missing, none in a 100.")
  private static let request = Key.optional("request", .text, "The method of the request that is answered; the newest of all when missing.")
  static let mapping = MappingShape(WireStep.fields + [status, tag, request])

  private let wire: WireStep
  private let status: MessageTemplate
  private let tag: MessageTemplate?
  private let method: String?

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    wire = try WireStep(fields, scope)
    (status, tag, method) = (try fields[Self.status], try fields[Self.tag], try fields[Self.request])
  }

  var text: String { "\(wire.from) answers \(method ?? "the last request") with \(status.text)" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress { look(&script, at: now) }

  func look(_ script: inout Script, at now: Instant) -> StepProgress {
    guard let request = script.wireDialogs.request(of: wire.from, method: method) else {
      let deadline = script.stepBegan.advanced(by: .seconds(5))
      if now < deadline { return .waiting(until: deadline) }
      let expected = "\(wire.from) has received \(method ?? "a request") to answer"
      return .failed(
        Finding(
          rule: "the scenario", expected: expected, observed: "none came in 5 s", evidence: script.lastEvidence[wire.from],
          about: .messages(to: wire.from)))
    }
    do { return try answer(request, &script) } catch { return .failed(error.finding(of: wire.from, status.text, script)) }
  }

  private func answer(_ request: SIPMessage, _ script: inout Script) throws(MessageTemplate.Missing) -> StepProgress {
    let content = try wire.content(&script)
    let start = try status.part(&script, sender: wire.from)
    let written = try tag?.part(&script, sender: wire.from)
    let own = start.hasPrefix("100") ? written : written ?? "wire"
    // A request within a dialog has our tag already.
    let isTagged = (try? request.to().tag) != nil
    if let own, !isTagged, let callID = try? request.callID() { script.wireDialogs.setTag(own, of: wire.from, callID: callID) }
    script.forgetMessages(wire.from)
    script.commands.append(wire.command(WireMessage.response(to: request, start: start, tag: own, content)))
    return .done
  }
}

extension ValueType where Value == MessageTemplate {
  /// `200 OK`.
  static var statusLine: ValueType {
    ValueType(.quantity(.status)) { (place, scope) throws(SourceProblem) in
      let text = try place.template()
      guard let status = Int(text.prefix { $0 != " " }), (100...699).contains(status) else {
        throw place.problem("'\(text)' is not a status with its phrase such as '200 OK'")
      }
      return try MessageTemplate(text, at: place, scope)
    }
  }
}
