import SansIO
import Testing

@testable import SIPMessage

/// What a message has beside the grammar is named by kind, place and character, and nothing is for one that follows it.
@Suite struct FormTests {
  private let clean = """
    INVITE sip:+49(30)1-2.3@example.com;user=phone;lr SIP/2.0\r
    Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport;received=2001:db8::1, SIP/2.0/TLS pbx.example.com;branch=z9hG4bK2\r
    v : SIP / 2.0 / TCP [2001:db8::9]:5060 ;branch=z9hG4bK3\r
    Max-Forwards: 70\r
    From: "Bür\\"o <x>" <sip:b%C3%BCro;x?y/z,=&+$@example.com:5060;transport=tcp?Subject=a%20b&X=1>;tag=a~1'\r
    To: Bob Smith<sip:%23123:pass@192.0.2.7>\r
    Call-ID: a(b)<c>:"d"/[e]?{f}@host.example.com\r
    CSeq: 1 INVITE\r
    Contact: <sip:a@[2001:db8::1]:5060;gr=urn:uuid:f81d>;expires=60;+sip.instance="<urn:uuid:00>";methods="INVITE, ACK"\r
    Record-Route: <sip:p1.example.com;lr>,\r
     <sip:p2.example.com;lr>\r
    P-Asserted-Identity: tel:+4930123\r
    Authorization: Digest username="a", realm="b", nonce="c", uri="sip:d", response="e", algorithm=MD5, qop=auth, nc=0000000a, cnonce="f"\r
    WWW-Authenticate: Digest realm="b", nonce="c", qop="auth,auth-int", algorithm=MD5, stale=FALSE\r
    Supported:\r
    Allow: INVITE, ACK\r
    Subject: caf\u{E9} # < > "\r
    Content-Type: multipart/mixed;boundary="a=b"\r
    Content-Length: 55\r
    \r
    --a=b\r
    Content-Type: text/plain\r
    \r
    hello\nthere\r
    --a=b--\r\n
    """

  private func words(_ text: String) throws -> [String] { try SIPMessage.parse(Bytes(text)).forgiven().map(\.description) }

  /// The clean message with one place of it changed.
  private func changed(_ old: String, _ new: String) throws -> [String] {
    try #require(clean.contains(old), "\(old)")
    return try words(clean.replacing(old, with: new, maxReplacements: 1))
  }

  @Test func `a message that follows the grammar is forgiven nothing, however odd it looks (RFC 3261 §25.1)`() throws {
    #expect(try words(clean) == [])
    #expect(try words("SIP/2.0 200 \r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nContact: *\r\n\r\n") == [])
  }

  @Test func `lines end with CRLF and have no control characters (RFC 3261 §7)`() throws {
    #expect(try changed("70\r\n", "70\n") == ["ends lines of its header with LF instead of CRLF"])
    #expect(try changed("70\r\n", "70 \r \r\n") == ["has a CR without LF in Max-Forwards"])
    #expect(try changed("# <", "\0 <") == ["has NUL in Subject"])
    #expect(try changed("# <", "\u{1}\t<") == ["has the control character 1 in Subject"])
    #expect(try words("\r\n\r\n" + clean) == ["begins with line ends before its start line"])
    let all = try SIPMessage.parse(Bytes(clean.replacing("\r\n", with: "\n").replacing("Length: 55", with: "Length: 52"))).forgiven()
    #expect(all.map(\.kind) == [.lineFeed, .multipartLineFeed] && all.first?.offset == 57, "each kind once, with the first place: \(all)")
  }

  @Test func `the start line has the version in capitals, and a space behind the status code (RFC 3261 §7.1, §7.2)`() throws {
    #expect(try changed("lr SIP/2.0", "lr sip/2.0") == ["does not write SIP/2.0 in capitals"])
    #expect(try words("Sip/2.0 200 OK\r\n\r\n") == ["does not write SIP/2.0 in capitals"])
    #expect(try words("SIP/2.0 200\r\n\r\n") == ["has no space behind its status code"])
    #expect(try words("SIP/2.0 404 <none>\r\n\r\n") == ["has '<' unescaped in its reason phrase"])
    #expect(try words("SIP/2.0 404 100%\r\n\r\n") == ["has '%' unescaped in its reason phrase"])
  }

