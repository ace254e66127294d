import KallglotPolicy
import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO
import Testing

@testable import Kallglot

/// Each rule alone, without an endpoint around it.
@Suite struct AdmissionRuleTests {
  private func flow(_ transport: SIPTransportProtocol = .udp, from source: String = "192.0.2.20") throws -> Flow {
    Flow(
      transport: transport, local: TransportAddress(try #require(IPAddress("198.51.100.10")), port: 5060),
      remote: TransportAddress(try #require(IPAddress(source)), port: 5060), path: .port(PortID(1)))
  }

  private func request(_ method: SIPMethod = .invite, _ flow: Flow, to uri: String = "sip:+49@sip.kallglot.com") throws -> AdmissionRequest
  {
    AdmissionRequest(method: method, flow: flow, target: try SIPURI(parsing: uri), targetText: Bytes(uri))
  }

  private func context(_ change: (inout Policy) -> Void = { _ in }) -> AdmissionContext {
    var policy = Policy.standard
    change(&policy)
    return AdmissionContext(place: EndpointPlace(domain: "sip.kallglot.com", listeners: []), policy: policy)
  }

  @Test func `the steps are asked in the order of contract 8.1`() throws {
    let rules = AdmissionOrder.access + [DigestRule.self] + AdmissionOrder.call + AdmissionOrder.reception
    let request = try request(.invite, try flow())
    let steps = rules.map { $0.check(request, context()).rule }
    #expect(
      steps == [
        .transport, .requireTLS, .allowlist, .sipAccess, .authentication, .organization, .session, .concurrency, .mediaPort, .description,
      ])
  }

  @Test(arguments: [(SIPTransportProtocol.udp, false), (.tcp, false), (.tls, true), (.ws, false), (.wss, true)])
  func `Require TLS lets encrypted signalling pass (contract 8.1, step 2)`(transport: SIPTransportProtocol, passes: Bool) throws {
    let request = try request(.invite, try flow(transport))
    #expect((RequireTLSRule.check(request, context { $0.requireTLS = true }).verdict == .passed) == passes)
    #expect(RequireTLSRule.check(request, context()).verdict == .passed)
  }

  @Test func `a trunk has no WebSocket, whatever its policy lists (contract 8.1, step 1)`() throws {
    for transport in [SIPTransportProtocol.ws, .wss] {
      #expect(TransportRule.check(try request(.invite, try flow(transport)), context()).verdict == .refused(status: 403))
    }
  }

  @Test func `the allowlist judges the address of the socket (contract 8.1, step 3)`() throws {
    let list = [try #require(AddressRange("192.0.2.0/24"))]
    for (source, verdict) in [("192.0.2.20", PolicyDecision.Verdict.passed), ("198.51.100.20", .refused(status: 403))] {
      #expect(AllowlistRule.check(try request(.invite, try flow(from: source)), context { $0.allow = list }).verdict == verdict)
    }
    let strangers = try request(.invite, try flow(from: "198.51.100.20"))
    #expect(AllowlistRule.check(strangers, context { ($0.allow, $0.allowlistRefusal) = (list, .drop) }).verdict == .dropped)
  }

  @Test(arguments: [
    (DigestVerdict.noCredentials, PolicyDecision.Verdict.challenged), (.staleNonce, .challenged), (.unknownNonce, .challenged),
    (.replayed, .challenged), (.wrongCredentials(.unknownUser), .refused(status: 403)), (.accepted(username: "acme"), .passed),
  ])
  func `no or old credentials are challenged, wrong ones refused (contract 8.1, step 5)`(
    verdict: DigestVerdict, expected: PolicyDecision.Verdict
  ) throws {
    var context = context()
    context.proof = .verdict(verdict, Account(name: "acme", username: "acme", password: Secret("s3cret")))
    #expect(DigestRule.check(try request(.invite, try flow()), context).verdict == expected)
  }

  @Test(arguments: [
    ("sip:sess_a@sip.kallglot.com", SessionCore<LegID>.Lookup.found, PolicyDecision.Verdict.passed),
    ("sip:sess_a@sip.kallglot.com", .unknown, .refused(status: 404)), ("sip:sess_a@sip.kallglot.com", .ended, .refused(status: 410)),
    ("sip:sess_a@sip.kallglot.com", .full, .refused(status: 486)), ("sip:sess_a@elsewhere.example", .found, .refused(status: 404)),
  ])
  func `a session that cannot be joined is refused with what is wrong with it (contract 8.1, step 7)`(
    uri: String, lookup: SessionCore<LegID>.Lookup, verdict: PolicyDecision.Verdict
  ) throws {
    var context = context()
    context.session = .named("sess_a", lookup)
    #expect(SessionRule.check(try request(.invite, try flow(), to: uri), context).verdict == verdict)
  }

  @Test(arguments: [(9, PolicyDecision.Verdict.passed), (10, .refused(status: 503)), (11, .refused(status: 503))])
  func `the cap is the number of calls that may be up (contract 8.1, step 8)`(calls: Int, verdict: PolicyDecision.Verdict) throws {
    var context = context { ($0.maxConcurrentCalls, $0.capReachedStatus) = (10, 503) }
    context.calls = calls
    #expect(ConcurrencyRule.check(try request(.invite, try flow()), context).verdict == verdict)
  }

  @Test(arguments: [
    ("sip:acme@sip.kallglot.com", PolicyDecision.Verdict.passed), ("sip:%61cme@sip.kallglot.com", .passed),
    ("sip:other@sip.kallglot.com", .refused(status: 403)), ("sip:acme@elsewhere.example", .refused(status: 404)),
  ])
  func `a REGISTER makes the bindings of its own account in our domain (contract 8.2)`(uri: String, verdict: PolicyDecision.Verdict) throws
  {
    var context = context()
    context.account = Account(name: "acme", username: "acme", password: Secret("s3cret"))
    let request = try request(.register, try flow(), to: "sip:sip.kallglot.com")
    #expect(RegistrationRule.check(request, context, addressOfRecord: try SIPURI(parsing: uri)).verdict == verdict)
  }

  @Test func `an account is found by name and by username, the first where two have the same`() {
    let table = AccountTable([
      Account(name: "a", username: "one", password: Secret("x")), Account(name: "b", username: "two", password: Secret("x")),
      Account(name: "c", username: "one", password: Secret("x")),
    ])
    #expect(table["b"]?.username == "two" && table.account(username: "one")?.name == "a" && table.account(username: "b") == nil)
    #expect(table.only == nil && AccountTable([Account(name: "a", username: "one", password: Secret("x"))]).only?.name == "a")
  }
}
