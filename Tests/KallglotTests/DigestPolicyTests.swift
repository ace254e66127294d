import KallglotPolicy
import SIPMessage
import SIPUserAgent
import SansIO
import Testing

@testable import Kallglot

@Suite struct DigestPolicyTests {
  private let bench = EndpointBench(.standard)

  private func challenge() throws -> SIPMessage { try #require(bench.send(bench.invite()).last) }

  private func attempt(_ header: String, to uri: String = "sip:sess_demo@sip.kallglot.com") -> SIPMessage? {
    bench.send(bench.invite(to: uri, headers: [header])).last
  }

  @Test func `a challenge has SHA-256 and MD5 as two lines in this order, our realm, qop auth and one nonce (contract 8.2)`() throws {
    let refusal = try challenge()
    #expect(refusal.status == 401)
    let challenges = refusal.digestChallenges(.wwwAuthenticate)
    #expect(challenges.map(\.algorithm) == ["SHA-256", "MD5"])
    #expect(challenges.allSatisfy { $0.realm == "sip.kallglot.com" && $0.qop == ["auth"] && !$0.isStale })
    #expect(challenges.first?.nonce == challenges.last?.nonce && challenges.first?.nonce?.isEmpty == false)
    #expect(refusal.all(.wwwAuthenticate).count == 2)
  }

  @Test(arguments: [DigestAlgorithm.sha256, .md5])
  func `either algorithm gets the call through (contract 8.2)`(algorithm: DigestAlgorithm) throws {
    #expect(attempt(bench.authorization(for: try challenge(), algorithm: algorithm))?.status == 200)
  }

  @Test func `digestAlgorithms says what is offered; what is not offered is refused (contract 8.2)`() throws {
    let bench = EndpointBench(.with { $0.digestAlgorithms = [.md5] })
    let refusal = try #require(bench.send(bench.invite()).last)
    #expect(refusal.digestChallenges(.wwwAuthenticate).map(\.algorithm) == ["MD5"])
    let nonce = refusal.digestChallenges(.wwwAuthenticate).first?.nonce
    #expect(bench.send(bench.invite(headers: [bench.authorization(for: refusal, algorithm: .sha256, nonce: nonce)])).statuses == [403])
    #expect(bench.send(bench.invite(headers: [bench.authorization(for: refusal, algorithm: .md5)])).last?.status == 200)
  }

  @Test func `a digest over another URI than the Request-URI is taken, and the decision says so (RFC 3261 §22.4, contract 8.2)`() throws {
    let refusal = try challenge()
    #expect(attempt(bench.authorization(for: refusal, uri: "sip:+4930@sbc.example"))?.status == 200)
    let passed = bench.decisions.first { $0.rule == .authentication && $0.verdict == .passed }
    #expect(passed?.detail.contains("its digest is over sip:+4930@sbc.example") == true)
    let registration = try #require(
      bench.send(bench.request("REGISTER", to: "sip:sip.kallglot.com", aor: "sip:acme@sip.kallglot.com")).last)
    let answer = bench.authorization(for: registration, method: "REGISTER", uri: "sip:sip.kallglot.com:5061;transport=tls")
    #expect(
      bench.send(bench.request("REGISTER", to: "sip:sip.kallglot.com", headers: [answer], aor: "sip:acme@sip.kallglot.com")).statuses
        == [200], "chan_sip over TLS writes port and transport into one of the two")
  }

  @Test func `credentials are found beside others for our realm that cannot be checked (RFC 7235 §4.2)`() throws {
    let refusal = try challenge()
    let right = bench.authorization(for: refusal)
    #expect(attempt(right.replacing("algorithm=SHA-256", with: "algorithm=SHA-512-256") + "\r\n" + right)?.status == 200)
  }

  @Test func `a username with an @ is escaped in its address of record (RFC 3261 §19.1.4)`() throws {
    let bench = EndpointBench(.standard, accounts: [Account(name: "acme", username: "acme@corp", password: Secret("s3cret"))])
    let aor = "sip:acme%40corp@sip.kallglot.com"
    let refusal = try #require(bench.send(bench.request("REGISTER", to: "sip:sip.kallglot.com", aor: aor)).last)
    let answer = bench.authorization(for: refusal, method: "REGISTER", uri: "sip:sip.kallglot.com", username: "acme@corp")
    #expect(bench.send(bench.request("REGISTER", to: "sip:sip.kallglot.com", headers: [answer], aor: aor)).statuses == [200])
  }

  @Test func `wrong password, user and method are 403 and look alike; another realm is no credentials (AUTH-04, ACL-10)`() throws {
    let refusal = try challenge()
    let wrong = [
      bench.authorization(for: refusal, password: "guess"), bench.authorization(for: refusal, username: "nobody"),
      bench.authorization(for: refusal, uri: "sip:sess_other@sip.kallglot.com").replacing("sess_other", with: "sess_demo"),
      bench.authorization(for: refusal, method: "REGISTER"),
    ].compactMap { attempt($0) }
    #expect(wrong.statuses == [403, 403, 403, 403])
    #expect(Set(wrong.map { $0.fields.map(\.name.text) }).count == 1)
    #expect(Set(wrong.map { $0.reasonPhrase?.text }).count == 1)
    #expect(attempt(bench.authorization(for: refusal, realm: "elsewhere"))?.status == 401)
    let reasons = bench.decisions.filter { $0.verdict == .refused(status: 403) }.map(\.detail)
    #expect(reasons.count == 4 && Set(reasons).count == 2, "the report tells an unknown user from a wrong response: \(reasons)")
  }

  @Test func `counts may come reordered, none twice; a replay is challenged with stale (contract 8.2, AUTH-05)`() throws {
    let refusal = try challenge()
    #expect(attempt(bench.authorization(for: refusal, count: 2), to: "sip:sess_demo@sip.kallglot.com")?.status == 200)
    #expect(
      bench.send(
        bench.request(
          "REGISTER", to: "sip:sip.kallglot.com",
          headers: [bench.authorization(for: refusal, method: "REGISTER", uri: "sip:sip.kallglot.com", count: 1)],
          aor: "sip:acme@sip.kallglot.com")
      ).statuses == [200])
    let replay = attempt(bench.authorization(for: refusal, count: 2))
    #expect(replay?.status == 401)
    #expect(replay?.digestChallenges(.wwwAuthenticate).first?.isStale == true)
    #expect(
      attempt(bench.authorization(for: refusal, password: "guess", count: 2))?.status == 403, "a wrong digest learns nothing of counts")
  }

  @Test func `a nonce lives for 300 s, then the right digest is told stale and the wrong one 403 (contract 8.2)`() throws {
    let (first, second) = (try challenge(), try challenge())
    bench.wait(.seconds(300))
    #expect(attempt(bench.authorization(for: first))?.status == 200)
    bench.wait(.seconds(1))
    let stale = attempt(bench.authorization(for: second))
    #expect(stale?.status == 401 && stale?.digestChallenges(.wwwAuthenticate).allSatisfy(\.isStale) == true)
    #expect(attempt(bench.authorization(for: second, password: "guess"))?.status == 403)
  }

  @Test func `a regenerated password refuses the old one at once, takes the new one and leaves calls alone (REG-12)`() throws {
    let uri = "sip:+49@sip.kallglot.com"
    let first = try challenge()
    let answer = try #require(attempt(bench.authorization(for: first, uri: uri), to: uri))
    let call = EndpointBench.Call(
      identity: try answer.callID().replacing("@pbx.example", with: ""), tag: try #require(try answer.to().tag), contact: "")
    bench.send(bench.inDialog("ACK", call, sequence: 1, uri: uri))
    bench.perform(.setPassword(account: "acme", Secret("fresh")))
    #expect(attempt(bench.authorization(for: try challenge()))?.status == 403)
    #expect(attempt(bench.authorization(for: try challenge(), password: "fresh"))?.status == 200)
    #expect(bench.send(bench.inDialog("INVITE", call, sequence: 2, body: EndpointBench.offer)).statuses == [200])
    #expect(bench.send(bench.inDialog("BYE", call, sequence: 3)).statuses == [200])
  }

  @Test func `REGISTER and the initial INVITE are challenged; OPTIONS, CANCEL and requests of a call are not (contract 8.2, 8.4)`() throws {
    #expect(bench.send(bench.request("REGISTER", to: "sip:sip.kallglot.com", aor: "sip:acme@sip.kallglot.com")).statuses == [401])
    #expect(bench.send(bench.request("OPTIONS")).statuses == [200])
    #expect(bench.send(bench.request("CANCEL")).statuses == [481])
  }

  @Test func `no secret stands in an event`() throws {
    _ = attempt(bench.authorization(for: try challenge()))
    for event in bench.events { #expect(!event.journalText.contains("s3cret")) }
  }
}
