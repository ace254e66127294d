import LabBench
import SansIO
import Testing

@testable import Inspection

/// When messages are repeated, and how often.
@Suite struct RetransmissionRuleTests {
  private let talk = Talk()
  private let offer = Talk.sdp(alice, 10_000)
  private let answer = Talk.sdp(bob, 20_000)

  /// A request and its copies, with these milliseconds behind each, and its answer.
  private func repeated(_ method: String, _ pauses: [Int64]) -> Packets {
    var packets = Packets()
    for pause in pauses {
      packets.udp(alice, to: bob, talk.request(method, cseq: 1, sdp: method == "INVITE" ? offer : ""))
      packets.wait(pause)
    }
    packets.udp(bob, to: alice, talk.response(method == "INVITE" ? "486 Busy Here" : "200 OK", cseq: 1, method))
    if method == "INVITE" { packets.udp(alice, to: bob, talk.request("ACK", cseq: 1, branch: "INVITE1", inDialog: true)) }
    return packets
  }

  @Test func `copies of an INVITE double their intervals (Timer A, RFC 3261 §17.1.1.2)`() throws {
    try repeated("INVITE", [500, 1_000, 2_000, 4_000, 8_000]).expectNo("retransmission-interval")
    // One that was lost before the capture, and a T1 of 200 ms.
    try repeated("INVITE", [500, 3_000, 4_000, 8_000]).expectNo("retransmission-interval")
    try repeated("INVITE", [200, 400, 800]).expectNo("retransmission-interval")
    try repeated("INVITE", [500, 500, 500, 100]).expect("retransmission-interval", frame: 1, by: alice)
  }

  @Test func `copies of other requests double their intervals up to T2 (Timer E, RFC 3261 §17.1.2.2)`() throws {
    try repeated("OPTIONS", [500, 1_000, 2_000, 4_000, 4_000, 4_000, 100]).expectNo("retransmission-interval")
    try repeated("OPTIONS", [500, 1_000, 2_000, 4_000, 8_000, 100]).expectNo("retransmission-interval")
    try repeated("OPTIONS", [500, 500, 500, 100]).expect("retransmission-interval", frame: 1, by: alice)
    try repeated("OPTIONS", [500, 1_000, 2_000, 4_000, 8_000, 16_000, 100]).expect("retransmission-interval", frame: 1, by: alice)
    let own = repeated("OPTIONS", [500, 1_000, 2_000, 4_000, 8_000, 100]).seen(by: alice)
    try own.expect("retransmission-interval", frame: 1, by: alice)
  }

  /// A call whose 2xx comes this often, with these milliseconds behind each copy, before its ACK.
  private func answered(_ pauses: [Int64], acks: Int = 1) -> Packets {
    var packets = Packets()
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: offer))
    for pause in pauses {
      packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE", sdp: answer))
      packets.wait(pause)
    }
    for _ in 0..<acks { packets.udp(alice, to: bob, talk.request("ACK", cseq: 1, branch: "ack", inDialog: true)) }
    return packets
  }

  @Test func `a 2xx is repeated until its ACK comes, at doubled intervals up to T2 (RFC 3261 §13.3.1.4)`() throws {
    try answered([500, 1_000, 2_000, 4_000, 4_000], acks: 5).expectNo("success-not-repeated")
    try answered([500, 9_000], acks: 2).expect("success-not-repeated", frame: 2, by: bob, .warning)
    try answered([500, 9_000], acks: 2).seen(by: bob).expect("success-not-repeated", frame: 2, by: bob)
    try answered([500, 1_600], acks: 2).seen(by: bob).expect("success-not-repeated", frame: 2, by: bob)
    try answered([1_000, 1_700], acks: 2).seen(by: bob).expectNo("success-not-repeated")
    // What did not reach the caller was sent all the same.
    try answered([500, 9_000], acks: 2).seen(by: alice).expectNo("success-not-repeated")
    try answered([500, 500, 500, 500], acks: 4).expect("retransmission-interval", frame: 2, by: bob)
  }

  @Test func `each copy of a 2xx gets its ACK, as the tap of the caller shows (RFC 3261 §13.2.2.4)`() throws {
    func call(acks: Int) -> Packets {
      var packets = answered([10])
      packets.wait(500)
      packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE", sdp: answer))
      for _ in 1..<acks { packets.udp(alice, to: bob, talk.request("ACK", cseq: 1, branch: "ack", inDialog: true)) }
      packets.wait(1_000)
      packets.hangUp()
      return packets.seen(by: alice)
    }
    try call(acks: 2).expectNo("ack-not-repeated")
    try call(acks: 1).expect("ack-not-repeated", frame: 4, by: alice)
  }

  @Test func `eleven copies say that nobody answers, before Timer F ends (RFC 3261 §17.1.2.2)`() throws {
    for (method, check) in [("REGISTER", "no-final-response"), ("BYE", "unanswered-request")] {
      var packets = Packets()
      for pause in [500, 1_000, 2_000] + [Int64](repeating: 4_000, count: 7) + [10] {
        packets.udp(alice, to: bob, talk.request(method, cseq: 2, inDialog: method == "BYE"))
        packets.wait(pause)
      }
      #expect(try packets.report().finding(check)?.severity == .error, "\(method)")
    }
  }

  @Test func `a final response that is repeated for ever has no ACK, wherever the capture begins (RFC 3261 §17.2.1)`() throws {
    var packets = Packets()
    for pause in [500, 1_000, 2_000] + [Int64](repeating: 4_000, count: 8) {
      packets.udp(bob, to: alice, talk.response("408 Request Timeout", cseq: 1, "INVITE"))
      packets.wait(pause)
    }
    let finding = try #require(try packets.report().finding("refusal-not-acknowledged"))
    #expect(finding.severity == .warning && finding.frame == 1 && finding.text.contains("sent 11 times"))
  }
}
