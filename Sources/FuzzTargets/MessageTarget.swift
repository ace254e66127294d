import SIPComposition
import SIPMessage
import SansIO

/// One datagram: parsing, every typed reading, salvage, and what is printed reads the same again.
enum MessageTarget {
  static func run(_ input: [UInt8]) {
    let bytes = Bytes(input)
    let source = TransportAddress(.anyV4, port: 5062)
    if let request = SIPMessage.salvage(bytes) {
      let response = Spelling.plain.response(ResponseDraft(400, toTag: "t"), to: request, from: source)
      checkResponse(response, "of a salvaged request")
    }
    guard let message = try? SIPMessage.parse(bytes) else { return }
    readAll(message)
    guard let again = try? SIPMessage.parse(message.bytes) else { return hold(false, "a message that was read can be read again") }
    hold(again.fields.map(\.value) == message.fields.map(\.value) && again.body == message.body, "it then says the same")
    if message.isRequest {
      checkResponse(Spelling.plain.response(ResponseDraft(200, toTag: "t"), to: message, from: source), "of a request")
    }
  }

  /// No reader may crash, and what the readers of addresses, URIs and Via print they read as the same.
  private static func readAll(_ message: SIPMessage) {
    _ = message.faults()
    _ = message.digestCredentials(.authorization)
    _ = message.digestChallenges(.wwwAuthenticate)
    _ = (message.authenticationInfo(), message.allow(), message.expires(), message.maxForwards(), message.description)
    _ = (try? message.accept(), try? message.contentDisposition(), try? message.retryAfter(), try? message.timestamp())
    _ = (try? message.date(), try? message.warnings(), try? message.reasons(), try? message.sessionIdentifier(), try? message.replaces())
    _ = (try? message.infoReferences(.callInfo), try? message.infoReferences(.alertInfo), try? message.parameterizedValue(.event))
    _ = (message.body(ofType: "application/sdp"), message.tokens(.supported))
    if let type = try? message.contentType() {
      hold(MediaType(parsing: type.description) == type, "Content-Type \(type) is printed as it is read")
    }
    if let uri = try? message.requestURI() {
      hold((try? SIPURI(parsing: uri.description)) == uri, "URI \(uri) is printed as it is read")
      hold(uri.isEquivalent(to: uri), "URI \(uri) is equivalent to itself (RFC 3261 §19.1.4)")
    }
    for name in [HeaderName.from, .to, .contact, .route, .recordRoute, .pAssertedIdentity, .referTo] {
      for address in (try? message.addresses(name)) ?? [] {
        hold((try? NameAddress(parsing: address.description)) == address, "\(name) \(address) is printed as it is read")
      }
    }
    for via in (try? message.vias()) ?? [] {
      hold((try? Via(parsing: via.description)) == via, "Via \(via) is printed as it is read")
    }
    if let sequence = try? message.cseq() { hold(sequence.number < 1 << 31, "CSeq is below 2³¹") }
  }

  /// Canonical names may be longer than the compact ones that came.
  private static let roomy = SIPLimits(messageBytes: 1 << 20, startLineBytes: 1 << 20, fieldBytes: 1 << 20, fields: 1_000)

  private static func checkResponse(_ bytes: Bytes, _ kind: String) {
    hold((try? SIPMessage.parse(bytes, limits: roomy)) != nil, "a response \(kind) is a message: \(bytes.text.prefix(300))")
  }
}
