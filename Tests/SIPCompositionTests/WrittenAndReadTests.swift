import SIPMessage
import SansIO
import Testing

@testable import SIPComposition

/// What is written is read again as the same, whatever it was.
@Suite struct WrittenAndReadTests {
  private static let names: [HeaderName] = [
    .contact, .subject, .authorization, HeaderName("X-Own"), .supported, HeaderName("x-OWN"), .date,
  ]
  private static let place = LocalPlace(
    viaToken: "TCP", sentBy: "[2001:db8::1]", host: "[2001:db8::1]", contactHost: nil, contactPort: 0, securePort: 5061, isReliable: true,
    isUDP: false, style: .plain)

  /// Characters of every kind, and texts around the lengths of words.
  private static func text(_ random: inout SeededGenerator) -> String {
    let pieces = ["\r\n", "\r", "\n", " ", "\t", ":", ";", "\"", "<sip:a@b>", "abcdefgh", "ü", "Via: x", "0", ","]
    return (0..<Int.random(in: 0...9, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
  }

  private static func plain(_ value: String) -> String {
    let spaced = String(decoding: value.utf8.map { $0 == 13 || $0 == 10 ? 32 : $0 }, as: UTF8.self)
    let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
    return String(String(spaced.drop(while: isBlank).reversed().drop(while: isBlank)).reversed())
  }

  private static func draft(_ fields: [HeaderField], _ random: inout SeededGenerator) -> RequestDraft {
    var draft = RequestDraft(
      SIPMethod.standard.randomElement(using: &random) ?? .invite, uri: "sip:bob@b",
      identity: .identity(from: "<sip:a@a>;tag=1", to: "<sip:bob@b>", callID: "x"), sequence: .random(in: 1..<1 << 31, using: &random))
    draft.append(fields)
    draft.body = Bytes([UInt8](repeating: 65, count: [0, 1, 9, 10, 99, 100, 2_000].randomElement(using: &random) ?? 0))
    return draft
  }

  @Test(arguments: [[], ["From", "X-Own", "Content-Length", "Supported", "Via", "To"]])
  func `a request says what its draft says, in order and whatever its values are (RFC 3261 §7.3.1, §8.1.1)`(order: [String]) throws {
    var random = SeededGenerator(seed: UInt64(order.count))
    var style = MessageStyle.plain
    style.orders = order.isEmpty ? [] : [HeaderOrder(.requests, order)]
    var composer = Composer(style, entropy: Entropy(seed: 1), epoch: .virtual)
    for _ in 0..<400 {
      let fields = (0..<Int.random(in: 0...12, using: &random)).map { _ in
        HeaderField(Self.names.randomElement(using: &random) ?? .subject, Self.text(&random))
      }
      let draft = Self.draft(fields, &random)
      let message = try SIPMessage.parse(composer.write(draft, branch: "z9hG4bK1", at: Self.place, now: .zero))
      #expect(message.method == draft.method && message.requestURIBytes == draft.uri && message.body == draft.body)
      #expect(try message.cseq() == CSeq(number: draft.sequence, method: draft.method) && message.callID() == "x")
      #expect(try message.via().branch == "z9hG4bK1" && message.fromTag == "1" && message.toTag == nil)
      for name in Self.names {
        #expect(message.all(name).map(\.text) == fields.filter { $0.name == name }.map { Self.plain($0.value) }, "\(name)")
      }
      #expect(message.fieldCount == 8 + fields.count)
    }
  }

  @Test func `what is copied from a request into its response is what it said, whatever its values are (RFC 3261 §8.2.6.2)`() throws {
    var random = SeededGenerator(seed: 3)
    var composer = Composer(.plain, entropy: Entropy(seed: 1), epoch: .virtual)
    for _ in 0..<400 {
      let values = (0..<3).map { _ in Self.plain(Self.text(&random).replacing(",", with: "")) }
      let fields = ["Via: SIP/2.0/UDP h;rport", "From: \(values[0])", "To: \(values[1])", "Call-ID: \(values[2])", "", ""]
      let request = try SIPMessage.parse(Bytes("INVITE sip:b SIP/2.0\r\n" + fields.joined(separator: "\r\n")))
      let source = TransportAddress(.loopbackV4, port: .random(in: 1...65_535, using: &random))
      let status = Int.random(in: 101...699, using: &random)
      let bytes = composer.write(ResponseDraft(status, toTag: "t"), to: request, from: source, at: Self.place, now: .zero)
      let response = try SIPMessage.parse(bytes)
      #expect(response.status == status && response.reasonPhrase?.text == SIPStatus.phrase(status))
      #expect(response.first(.from)?.text == values[0] && response.first(.callID)?.text == values[2])
      #expect(response.first(.to)?.text == (request.toTag == nil ? values[1] + ";tag=t" : values[1]))
      #expect(response.first(.via)?.text == "SIP/2.0/UDP h;rport=\(source.port);received=127.0.0.1")
    }
  }

  @Test func `lines that are kept are found, replaced and removed by their names, and the others stay as they are`() {
    var lines = HeaderLines([HeaderField(.route, "<sip:p;lr>"), HeaderField(HeaderName("X-Own"), "1"), HeaderField(.date, "")])
    #expect(lines.first(HeaderName("x-own")) == "1" && lines.first(.date) == "" && lines.first(.to) == nil)
    lines.set(HeaderName("X-OWN"), "2\r\n3")
    lines.set(.to, "<sip:b>")
    #expect(String(decoding: lines.bytes, as: UTF8.self) == "Route: <sip:p;lr>\r\nX-OWN: 2  3\r\nDate: \r\nTo: <sip:b>\r\n")
    lines.removeAll { $0 == .route || $0 == .date }
    #expect(String(decoding: lines.bytes, as: UTF8.self) == "X-OWN: 2  3\r\nTo: <sip:b>\r\n")
  }

  @Test func `bytes are the same whether their memory was large enough or not`() {
    for capacity in [0, 1, 7, 64, 1_000] {
      let bytes = Bytes(capacity: capacity) { writer in
        for number: UInt64 in [0, 9, 10, 99, 100, 65_535, .max] {
          writer.append(decimal: number)
          writer.append(" and " as StaticString)
        }
        writer.append("Ünïcode" as String)
        writer.append(IPAddress(v4: 0xC000_0201))
      }
      #expect(bytes.text == "0 and 9 and 10 and 99 and 100 and 65535 and 18446744073709551615 and Ünïcode192.0.2.1")
    }
  }
}
