import KallglotPolicy
import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO
import Testing

@testable import Kallglot
@testable import CallControl
@testable import SIPUserAgent

/// A request that is refused changes nothing (RFC 3261 §8.2, §12.2.2).
@Suite struct AtomicRequestTests {
  private let bench = EndpointBench()
  private static let elsewhere = TransportAddress(IPAddress(v4: 0xC000_0263), port: 6000)

  private struct State: Equatable {
    var sequence: UInt32?
    var flow: TransportAddress?
    var target: String?
  }

  private var state: State {
    let agent = bench.endpoint.agent.userAgent
    let path = agent.liveLegs.first.flatMap { agent.conversation($0) }?.path
    return State(
      sequence: path?.dialog?.remoteSequence, flow: path?.flow.remote, target: path?.dialog.map { "\($0.remoteTarget)" })
  }

  @Test(arguments: [
    ("INVITE", 420, ["Require: nothing-we-know"], "application/sdp", EndpointBench.offer),
    ("OPTIONS", 420, ["Require: nothing-we-know"], "", ""), ("BYE", 420, ["Require: nothing-we-know"], "", ""),
    ("INVITE", 415, [], "text/plain", "hello"),
    ("INVITE", 488, [], "application/sdp", EndpointBench.offer.replacing("audio", with: "video")),
    ("INFO", 415, [], "text/plain", "hello"), ("DANCE", 501, [], "", ""), ("MESSAGE", 405, [], "text/plain", "hello"),
    ("NOTIFY", 489, [], "", ""), ("INVITE", 400, ["Record-Route: <sip:a"], "application/sdp", EndpointBench.offer),
  ])
  func `a refused request moves neither CSeq nor flow nor target`(
    method: String, status: Int, headers: [String], type: String, body: String
  ) throws {
    let call = try #require(bench.establish("one"))
    let before = state
    let fields = headers + ["Contact: <sip:moved@192.0.2.99:6000>"]
    let request = bench.inDialog(method, call, sequence: 5, headers: fields, type: type, body: body)
    #expect(bench.send(request, from: Self.elsewhere).statuses == [status])
    #expect(state == before)
    #expect(bench.send(bench.inDialog("OPTIONS", call, sequence: 2)).statuses == [200])
  }

  @Test func `an accepted request moves them together`() throws {
    let call = try #require(bench.establish("one"))
    let request = bench.inDialog(
      "INVITE", call, sequence: 5, headers: ["Contact: <sip:moved@192.0.2.99:6000>"], body: EndpointBench.offer)
    #expect(bench.send(request, from: Self.elsewhere).statuses == [200])
    #expect(state == State(sequence: 5, flow: Self.elsewhere, target: "sip:moved@192.0.2.99:6000"))
    #expect(bench.send(bench.inDialog("OPTIONS", call, sequence: 5)).statuses == [500])
  }

