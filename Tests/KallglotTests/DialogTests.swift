import SDP
import SIPMessage
import SIPUserAgent
import SansIO
import Testing

@testable import Kallglot
@testable import CallControl

/// The called side of calls, seen from the wire.
@Suite struct DialogTests {
  private let bench = EndpointBench()

  private func offer(_ direction: String, version: Int, address: String = "192.0.2.20", media: String = "audio 4000 RTP/AVP 0 8") -> String
  {
    "v=0\r\no=pbx 1 \(version) IN IP4 192.0.2.20\r\ns=-\r\nc=IN IP4 \(address)\r\nt=0 0\r\nm=\(media)\r\na=\(direction)\r\n"
  }

  private func description(_ message: SIPMessage?) throws -> SessionDescription { try SessionDescription.parse(try #require(message).body) }

  @Test(arguments: [
    ("sendonly", "192.0.2.20", MediaDirection.recvonly), ("inactive", "192.0.2.20", .inactive), ("sendrecv", "0.0.0.0", .recvonly),
  ])
  func `hold by sendonly, inactive and 0.0.0.0 is answered with its counterpart, and resumed (HOLD-01, contract 8.4)`(
    form: String, address: String, answer: MediaDirection
  ) throws {
    let call = try #require(bench.establish("one"))
    let held = bench.send(bench.inDialog("INVITE", call, sequence: 2, body: offer(form, version: 2, address: address)))
    #expect(try description(held.last).media[0].direction == answer)
    bench.send(bench.inDialog("ACK", call, sequence: 2))
    let resumed = bench.send(bench.inDialog("INVITE", call, sequence: 3, body: offer("sendrecv", version: 3)))
    #expect(try description(resumed.last).media[0].direction == .sendrecv)
  }

  @Test
  func `an empty re-INVITE is answered with an offer of all codecs, numbers kept, sendrecv though we were held (contract 8.4, OA-10)`()
    throws
  {
    let invite = bench.send(
      bench.invite(
        to: "sip:1@sip.kallglot.com", identity: "one",
        body: offer(
          "sendrecv", version: 1, media: "audio 4000 RTP/AVP 96 100\r\na=rtpmap:96 PCMA/8000\r\na=rtpmap:100 telephone-event/8000")))
    let call = EndpointBench.Call(identity: "one", tag: try #require(try invite.last?.to().tag), contact: "")
    bench.send(bench.inDialog("ACK", call, sequence: 1))
    bench.send(
      bench.inDialog(
        "INVITE", call, sequence: 2,
        body: offer(
          "inactive", version: 2, media: "audio 4000 RTP/AVP 96 100\r\na=rtpmap:96 PCMA/8000\r\na=rtpmap:100 telephone-event/8000")))
    bench.send(bench.inDialog("ACK", call, sequence: 2))
    let empty = try #require(bench.send(bench.inDialog("INVITE", call, sequence: 3)).last)
    let ours = try description(empty)
    #expect(empty.status == 200)
    #expect(ours.media[0].direction == .sendrecv)
    #expect(ours.media[0].formats == ["111", "9", "0", "96", "100", "110"])
    #expect(
      bench.send(bench.inDialog("ACK", call, sequence: 3, body: offer("sendrecv", version: 3, media: "audio 4000 RTP/AVP 0"))).isEmpty)
    #expect(bench.ends == [])
  }

  @Test func `an unusable answer in the ACK, or none, is taken and then the call ends with BYE and cause 488 (contract 8.1)`() throws {
    for (body, rule) in [
      ("", PeerViolation.Rule.answerMissing), (offer("sendrecv", version: 1, media: "audio 4000 RTP/AVP 18"), .answerFormat),
      (offer("sendrecv", version: 1) + "m=audio 4002 RTP/AVP 0\r\n", .answerStreamCount),
    ] {
      let bench = EndpointBench()
      let answer = try #require(bench.send(bench.request("INVITE", to: "sip:1@sip.kallglot.com", identity: "late")).last)
      #expect(try description(answer).media[0].formats.prefix(4) == ["111", "9", "0", "8"])
      let call = EndpointBench.Call(identity: "late", tag: try #require(try answer.to().tag), contact: "")
      let bye = try #require(bench.send(bench.inDialog("ACK", call, sequence: 1, body: body)).last)
      #expect(bye.method == .bye && bye.text(.reason)?.hasPrefix("SIP;cause=488") == true)
      #expect(bench.violations == [rule])
      #expect(bench.wait(.seconds(10)).allSatisfy { $0.status != 200 }, "the 200 was acknowledged")
    }
  }

  @Test func `a re-INVITE that is refused leaves the session as it was (RFC 3261 §14.2, MOD-02)`() throws {
    let call = try #require(bench.establish("one"))
    let refusal = try #require(
      bench.send(bench.inDialog("INVITE", call, sequence: 2, body: offer("sendonly", version: 2, media: "audio 4000 RTP/AVP 18"))).last)
    #expect(refusal.status == 488 && refusal.text(.warning)?.hasPrefix("305") == true)
    #expect(bench.endpoint.agent.agreement(of: LegID(1))?.direction == .sendrecv)
    #expect(bench.send(bench.inDialog("BYE", call, sequence: 3)).statuses == [200])
  }

  @Test func `a second INVITE before the ACK is 491, a CSeq that is not higher 500, both named (RFC 5407 §3.1.5, RFC 3261 §12.2.2)`() throws
  {
    let answer = try #require(bench.send(bench.invite(to: "sip:1@sip.kallglot.com", identity: "one")).last)
    let call = EndpointBench.Call(identity: "one", tag: try #require(try answer.to().tag), contact: "")
    #expect(bench.send(bench.inDialog("INVITE", call, sequence: 2, body: offer("sendrecv", version: 2))).statuses == [491])
    bench.send(bench.inDialog("ACK", call, sequence: 1))
    #expect(bench.send(bench.inDialog("OPTIONS", call, sequence: 2)).statuses == [200], "what was refused does not count")
    #expect(bench.send(bench.inDialog("OPTIONS", call, sequence: 2)).statuses == [500])
    #expect(bench.violations == [.sequenceNotHigher])
  }

  @Test func `an INVITE while the first one rings gets 500 with Retry-After of at most 10 s (RFC 3261 §14.2)`() throws {
    let bench = EndpointBench(.open, answerDelay: .seconds(5))
    let ringing = try #require(bench.send(bench.invite(to: "sip:1@sip.kallglot.com", identity: "one")).last)
    let call = EndpointBench.Call(identity: "one", tag: try #require(try ringing.to().tag), contact: "")
    let refusal = try #require(bench.send(bench.inDialog("INVITE", call, sequence: 2, body: offer("sendrecv", version: 2))).last)
    #expect(refusal.status == 500)
    #expect((0...10).contains(try #require(refusal.text(.retryAfter).flatMap { Int($0) })))
    #expect(bench.violations == [.inviteOverlaps])
  }

  @Test func `CANCEL while it rings: 200 and 487; after the 200: 200 and nothing else (RFC 3261 §9.2)`() throws {
    for answered in [false, true] {
      let bench = EndpointBench(.open, answerDelay: .seconds(1))
      let identity = "c\(answered)"
      let invite = bench.invite(to: "sip:1@sip.kallglot.com", identity: identity)
      bench.send(invite)
      if answered { #expect(bench.wait(.milliseconds(1_001)).statuses == [200]) }
      let branch = String(invite.split(separator: "branch=")[1].prefix { $0 != ";" })
      let cancel = bench.request("CANCEL", to: "sip:1@sip.kallglot.com", identity: identity, branch: branch)
      #expect(bench.send(cancel).statuses == (answered ? [200] : [200, 487]))
    }
  }

  @Test func `a CANCEL of a request that is no INVITE is answered with 200 and does nothing (RFC 3261 §9.2)`() {
    bench.send(bench.request("OPTIONS", identity: "one", branch: "z9hG4bKsame"))
    #expect(bench.send(bench.request("CANCEL", identity: "one", branch: "z9hG4bKsame")).statuses == [200])
  }

  @Test func `an early BYE is answered and its INVITE gets 487 (RFC 3261 §15.1.2)`() throws {
    let bench = EndpointBench(.open, answerDelay: .seconds(5))
    let invite = bench.invite(to: "sip:1@sip.kallglot.com", identity: "one")
    let ringing = try #require(bench.send(invite).last)
    let call = EndpointBench.Call(identity: "one", tag: try #require(try ringing.to().tag), contact: "")
    let answers = bench.send(bench.inDialog("BYE", call, sequence: 2))
    #expect(answers.statuses == [200, 487])
    bench.send(bench.acknowledge(invite, try #require(answers.last)))
    bench.wait(.seconds(40))
    #expect(bench.leftovers == [])
    #expect(bench.ends == [.hungUpByPeer])
  }

  @Test func `an INVITE whose Expires runs out while it rings is ended with 487; an answered one goes on (RFC 3261 §13.3.1)`() throws {
    let bench = EndpointBench(.open, answerDelay: .seconds(30))
    bench.send(bench.invite(to: "sip:1@sip.kallglot.com", headers: ["Expires: 10"]))
    #expect(bench.wait(.milliseconds(9_900)).isEmpty)
    #expect(bench.wait(.milliseconds(200)).statuses == [487])
    #expect(bench.ends == [.expired])
    let quick = EndpointBench()
    let call = try #require(quick.establish("one", headers: ["Expires: 5"]))
    quick.wait(.seconds(20))
    #expect(quick.send(quick.inDialog("BYE", call, sequence: 2)).statuses == [200])
  }

  @Test func `a long ring is told again each minute (RFC 3261 §13.3.1.1, CALL-05)`() {
    let bench = EndpointBench(.open, answerDelay: .seconds(200))
    #expect(bench.send(bench.invite(to: "sip:1@sip.kallglot.com")).statuses == [180])
    #expect(bench.wait(.seconds(199)).statuses == [180, 180, 180])
    #expect(bench.wait(.seconds(1)).statuses == [200])
  }

  @Test func `Record-Route comes back in order and our BYE follows it, loose and strict (RFC 3261 §12.1.1, §12.2.1.1)`() throws {
    for (routes, line, route) in [
      (
        ["Record-Route: <sip:192.0.2.1;lr>, <sip:192.0.2.2;lr>"], "BYE sip:pbx@192.0.2.20:5060 SIP/2.0",
        "<sip:192.0.2.1;lr>|<sip:192.0.2.2;lr>"
      ),
      (
        ["Record-Route: <sip:192.0.2.1>", "Record-Route: <sip:192.0.2.2;lr>"], "BYE sip:192.0.2.1 SIP/2.0",
        "<sip:192.0.2.2;lr>|<sip:pbx@192.0.2.20:5060>"
      ),
    ] {
      let bench = EndpointBench()
      let answer = try #require(bench.send(bench.invite(identity: "one", headers: routes)).last)
      #expect(answer.all(.recordRoute).map(\.text) == routes.map { $0.replacing("Record-Route: ", with: "") })
      bench.send(bench.inDialog("ACK", .init(identity: "one", tag: try #require(try answer.to().tag), contact: ""), sequence: 1))
      bench.perform(.endSession("sess_demo"))
      let bye = try #require(bench.take().last)
      #expect(bye.bytes.text.hasPrefix(line))
      #expect(bye.all(.route).map(\.text).joined(separator: "|") == route)
    }
  }

  @Test func `a Contact that changes with a re-INVITE is where our next request goes (RFC 3261 §12.2.2, MOD-05)`() throws {
    let call = try #require(bench.establish("one", to: "sip:sess_demo@sip.kallglot.com"))
    bench.send(
      bench.inDialog("INVITE", call, sequence: 2, headers: ["Contact: <sip:new@192.0.2.20:5070>"], body: offer("sendrecv", version: 2)))
    bench.send(bench.inDialog("ACK", call, sequence: 2))
    bench.perform(.endSession("sess_demo"))
    #expect(bench.take().last?.bytes.text.hasPrefix("BYE sip:new@192.0.2.20:5070 SIP/2.0") == true)
  }

  @Test func `a peer of RFC 2543, without tags and magic cookie, is called, acknowledged and hangs up (RFC 3261 §12.1.1, §17.2.3)`() throws
  {
    func old(_ text: String) -> String { text.replacing("z9hG4bK", with: "old").replacing(";tag=fone", with: "") }
    let invite = old(bench.request("INVITE", to: "sip:1@sip.kallglot.com", identity: "one", branch: "z9hG4bKa", body: EndpointBench.offer))
    let answer = try #require(bench.send(invite).last)
    #expect(answer.status == 200)
    #expect(bench.send(invite).isEmpty, "the same INVITE is no second call")
    let call = EndpointBench.Call(identity: "one", tag: try #require(try answer.to().tag), contact: "")
    bench.send(old(bench.inDialog("ACK", call, sequence: 1, uri: "sip:1@sip.kallglot.com")))
    #expect(bench.send(old(bench.inDialog("BYE", call, sequence: 2))).statuses == [200])
    #expect(bench.ends == [.hungUpByPeer])
  }

  @Test func `an INVITE without Contact is taken, and the rule is named (RFC 3261 §8.1.1.8)`() {
    #expect(bench.send(bench.invite(headers: ["no Contact"])).last?.status == 200)
    #expect(bench.violations == [.contactMissing])
  }

  @Test func `an ACK with another CSeq is none, and the rule is named (RFC 3261 §13.2.2.4)`() throws {
    let answer = try #require(bench.send(bench.invite(to: "sip:1@sip.kallglot.com", identity: "one")).last)
    let call = EndpointBench.Call(identity: "one", tag: try #require(try answer.to().tag), contact: "")
    bench.send(bench.inDialog("ACK", call, sequence: 9))
    #expect(bench.violations == [.acknowledgementSequence])
    #expect(bench.wait(.milliseconds(600)).statuses == [200], "it is repeated")
  }

  @Test func `a response whose connection broke goes to the source address and the Via's port on a new one (RFC 3261 §18.2.2, CON-01)`()
    throws
  {
    let bench = EndpointBench(.open, answerDelay: .seconds(1))
    let source = TransportAddress(EndpointBench.caller.address, port: 40_000)
    bench.connect(ConnectionID(1), from: source)
    #expect(
      bench.send(
        bench.request("INVITE", to: "sip:1@sip.kallglot.com", via: "192.0.2.20:5070", transport: "TCP", body: EndpointBench.offer),
        on: ConnectionID(1)
      ).statuses == [180])
    bench.receive(.closed(ConnectionID(1), .reset))
    #expect(bench.wait(.seconds(1)).isEmpty)
    let connection = try #require(bench.opened.last)
    #expect(connection.to == TransportAddress(EndpointBench.caller.address, port: 5070))
    bench.receive(.opened(connection.id, local: .init(EndpointBench.address, port: 50_000), remote: connection.to))
    #expect(bench.take().statuses == [200])
  }

  @Test func `a call whose TCP connection broke is hung up over a new one to the peer's Contact (RFC 3261 §12.2.1.1, CON-05)`() throws {
    bench.connect(ConnectionID(1), from: TransportAddress(EndpointBench.caller.address, port: 40_000))
    let invite = bench.request(
      "INVITE", identity: "one", transport: "TCP", headers: ["Contact: <sip:pbx@192.0.2.20:5062;transport=tcp>"], body: EndpointBench.offer)
    let answer = try #require(bench.send(invite, on: ConnectionID(1)).last)
    let call = EndpointBench.Call(identity: "one", tag: try #require(try answer.to().tag), contact: "")
    bench.send(bench.inDialog("ACK", call, sequence: 1).replacing("SIP/2.0/UDP", with: "SIP/2.0/TCP"), on: ConnectionID(1))
    bench.receive(.closed(ConnectionID(1), .reset))
    bench.perform(.endSession("sess_demo"))
    let connection = try #require(bench.opened.last)
    #expect(connection.to == TransportAddress(EndpointBench.caller.address, port: 5062))
    bench.receive(.opened(connection.id, local: .init(EndpointBench.address, port: 50_000), remote: connection.to))
    #expect(bench.take().map(\.method) == [.bye])
  }
}
