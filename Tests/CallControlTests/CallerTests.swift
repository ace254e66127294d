import SDP
import SIPMessage
import SIPUserAgent
import SansIO
import Testing

@testable import CallControl

/// The caller's side, message by message.
@Suite struct CallerTests {
  private let bench = CallAgentBench()

  private func offer(_ message: SIPMessage) throws -> SessionDescription { try SessionDescription.parse(message.body) }

  @Test func `several early dialogs: 180 of one callee, 183 with media of another, whose 200 makes the call (RFC 3261 §13.2.2.4, FORK-01)`()
    throws
  {
    let invite = try bench.dial()
    bench.answer(invite, 100, tag: nil)
    bench.answer(invite, 180, tag: "a")
    bench.answer(invite, 183, tag: "b", body: CallAgentBench.answer)
    bench.answer(invite, 180, tag: "a")
    #expect(bench.events.contains { if case .earlyMedia = $0 { true } else { false } })
    bench.answer(invite, 200, tag: "b", body: CallAgentBench.answer)
    #expect(bench.take().words == ["ACK"])
    #expect(bench.isUp)
    bench.perform(.hangUp(try #require(bench.leg)))
    let bye = try #require(bench.take().first)
    #expect(try bye.to().tag == "b")
    bench.answer(bye, 200)
    bench.wait(.seconds(40))
    #expect(bench.leftovers == [])
  }

  @Test
  func `a 200 without SDP takes the answer that its own 183 gave, and the rule is named; without one the call ends (RFC 3261 §13.2.1)`()
    throws
  {
    let invite = try bench.dial()
    bench.answer(invite, 183, tag: "b", body: CallAgentBench.answer)
    bench.answer(invite, 200, tag: "b")
    #expect(bench.isUp && bench.violations == [.answerMissing])
    let other = CallAgentBench()
    let second = try other.dial()
    other.answer(second, 183, tag: "a", body: CallAgentBench.answer)
    other.answer(second, 200, tag: "b")
    let sent = other.take()
    #expect(sent.words == ["ACK", "BYE"])
    #expect(sent.last?.first(.reason)?.text.hasPrefix("SIP;cause=488") == true)
    #expect(other.violations == [.answerMissing])
  }

  @Test
  func `the second 200 of a fork is acknowledged and hung up in its own dialog, at its own address, once (RFC 3261 §13.2.2.4, FORK-02)`()
    throws
  {
    let bench = CallAgentBench(prefersFlow: false)
    let invite = try bench.dial()
    bench.answer(invite, 200, tag: "a", body: CallAgentBench.answer)
    #expect(bench.take().words == ["ACK"])
    let there = TransportAddress(IPAddress(v4: 0xC633_640B), port: 5070)
    bench.answer(invite, 200, tag: "b", body: CallAgentBench.answer, contact: "sip:other@198.51.100.11:5070")
    let sent = bench.takeWithTargets()
    #expect(sent.map(\.message).words == ["ACK", "BYE"])
    #expect(sent.allSatisfy { $0.to == there })
    for message in sent.map(\.message) {
      #expect(try message.to().tag == "b")
      #expect(message.requestURIBytes?.text == "sip:other@198.51.100.11:5070")
    }
    bench.answer(invite, 200, tag: "b", body: CallAgentBench.answer, contact: "sip:other@198.51.100.11:5070")
    #expect(bench.take().words == ["ACK"], "the 200 again gets the ACK again, no second BYE")
    #expect(bench.isUp)
    bench.perform(.hangUp(try #require(bench.leg)))
    #expect(try bench.take().first?.to().tag == "a")
  }

  @Test func `a 200 of a fork that comes after our call has ended is acknowledged and hung up as well`() throws {
    let invite = try bench.dial()
    bench.answer(invite, 200, tag: "a", body: CallAgentBench.answer)
    bench.perform(.hangUp(try #require(bench.leg)))
    bench.answer(bench.take().last, 200)
    #expect(bench.ends == [.hungUpHere])
    bench.answer(invite, 200, tag: "a", body: CallAgentBench.answer)
    #expect(bench.take().words == ["ACK"], "its ACK was lost")
    bench.answer(invite, 200, tag: "b", body: CallAgentBench.answer)
    #expect(bench.take().words == ["ACK", "BYE"])
    bench.wait(.seconds(70))
    #expect(bench.leftovers == [])
  }

  @Test func `CANCEL waits for a provisional; a 200 that crosses it is acknowledged and hung up (RFC 3261 §9.1, §15, FORK-04)`() throws {
    let invite = try bench.dial()
    bench.perform(.cancel(try #require(bench.leg)))
    #expect(bench.take().isEmpty)
    bench.answer(invite, 180)
    #expect(bench.take().words == ["CANCEL"])
    bench.answer(invite, 200, body: CallAgentBench.answer)
    let sent = bench.take()
    #expect(sent.words == ["ACK", "BYE"])
    bench.answer(sent.last, 200)
    #expect(bench.ends == [.cancelledHere])
  }

  @Test func `a 200 with an offer that nobody wants any more is acknowledged with an answer that declines it (RFC 3261 §13.2.2.4)`() throws
  {
    let invite = try bench.dial(isOfferDelayed: true)
    bench.answer(invite, 180)
    bench.perform(.cancel(try #require(bench.leg)))
    bench.answer(invite, 200, body: CallAgentBench.answer)
    let ack = try #require(bench.take().first { $0.method == .ack })
    #expect(try offer(ack).media.map(\.port) == [0])
  }

  @Test func `a provisional without To tag is tolerated (FORK-05)`() throws {
    let invite = try bench.dial()
    bench.answer(invite, 180, tag: nil)
    bench.answer(invite, 200, body: CallAgentBench.answer)
    #expect(bench.isUp)
  }

  @Test func `a callee of RFC 2543 has no tag: call, its BYE and ours go through (RFC 3261 §12.1.2)`() throws {
    let invite = try bench.dial()
    bench.answer(invite, 200, tag: nil, body: CallAgentBench.answer)
    #expect(bench.isUp && bench.take().words == ["ACK"])
    bench.request("BYE", in: invite, tag: "stranger", sequence: 1)
    #expect(bench.isUp, "a tag is another dialog")
    bench.request("BYE", in: invite, tag: nil, sequence: 2)
    #expect(bench.take().words == ["200"] && bench.ends == [.hungUpByPeer])
    let other = CallAgentBench()
    other.answer(try other.dial(), 200, tag: nil, body: CallAgentBench.answer)
    _ = other.take()
    other.perform(.hangUp(try #require(other.leg)))
    let bye = try #require(other.take().first)
    #expect(bye.method == .bye)
    #expect(try bye.to().tag == nil)
  }

  @Test func `a delayed offer is answered in the ACK (RFC 3261 §13.2.1, OA-01)`() throws {
    let invite = try #require(try bench.dial(isOfferDelayed: true))
    #expect(invite.body.isEmpty)
    bench.answer(invite, 200, body: CallAgentBench.answer)
    let ack = try #require(bench.take().first)
    #expect(try offer(ack).media[0].formats == ["0", "101"])
    #expect(bench.isUp)
  }

  @Test func `an offer in the 200 that cannot be answered is declined in the ACK, then BYE (RFC 3261 §13.2.2.4)`() throws {
    let invite = try bench.dial(isOfferDelayed: true)
    bench.answer(invite, 200, body: CallAgentBench.answer.replacing("AVP 0 101", with: "AVP 18"))
    let sent = bench.take()
    #expect(sent.words == ["ACK", "BYE"])
    #expect(try offer(try #require(sent.first)).media.map(\.port) == [0])
    #expect(bench.violations == [.offerUnusable])
  }

  @Test(arguments: [
    ("m=audio 6000", "m=audio 6000 RTP/AVP 0\r\nm=audio 6002", PeerViolation.Rule.answerStreamCount),
    ("m=audio", "m=video", .answerStreamOrder),
    ("AVP 0 101", "AVP 18 101", .answerFormat), ("RTP/AVP", "RTP/SAVP", .answerProfile), ("6000", "0", .answerUnusable),
    ("c=IN IP4 198.51.100.10\r\n", "", .answerUnusable),
  ])
  func `an answer that breaks RFC 3264 ends the call with its rule (RFC 3264 §6)`(part: String, instead: String, rule: PeerViolation.Rule)
    throws
  {
    let invite = try bench.dial()
    bench.answer(invite, 200, body: CallAgentBench.answer.replacing(part, with: instead))
    #expect(bench.take().words == ["ACK", "BYE"])
    #expect(bench.violations == [rule])
  }

  @Test func `a response with two Vias was meant for another: it is discarded and named (RFC 3261 §8.1.3.3)`() throws {
    let invite = try bench.dial()
    bench.answer(invite, 200, headers: ["Via: SIP/2.0/UDP 192.0.2.99;branch=z9hG4bKx"], body: CallAgentBench.answer)
    #expect(!bench.isUp && bench.violations == [.severalVias])
  }

  @Test func `a 2xx whose routes cannot be read makes no dialog, and is named (RFC 3261 §12.1.2)`() throws {
    let invite = try bench.dial()
    bench.answer(invite, 200, headers: ["Record-Route: <nonsense"], body: CallAgentBench.answer)
    #expect(!bench.isUp && bench.violations == [.successWithoutDialog])
  }

  @Test func `Record-Route of the 200 is followed backwards (RFC 3261 §12.1.2, CALL-14)`() throws {
    let invite = try bench.dial()
    bench.answer(invite, 200, headers: ["Record-Route: <sip:198.51.100.1;lr>, <sip:198.51.100.2:5080;lr>"], body: CallAgentBench.answer)
    let (ack, target) = try #require(bench.takeWithTargets().first)
    #expect(ack.all(.route).map(\.text) == ["<sip:198.51.100.2:5080;lr>", "<sip:198.51.100.1;lr>"])
    #expect(ack.requestURIBytes?.text == "sip:uas@198.51.100.10:5060")
    #expect(target?.port == 5080)
  }

  @Test func `a challenge is answered once, and a server that goes on challenging gets no third INVITE (RFC 3261 §22.2, AUTH-08)`() throws {
    let challenge = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=MD5, qop=\"auth\""
    var invite = try bench.dial(credentials: Credentials(username: "acme", password: Secret("s")))
    bench.answer(invite, 401, headers: [challenge])
    var sent = bench.take()
    #expect(sent.words == ["ACK", "INVITE"])
    invite = sent.last
    bench.answer(invite, 401, headers: [challenge])
    #expect(bench.take().words == ["ACK"])
    #expect(bench.ends == [.refused(status: 401)])
    let stale = CallAgentBench()
    var next = try stale.dial(credentials: Credentials(username: "acme", password: Secret("s")))
    var answers = 0
    for attempt in 0..<20 {
      stale.answer(next, 401, headers: [challenge.replacing("\"n\"", with: "\"n\(attempt)\", stale=true")])
      sent = stale.take()
      guard let again = sent.last, again.method == .invite else { break }
      next = again
      answers += 1
    }
    #expect(answers == 4, "an endless stale=true is a loop")
  }

  @Test func `a proxy and the server behind it are answered each, and a challenged BYE is sent again (RFC 3261 §22.3, AUTH-06)`() throws {
    func challenge(_ name: String, _ realm: String) -> String {
      "\(name): Digest realm=\"\(realm)\", nonce=\"n\(realm)\", algorithm=MD5, qop=\"auth\""
    }
    var invite = try bench.dial(credentials: Credentials(username: "acme", password: Secret("s")))
    bench.answer(invite, 407, headers: [challenge("Proxy-Authenticate", "p")])
    invite = bench.take().last
    bench.answer(invite, 401, headers: [challenge("WWW-Authenticate", "s")])
    invite = bench.take().last
    #expect(invite?.first(.proxyAuthorization) != nil && invite?.first(.authorization) != nil)
    bench.answer(invite, 200, body: CallAgentBench.answer)
    _ = bench.take()
    bench.perform(.hangUp(try #require(bench.leg)))
    let bye = bench.take().last
    bench.answer(bye, 407, headers: [challenge("Proxy-Authenticate", "p2")])
    let again = try #require(bench.take().last)
    #expect(again.method == .bye && again.first(.proxyAuthorization)?.text.contains("realm=\"p2\"") == true)
    bench.answer(again, 200)
    #expect(bench.ends == [.hungUpHere])
  }
}
