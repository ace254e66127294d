import SansIO

/// `plaintext: RTP`, `plaintext: SDES key, by: kallglot`
struct PlaintextExpectation: Expectation {
  static let summary = """
    Something was sent that whoever is on the way can read: RTP or RTCP outside SRTP, a key of SDES outside TLS, a password or H(A1), a \
    SIP message outside TLS. Most useful as `never`, where it speaks of the whole run or of the time of its step.
    """
  static let examples = ["{ plaintext: RTP }", "{ plaintext: SDES key, by: kallglot }"]

  private static let plaintext = Key.required(
    "plaintext", ValueType<SeenPlaintext.Kind>.word,
    "What: `RTP`, `SDES key`, `password` (or H(A1); the response of a digest is no secret; passwords shorter than 8 characters are not "
      + "looked for) or `SIP`."
  )
  private static let by = Key.optional("by", .member, "Who sent it; anybody when missing.")
  static let fields: [any DescribedField] = [plaintext, by]

  private let kind: SeenPlaintext.Kind
  private let sender: String?
  private let addresses: [IPAddress]
  /// Whose agreement says why RTP is in clear.
  private let agreeing: String?

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (kind, sender) = (try fields[Self.plaintext], try fields[Self.by])
    let member = sender.flatMap(scope.scenario.member)
    addresses = member?.allAddresses ?? []
    agreeing = sender ?? scope.scenario.endpoint?.name
    scope.notes.asksForPlaintext()
  }

  var text: String { "\(sender ?? "anybody") sends \(kind == .rtp ? "RTP" : kind == .sip ? "SIP" : "a \(kind.rawValue)") in clear" }
  var rule: String {
    switch kind {
    case .rtp: "RFC 3711 §3: media is SRTP"
    case .key: "RFC 4568 §8.3: keys come over signalling that is encrypted"
    case .password: "RFC 3261 §26.1: no password is sent in clear"
    case .sip: "RFC 3261 §26.2.1: SIP is sent over TLS"
    }
  }
  var inquiry: Inquiry { kind == .rtp ? agreeing.map(Inquiry.sending) ?? .violation : .violation }
  var holdsToTheEnd: Bool { true }

  func judge(_ script: Script) -> Judgement {
    guard first(script) == nil else { return .met }
    return .open("nothing of the kind was seen in clear", script.newestEvidence)
  }

  func sighting(_ script: Script) -> (String, FrameCitation?) {
    first(script).map { ("\($0.member) saw it: \($0.text)", $0.evidence) } ?? ("it became true", script.newestEvidence)
  }

  private func first(_ script: Script) -> SeenPlaintext? {
    script.plaintexts.first { $0.kind == kind && (sender == nil || addresses.contains($0.source)) }
  }
}
