import Foundation
import Kallglot
import KallglotPolicy
import CallControl
import Media
import Rules
import SDP
import SIPMessage
import SIPUserAgent
import SansIO
import Testing

@testable import Serving

/// The lines of a live host's log, from its events.
@Suite struct CallLogTests {
  private let peer = TransportAddress(.loopbackV4, port: 5_070)

  private func facts(_ direction: LegFacts.Direction = .incoming, callID: String = "c1") -> LegFacts {
    LegFacts(direction: direction, callID: callID, from: "sip:a@x", to: "sip:b@y", transport: .udp, peer: peer, name: nil)
  }

  private func agreement(_ direction: MediaDirection) -> AudioAgreement {
    AudioAgreement(
      codec: .pcmu, local: TransportAddress(.loopbackV4, port: 20_000), remote: peer, remoteControl: peer, direction: direction,
      sendPayloadType: 0, receivePayloadType: 0, packetTime: 20)
  }

  private func lines(_ log: inout CallLog, _ events: [EndpointEvent]) -> [String] {
    events.compactMap { log.line(for: $0, at: Instant(nanoseconds: 0)) }
  }

  @Test func `legs are numbered 1, 2, 3 whatever the host calls them, and every line about a call ends with its Call-ID`() {
    var log = CallLog()
    let events: [EndpointEvent] = [
      .joined(LegID(2), session: "sess_demo", account: "acme", role: .customer), .party(.started(LegID(2), facts())),
      .party(.established(LegID(2), agreement(.sendrecv))), .party(.started(LegID(7), facts(.outgoing, callID: "c2"))),
      .party(.ringing(LegID(7), status: 180)), .party(.ended(LegID(2), .hungUpByPeer, nil)),
    ]
    let lines = lines(&log, events)
    #expect(
      lines.allSatisfy {
        $0.hasSuffix("(Call-ID c1)") && $0.hasPrefix("leg 1: ") || $0.hasSuffix("(Call-ID c2)") && $0.hasPrefix("leg 2: ")
      })
    #expect(
      lines.first
        == "leg 1: call from sip:a@x (127.0.0.1:5070) to sip:b@y over UDP, session sess_demo as customer, account acme (Call-ID c1)")
    #expect(log.book.live.map(\.number) == [2] && log.book.live[0].state == .ringing && log.book.lastNumber == 2)
    #expect(CallLog(after: 41).book.lastNumber == 41)
  }

  @Test func `a re-INVITE is told by what it does to hold (RFC 3264 §8.4)`() {
    var log = CallLog()
    let leg = LegID(1)
    _ = lines(&log, [.party(.started(leg, facts())), .party(.established(leg, agreement(.sendrecv)))])
    func modified(_ direction: MediaDirection) -> String { lines(&log, [.party(.renegotiated(leg, agreement(direction)))]).first ?? "" }
    #expect(modified(.recvonly).hasPrefix("leg 1: re-INVITE, held by the peer: PCMU"))
    #expect(modified(.sendrecv).hasPrefix("leg 1: re-INVITE, resumed by the peer: PCMU"))
    #expect(modified(.sendrecv).hasPrefix("leg 1: re-INVITE, PCMU"))
    log.asked(for: .hold(.sendonly), on: leg)
    #expect(modified(.sendonly).hasPrefix("leg 1: re-INVITE, on hold by us: PCMU"))
    #expect(modified(.inactive).hasPrefix("leg 1: re-INVITE, PCMU") && log.book[leg]?.state == .onHold)
    log.asked(for: .resume, on: leg)
    #expect(modified(.sendrecv).hasPrefix("leg 1: re-INVITE, resumed by us: PCMU"))
    #expect(modified(.inactive).hasPrefix("leg 1: re-INVITE, held by the peer: PCMU"))
  }

  @Test func `every refusal has a line with peer, Call-ID, status and reason, once`() {
    var log = CallLog()
    let refused = RefusedRequest(method: "INVITE", callID: "c3", peer: peer, status: 420, phrase: "Bad Extension; Unsupported: foo")
    let decision = PolicyDecision(.allowlist, .refused(status: 403), detail: "not listed")
    let judged = JudgedRequest(method: "INVITE", peer: peer, callID: "c4")
    let events: [EndpointEvent] = [
      .party(.requestRefused(nil, refused)), .decision(nil, decision, judged),
      .party(.requestRefused(nil, RefusedRequest(method: "INVITE", callID: "c4", peer: peer, status: 403, phrase: "Forbidden"))),
      .decision(nil, PolicyDecision(.allowlist, .dropped), JudgedRequest(method: "", peer: peer)),
    ]
    #expect(
      lines(&log, events) == [
        "INVITE from 127.0.0.1:5070: 420 Bad Extension; Unsupported: foo (Call-ID c3)",
        "INVITE from 127.0.0.1:5070: policy step \(decision) (Call-ID c4)",
        "connection from 127.0.0.1:5070: policy step 3 allowlist dropped (Lab decision)",
      ])
    #expect(
      log.book.totals.refusals == [
        "INVITE with 420": 1, "INVITE by 3 allowlist (403)": 1, "connection by 3 allowlist (dropped)": 1,
      ])
  }

  @Test func `a decision about a call of ours says to and not from, a redirection where the INVITE goes`() {
    var log = CallLog()
    let decision = PolicyDecision(.registration, .passed, detail: "acme is called")
    let ours = lines(&log, [.decision(nil, decision, JudgedRequest(method: "INVITE", peer: peer, isOurs: true))])
    #expect(ours.first?.hasPrefix("INVITE to 127.0.0.1:5070: ") == true)
    let redirected = lines(
      &log,
      [.party(.started(LegID(1), facts(.outgoing))), .party(.redirected(LegID(1), status: 302, uri: "sip:c@192.0.2.9", target: peer))])
    #expect(redirected.last == "leg 1: 302: redirected, INVITE sent to sip:c@192.0.2.9 at 127.0.0.1:5070 (Call-ID c1)")
  }

  @Test func `the end of a session that is good for one call says so, that of another says nothing`() {
    var log = CallLog(singleUse: ["sess_demo"])
    let lines = lines(&log, [.sessionEnded("sess_demo", reason: "completed"), .sessionEnded("sess_inbound1", reason: "completed")])
    #expect(lines.count == 1 && lines[0].contains("410") && lines[0].contains("reusable: true"))
  }

  @Test func `a peer's Reason-Phrase cannot begin a line of the log or move the cursor`() {
    final class Lines: @unchecked Sendable { var all: [String] = [] }
    let lines = Lines()
    let phrase = "a\r\nb\u{1B}[2J\u{9B}\u{0}c é"
    ServeLog(epoch: Epoch(unixNanoseconds: 0)) { lines.all.append($0) }.line("leg 1: 486 \(phrase)", at: .zero)
    #expect(lines.all.count == 1 && lines.all.first?.hasSuffix("  leg 1: 486 a%0D%0Ab%1B[2J%9B%00c é") == true, "\(lines.all)")
  }

  @Test func `a log that cannot be written is said once and never stops the host`() {
    final class Lines: @unchecked Sendable { var all: [String] = [] }
    let lines = Lines()
    let log = ServeLog(epoch: Epoch(unixNanoseconds: 0), path: "/dev/full") { lines.all.append($0) }
    for text in ["one", "two"] { log.line(text, at: Instant(nanoseconds: 0)) }
    #expect(lines.all.count == 3 && lines.all[1].contains("/dev/full cannot be written: "))
  }

  @Test func `what packets show to be broken is left to whoever reads them`() {
    let event = EndpointEvent.party(.violation(nil, PeerViolation(.contactMissing, "INVITE")))
    var (alone, judged) = (CallLog(), CallLog(isJudged: true))
    #expect(lines(&alone, [event]) == ["the peer broke a rule: \(PeerViolation(.contactMissing, "INVITE"))"])
    #expect(lines(&judged, [event]).isEmpty)
  }

  @Test func `status.json is JSON with the call's state, counters and capture, is replaced whole, and numbers go on from it`() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("status-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    #expect(StatusFile.lastLeg(folder: folder) == 0)
    var log = CallLog(after: 4)
    _ = lines(&log, [.party(.started(LegID(9), facts(callID: "a\"b\u{1}"))), .party(.established(LegID(9), agreement(.sendrecv)))])
    var file = StatusFile(folder: folder, time: WallTime(epoch: Epoch(unixNanoseconds: 1_700_000_000_000_000_000)))
    let call = StatusFile.Call(entry: log.book.live[0], sent: 5, received: 6, capture: "out/call-00001.pcapng")
    #expect(file.replace(with: file.text([call], accounts: [("acme", 1, 10)], legs: 5)) == nil)
    let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/status.json"))
    let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    let shown = try #require((object["calls"] as? [[String: Any]])?.first)
    #expect(object["version"] as? Int == 1 && shown["leg"] as? Int == 5 && shown["state"] as? String == "up")
    #expect(shown["callID"] as? String == "a\"b\u{1}" && shown["codec"] as? String == "PCMU" && shown["sent"] as? Int == 5)
    #expect((object["accounts"] as? [[String: Any]])?.first?["cap"] as? Int == 10 && shown["account"] is NSNull)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["status.json"])
    #expect(StatusFile.lastLeg(folder: folder) == 5)
  }
}
