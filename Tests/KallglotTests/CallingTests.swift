import CallControl
import KallglotPolicy
import LabBench
import SIPMessage
import SansIO
import Testing

@testable import Kallglot

/// Calls that the endpoint places itself, and what it tells of the peer's reasons.
@Suite struct CallingTests {
  /// An endpoint without accounts of its own or authentication, for any domain.
  private static func bench(answerDelay: Duration = .zero) -> EndpointBench {
    let policy = Policy.with { ($0.authentication, $0.anyDomain) = (.none, true) }
    let bench = EndpointBench(policy, accounts: [], sessions: [], answerDelay: answerDelay)
    bench.forgetEvents()
    return bench
  }

  /// The INVITE to an account that has registered this Contact.
  private func invite(to contact: String) throws -> Bench<KallglotEndpoint>.Sent? {
    let bench = Self.bench()
    bench.send(bench.request("REGISTER", to: "sip:198.51.100.10", headers: ["Contact: <\(contact)>"], aor: "sip:acme@198.51.100.10"))
    bench.perform(.callAccount("acme", name: nil))
    return bench.takeSent().first { $0.message?.method == .invite }
  }

  @Test func `an account is called at its whole Contact, parameters included (RFC 3261 §16.5)`() throws {
    let call = try #require(try invite(to: "sip:acme@192.0.2.20:5070;line=abcdefg"))
    #expect(call.message?.requestURIBytes?.text == "sip:acme@192.0.2.20:5070;line=abcdefg")
    #expect(call.to == TransportAddress(EndpointBench.caller.address, port: 5070))
  }

  @Test func `a Contact that is not where the REGISTER came from is called where that was (contract 8.5, natContact)`() throws {
    let call = try #require(try invite(to: "sip:acme@192.168.0.9:5070"))
    #expect(call.message?.requestURIBytes?.text == "sip:acme@192.168.0.9:5070")
    #expect(call.to == EndpointBench.caller)
  }

  @Test func `a Contact that names a host is called where its REGISTER came from`() throws {
    #expect(try invite(to: "sip:acme@pbx.example.com")?.to == EndpointBench.caller)
  }

  @Test func `an account that is not registered is not called, and that is told`() {
    let bench = Self.bench()
    bench.perform(.callAccount("acme", name: nil))
    #expect(bench.events == [.notCalled(account: "acme", reason: "it has no registered contact")])
    #expect(bench.take().isEmpty)
  }

  @Test func `the Reason of a CANCEL is told before the end (RFC 3326 §2)`() throws {
    let bench = Self.bench(answerDelay: .seconds(1))
    let called = "sip:b@198.51.100.10"
    bench.send(bench.request("INVITE", to: called, identity: "one", branch: "z9hG4bK7", body: EndpointBench.offer))
    bench.send(
      bench.request(
        "CANCEL", to: called, identity: "one", branch: "z9hG4bK7",
        headers: ["no Contact", "Reason: Q.850;cause=16;text=\"bye, now\"", "Reason: SIP;cause=200"]))
    let reasons = bench.events.compactMap { if case .party(.reason(_, let text)) = $0 { text } else { nil } }
    #expect(reasons == ["Q.850;cause=16;text=\"bye, now\", SIP;cause=200"])
    guard case .party(.ended(_, .cancelledByPeer, _))? = bench.events.last else {
      Issue.record("the leg ended by CANCEL: \(bench.events)")
      return
    }
  }
}
