import SIPMessage
import SansIO
import Testing

@testable import SIPComposition

/// The parts from which a product's way to write is made.
@Suite struct ProductStyleTests {
  private func message(_ lines: HeaderLines) -> Bytes { Bytes(Array("OPTIONS sip:b SIP/2.0\r\n".utf8) + lines.bytes + [13, 10]) }

  private func lines(_ message: Bytes) -> [String] { message.text.split(separator: "\r\n").dropFirst().map(String.init) }

  private func sorted(_ fields: [String], by names: [String]) -> [String] {
    let fields = fields.enumerated().map { HeaderField(HeaderName($1), "\($0)") }
    return lines(HeaderOrders.Order(names).sorted(message(HeaderLines(fields)))).map { $0.replacing(": ", with: " ") }
  }

  @Test func `a name that stands twice in an order takes the first field to the first place, the others to the second`() {
    #expect(
      sorted(["Supported", "Via", "Supported", "Allow", "Supported"], by: ["Via", "Supported", "Allow", "Supported"]) == [
        "Via 1", "Supported 0", "Allow 3", "Supported 2", "Supported 4",
      ])
  }

  @Test func `what an order does not name stands before Content-Type and Content-Length, as it was built`() {
    #expect(
      sorted(["X-B", "Content-Length", "X-A", "Via"], by: ["Via", "Content-Type", "Content-Length"]) == [
        "Via 3", "X-B 0", "X-A 2", "Content-Length 1",
      ])
  }

  @Test func `header fields may stand behind Content-Length, and Via in the middle (CUCM 7)`() {
    #expect(
      sorted(["Via", "From", "Content-Length", "Max-Forwards"], by: ["From", "Content-Length", "Via", "Max-Forwards"]) == [
        "From 1", "Content-Length 2", "Via 0", "Max-Forwards 3",
      ])
  }

  @Test func `a kind of message without an order of its own takes that of its class`() {
    let orders = HeaderOrders([
      HeaderOrder(.requests, ["Via"]), HeaderOrder(.responsesTo(.options), ["To"]), HeaderOrder(.responses, ["From"]),
    ])
    let message = message(HeaderLines([HeaderField(.from, "1"), HeaderField(.to, "2"), HeaderField(.via, "3")]))
    func first(_ kind: HeaderOrder.Kind) -> String? { orders.order(kind).map { lines($0.sorted(message)) }?.first }
    #expect(first(.request(.bye)) == "Via: 3")
    #expect(first(.responsesTo(.options)) == "To: 2")
    #expect(first(.reinviteResponses) == "From: 1" && first(.stackResponses) == "From: 1")
    #expect(HeaderOrders([]).order(.requests) == nil)
  }

  @Test(arguments: [
    ("{hex:8}-{HEX:4}", #"^[0-9a-f]{8}-[0-9A-F]{4}$"#), ("{hex:10-14}", #"^[0-9a-f]{10,14}$"#), ("{digits:10}", #"^[0-9]{10}$"#),
    ("{number:5}", #"^[1-9][0-9]{4}$"#), ("line={letters:7}", #"^line=[a-z]{7}$"#), ("{ip-reversed}@{ip}", #"^140200c0@192\.0\.2\.20$"#),
    ("{uuid}", #"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"#), ("{other} {", #"^\{other\} \{$"#),
  ])
  func `a template's places are filled in, the rest stays`(template: String, form: String) throws {
    let form = try Regex(form)
    for seed in 1...50 {
      var entropy = Entropy(seed: UInt64(seed))
      var counter: UInt32 = 0
      let text = IdentifierTemplate(template).make(ip: "192.0.2.20", &entropy, &counter)
      #expect(text.contains(form), "\(text)")
    }
  }

  @Test func `a counter counts in hexadecimal`() {
    var entropy = Entropy(seed: 1)
    var counter: UInt32 = 14
    #expect((0..<3).map { _ in IdentifierTemplate("{counter}").make(ip: "", &entropy, &counter) } == ["f", "10", "11"])
  }

  @Test(arguments: [
    (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (1_790_000_000, "Mon, 21 Sep 2026 14:13:20 GMT"),
    (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 GMT"), (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
  ])
  func `Date has the form of RFC 3261 §20.17`(seconds: Int64, text: String) { #expect(SIPDate.text(unixSeconds: seconds) == text) }

  @Test func `a header of the call has one value in all its messages and another in the next call`() {
    var style = MessageStyle(product: nil)
    style.headers = [
      StyledHeader("X-Call", "{hex:16}", requests: [.invite, .bye], isOfCall: true),
      StyledHeader("X-Message", "{hex:16}", requests: [.invite]),
    ]
    var mint = IdentifierMint(style: style, entropy: Entropy(seed: 3))
    func values(_ method: SIPMethod, _ callID: String) -> [String] {
      var lines = HeaderLines()
      mint.appendHeaders(
        to: &lines, for: .init(method: method, status: nil, callID: callID, user: "u", ip: "192.0.2.1", unixSeconds: 0))
      return String(decoding: lines.bytes, as: UTF8.self).split(separator: "\r\n").map { String($0.drop { $0 != " " }.dropFirst()) }
    }
    let (first, again, bye, other) = (values(.invite, "a"), values(.invite, "a"), values(.bye, "a"), values(.invite, "b"))
    #expect(first[0] == again[0] && bye == [first[0]] && other[0] != first[0])
    #expect(first[1] != again[1])
  }

  @Test(arguments: [
    ("SIP/2.0/UDP h:1;branch=z9hG4bKa;rport=2;received=192.0.2.1", "SIP/2.0/UDP h:1;rport=2;received=192.0.2.1;branch=z9hG4bKa"),
    ("SIP/2.0/TCP h;alias;branch=z9hG4bKa", "SIP/2.0/TCP h;branch=z9hG4bKa;alias"),
    ("SIP/2.0/UDP a;branch=1, SIP/2.0/UDP b;branch=2", "SIP/2.0/UDP a;branch=1, SIP/2.0/UDP b;branch=2"),
  ])
  func `a rewritten Via has rport and received before branch`(value: String, expected: String) {
    #expect(ResponseVia.rewritten(value) == expected)
  }
}
