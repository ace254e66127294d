import SIPMessage
import SIPUserAgent
import SansIO
import Testing

@testable import CallControl

/// The registration client, message by message (RFC 3261 §10.2).
@Suite struct RegistrationTests {
  private let bench = CallAgentBench()

  private func register(_ bench: CallAgentBench, expires: Int = 3600, password: String? = nil) throws -> SIPMessage? {
    bench.perform(
      .register(
        RegisterRequest(
          registrar: SIPURI(host: "198.51.100.10"), target: .init(transport: .udp, address: CallAgentBench.peer),
          aor: NameAddress(uri: SIPURI(host: "sip.kallglot.com", user: "acme")),
          credentials: password.map { Credentials(username: "acme", password: Secret($0)) }, expires: expires)))
    return bench.take().last
  }

  private func registered(_ bench: CallAgentBench) -> [Int] {
    bench.events.compactMap { if case .registered(_, let expires) = $0 { expires } else { nil } }
  }
  private func failures(_ bench: CallAgentBench) -> [String] {
    bench.events.compactMap { if case .registrationFailed(_, let reason) = $0 { reason } else { nil } }
  }

  private func bound(_ request: SIPMessage?, _ seconds: Int) -> String {
    "Contact: \(request?.first(.contact)?.text ?? "");expires=\(seconds)"
  }

  @Test
  func `the refresh follows the granted expiry, not the asked one, in the same Call-ID with the next CSeq (RFC 3261 §10.2.4, REG-02)`()
    throws
  {
    let first = try #require(try register(bench, expires: 3600))
    bench.answer(first, 200, headers: ["Contact: <sip:old@192.0.2.99>;expires=7000", bound(first, 100)])
    #expect(registered(bench) == [100], "the expiry of our own contact among several")
    #expect(bench.wait(.milliseconds(89_900)).isEmpty)
    let refresh = try #require(bench.wait(.milliseconds(200)).last)
    #expect(try refresh.callID() == first.callID() && refresh.cseq().number == first.cseq().number + 1)
    #expect(refresh.expires() == 3600)
  }

  @Test(arguments: [
    (["Contact: <sip:old@192.0.2.99>;expires=7000"], true), (["Contact: <sip:old@192.0.2.99>", "Contact: <sip:other@192.0.2.98>"], true),
    (["X-None: 1"], true), (["Contact: <sip:acme@192.0.2.20>;expires=90"], false),
    (["Contact: \"x, y\" <sip:acme@192.0.2.20:5060>;expires=90;q=0.5", "Contact: <sip:other@192.0.2.98>"], false),
    (["Contact: <sip:acme@192.0.2.20:5060;transport=tcp>;expires=90"], true),
  ])
  func `a 200 whose list leaves our binding out is named, in whatever way it is written (RFC 3261 §10.3)`(list: [String], isNamed: Bool)
    throws
  {
    bench.answer(try register(bench, expires: 600), 200, headers: list, contact: nil)
    #expect(bench.violations == (isNamed ? [.listedBindings] : []))
    #expect(registered(bench).count == 1)
  }

  @Test func `a 200 that still lists a removed binding is named; one that lists others is not (RFC 3261 §10.3)`() throws {
    let first = try #require(try register(bench))
    bench.answer(first, 200, headers: [bound(first, 600)])
    bench.answer(try register(bench, expires: 0), 200, headers: ["Contact: <sip:old@192.0.2.99>;expires=7000"])
    #expect(bench.violations == [])
    bench.answer(try register(bench, expires: 600), 200, headers: [bound(first, 600)])
    bench.answer(try register(bench, expires: 0), 200, headers: [bound(first, 500)])
    #expect(bench.violations == [.listedBindings])
  }

  @Test func `a registrar that does not echo the contact grants by Expires, else what was asked`() throws {
    bench.answer(try register(bench, expires: 600), 200, headers: ["Expires: 60"])
    let other = CallAgentBench()
    other.answer(try register(other, expires: 600), 200, contact: nil)
    #expect((registered(bench), registered(other)) == ([60], [600]))
  }

  @Test
  func
    `423 raises the expiry once; a second one, or one that asks for nothing sensible, fails with its rule (RFC 3261 §10.2.8, REG-03)`()
    throws
  {
    let first = try register(bench, expires: 30)
    bench.answer(first, 423, headers: ["Min-Expires: 120"])
    let second = bench.take().last
    #expect(second?.expires() == 120)
    bench.answer(second, 423, headers: ["Min-Expires: 240"])
    #expect(bench.take().isEmpty && failures(bench).count == 1)
    for value in ["Min-Expires: 4294967295", "Min-Expires: 10", "Min-Expires: soon", "X-None: 1"] {
      let bench = CallAgentBench()
      bench.answer(try register(bench, expires: 60), 423, headers: [value])
      #expect(bench.take().isEmpty && failures(bench).count == 1, "\(value)")
      #expect(bench.violations == [.minimumExpires])
      #expect(bench.wait(.seconds(10_000)).isEmpty)
    }
  }

