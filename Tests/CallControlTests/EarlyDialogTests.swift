import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO
import Testing

@testable import CallControl
@testable import SIPUserAgent

/// What a callee may and may not send before its 2xx.
@Suite struct EarlyDialogTests {
  private let bench = CallAgentBench()

  private var violations: [PeerViolation.Rule] { bench.violations }

  @Test func `BYE of the callee in its early dialog gets 200, ends the call, cancels the INVITE and is named (RFC 3261 §15)`() throws {
    let invite = try bench.dial()
    bench.answer(invite, 180, tag: "a")
    bench.request("BYE", in: invite, tag: "a", sequence: 1)
    let sent = bench.take()
    #expect(sent.words == ["200", "CANCEL"])
    #expect(bench.ends == [.hungUpByPeer])
    #expect(violations == [.byeInEarlyDialog])
    bench.answer(sent.last, 200)
    bench.answer(invite, 487, tag: "a")
    #expect(bench.take().words == ["ACK"])
    bench.wait(.seconds(70))
    #expect(bench.leftovers == [])
  }

  @Test func `a 200 that crosses the CANCEL is acknowledged and hung up, again when it comes again (RFC 3261 §13.2.2.4)`() throws {
    let invite = try bench.dial()
    bench.answer(invite, 180, tag: "a")
    bench.request("BYE", in: invite, tag: "a", sequence: 1)
    bench.take()
    bench.answer(invite, 200, tag: "a", body: CallAgentBench.answer)
    #expect(bench.take().words == ["ACK", "BYE"])
    bench.answer(invite, 200, tag: "a", body: CallAgentBench.answer)
    #expect(bench.take().words == ["ACK"])
    #expect(bench.ends == [.hungUpByPeer])
    bench.wait(.seconds(70))
    #expect(bench.leftovers == [])
  }

