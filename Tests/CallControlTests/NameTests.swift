import SIPMessage
import SIPTransport
import SansIO
import Testing

@testable import CallControl

/// Requests whose next hop is a name: contacts of a 3xx, Record-Route and Contact of a dialog (RFC 3263 §4).
@Suite struct NameTests {
  private let bench = CallAgentBench()
  private let first = TransportAddress(IPAddress(v4: 0xC633_640B), port: 5_080)  // 198.51.100.11
  private let second = TransportAddress(IPAddress(v4: 0xC633_640C), port: 5_080)  // 198.51.100.12

  private var failures: [String] {
    bench.events.compactMap { if case .serversFailed(_, let reason) = $0 { reason } else { nil } }
  }

  private func addServers(of domain: String) {
    bench.add("a.example.com", first.address, service: "_sip._udp.\(domain)", port: first.port)
    bench.add("b.example.com", second.address, service: "_sip._udp.\(domain)", port: second.port)
  }

  /// Up, with a Record-Route; the ACK.
  private func establish(_ headers: [String], on bench: CallAgentBench) throws -> (message: SIPMessage, to: TransportAddress?)? {
    bench.answer(try bench.dial(), 200, headers: headers, body: CallAgentBench.answer)
    return bench.takeWithTargets().last
  }

  @Test func `an INVITE follows a 302 to the servers of a name, one after the other (RFC 3261 §8.1.3.4, RFC 3263 §4.3)`() throws {
    addServers(of: "trunk.example.com")
    let invite = try #require(try bench.dial())
    bench.answer(invite, 302, headers: ["Contact: <sip:x@trunk.example.com>"])
    let there = try #require(bench.takeWithTargets().last)
    #expect(there.to == first && there.message.requestURIBytes?.text == "sip:x@trunk.example.com")
    #expect(try there.message.cseq().number == invite.cseq().number + 1)
    bench.answer(there.message, 503, tag: "a", from: first)
    let again = try #require(bench.takeWithTargets().last)
    #expect(again.to == second && again.message.method == .invite)
    bench.answer(again.message, 200, body: CallAgentBench.answer, from: second)
    #expect(bench.isUp && failures.isEmpty)
  }

  @Test func `a contact that is nobody's name is passed over, and ends the call where it is the last (RFC 3263 §4.2)`() throws {
    bench.answer(try bench.dial(), 302, headers: ["Contact: <sip:x@nowhere.example.com>;q=0.9, <sip:x@198.51.100.11>;q=0.1"])
    let next = try #require(bench.takeWithTargets().last)
    #expect(next.to?.address == first.address && bench.ends.isEmpty)
    #expect(failures == ["no server was found for nowhere.example.com: nowhere.example.com does not exist"])
    let other = CallAgentBench()
    other.answer(try other.dial(), 302, headers: ["Contact: <sip:x@nowhere.example.com>"])
    #expect(other.take().words == ["ACK"] && other.ends == [.transportFailed])
  }

  @Test func `a call that is cancelled while its contact is looked up is over at once, and nothing is sent there (RFC 3261 §9.1)`() throws {
    addServers(of: "trunk.example.com")
    for hasRung in [false, true] {
      let bench = CallAgentBench()
      (bench.names, bench.holdsNames) = (self.bench.names, true)
      let invite = try bench.dial()
      let leg = try #require(bench.leg)
      if hasRung { bench.answer(invite, 180) }
      bench.answer(invite, 302, headers: ["Contact: <sip:x@trunk.example.com>"])
      _ = bench.take()
      bench.perform(.cancel(leg))
      #expect(bench.ends == [.cancelledHere])
      bench.answerNames()
      #expect(bench.take().isEmpty)
      bench.wait(.seconds(70))
      #expect(bench.leftovers == [])
    }
  }

