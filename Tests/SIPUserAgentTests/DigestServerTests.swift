import LabBench
import SIPMessage
import SansIO
import Testing

@testable import SIPUserAgent

@Suite struct DigestServerTests {
  private let realm = "sip.kallglot.com"
  private let password = Secret("s3cret")

  private let calculation = DigestCalculation()

  /// - Parameter changed: what stands in the header instead of what the digest is over.
  private func credentials(
    _ server: inout DigestServer, username: String = "acme", password: String = "s3cret", count: UInt32 = 1, nonce: String? = nil,
    changed: [DigestParameters.Name: String] = [:]
  ) -> DigestCredentials {
    let nonce = nonce ?? server.challenges([.sha256], stale: false, at: .zero)[0].nonce ?? ""
    let text = String(count, radix: 16)
    let nc = String(repeating: "0", count: 8 - text.count) + text
    let secret = calculation.secretHash(.sha256, username: username, realm: realm, password: Secret(password))
    let response = calculation.response(
      .sha256, secret,
      .init(nonce: nonce, method: "INVITE", uri: "sip:x@sip.kallglot.com", protection: .init(nonceCount: nc, clientNonce: "c")))
    let parameters: [(DigestParameters.Name, String)] = [
      (.username, username), (.realm, realm), (.nonce, nonce), (.uri, "sip:x@sip.kallglot.com"), (.response, response.text),
      (.algorithm, "SHA-256"), (.cnonce, "c"), (.qop, "auth"), (.nc, nc),
    ]
    return DigestCredentials { writer in for (name, value) in parameters { writer.add(name, changed[name] ?? value) } }
  }

  private func verify(
    _ server: inout DigestServer, _ credentials: DigestCredentials?, password: Secret? = nil, at seconds: Int64 = 0,
    uri: Bytes = "sip:x@sip.kallglot.com"
  ) -> DigestVerdict {
    server.verify(
      credentials, method: .invite, requestURI: uri, algorithms: [.sha256],
      password: credentials?.username == "acme" ? password ?? self.password : nil, at: Instant(nanoseconds: seconds * 1_000_000_000))
  }

  private func server() -> DigestServer { DigestServer(realm: realm, entropy: Entropy(seed: 1)) }

  @Test func `right credentials pass, once for each count, in any order within the window (contract 8.2)`() {
    var server = server()
    let first = credentials(&server)
    let nonce = first.parameters[.nonce]?.text
    #expect(verify(&server, first) == .accepted(username: "acme"))
    #expect(verify(&server, first) == .replayed)
    let (third, second) = (credentials(&server, count: 3, nonce: nonce), credentials(&server, count: 2, nonce: nonce))
    #expect(verify(&server, third) == .accepted(username: "acme"))
    #expect(verify(&server, second) == .accepted(username: "acme"))
    #expect(verify(&server, second) == .replayed)
    let far = credentials(&server, count: 500, nonce: nonce)
    #expect(verify(&server, far) == .accepted(username: "acme"))
    let old = credentials(&server, count: 4, nonce: nonce)
    #expect(verify(&server, old) == .replayed)
  }

  @Test func `a nonce is stale after 300 s, and only a right digest learns it (contract 8.2)`() {
    var server = server()
    let right = credentials(&server)
    let wrong = credentials(&server, password: "guess")
    #expect(verify(&server, right, at: 301) == .staleNonce)
    #expect(verify(&server, wrong, at: 301) == .wrongCredentials(.wrongResponse))
  }

  @Test func `a wrong password burns no count`() {
    var server = server()
    let right = credentials(&server)
    let wrong = credentials(&server, password: "guess", nonce: right.parameters[.nonce]?.text)
    #expect(verify(&server, wrong) == .wrongCredentials(.wrongResponse))
    #expect(verify(&server, right) == .accepted(username: "acme"))
  }

  @Test func `what cannot be right says why to us, not to the peer`() {
    var server = server()
    #expect(verify(&server, nil) == .noCredentials)
    let stranger = credentials(&server, changed: [.username: "nobody"])
    #expect(verify(&server, stranger) == .wrongCredentials(.unknownUser))
    let md5 = credentials(&server, changed: [.algorithm: "MD5"])
    #expect(verify(&server, md5) == .wrongCredentials(.unusableAlgorithm))
    let made = credentials(&server, nonce: "made-up")
    #expect(verify(&server, made) == .unknownNonce)
  }