  @Test(
    arguments: [
      ("sip:+49(30)", "sip:#49(30)", "has '#' unescaped in the user part of a URI in the Request-URI"),
      ("sip:+49(30)", "sip:b\u{FC}ro", "has text above ASCII unescaped in the user part of a URI in the Request-URI"),
      ("sip:+49(30)", "sip:100%", "has '%' unescaped in the user part of a URI in the Request-URI"),
      ("%23123:pass", "[123]:pass", "has '[' unescaped in the user part of a URI in To"),
      (":pass@", ":pa;ss@", "has ';' unescaped in the password of a URI in To"),
      ("sip:%23123:pass@", "sip:@", "has a URI in To with '@' and no user before it"),
      ("user=phone", "user=#phone", "has '#' unescaped in the parameters of a URI in the Request-URI"),
      ("user=phone", "x=\"y\"", "has '\"' unescaped in the parameters of a URI in the Request-URI"),
      ("Subject=a%20b", "Subject=a#b", "has '#' unescaped in the headers of a URI in From"),
      ("tel:+4930123", "tel:+49#1", "has '#' unescaped in the text of a URI in P-Asserted-Identity"),
      ("@example.com;user", "@exam_ple.com;user", "has a host in the Request-URI that is not a host name: it has '_'"),
      ("pbx.example.com", "pbx..example.com", "has a host in Via that is not a host name: a label is empty or has '-' at its edge"),
      ("192.0.2.7>", "192.0.2.777>", "has a host in To that is not a host name: its last label begins with a digit"),
      (
        "Bob Smith<sip:%23123:pass@192.0.2.7>", "sip:b;c@192.0.2.7",
        "has a URI in To with a ';', '?' or ',' of its own and without angle brackets"
      ),
    ])
  func `what a part of a URI may not have is named with its place (RFC 3261 §19.1)`(old: String, new: String, text: String) throws {
    #expect(try changed(old, new) == [text])
  }

  @Test(
    arguments: [
      ("transport=tcp", "transport=\"tcp\"", "quotes transport in From, which is a token"),
      ("branch=z9hG4bK2", "branch=\"z9hG4bK2\"", "quotes branch in Via, which is a token"),
      ("algorithm=MD5, qop", "algorithm=\"MD5\", qop", "quotes algorithm in Authorization, which is a token"),
      ("qop=auth,", "qop=\"auth\",", "quotes qop in Authorization, which is a token"),
      ("nc=0000000a", "nc=\"0000000a\"", "quotes nc in Authorization, which is a token"),
      ("nc=0000000a", "nc=1", "has an nc in Authorization that is not eight hexadecimal digits"),
      ("stale=FALSE", "stale=\"FALSE\"", "quotes stale in WWW-Authenticate, which is a token"),
      ("qop=\"auth,auth-int\"", "qop=auth", "does not quote qop in WWW-Authenticate, which is a quoted string"),
      ("realm=\"b\", nonce=\"c\", uri", "realm=b, nonce=\"c\", uri", "does not quote realm in Authorization, which is a quoted string"),
      ("Bob Smith<", "B\u{FC}b <", "has text above ASCII in a display name in To that is not quoted"),
      ("a(b)<c>", "a,b", "has ',' in its Call-ID"),
      ("host.example.com\r\nCSeq", "host@example.com\r\nCSeq", "has '@' in its Call-ID"),
      (";expires=60", ";;expires=60", "has an empty parameter in Contact"),
      (";expires=60", ";expires=", "has a parameter in Contact with '=' and no value"),
      (";expires=60", ";x=a@b", "has '@' in a parameter in Contact that is not quoted"),
      ("boundary=\"a=b\"", "boundary=a=b", "has '=' in a parameter in Content-Type that is not quoted"),
      ("INVITE, ACK\r\nSubject", "INVITE,, ACK\r\nSubject", "has an empty element in Allow"),
      ("p1.example.com;lr>,\r\n", "p1.example.com;lr>,,\r\n", "has an empty element in Record-Route"),
      ("--a=b--\r\n", "--a=c--\r\n", "has a multipart body without its last boundary"),
    ])
  func `tokens, strings, parameters and lists are held to their form (RFC 3261 §25.1)`(old: String, new: String, text: String) throws {
    #expect(try changed(old, new) == [text])
  }

  @Test func `nobody is told of another's words that have to be repeated (RFC 3261 §8.2.6.2, §12.2.1.1)`() throws {
    let odd = "Via: SIP/2.0/UDP a;branch=\"z9hG4bK1\"\r\nFrom: <sip:a#@b>\r\nTo: <sip:b#@b>;tag=1\r\nCall-ID: \u{E9}\r\n"
    let contact = "Contact: <sip:c#@b>\r\n\r\n"
    func kinds(_ line: String, isInDialog: Bool = false) throws -> [Forgiven.Place] {
      try SIPMessage.parse(Bytes(line + odd + contact)).forgiven(isInDialog: isInDialog).map(\.place)
    }
    #expect(try kinds("SIP/2.0 200 OK\r\n") == [.field(.contact)])
    #expect(try kinds("BYE sip:d#@b SIP/2.0\r\n", isInDialog: true) == [.field(.via), .field(.contact)])
    #expect(
      try kinds("INVITE sip:d#@b SIP/2.0\r\n")
        == [.requestURI, .field(.via), .field(.from), .field(.to), .field(.callID), .field(.contact)])
  }

  @Test func `each kind has a section and a sentence, and a message has sixteen at most`() throws {
    for kind in Forgiven.Kind.allCases {
      let one = Forgiven(kind: kind, place: .startLine, offset: 0)
      #expect(one.section.hasPrefix("RFC ") && one.description.count > 10)
    }
    let odd = (1..<32).filter { ![9, 10, 13].contains($0) }.map { "X-\($0): \(Character(Unicode.Scalar(UInt8($0))))\r\n" }.joined()
    #expect(try SIPMessage.parse(Bytes("SIP/2.0 200 OK\r\n\(odd)\r\n")).forgiven().count == 16)
  }
}
