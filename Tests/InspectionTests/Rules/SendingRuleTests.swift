import LabBench
import SansIO
import Testing

@testable import Inspection

/// What the tap of a sender proves of its stream: a capture that breaks each rule, and one beside it that does not.
@Suite struct SendingRuleTests {
  private typealias Plan = [(sequence: Int, timestamp: Int, marker: Bool)]

  /// Alice's stream of a call, in which a re-INVITE may come after the hundredth packet.
  private func call(every: Int64 = 20, size: Int = 160, reinvite: Bool = false, _ plan: Plan) -> Packets {
    var packets = Packets()
    let (offer, answer) = (Talk.sdp(alice, 10_000, direction: "sendonly"), Talk.sdp(bob, 20_000, direction: "recvonly"))
    packets.establish(offer: offer, answer: answer)
    packets.rtp(alice, 10_000, to: bob, 20_000, every: every, size: size, Array(plan.prefix(100)))
    if reinvite { packets.reinvite(cseq: 2, offer: offer, answer: answer) }
    packets.rtp(alice, 10_000, to: bob, 20_000, every: every, size: size, Array(plan.dropFirst(100)))
    packets.hangUp()
    return packets
  }

  private func steps(_ range: Range<Int>, numbers: Int = 1, shift: Int = 0) -> Plan {
    range.map { ($0 * numbers, $0 * 160 + shift, false) }
  }

  @Test func `numbers that are skipped while the timestamps miss nothing are named, and not called loss (RFC 3550 §5.1)`() throws {
    try call(steps(0..<200)).expectNo("sequence-still")
    let report = try call(steps(0..<200, numbers: 2)).report()
    #expect(report.accusations == ["sequence-still"], "\(report.findings)")
    #expect(report.finding("sequence-still").map { $0.frame == 6 && $0.severity == .error } == true)
  }

  @Test func `what is missing at the tap of its sender was never sent (RFC 3550 §5.1)`() throws {
    let plan = steps(0..<200).filter { $0.sequence % 10 != 3 }
    var packets = Packets()
    packets.establish(
      offer: Talk.sdp(alice, 10_000, direction: "sendonly"), answer: Talk.sdp(bob, 20_000, direction: "recvonly"))
    for one in steps(0..<200) {
      if plan.contains(where: { $0.sequence == one.sequence }) { packets.rtp(alice, 10_000, to: bob, 20_000, every: 0, [one]) }
      packets.wait(20)
    }
    packets.hangUp()
    try packets.seen(by: alice).expect("sequence-still", frame: 5, by: alice)
    // At Bob's, and at a mirror port, they are lost.
    for elsewhere in [packets.seen(by: bob), packets] {
      let report = try elsewhere.report()
      #expect(report.finding("sequence-still") == nil && report.accusations == ["stream-quality"], "\(report.findings)")
    }
  }

  @Test func `packets of a sender leave one by one (RFC 3550 §5.1)`() throws {
    func bursts(of size: Int) -> Packets {
      var packets = Packets()
      packets.establish(
        offer: Talk.sdp(alice, 10_000, direction: "sendonly"), answer: Talk.sdp(bob, 20_000, direction: "recvonly"))
      for start in stride(from: 0, to: 200, by: size) {
        packets.rtp(alice, 10_000, to: bob, 20_000, every: 0, steps(start..<start + size))
        packets.wait(Int64(size) * 20)
      }
      packets.hangUp()
      return packets
    }
    try bursts(of: 10).seen(by: alice).expect("clock-pace", frame: 6, by: alice)
    // Who wakes every 40 ms sends two.
    for packets in [bursts(of: 1).seen(by: alice), bursts(of: 2).seen(by: alice), bursts(of: 10).seen(by: bob)] {
      #expect(try packets.report().finding("clock-pace") == nil)
    }
  }

  @Test func `audio that holds nothing is named, and what keeps a NAT open is not (RFC 6263 §4)`() throws {
    try call(size: 0, steps(0..<150)).expect("timestamp-step", frame: 5, by: alice)
    #expect(try call(every: 5_000, size: 0, steps(0..<30)).report().finding("timestamp-step") == nil)
  }

  @Test func `a new agreement lets no sender start over under its SSRC (RFC 3550 §5.1, §8.1)`() throws {
    let restart = steps(0..<100) + steps(100..<200).map { ($0.sequence - 20_000, $0.timestamp, false) }
    let leap = steps(0..<100) + steps(100..<200, shift: 4_000_000)
    for (plan, rule) in [(restart, "sequence-restart"), (leap, "timestamp-jump")] {
      let packets = call(reinvite: true, plan)
      try packets.seen(by: alice).expect(rule, frame: 108, by: alice, .warning)
      // Behind a bridge it may be another source.
      for elsewhere in [packets.seen(by: bob), packets] { #expect(try elsewhere.report().finding(rule)?.severity == .note) }
    }
  }

  @Test func `a private address that a host describes is its own, or one that was described to it (RFC 1918 §3)`() throws {
    let inside = IPAddress(v4: 0x0A63_0001)
    var packets = Packets()
    packets.establish(answer: Talk.sdp(inside, 20_000))
    packets.hangUp()
    try packets.seen(by: bob).expect("private-address", frame: 3, by: bob, .error)
    // A NAT is in between, or may be.
    for elsewhere in [packets.seen(by: alice), packets] {
      #expect(try elsewhere.report().finding("private-address")?.severity == .warning)
    }
    // It is where Bob's media comes in.
    packets.udp(alice, 10_000, to: inside, 20_000, rtpPacket(0, 1, 160, 7))
    let both = packets.seen(by: bob).seen(by: inside)
    #expect(try both.report().finding("private-address")?.severity == .warning)
  }
}