  @Test func `no answer and 503 are tried again, later each time, Retry-After kept; a refusal is final (REG-08, RFC 5626 §4.5)`() throws {
    let first = try register(bench)
    #expect(bench.wait(.seconds(32)).count == 10, "Timer E")
    #expect(failures(bench).count == 1)
    let again = try #require(bench.wait(.seconds(31)).first)
    #expect(try again.callID() == first?.callID() && again.cseq().number == (first?.cseq().number ?? 0) + 1, "the same binding (§10.2.4)")
    bench.answer(again, 503, headers: ["Retry-After: 120"])
    #expect(bench.wait(.milliseconds(119_000)).isEmpty)
    let third = try #require(bench.wait(.seconds(2)).first)
    bench.answer(third, 200, headers: [bound(third, 60)])
    #expect(registered(bench) == [60])
    bench.answer(bench.wait(.seconds(55)).last, 403)
    #expect(bench.wait(.seconds(10_000)).isEmpty && failures(bench).last?.hasPrefix("403") == true)
  }

  @Test func `unregistering uses the binding's Call-ID and stops its refresh (RFC 3261 §10.2.2, REG-04)`() throws {
    let first = try #require(try register(bench))
    bench.answer(first, 200, headers: [bound(first, 100)])
    let removal = try #require(try register(bench, expires: 0))
    #expect(try removal.callID() == first.callID() && removal.cseq().number == first.cseq().number + 1)
    #expect(removal.expires() == 0 && removal.first(.contact) == first.first(.contact))
    bench.answer(removal, 200, contact: nil)
    #expect(registered(bench) == [100, 0])
    #expect(bench.wait(.seconds(10_000)).isEmpty)
  }

  @Test func `a password that is no longer right is one clear failure and no loop (REG-12, AUTH-08)`() throws {
    let challenge = "WWW-Authenticate: Digest realm=\"sip.kallglot.com\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\""
    bench.answer(try register(bench, password: "old"), 401, headers: [challenge])
    let authorized = try #require(bench.take().last)
    #expect(authorized.first(.authorization) != nil)
    bench.answer(authorized, 401, headers: [challenge])
    #expect(bench.take().isEmpty && bench.wait(.seconds(10_000)).isEmpty)
    #expect(failures(bench) == ["401 Unauthorized"])
  }

  @Test func `a stale nonce is answered silently, and the CSeq goes on from there (RFC 7616 §3.3, AUTH-03)`() throws {
    func challenge(_ nonce: String, _ stale: String = "") -> String {
      "WWW-Authenticate: Digest realm=\"r\", nonce=\"\(nonce)\", algorithm=MD5, qop=\"auth\"\(stale)"
    }
    let first = try #require(try register(bench, password: "s"))
    bench.answer(first, 401, headers: [challenge("a")])
    bench.answer(bench.take().last, 401, headers: [challenge("b", ", stale=true")])
    let third = try #require(bench.take().last)
    bench.answer(third, 200, headers: [bound(third, 60)])
    let refresh = try #require(bench.wait(.seconds(55)).last)
    #expect(try refresh.cseq().number == first.cseq().number + 3)
    #expect(failures(bench) == [])
  }

  @Test func `a redirected registration goes to the registrar that the 302 names (REG-09)`() throws {
    let first = try #require(try register(bench))
    bench.answer(first, 302, headers: ["Contact: <sip:198.51.100.77:5070>"])
    let second = try #require(bench.takeWithTargets().last)
    #expect(second.to == TransportAddress(IPAddress(v4: 0xC633_644D), port: 5070))
    #expect(second.message.requestURIBytes?.text == "sip:198.51.100.77:5070")
    #expect(second.message.first(.contact) == first.first(.contact))
    bench.answer(second.message, 302, headers: ["Contact: <sip:198.51.100.77:5070>"])
    #expect(bench.take().isEmpty && failures(bench).first?.hasPrefix("302") == true)
  }

  @Test func `one REGISTER at a time: what is asked for meanwhile follows the answer (RFC 3261 §10.2)`() throws {
    let first = try register(bench)
    #expect(try register(bench, expires: 0) == nil)
    bench.answer(first, 200, headers: [bound(first, 100)])
    #expect(bench.take().last?.expires() == 0)
  }
}
