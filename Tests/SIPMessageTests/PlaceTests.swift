import SansIO
import Testing

@testable import SIPMessage

@Suite struct PlaceTests {
  private let invite = """
    INVITE sips:bob@[2001:db8::10]:5071;transport=WS;lr SIP/2.0
    Via: SIP/2.0/TLS [2001:DB8::9]:5061 ;branch=z9hG4bK1;rport=5,SIP/2.0/UDP h
    From: "A, B" <sip:alice:secret@a.example;transport=sctp>;tag=1
    To: Bob
     <sip:bob@b.example> ; tag="2"
    Call-ID: x@y
    CSeq: 7 INVITE
    Max-Forwards: 70
    Contact: <sip:alice@192.0.2.20:5060>;expires=60, sip:other@h
    Record-Route: <sip:p1.example;lr>
    Expires: 300
    """

  @Test func `the essentials are places and numbers (RFC 3261 §8.1.1)`() throws {
    let message = try parsed(invite)
    let essentials = message.essentials()
    #expect(essentials.callID.map(message.text) == "x@y")
    #expect(essentials.fromTag.map(message.text) == "1" && essentials.toTag.map(message.text) == "2")
    #expect(essentials.cseq == CSeq(number: 7, method: .invite) && essentials.hasSeveralVias)
    let via = try #require(essentials.via)
    #expect(message.text(via.element) == "SIP/2.0/TLS [2001:DB8::9]:5061 ;branch=z9hG4bK1;rport=5")
    #expect(message.text(via.host) == "2001:DB8::9" && via.address == IPAddress("2001:db8::9") && via.port == 5061)
    #expect(message.text(via.transport) == "TLS" && via.branch.map(message.text) == "z9hG4bK1" && via.hasTransactionBranch)
    #expect(via.branchHash == ByteHash.of("z9hG4bK1") && via.hasResponsePort && via.responsePort.map(message.text) == "5")
    #expect(via.maddr == nil && !via.hasMulticastAddress && via.received == nil)
  }

  @Test func `the facts of a request say where it goes and where it comes from (RFC 3261 §8.1.1, §12.1.1)`() throws {
    let message = try parsed(invite)
    let facts = message.facts(message.essentials())
    #expect(facts.faults.isEmpty && facts.expires == 300 && facts.maxForwards == 70)
    let uri = try #require(facts.requestURI)
    #expect(uri.isSIPS && uri.isLooseRouter && uri.transport == .ws && uri.port == 5071 && uri.address == IPAddress("2001:db8::10"))
    #expect(uri.user.map(message.text) == "bob" && message.text(uri.host) == "2001:db8::10")
    let from = try #require(facts.from)
    #expect(from.displayName.map(message.text) == "\"A, B\"" && from.uri.password.map(message.text) == "secret")
    #expect(from.uri.transport == .other && from.tag.map(message.text) == "1")
    #expect(try facts.to.flatMap(message.address) == message.to())
    #expect(facts.contact.map { message.text($0.element) } == "<sip:alice@192.0.2.20:5060>;expires=60")
    #expect(facts.recordRoute?.uri.isLooseRouter == true)
  }

  @Test func `a Contact that is * and a list with one that cannot be read have no first address (RFC 3261 §10.2.2)`() throws {
    for field in ["*", "<sip:a@h>, <sip:a", "<sip:a@h>\nContact: nothing"] {
      let message = try parsed("REGISTER sip:a SIP/2.0\nContact: \(field)")
      #expect(message.facts(message.essentials()).contact == nil, "\(field)")
    }
  }

  @Test func `a place of another message is no address of this one`() throws {
    let facts = try parsed(invite).facts(try parsed(invite).essentials())
    let other = try parsed("OPTIONS sip:a SIP/2.0")
    let (from, uri) = (try #require(facts.from), try #require(facts.requestURI))
    #expect(other.address(from) == nil && other.uri(uri) == nil)
  }

  @Test(arguments: [
    "::", "::1", "1::", "2001:db8::1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "::ffff:192.0.2.1", "FE80::a:B",
    "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", ":1", "1:", "12345::", "g::", "1.2.3.4", "", ":", "1:2:3:4:5:6:7:8::",
  ])
  func `the IPv6 reference of sent-by is the address of RFC 4291 §2.2, or no Via is read`(text: String) throws {
    let message = try parsed("OPTIONS sip:a SIP/2.0\nVia: SIP/2.0/UDP [\(text)]:5060;branch=z9hG4bK1")
    #expect(message.essentials().via?.address == (text.contains(":") ? IPAddress(text) : nil))
    #expect((message.essentials().via == nil) == (IPAddress("[\(text)]") == nil))
  }

  @Test func `tokens and the values of parameters have the characters of RFC 3261 §25.1`() {
    let letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    let token = Set((letters + "-.!%*_+`'~").utf8)
    let ending = Set(";,><\"?".utf8).union(0...32).union([127])
    for byte in UInt8.min...UInt8.max {
      #expect(Grammar.isToken(byte) == token.contains(byte), "\(byte)")
      #expect(ParameterCursor.isValueByte(byte) != ending.contains(byte), "\(byte)")
    }
  }

  @Test(arguments: ["Via\0", "Call\rID", "vi", "V ia", "Proxy-Authenticate-Proxy-Authenticate", "", "\0", "Content_Length", "é"])
  func `a name that is nearly one of the standards is an extension's`(name: String) {
    #expect(KnownHeader(name: name) == .other)
    #expect(HeaderName(name) == HeaderName(name.uppercased()) || name == "é")
  }

  @Test func `methods are told by every letter, and by case (RFC 3261 §7.1)`() throws {
    for method in SIPMethod.standard {
      #expect(SIPMethod(method.token) == method && SIPMethod(method.token.lowercased()) == .other(method.token.lowercased()))
      #expect(SIPMethod(method.token.dropLast() + "X") == .other(method.token.dropLast() + "X"))
      #expect(try parsed("\(method) sip:a SIP/2.0\nCSeq: 1 \(method)").essentials().cseq?.method == method)
    }
    #expect(SIPMethod("") == .other(""))
  }
}
