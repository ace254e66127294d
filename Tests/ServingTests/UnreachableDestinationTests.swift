import Foundation
import CallControl
import SIPMessage
import SIPTransport
import SansIO
import Testing

@testable import LiveNetwork
@testable import Serving

/// What a peer's bytes may choose as a destination, on the kernel's own sockets.
@Suite(.serialized, .timeLimit(.minutes(15))) struct UnreachableDestinationTests {
  private func run(sendsMedia: Bool = false, _ body: (FaultBench) async throws -> Void) async throws {
    let bench = try await FaultBench(sendsMedia: sendsMedia)
    try await body(bench)
    #expect(bench.pingsByDatagram() && bench.pingsByStream())
    await bench.calls.settle(at: bench.baseline)
    try await bench.stop()
  }

  @Test func `a Via with port 0 gets 400 at the source port, and the listener lives (contract 8.7)`() async throws {
    try await run { bench in
      let peer = PlainPeer()
      let zero = TransportAddress(IPAddress(v4: 0xC000_0201), port: 0)
      bench.send(bench.dialogue(zero).request("OPTIONS"), from: peer)
      #expect(peer.status() == 400)
    }
  }

  @Test(arguments: ["Contact: <sip:peer@127.0.0.1:0>", "Record-Route: <sip:192.0.2.9:0;lr>"])
  func `a URI with port 0 that we would send to gets 400 (contract 8.7)`(field: String) async throws {
    try await run { bench in
      let peer = PlainPeer()
      bench.invite(bench.dialogue(peer.address), from: peer, headers: [field])
      #expect(peer.status() == 400)
    }
  }

  @Test(arguments: ["192.0.2.9", "255.255.255.255"])
  func `a route that nothing can be sent to fails our BYE alone, and the leg hears of it`(address: String) async throws {
    try await run { bench in
      let peer = PlainPeer()
      #expect(bench.establish(peer, headers: ["Record-Route: <sip:\(address);lr>"]) != nil)
      bench.hangUpAll()
      let event = await bench.next { if case .socketFailed(_, let failure) = $0 { failure.subject == .request(.bye) } else { false } }
      guard case .socketFailed(let leg?, let failure)? = event else {
        Issue.record("\(String(describing: event))")
        return
      }
      #expect(leg.rawValue == 1 && failure.act == .send && failure.remote?.port == 5060)
      _ = await bench.next { if case .ended = $0 { true } else { false } }
    }
  }

  @Test func `the capture of a call names what was not sent, beside the frames of what was`() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "not-sent-\(UInt64.random(in: 0 ... .max))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let captures = CallCaptures(folder: folder.path, host: "kallglot", epoch: Epoch(unixSeconds: 0))
    let bench = try await FaultBench(sinks: [captures])
    #expect(bench.establish(PlainPeer(), headers: ["Record-Route: <sip:192.0.2.9;lr>"]) != nil)
    bench.hangUpAll()
    _ = await bench.next { if case .ended = $0 { true } else { false } }
    try await bench.stop()
    captures.finish(at: bench.driver.clock.now)
    let name = try #require(try FileManager.default.contentsOfDirectory(atPath: folder.path).first { $0.hasPrefix("call-") })
    let text = String(decoding: try Data(contentsOf: folder.appending(path: name)), as: UTF8.self)
    #expect(text.contains("BYE to 192.0.2.9:5060 was not sent: E") && text.contains("SIP/2.0 200 OK"))
    #expect(!text.contains("BYE sip:"))
  }

  @Test(arguments: ["192.0.2.9", "255.255.255.255"])
  func `media to an address that nothing can be sent to is reported once, not counted, and the call stays up`(address: String) async throws
  {
    try await run(sendsMedia: true) { bench in
      let peer = PlainPeer()
      let media = try #require(IPAddress(address))
      var dialog = try #require(bench.establish(peer, media: media))
      let event = await bench.next { if case .socketFailed = $0 { true } else { false } }
      guard case .socketFailed(let leg?, let failure)? = event else {
        Issue.record("\(String(describing: event))")
        return
      }
      #expect(leg.rawValue == 1 && failure.act == .send && failure.subject == .rtp(payloadType: 0))
      bench.send(dialog.bye(), from: peer)
      #expect(peer.status() == 200)
      var others = 0
      let end = await bench.next { event in
        if case .socketFailed(_, let failure) = event, failure.subject == .rtp(payloadType: 0) { others += 1 }
        if case .ended = event { return true }
        return false
      }
      guard case .ended(_, .hungUpByPeer, let report)? = end else {
        Issue.record("\(String(describing: end))")
        return
      }
      #expect(report?.packetsSent == 0 && report?.octetsSent == 0 && others == 0)
    }
  }

  @Test func `a redirection to where nothing can be sent costs no time: the next place is called (RFC 3261 §8.1.3.4)`() async throws {
    try await run { bench in
      let (first, second) = (PlainPeer(), PlainPeer())
      let uri = try SIPURI(parsing: "sip:x@\(first.address)")
      let target = SIPTarget(transport: .udp, address: first.address)
      bench.driver.command { now, out in bench.endpoint.perform(.party(.call(CallRequest(uri: uri, target: target))), at: now, &out) }
      let invite = try #require(first.message { $0.method == .invite })
      try first.answer(
        invite, 302, headers: ["Contact: <sip:x@192.0.2.9>;q=0.9, <sip:x@127.0.0.1:0>;q=0.8, <sip:x@\(second.address)>;q=0.1"])
      let next = try #require(second.message { $0.method == .invite })
      #expect(await bench.failure()?.remote?.address == IPAddress(v4: 0xC000_0209))
      #expect(await bench.failure()?.remote?.port == 0)
      try second.answer(next, 486)
      _ = await bench.next { if case .ended = $0 { true } else { false } }
    }
  }

  // MARK: - ICMP

  @Test func `a call to a UDP port that nobody listens on ends at once by ICMP, not by Timer B (RFC 3261 §18.4)`() async throws {
    try await run { bench in
      let began = bench.driver.clock.now
      let uri = try SIPURI(parsing: "sip:x@127.0.0.1:9")
      let target = SIPTarget(transport: .udp, address: TransportAddress(.loopbackV4, port: 9))
      bench.driver.command { now, out in bench.endpoint.perform(.party(.call(CallRequest(uri: uri, target: target))), at: now, &out) }
      let failure = await bench.failure()
      #expect(failure?.act == .unreachable && failure?.error == .connectionRefused && failure?.remote == target.address)
      let event = await bench.next { if case .ended = $0 { true } else { false } }
      guard case .ended(_, .transportFailed, _)? = event else {
        Issue.record("\(String(describing: event))")
        return
      }
      #expect(began.duration(to: bench.driver.clock.now) < .seconds(16), "half of Timer B")
    }
  }

  @Test func `an ICMP error ends no call that is up: RTP to a closed port is reported, BYE is answered`() async throws {
    try await run(sendsMedia: true) { bench in
      let peer = PlainPeer()
      var dialog = try #require(bench.establish(peer))
      let event = await bench.next { if case .socketFailed = $0 { true } else { false } }
      guard case .socketFailed(let leg?, let failure)? = event else {
        Issue.record("\(String(describing: event))")
        return
      }
      #expect(leg.rawValue == 1 && failure.act == .unreachable && failure.remote?.port == 9)
      bench.send(dialog.bye(), from: peer)
      #expect(peer.status() == 200)
    }
  }

  @Test func `forty calls leave the descriptors of the start`() async throws {
    try await run { bench in
      for _ in 0..<40 {
        let peer = PlainPeer()
        var dialog = try #require(bench.establish(peer))
        bench.send(dialog.bye(), from: peer)
        #expect(peer.status() == 200)
      }
    }
  }
}
