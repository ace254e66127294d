import SansIO
import Testing

@testable import SIPMessage

/// Digest parameters where they lie in the header (RFC 7616 §3.3 to §3.5).
@Suite struct DigestParameterTests {
  private func read(_ value: String) -> DigestParameters? { DigestParameters(Bytes(value)) }

  @Test(arguments: ["", "Digest", "Digest ", "Digestx a=b", "Basic nonce=n", "Digest,nonce=n"])
  func `another scheme, or none, is not read`(value: String) { #expect(read(value) == nil) }

  @Test func `names compare without regard to case, spaces are free, and the first of a repeated name counts`() throws {
    let parameters = try #require(read("dIGEST \t NONCE = \"n\" ,, nonce=later, x=y,qop=auth ,nc=\" 1 \", realm"))
    #expect(parameters[.nonce] == "n" && parameters[.qop] == "auth" && parameters[.nc] == " 1 ")
    #expect(parameters[.realm] == nil && parameters[.uri] == nil)
  }

  @Test(arguments: DigestParameters.Name.allCases) func `each parameter is found by its name, in either case`(name: DigestParameters.Name) {
    for text in ["\(name)", "\(name)".uppercased()] {
      let parameters = read("Digest \(text)x=1, x\(text)=2, \(text)=3")
      #expect(DigestParameters.Name.allCases.filter { parameters?[$0] != nil } == [name] && parameters?[name] == "3")
    }
  }

  @Test(arguments: [
    (#"realm="a, b""#, "a, b"), (#"realm="a\"b""#, #"a"b"#), (#"realm="a\\""#, #"a\"#), (#"realm="""#, ""), (#"realm=""#, #"""#),
    ("realm=", ""), (#"realm="a\,b=c""#, "a,b=c"), ("realm=a b", "a b"), (#"realm="a"x"#, #""a"x"#), ("realm==", "="),
  ])
  func `a value is read without quotes and escapes, and as it is where they do not fit`(text: String, value: String) {
    #expect(read("Digest \(text)")?[.realm]?.text == value)
  }

  @Test(arguments: [
    ("", DigestChallenge.Protection.none), ("qop=\"\"", .none), ("qop=\" , \"", .none), ("qop=auth", .auth), ("qop=\"AUTH\"", .auth),
    ("qop=\"auth-int,auth\"", .auth), ("qop=\"auth-int auth\"", .auth), ("qop=\"auth-int\"", .other), ("qop=\"authx\"", .other),
  ])
  func `what a challenge offers to protect (RFC 7616 §3.3)`(text: String, protection: DigestChallenge.Protection) throws {
    let message = try SIPMessage.parse(Bytes("SIP/2.0 401 Unauthorized\r\nWWW-Authenticate: Digest nonce=n,\(text)\r\n\r\n"))
    #expect(message.digestChallenges(.wwwAuthenticate).map(\.protection) == [protection])
  }

  @Test func `a challenge is written in the order and case given, and reads as what it says`() throws {
    let challenge = DigestChallenge { writer in
      writer.add(.realm, #"a"b"#)
      writer.add(.nonce, Bytes("n"))
      writer.add(.stale, "true")
      writer.add(.algorithm, "SHA-256")
      writer.add(.qop, "auth", quoted: true)
    }
    #expect(challenge.description == #"Digest realm="a\"b",nonce="n",stale=true,algorithm=SHA-256,qop="auth""#)
    #expect(challenge.realm == #"a"b"# && challenge.nonce == "n" && challenge.isStale && challenge.protection == .auth)
    #expect(read(challenge.description) == challenge.parameters)
  }
}