  @Test func `a re-INVITE that meets another gets 491 and moves nothing (RFC 3261 §14.2)`() throws {
    let call = try #require(bench.establish("one"))
    bench.perform(.party(.reinvite(try #require(bench.endpoint.agent.userAgent.liveLegs.first), .refresh)))
    bench.take()
    let before = state
    #expect(bench.send(bench.inDialog("INVITE", call, sequence: 2, body: EndpointBench.offer), from: Self.elsewhere).statuses == [491])
    #expect(state == before)
  }

  @Test func `a request that was refused for its form is none that is being served (RFC 3261 §8.2.2.2)`() throws {
    let broken = bench.request("INVITE", identity: "one", branch: "z9hG4bKa", headers: ["Require: x"], body: EndpointBench.offer)
    #expect(bench.send(broken).statuses == [420])
    #expect(bench.send(bench.request("INVITE", identity: "one", branch: "z9hG4bKb", body: EndpointBench.offer)).last?.status == 200)
    #expect(bench.send(bench.request("INVITE", identity: "one", branch: "z9hG4bKc", body: EndpointBench.offer)).statuses == [482])
  }
}

/// Where requests of a call go, and what Contact says there (contract 8.5, RFC 3261 §12.2.1.1).
@Suite struct RequestWayTests {
  private static let connection = ConnectionID(7)

  private func call(_ policy: Policy, contact: String, uri: String = "sip:sess_demo@sip.kallglot.com", routes: [String] = []) -> (
    bench: EndpointBench, success: SIPMessage?
  ) {
    let bench = EndpointBench(policy)
    bench.connect(Self.connection, from: .init(EndpointBench.caller.address, port: 40_000))
    let fields = ["Contact: <\(contact)>"] + routes.map { "Record-Route: <\($0)>" }
    let invite = bench.request("INVITE", to: uri, identity: "one", transport: "TCP", headers: fields, body: EndpointBench.offer)
    let success = bench.send(invite, on: Self.connection).last
    let tag = (try? success?.to().tag) ?? ""
    bench.send(bench.request("ACK", to: uri, identity: "one", toTag: tag, transport: "TCP"), on: Self.connection)
    bench.forgetWays()
    bench.perform(.party(.hangUpAll))
    return (bench, success)
  }

  @Test(arguments: [
    (Policy.NATContact.flow, "sip:pbx@192.0.2.20", "connection 7", "UDP, the peer is at 192.0.2.20:40000 over TCP: requests go there"),
    (.contact, "sip:pbx@192.0.2.20", "UDP 192.0.2.20:5060", "UDP, the peer is at 192.0.2.20:40000 over TCP: requests still go to Contact"),
    (
      .contact, "sip:pbx@192.0.2.77:5070;transport=tcp", "TCP 192.0.2.77:5070",
      "192.0.2.77, the peer is at 192.0.2.20:40000: requests still go to"
    ),
    (.flow, "sip:pbx@192.0.2.77:5070;transport=tcp", "connection 7", "192.0.2.77, the peer is at 192.0.2.20:40000: requests go there"),
    (.contact, "sip:pbx@192.0.2.20:5070;transport=tcp", "TCP 192.0.2.20:5070", ""),
    (.flow, "sip:pbx@192.0.2.20:5070;transport=tcp", "connection 7", ""),
  ])
  func `natContact does what it says, and a Contact elsewhere is named by address, port and transport`(
    word: Policy.NATContact, contact: String, way: String, told: String
  ) throws {
    let (bench, _) = call(.with { ($0.authentication, $0.natContact) = (.none, word) }, contact: contact)
    #expect(bench.ways == [way])
    #expect(bench.violations == (told.isEmpty ? [] : [.contactElsewhere]))
    #expect(told.isEmpty || bench.violationDetails.first?.contains("Contact names \(told)") == true, "\(bench.violationDetails)")
  }

  @Test(arguments: [Policy.NATContact.flow, .contact])
  func `a proxy that stays in the route is reached over its connection, or where the route says (RFC 3261 §12.2.1.1)`(
    word: Policy.NATContact
  ) {
    let policy = Policy.with { ($0.authentication, $0.natContact) = (.none, word) }
    let elsewhere = "sip:pbx@10.1.2.3:5070"
    #expect(call(policy, contact: elsewhere, routes: ["sip:192.0.2.20:5061;transport=tcp;lr"]).bench.ways == ["connection 7"])
    #expect(call(policy, contact: elsewhere, routes: ["sip:192.0.2.20;lr"]).bench.ways == ["UDP 192.0.2.20:5060"])
    #expect(call(policy, contact: elsewhere, routes: ["sip:192.0.2.9:5060;transport=tcp;lr"]).bench.ways == ["TCP 192.0.2.9:5060"])
  }

  @Test(arguments: [Policy.NATContact.flow, .contact])
  func `an account that registered over TCP with a Contact that means UDP is called as natContact says`(word: Policy.NATContact) {
    let bench = EndpointBench(.with { ($0.authentication, $0.natContact) = (.none, word) })
    bench.connect(Self.connection, from: .init(EndpointBench.caller.address, port: 40_000))
    let register = bench.request("REGISTER", to: "sip:sip.kallglot.com", transport: "TCP", aor: "sip:acme@sip.kallglot.com")
    #expect(bench.send(register, on: Self.connection).statuses == [200])
    bench.forgetWays()
    bench.perform(.callAccount("acme", name: nil))
    #expect(bench.ways == [word == .flow ? "connection 7" : "UDP 192.0.2.20:5060"])
  }

  @Test func `a port that differs on UDP is named, the passing port of a connection is not`() throws {
    let bench = EndpointBench()
    _ = try #require(bench.establish("one", headers: ["Contact: <sip:pbx@192.0.2.20:5080>"]))
    bench.perform(.party(.hangUpAll))
    #expect(bench.violationDetails.first?.contains("Contact names port 5080, the peer is at 192.0.2.20:5060") == true)
  }

  @Test func `natContact is the account's, not the listener's (contract 8.1)`() throws {
    let account = Account(
      name: "acme", username: "acme", password: Secret("s3cret"), policy: .with { ($0.authentication, $0.natContact) = (.none, .contact) })
    let bench = EndpointBench(.open, accounts: [account])
    _ = try #require(bench.establish("one", headers: ["Contact: <sip:pbx@192.0.2.77>"]))
    bench.forgetWays()
    bench.perform(.party(.hangUpAll))
    #expect(bench.ways == ["UDP 192.0.2.77:5060"])
  }

  @Test(
    arguments: [
      ("sips:sess_demo@sip.kallglot.com", "sips:pbx@192.0.2.20", [], "<sips:"),
      ("sip:sess_demo@sip.kallglot.com", "sip:pbx@192.0.2.20", [], "<sip:"),
      ("sip:sess_demo@sip.kallglot.com", "sips:pbx@192.0.2.20", [], "<sips:"),
      ("sip:sess_demo@sip.kallglot.com", "sips:pbx@192.0.2.20", ["sip:192.0.2.20;lr"], "<sip:"),
      ("sip:sess_demo@sip.kallglot.com", "sip:pbx@192.0.2.20", ["sips:192.0.2.20;lr"], "<sips:"),
    ] as [(String, String, [String], String)])
  func `the Contact of a response is a sips URI where the request wants one (RFC 3261 §12.1.1)`(
    uri: String, contact: String, routes: [String], ours: String
  ) {
    #expect(call(.open, contact: contact, uri: uri, routes: routes).success?.text(.contact)?.hasPrefix(ours) == true)
  }

  @Test func `a sips Contact has no transport parameter, and its peer is reached over TLS whatever the flow is (RFC 5630 §3.1.4)`() {
    let (bench, success) = call(.open, contact: "sips:pbx@192.0.2.20", uri: "sips:sess_demo@sip.kallglot.com")
    #expect(success?.text(.contact) == "<sips:sess_demo@198.51.100.10>")
    #expect(bench.violations.contains(.requestContactSecure) == false)
    let (other, _) = call(.open, contact: "sip:pbx@192.0.2.20;transport=tcp", uri: "sips:sess_demo@sip.kallglot.com")
    #expect(other.violations.first == .requestContactSecure, "the breach is named")
  }
}
