import SansIO
import Testing

@testable import Capture

@Suite struct PacketTextTests {
  private func written(_ body: (inout ByteCursor) -> Void) -> String {
    let output = ByteOutput()
    output.append(atMost: 400, body)
    return output.bytes.text
  }

  @Test func `labels are written in the words of their description`() {
    let methods = (["INVITE", "ACK", "SUBSCRIBE", "?", "-._+!*ABCD"] as [Label.Word]).flatMap {
      [Label.Subject.request($0), .response(status: 487, $0)]
    }
    let subjects: [Label.Subject] =
      methods + [.none, .keepAlive, .rtp(payloadType: 111), .rtp(payloadType: 0), .rtcp, .tlsHandshake, .tlsClose, .raw]
    let causes: [Label.Cause] = [.first, .timerA, .timerE, .timerG, .awaitingACK, .repeated]
    for subject in subjects {
      for (cause, attempt) in zip(causes, [0, 1, 2, 3, 11, 255] as [UInt8]) {
        for broken in [false, true] {
          let label = Label(subject, cause: cause, attempt: attempt, sequence: 4_294_967_295, isDeliberatelyBroken: broken)
          #expect(written { $0.label(label) } == label.description)
        }
      }
    }
    for attempt in (UInt8.min...UInt8.max) {
      let label = Label(.request("INVITE"), cause: .timerA, attempt: attempt)
      #expect(written { $0.label(label) } == label.description)
    }
  }

  @Test func `numbers are written in decimal`() {
    let powers = (0..<20).map { exponent in (0..<exponent).reduce(UInt64(1)) { power, _ in power * 10 } }
    let numbers = powers + powers.map({ $0 - 1 }) + [UInt64.max, 255, 100, 42]
    for number in numbers {
      #expect(written { $0.decimal(number) } == String(number))
    }
    #expect(written { $0.decimal(Int64.min) } == String(Int64.min))
    #expect(written { $0.decimal(Int64(-7)) } == "-7")
    #expect(written { $0.dottedDecimal(0xC000_FF63) } == "192.0.255.99")
  }

  @Test(arguments: [
    (Label(.request("INVITE"), cause: .timerA, attempt: 2), Fate.lost(.random), "INVITE, Timer A, 2nd retransmission; lost on the link"),
    (Label(.response(status: 200, "INVITE")), .delivered, "200 INVITE"),
    (Label(.response(status: 200, "INVITE")), .dropped(fault: 3), "200 INVITE; dropped by fault 3"),
    (Label(.rtcp), .unroutable, "RTCP; unroutable"),
    (Label(.rtp(payloadType: 8), sequence: 9), .duplicated, "RTP 8 seq 9; duplicated on the link"),
    (Label(.rtp(payloadType: 8), sequence: 9), .delayed(fault: 1), "RTP 8 seq 9; delayed by fault 1"),
    (Label(.none), .rewritten(fault: 2), "data; rewritten by fault 2"),
    (Label(.request("INVITE")), .translated(port: 5062), "INVITE; translated by NAT, outside port 5062"),
    (
      Label(.rtp(payloadType: 0), sequence: 9), .filtered(.noPort),
      "RTP 0 seq 9; dropped by NAT: all outside ports are in use (RFC 4787 section 4.2)"
    ),
    (Label(.raw, isDeliberatelyBroken: true), .unknown, "raw bytes, deliberately broken"),
  ])
  func `a sent packet's comment is its label and its fate`(label: Label, fate: Fate, comment: String) throws {
    let packet = try #require(try packets(in: capture([record(1, "x", label, fate)])).first)
    #expect(packet.comments == [comment])
    #expect(packet.direction == .sent)
  }

  @Test func `what a NAT did stands in the captures of whoever received it, but for media that it let through`() throws {
    let rtp = Label(.rtp(payloadType: 0))
    let all = try packets(
      in: capture([
        record(1, as: .received, "x", Label(.request("BYE")), .translated(port: 5060)),
        record(2, as: .received, "x", rtp, .translated(port: 5060)),
        record(3, as: .received, "x", rtp, .filtered(.stranger)),
      ]))
    #expect(
      all.map(\.comments) == [
        ["translated by NAT, outside port 5060"], [],
        ["dropped by NAT: no packet was sent to this source from inside (RFC 4787 section 5)"],
      ])
  }

  @Test func `the longest comment fits`() {
    for reason in FilterReason.allCases { #expect("\(reason)".utf8.count <= 80) }
  }

  @Test func `media that is plainly delivered and received packets have no comment, broken ones say so`() throws {
    let broken = Label(.raw, isDeliberatelyBroken: true)
    let all = try packets(
      in: capture([
        record(1, "x", Label(.rtp(payloadType: 0))), record(2, "x", .none), record(3, as: .received, "x", Label(.request("BYE"))),
        record(4, as: .received, "x", broken),
      ]))
    #expect(all.map(\.comments) == [[], [], [], ["deliberately broken"]])
    #expect(all.map(\.direction) == [.sent, .sent, .received, .received])
  }
}