  @Test func `an INVITE that never gets its final response is given up 64·T1 after the CANCEL (RFC 3261 §9.1)`() throws {
    let invite = try bench.dial()
    bench.answer(invite, 180, tag: "a")
    bench.request("BYE", in: invite, tag: "a", sequence: 1)
    bench.wait(.seconds(70))
    #expect(bench.leftovers == [])
    let other = CallAgentBench()
    let second = try other.dial()
    other.answer(second, 180, tag: "a")
    other.perform(.cancel(try #require(other.leg)))
    other.wait(.seconds(70))
    #expect(other.ends == [.cancelledHere])
    #expect(other.leftovers == [], "the same after a CANCEL that nobody answers")
  }

  @Test func `of several early dialogs the others ring on (RFC 3261 §12.1, §13.2.2.4)`() throws {
    let invite = try bench.dial()
    bench.answer(invite, 180, tag: "a")
    bench.answer(invite, 180, tag: "b")
    bench.request("BYE", in: invite, tag: "a", sequence: 1)
    #expect(bench.take().words == ["200"])
    #expect(bench.ends == [])
    bench.answer(invite, 200, tag: "b", body: CallAgentBench.answer)
    #expect(bench.take().words == ["ACK"])
    #expect(bench.isUp)
  }

  @Test func `a BYE with a tag that no provisional had gets 481, an INVITE in an early dialog 491 (RFC 3261 §12.2.2, §14.2)`() throws {
    let invite = try bench.dial()
    bench.answer(invite, 180, tag: "a")
    let agent = bench.agent.userAgent
    bench.request("INVITE", in: invite, tag: "a", sequence: 4, body: CallAgentBench.answer)
    #expect(bench.take().words == ["491"])
    let caller = try #require(bench.leg.flatMap { agent.conversation($0) } as? CallerConversation)
    #expect(caller.early.isInOrder(4, in: "a"), "what was refused does not count")
    #expect(!caller.early.contains("x"))
    #expect(bench.ends == [])
  }
}

/// Calls to sips URIs (RFC 3261 §8.1.1.8, §12.1.1, §8.1.3.4).
@Suite struct SecureCallTests {
  private let bench = CallAgentBench()

  /// Calls below the agent, which would not send it over UDP: what is tried here is what is written.
  private func dial(_ uri: String, _ bench: CallAgentBench) throws -> (leg: LegID, invite: SIPMessage) {
    let (user, to) = (bench.agent.userAgent, try SIPURI(parsing: uri))
    let call = OutgoingCall(
      requestURI: to, target: SIPTarget(transport: .udp, address: CallAgentBench.peer), from: bench.agent.configuration.aor,
      to: NameAddress(uri: to), body: Bytes(CallAgentBench.answer))
    let id = user.reserveLeg()
    bench.run { now, out in _ = user.call(call, as: id, at: now, &out) }
    return (id, try #require(bench.take().first))
  }

  @Test func `a sips URI is not called, registered at or asked over UDP or TCP, and the reason says so (RFC 3261 §26.2.2)`() throws {
    let reason = { (place: String) in
      "a request for a sips URI is sent over TLS alone, and \(place) is not TLS (RFC 3261 §26.2.2)"
    }
    let uri = try SIPURI(parsing: "sips:x@198.51.100.10")
    #expect(try bench.dial("sips:x@198.51.100.10") == nil)
    #expect(bench.ends == [.transportFailed])
    let stream = SIPTarget(transport: .tcp, address: CallAgentBench.peer)
    bench.perform(.options(to: NextHop(stream), uri: uri))
    bench.perform(.register(RegisterRequest(registrar: uri, target: stream, aor: NameAddress(uri: uri))))
    #expect(bench.take().isEmpty)
    let said = bench.events.compactMap { if case .serversFailed(_, let reason) = $0 { reason } else { nil } }
    #expect(said == [reason("198.51.100.10:5060 over UDP"), reason("198.51.100.10:5060 over TCP"), reason("198.51.100.10:5060 over TCP")])
  }

  @Test func `the INVITE for a sips URI has a sips Contact, and so has our re-INVITE; a 200 with another is named (RFC 3261 §12.1.1)`()
    throws
  {
    let (leg, invite) = try dial("sips:sess_demo@198.51.100.10", bench)
    #expect(invite.first(.contact)?.text == "<sips:pbx@192.0.2.20>")
    bench.answer(invite, 200, body: CallAgentBench.answer)
    #expect(bench.violations == [.responseContactSecure])
    bench.take()
    bench.run { now, out in bench.agent.userAgent.reinvite(leg, body: Bytes(CallAgentBench.answer), at: now, &out) }
    let again = try #require(bench.take().first)
    #expect(again.method == .invite && again.first(.contact)?.text == "<sips:pbx@192.0.2.20>", "the dialog is secure (§12.2.1.1)")
    bench.answer(again, 200, body: CallAgentBench.answer, contact: "sips:uas@198.51.100.10")
    bench.run { now, out in bench.agent.userAgent.acknowledge(leg, body: Bytes(), at: now, &out) }
    bench.answer(again, 200, body: CallAgentBench.answer, contact: "sips:uas@198.51.100.10")
    #expect(bench.violations == [.responseContactSecure, .contactElsewhere], "a sips URI means TLS, and the peer is there by UDP")
  }

  @Test func `a sip URI has a sip Contact, and a sips one in the 200 is no breach`() throws {
    let invite = try #require(try bench.dial())
    #expect(invite.first(.contact)?.text.hasPrefix("<sip:") == true)
    bench.answer(invite, 200, body: CallAgentBench.answer, contact: "sips:uas@198.51.100.10")
    #expect(!bench.violations.contains(.responseContactSecure))
  }

  @Test func `a redirection to a sips URI goes over TLS with a sips Contact; one from sips to sip is not followed (RFC 3261 §8.1.3.4)`()
    throws
  {
    bench.answer(try bench.dial(), 302, headers: ["Contact: <sips:uas@198.51.100.11>, <sips:uas@198.51.100.12;transport=tcp>"])
    #expect(bench.opened.last?.to == TransportAddress(IPAddress(v4: 0xC633_640B), port: 5061))
    let other = CallAgentBench()
    other.answer(try dial("sips:x@198.51.100.10", other).invite, 302, headers: ["Contact: <sip:uas@198.51.100.11>"])
    #expect(other.ends == [.refused(status: 302)])
  }

  @Test func `a registration of a sips address of record has a sips Contact (RFC 3261 §10.2.1)`() throws {
    let aor = NameAddress(uri: try SIPURI(parsing: "sips:acme@sip.kallglot.com"))
    let register = OutOfDialogRequest(
      .register, to: SIPTarget(transport: .udp, address: CallAgentBench.peer), uri: try SIPURI(parsing: "sips:198.51.100.10"), from: aor,
      to: aor)
    bench.run { now, out in _ = bench.agent.userAgent.send(register, at: now, &out) }
    #expect(bench.take().last?.first(.contact)?.text == "<sips:acme@192.0.2.20>")
  }

  @Test(arguments: [
    ("sip:a@192.0.2.1", SIPTransportProtocol.udp), ("sip:a@192.0.2.1;transport=TCP", .tcp), ("sips:a@192.0.2.1", .tls),
    ("sips:a@192.0.2.1;transport=tcp", .tls), ("sip:a@192.0.2.1;transport=tls", .tls), ("sips:a@192.0.2.1;transport=ws", .wss),
    ("sip:a@192.0.2.1;transport=sctp", nil),
  ])
  func `a URI means a transport (RFC 3263 §4.1, RFC 3261 §26.2.2)`(uri: String, transport: SIPTransportProtocol?) throws {
    #expect(try SIPURI(parsing: uri).transport == transport)
  }
}