  @Test func `a right digest over another URI passes and is told; a response that does not fit its uri is refused (RFC 3261 §22.4 item 4)`()
  {
    var server = server()
    let right = credentials(&server)
    #expect(
      verify(&server, right, uri: "sip:y@sbc.example") == .accepted(username: "acme", foreignURI: "sip:x@sip.kallglot.com"))
    let moved = credentials(&server, changed: [.uri: "sip:y@sbc.example"])
    #expect(verify(&server, moved, uri: "sip:y@sbc.example") == .wrongCredentials(.wrongResponse))
    let same = credentials(&server)
    #expect(verify(&server, same, uri: "sip:x@SIP.kallglot.com") == .accepted(username: "acme"), "the same URI, written otherwise")
  }

  @Test func `each account has counts of its own, also with a nonce that two of them use (RFC 7616 §3.4)`() {
    var server = server()
    let nonce = server.challenges([.sha256], stale: false, at: .zero)[0].nonce
    func verdict(_ username: String) -> DigestVerdict {
      return server.verify(
        credentials(&server, username: username, nonce: nonce), method: .invite, requestURI: "sip:x@sip.kallglot.com",
        algorithms: [.sha256], password: password, at: .zero)
    }
    #expect(
      [verdict("acme"), verdict("other"), verdict("acme")] == [
        .accepted(username: "acme"), .accepted(username: "other"), .replayed,
      ])
  }

  @Test func `a password that is changed holds from the next request on, and the old one no more (contract 8.2)`() {
    var server = server()
    let (before, after) = (credentials(&server), credentials(&server, password: "fresh"))
    #expect(verify(&server, before) == .accepted(username: "acme"))
    #expect(verify(&server, after) == .wrongCredentials(.wrongResponse))
    #expect(verify(&server, after, password: Secret("fresh")) == .accepted(username: "acme"))
    let again = credentials(&server)
    #expect(verify(&server, again, password: Secret("fresh")) == .wrongCredentials(.wrongResponse))
    #expect(verify(&server, again) == .accepted(username: "acme"))
  }

  @Test func `an unknown user is refused whatever the response, also by the hash of an empty password`() {
    var server = server()
    for password in ["", "s3cret"] {
      #expect(verify(&server, credentials(&server, username: "nobody", password: password)) == .wrongCredentials(.unknownUser))
    }
  }

  private func challenge(_ values: String...) throws -> SIPMessage {
    try SIPMessage.parse(Bytes(SIPText.message("SIP/2.0 401 Unauthorized", values.map { "WWW-Authenticate: \($0)" })))
  }

  @Test func `nc counts the requests sent with a nonce, over all of an account's requests (RFC 7616 §3.4)`() throws {
    var memory = DigestMemory()
    func count(_ username: String = "acme", realm: String = "r", nonce: String) throws -> String? {
      var client = DigestClient(Credentials(username: username, password: password))
      let challenge = try challenge("Digest realm=\"\(realm)\",nonce=\"\(nonce)\",qop=\"auth\"")
      let value = client.answer(challenge, method: .invite, uri: "sip:x", clientNonce: "c", memory: &memory)?.value
      return value?.split(separator: "nc=").last.map { String($0.prefix(8)) }
    }
    #expect(try [count(nonce: "n"), count(nonce: "n"), count(nonce: "n")] == ["00000001", "00000002", "00000003"])
    #expect(try [count(nonce: "m"), count(realm: "s", nonce: "n"), count("other", nonce: "n")] == ["00000001", "00000001", "00000001"])
    for number in 0..<NonceCounts.capacity - 1 { _ = try count(nonce: "\(number)") }
    #expect(try count(nonce: "n") == "00000004", "what \(NonceCounts.capacity) nonces are behind is remembered")
    for number in 0..<2 * NonceCounts.capacity { _ = try count(nonce: "later \(number)") }
    #expect(try count(nonce: "n") == "00000001", "the nonces used longest ago are forgotten")
    let newest = try (NonceCounts.capacity..<2 * NonceCounts.capacity).map { try count(nonce: "later \($0)") }
    #expect(newest.allSatisfy { $0 == "00000002" }, "the newest \(NonceCounts.capacity) are remembered over a sweep")
  }

  @Test func `a client answers the first challenge it can, and a second one only when it is stale (RFC 8760 §2.4, RFC 3261 §22.2)`() throws
  {
    var client = DigestClient(Credentials(username: "acme", password: password))
    func two(_ stale: String = "") throws -> SIPMessage {
      try challenge(
        "Digest realm=\"r\",nonce=\"n\",algorithm=SHA-512-256,qop=\"auth\"",
        "Digest realm=\"r\",nonce=\"n2\",algorithm=MD5,qop=\"auth\"\(stale)")
    }
    var memory = DigestMemory()
    let first = client.answer(try two(), method: .invite, uri: "sip:x", clientNonce: "c", memory: &memory)
    #expect(first?.value.contains("algorithm=MD5") == true)
    #expect(client.answer(try two(), method: .invite, uri: "sip:x", clientNonce: "c", memory: &memory) == nil)
    let second = client.answer(try two(",stale=true"), method: .invite, uri: "sip:x", clientNonce: "c", memory: &memory)
    #expect(second?.value.contains("nc=00000002") == true)
  }
}