  @Test func `the ACK goes to the server of a Record-Route that is a name, and so does the BYE (RFC 3261 §12.2.1.1, §13.2.2.4)`() throws {
    addServers(of: "proxy.example.com")
    let ack = try #require(try establish(["Record-Route: <sip:proxy.example.com;lr>"], on: bench))
    #expect(ack.message.method == .ack && ack.to == first)
    bench.perform(.hangUp(try #require(bench.leg)))
    let bye = try #require(bench.takeWithTargets().last)
    #expect(bye.message.method == .bye && bye.to == first && bye.message.first(.route)?.text == "<sip:proxy.example.com;lr>")
    bench.answer(bye.message, 200, from: first)
    #expect(bench.ends == [.hungUpHere])
  }

  @Test func `a 2xx that comes again while its route is looked up gets one ACK (RFC 3261 §13.2.2.4)`() throws {
    addServers(of: "proxy.example.com")
    bench.holdsNames = true
    let invite = try bench.dial()
    for _ in 1...3 { bench.answer(invite, 200, headers: ["Record-Route: <sip:proxy.example.com;lr>"], body: CallAgentBench.answer) }
    #expect(bench.take().isEmpty)
    bench.perform(.hangUp(try #require(bench.leg)))
    #expect(bench.take().isEmpty)
    bench.answerNames()
    #expect(bench.take().words == ["ACK", "BYE"])
  }

  @Test func `a call whose ACK has no server is over at once, with the name (RFC 3263 §4.2)`() throws {
    #expect(try establish(["Record-Route: <sip:nowhere.example.com;lr>"], on: bench) == nil)
    #expect(bench.ends == [.transportFailed])
    #expect(failures == ["no server was found for nowhere.example.com: nowhere.example.com does not exist"])
  }

  @Test func `a request within a dialog goes to the next server where one fails, and the next request as well (RFC 3263 §4.3)`() throws {
    addServers(of: "proxy.example.com")
    _ = try establish(["Record-Route: <sip:proxy.example.com;lr>"], on: bench)
    bench.perform(.reinvite(try #require(bench.leg), .hold(.sendonly)))
    bench.answer(bench.take().last, 503, from: first)
    let again = try #require(bench.takeWithTargets().last)
    #expect(again.message.method == .invite && again.to == second)
    bench.answer(
      again.message, 200, body: CallAgentBench.answer.replacing("sendrecv", with: "recvonly").replacing("uas 1 1", with: "uas 1 2"),
      from: second)
    #expect(bench.session?.agreement.direction == .sendonly)
    #expect(bench.takeWithTargets().last?.to == second)
    bench.perform(.hangUp(try #require(bench.leg)))
    #expect(bench.takeWithTargets().last?.to == second)
    bench.wait(.seconds(33))
    #expect(bench.ends == [.hungUpHere])
    #expect(failures.last?.hasPrefix("none of 2 servers took the request: 198.51.100.11:5080 over UDP: ") == true)
  }

  @Test func `without a Route a Contact that is a name is looked up where the flow is not preferred (contract 8.5)`() throws {
    for prefersFlow in [true, false] {
      let bench = CallAgentBench(prefersFlow: prefersFlow)
      bench.add("phone.example.com", first.address)
      bench.answer(try bench.dial(), 200, body: CallAgentBench.answer, contact: "sip:uas@phone.example.com:5080")
      #expect(bench.takeWithTargets().last?.to == (prefersFlow ? CallAgentBench.peer : first))
    }
  }

  @Test func `a 2xx of another branch is acknowledged and ended at the server of its Contact (RFC 3261 §13.2.2.4)`() throws {
    let bench = CallAgentBench(prefersFlow: false)
    bench.add("phone.example.com", first.address)
    let invite = try bench.dial()
    bench.answer(invite, 200, tag: "one", body: CallAgentBench.answer)
    _ = bench.take()
    bench.answer(invite, 200, tag: "two", body: CallAgentBench.answer, contact: "sip:uas@phone.example.com:5080")
    let sent = bench.takeWithTargets()
    #expect(sent.map(\.message).words == ["ACK", "BYE"] && sent.allSatisfy { $0.to == first })
    #expect(bench.isUp)
  }
}
