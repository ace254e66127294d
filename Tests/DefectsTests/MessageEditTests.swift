import SIPMessage
import SansIO
import Testing

@testable import Defects

@Suite struct MessageEditTests {
  private let text = """
    INVITE sip:bob@example.com SIP/2.0\r
    v: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1;rport\r
    Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK2\r
    Route: <sip:a.example.com;lr>, <sip:b.example.com;lr>\r
    From: "A; tag=no" <sip:a@example.com;tag=no>;tag=x\r
    To: <sip:bob@example.com>\r
    Call-ID: 1@example.com\r
    CSeq: 7 INVITE\r
    l: 3\r
    \r
    abc
    """

  private func edit() throws -> MessageEdit { try #require(MessageEdit(Bytes(text))) }

  @Test func `what nobody changes stays byte for byte, compact names included`() throws {
    #expect(try edit().bytes == Bytes(text))
  }

  @Test func `Content-Length is right again whatever became of the body (RFC 3261 §20.14)`() throws {
    var message = try edit()
    message.body = "abcdef"
    let changed = try SIPMessage.parse(message.bytes)
    #expect(changed.first(.contentLength)?.text == "6")
    #expect(changed.body == Bytes("abcdef"))
  }

  @Test func `parameters are those behind the angle brackets (RFC 3261 §20.10)`() throws {
    var message = try edit()
    #expect(message.fromTag == "x")
    #expect(message.toTag == nil)
    message.setBranch("z9hG4bKnew")
    #expect(message.values(.via) == ["SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKnew;rport", "SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK2"])
    #expect("<sip:a@b;x=1>;expires=9;q=1".without("expires") == "<sip:a@b;x=1>;q=1")
  }

  @Test func `items of credentials are found by their whole name, in quotes or not (RFC 7616 §3.4)`() {
    let value = "Digest username=\"a, nc=5\", cnonce=\"n\", nonce=\"m\", nc=00000002, qop=auth"
    #expect(value.item("nonce") == "m")
    #expect(value.settingItem("nc", to: "00000001").hasSuffix("nc=00000001, qop=auth"))
    #expect(value.withoutItem("cnonce") == "Digest username=\"a, nc=5\", nonce=\"m\", nc=00000002, qop=auth")
  }

  @Test func `the response to a disguised request reaches its sender as that knows it`() throws {
    var (message, memory) = (try edit(), Memory())
    message.disguise(.cseq, as: "3 INVITE", &memory)
    message.disguise(.via, as: "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKother;rport", &memory)
    var response = try #require(
      MessageEdit(
        Bytes("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKother;rport=9\r\nCSeq: 3 INVITE\r\nContent-Length: 0\r\n\r\n")))
    response.undisguise(memory)
    #expect(response.branch == "z9hG4bK1")
  }

  @Test func `what is no SIP message is left alone`() {
    #expect(MessageEdit(Bytes("\r\n\r\n")) == nil)
    #expect(MessageEdit([0x80, 0, 1, 2]) == nil)
    #expect(MessageEdit(Bytes("GET / HTTP/1.1\r\n")) == nil)
  }
}
