import SIPComposition
import SIPMessage
import SansIO

/// Messages that are composed of anything: what a draft writes is read again with the same fields, and so is what its transaction makes of
/// it. The first byte chooses method and style, the rest is the values of the draft's fields and its body, with zeros between them.
enum CompositionTarget {
  private static let names: [HeaderName] = [.contact, .subject, .authorization, HeaderName("X-Own"), .supported, .subject]
  private static let methods: [SIPMethod] = [.invite, .bye, .options, .other("STRANGE")]
  private static let place = LocalPlace(
    viaToken: "UDP", sentBy: "192.0.2.1:5060", host: "192.0.2.1", contactHost: nil, contactPort: 5060, securePort: nil, isReliable: false,
    isUDP: true, style: .plain)
  private static let roomy = SIPLimits(messageBytes: 1 << 20, startLineBytes: 1 << 20, fieldBytes: 1 << 20, fields: 1_000)

  static func run(_ input: [UInt8]) {
    guard let choice = input.first else { return }
    let parts = input.dropFirst().split(separator: 0, maxSplits: names.count, omittingEmptySubsequences: false).map(Array.init)
    let values = parts.prefix(names.count).map { String(decoding: $0, as: UTF8.self) }
    var draft = RequestDraft(
      methods[Int(choice) % methods.count], uri: "sip:bob@b;lr",
      identity: .identity(from: "<sip:a@a>;tag=1", to: "<sip:bob@b>", callID: "x"), sequence: UInt32(choice) + 1)
    for (name, value) in zip(names, values) { draft.fields.append(name, value) }
    draft.body = parts.count > names.count ? Bytes(parts[names.count]) : Bytes()
    var style = MessageStyle.plain
    if choice & 4 != 0 { style.orders = [HeaderOrder(.requests, ["From", "X-Own", "Subject", "Content-Length", "Subject", "Via"])] }
    style.contentLengthSpaces = [1, Int(choice >> 3) & 3]
    var composer = Composer(style, entropy: Entropy(seed: 1), epoch: .virtual)
    let bytes = composer.write(draft, branch: "z9hG4bK1", at: place, now: .zero)
    check(bytes, draft, values)
    for (derived, method) in [(composer.spelling.cancellation(of: bytes), SIPMethod.cancel), (acknowledgement(of: bytes, composer), .ack)] {
      guard let message = read(derived) else { return }
      hold(message.method == method && (try? message.cseq().number) == draft.sequence, "\(method) has the CSeq number of its INVITE")
      hold((try? message.callID()) == "x" && (try? message.via().branch) == "z9hG4bK1", "\(method) belongs to the same transaction")
    }
  }

  private static func acknowledgement(of invite: Bytes, _ composer: Composer) -> Bytes {
    guard let request = read(invite) else { return Bytes() }
    let refusal = composer.spelling.response(
      ResponseDraft(486, toTag: "t"), to: request, from: TransportAddress(.anyV4, port: 5_062))
    return read(refusal).map { composer.spelling.acknowledgement(of: invite, for: $0) } ?? Bytes()
  }

  private static func read(_ bytes: Bytes) -> SIPMessage? {
    let message = try? SIPMessage.parse(bytes, limits: roomy)
    hold(message != nil, "what was written is a message: \(bytes.text.prefix(300))")
    return message
  }

  private static func check(_ bytes: Bytes, _ draft: RequestDraft, _ values: [String]) {
    guard let message = read(bytes) else { return }
    hold(message.method == draft.method && message.requestURIBytes == draft.uri, "the Request-Line is the draft's")
    hold((try? message.cseq()) == CSeq(number: draft.sequence, method: draft.method), "CSeq is the draft's")
    hold(message.fromTag == "1" && message.toTag == nil && (try? message.callID()) == "x", "From, To and Call-ID are the draft's")
    hold((try? message.via().branch) == "z9hG4bK1" && message.maxForwards() == 70, "Via and Max-Forwards are there")
    hold(message.body == draft.body, "the body is the draft's")
    for name in Set(names) {
      let written = zip(names, values).filter { $0.0 == name }.map { plain($0.1) }
      hold(message.all(name).map(\.array) == written, "\(name) is read as it was written: \(message.all(name)) \(written)")
    }
  }

  /// A value as it goes over the line: line ends are spaces, and those at its ends do not count.
  private static func plain(_ value: String) -> [UInt8] {
    let bytes = value.utf8.map { $0 == 13 || $0 == 10 ? 32 : $0 }
    let inner = bytes.drop { $0 == 32 || $0 == 9 }
    return Array(inner.prefix((inner.lastIndex { $0 != 32 && $0 != 9 } ?? inner.startIndex - 1) - inner.startIndex + 1))
  }
}
