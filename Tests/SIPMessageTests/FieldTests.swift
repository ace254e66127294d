import SansIO
import Testing

@testable import SIPMessage

@Suite struct FieldTests {
  @Test func `Via gives transport, sent-by and parameters (RFC 3261 §20.42)`() throws {
    let via = try Via.parse("SIP / 2.0 / UDP first.example.com: 4000;ttl=16 ;maddr=224.2.0.1 ;branch=z9hG4bKa7c6a8dlze.1".fixed)
    #expect(via.transport == "UDP")
    #expect(via.host == .name("first.example.com"))
    #expect(via.branch == "z9hG4bKa7c6a8dlze.1")
    let v6 = try Via.parse("SIP/2.0/TLS [2001:db8::9]:5061;rport;branch=z9hG4bK1")
    #expect(v6.host == .address(IPAddress("2001:db8::9") ?? .anyV6))
    #expect(v6.port == 5061)
    #expect(v6.hasResponsePort)
    #expect(v6.description == "SIP/2.0/TLS [2001:db8::9]:5061;rport;branch=z9hG4bK1")
  }

  @Test func `From with a quoted name keeps its URI parameters apart from its own (RFC 3261 §20.20)`() throws {
    let from = try NameAddress(parsing: #""A. G. \"Bell\"" <sip:agb@bell.example.com;transport=tcp> ;tag=a48s"#)
    #expect(from.displayName == #"A. G. "Bell""#)
    #expect(from.uri.parameters["transport"] == "tcp")
    #expect(from.tag == "a48s")
    #expect(from.description == #""A. G. \"Bell\"" <sip:agb@bell.example.com;transport=tcp>;tag=a48s"#)
  }

  @Test func `without angle brackets parameters belong to the field (RFC 3261 §20.10)`() throws {
    let from = try NameAddress(parsing: "sip:+12125551212@server.phone2net.com;tag=887s")
    #expect(from.tag == "887s")
    #expect(from.uri.parameters.isEmpty)
    #expect(from.uri.user == "+12125551212")
  }

  @Test func `a display name may be tokens with spaces (RFC 3261 §25.1)`() throws {
    let to = try NameAddress(parsing: "The Operator <sip:operator@cs.columbia.edu>;tag=287447")
    #expect(to.displayName == "The Operator")
  }

  @Test(arguments: ["", "<sip:a@b", "\"open <sip:a@b>", "<>", "Name sip:a@b", "<sip:a@b>;=x", "<sip:>", "sip:a@[::1", "<sip:a@b:99999>"])
  func `an address that is none is refused with its text`(text: String) {
    let expected = SIPHeaderError.malformed(.from, value: text, expected: "a name and a URI (RFC 3261 §20.10)")
    #expect(throws: expected) { try NameAddress(parsing: text) }
  }

  @Test(arguments: [
    "sip:alice@atlanta.com", "sip:alice:secretword@atlanta.com;transport=tcp", "sips:1212@gateway.com",
    "sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com", "sip:alice;day=tuesday@atlanta.com", "sip:[2001:db8::10]:5070",
    "tel:+358-555-1234567;postd=pp22", "sip:sess_demo@192.0.2.1:5061;transport=tls;lr",
  ])
  func `a URI is printed as it was written (RFC 3261 §19.1.3)`(text: String) throws {
    #expect(try SIPURI(parsing: text).description == text)
  }

  @Test(arguments: [
    ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtlanTa.CoM;Transport=tcp"),
    ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
    ("sip:biloxi.com;transport=tcp;method=REGISTER", "sip:biloxi.com;method=REGISTER;transport=tcp"),
  ])
  func `the equivalent URIs of RFC 3261 §19.1.4 are equivalent`(left: String, right: String) throws {
    #expect(try SIPURI(parsing: left).isEquivalent(to: try SIPURI(parsing: right)))
  }

  @Test(arguments: [
    ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"), ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"), ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
    ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
    ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
  ])
  func `the different URIs of RFC 3261 §19.1.4 are different`(left: String, right: String) throws {
    #expect(try !SIPURI(parsing: left).isEquivalent(to: try SIPURI(parsing: right)))
  }

  @Test func `CSeq is a number below 2³¹ and a method (RFC 3261 §8.1.1.5)`() throws {
    #expect(try parsed("OPTIONS sip:a SIP/2.0\nCSeq: 4711  OPTIONS").cseq() == CSeq(number: 4711, method: .options))
    for text in ["", "x INVITE", "1", "2147483648 INVITE", "99999999999 INVITE", "1 INVITE x", "-1 INVITE"] {
      #expect(throws: SIPHeaderError.self) { try parsed("OPTIONS sip:a SIP/2.0\nCSeq: \(text)").cseq() }
    }
  }

  @Test func `Contact gives a list over commas and lines, or the star (RFC 3261 §20.10)`() throws {
    let text = "REGISTER sip:a SIP/2.0\nContact: \"A, B\" <sip:a@h>;q=0.7, <sip:b@h?x=1,2>\nm: sip:c@h;expires=5"
    guard case .list(let contacts) = try parsed(text).contacts() else {
      Issue.record("no list")
      return
    }
    #expect(contacts.map(\.uri.user) == ["a", "b", "c"])
    #expect(contacts[2].parameters["expires"] == "5")
    #expect(try parsed("REGISTER sip:a SIP/2.0\nContact: *").contacts() == .star)
    #expect(try parsed("REGISTER sip:a SIP/2.0\nTo: x").contacts() == .none)
  }

  @Test func `challenges keep their order, and commas in a realm do not split them (RFC 8760 §2.4)`() throws {
    let message = try parsed(
      """
      SIP/2.0 401 Unauthorized
      WWW-Authenticate: Digest realm="a, b", nonce="n", algorithm=SHA-256, qop="auth,auth-int", opaque="o"
      WWW-Authenticate: Bearer realm="x"
      WWW-Authenticate: digest REALM="a, b",nonce="n",stale=TRUE
      """)
    let challenges = message.digestChallenges(.wwwAuthenticate)
    #expect(challenges.map(\.algorithm) == ["SHA-256", nil])
    #expect(challenges[0].realm == "a, b")
    #expect(challenges[0].qop == ["auth", "auth-int"])
    #expect(challenges[1].isStale)
  }

  @Test func `credentials are read as they are written`() throws {
    let credentials = DigestCredentials { writer in
      let parameters: [(DigestParameters.Name, String)] = [
        (.username, #"a"b\"#), (.realm, "r, s"), (.nonce, "n"), (.uri, "sip:x"), (.response, "0f"), (.cnonce, ""), (.qop, "auth"),
        (.nc, "00000001"),
      ]
      for (name, value) in parameters { writer.add(name, value) }
    }
    #expect(
      credentials.description
        == #"Digest username="a\"b\\", realm="r, s", nonce="n", uri="sip:x", response="0f", cnonce="", qop=auth, nc=00000001"#)
    #expect(credentials.username == #"a"b\"# && credentials.isFor(realm: "r, s") && credentials.parameters[.cnonce] == "")
    let message = try parsed("INVITE sip:x SIP/2.0\nAuthorization: \(credentials)")
    #expect(message.digestCredentials(.authorization) == [credentials])
  }
}

extension String {
  /// RFC 3261's own example has a space behind the colon of the port, which its grammar allows and nobody writes.
  fileprivate var fixed: Bytes { Bytes(split(separator: ": ", maxSplits: 1).joined(separator: ":")) }
}
