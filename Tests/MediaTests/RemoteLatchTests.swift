import SDP
import SansIO
import Testing

@testable import Media
@testable import RTP

/// Symmetric RTP as contract 8.5 wants it: clear RTP after 4 consecutive packets of one SSRC with a negotiated payload type; again only
/// after a re-INVITE.
@Suite struct RemoteLatchTests {
  private let agreed = TransportAddress(IPAddress(v4: 0x0A00_0014), port: 30_000)
  private let outside = TransportAddress(IPAddress(v4: 0xCB00_7107), port: 30_000)
  private let stranger = TransportAddress(IPAddress(v4: 0xC633_6442), port: 4_000)

  /// A session whose peer's SDP names a private address.
  private struct Call {
    var stream: MediaStream
    var out = Outbox()
    var sequence: UInt16 = 0

    init(_ agreement: AudioAgreement) { stream = .running(agreement) }

    /// Packets that arrive; whether the last one counted as a sign of life.
    @discardableResult
    mutating func receive(_ count: Int, from source: TransportAddress, ssrc: UInt32 = 5, type: UInt8 = 0) -> Bool {
      var isLife = false
      for _ in 0..<count {
        sequence &+= 1
        let packet = RTPPacket(
          payloadType: type, marker: false, sequenceNumber: sequence, timestamp: UInt32(sequence) * 160, ssrc: ssrc,
          payload: Bytes([UInt8](repeating: 0xFF, count: 160)))
        isLife = stream.takes(.datagram(PortID(1), from: source, packet.serialized()), at: .zero)
      }
      return isLife
    }

    /// Where the next packet goes.
    mutating func destination() -> TransportAddress? {
      out.removeAll()
      guard case .running(let due?, _) = stream.state else { return nil }
      stream.wake(at: due, &out)
      guard case .datagram(PortID(1), to: let target, _, _)? = out.departures.first else { return nil }
      return target
    }
  }

  /// A receiving call cannot stand inside `#expect`: it changes the session.
  private func expectLife(_ expected: Bool, _ actual: Bool, _ place: SourceLocation = #_sourceLocation) {
    #expect(actual == expected, sourceLocation: place)
  }

  private func agreement(_ remote: TransportAddress) -> AudioAgreement {
    AudioAgreement(
      codec: .pcmu, local: TransportAddress(IPAddress(v4: 1), port: 20_000), remote: remote,
      remoteControl: TransportAddress(remote.address, port: remote.port + 1), direction: .sendrecv, sendPayloadType: 0,
      receivePayloadType: 0,
      packetTime: 20)
  }

  @Test func `four packets in a row move the media, three do not, nor four that another source interrupts`() {
    var call = Call(agreement(agreed))
    call.receive(3, from: outside)
    #expect(call.destination() == agreed)
    call.receive(1, from: stranger)
    call.receive(3, from: outside)
    #expect(call.destination() == agreed)
    call.receive(1, from: outside)
    #expect(call.destination() == outside)
  }

  @Test func `four packets of two SSRCs, or of comfort noise that nobody agreed on, prove nothing`() {
    var call = Call(agreement(agreed))
    call.receive(2, from: outside, ssrc: 5)
    call.receive(2, from: outside, ssrc: 6)
    #expect(call.destination() == agreed)
    call.receive(8, from: outside, ssrc: 6, type: 13)
    call.receive(8, from: outside, ssrc: 6, type: 96)
    #expect(call.destination() == agreed)
  }

  @Test func `a private address in SDP that RTP does not come from is named, once`() {
    var call = Call(agreement(agreed))
    call.receive(8, from: outside)
    let rules = call.stream.takeEvents().compactMap { if case .violation(let rule) = $0 { rule } else { nil } }
    #expect(rules.count == 1)
    #expect(rules.first?.description.contains("SDP names the private address 10.0.0.20:30000, RTP comes from 203.0.113.7:30000") == true)
    var plain = Call(agreement(outside))
    plain.receive(8, from: outside)
    #expect(plain.stream.takeEvents() == [.firstPacketReceived])
  }

  @Test func `once latched, another source is neither heard nor followed nor a sign of life, and is named`() {
    var call = Call(agreement(agreed))
    call.receive(4, from: outside)
    _ = call.stream.takeEvents()
    expectLife(false, call.receive(50, from: stranger, ssrc: 666))
    #expect(call.stream.report.packetsReceived == 4)
    #expect(call.destination() == outside)
    guard case .violation(let rule)? = call.stream.takeEvents().first else {
      Issue.record("nobody told")
      return
    }
    #expect(rule.description.contains("198.51.100.66:4000 is ignored"))
    expectLife(true, call.receive(1, from: outside))
  }

  @Test func `RTCP of another host is ignored after the latch, a BYE included (check ROB-06)`() {
    var call = Call(agreement(agreed))
    call.receive(4, from: outside)
    let bye = RTCPPacket.serialized([.receiverReport(ssrc: 5, []), .bye([5], reason: nil)])
    expectLife(false, call.stream.takes(.datagram(PortID(2), from: stranger, bye), at: .zero))
    let control = TransportAddress(outside.address, port: 41_000)
    expectLife(true, call.stream.takes(.datagram(PortID(2), from: control, bye), at: .zero))
    call.out.removeAll()
    call.stream.handle(.stop, at: .zero, &call.out)
    guard case .datagram(PortID(2), to: control, _, _)? = call.out.departures.last else {
      Issue.record("RTCP did not follow")
      return
    }
  }

  @Test func `the same source may go on with another SSRC (RFC 3550 §8.2)`() {
    var call = Call(agreement(agreed))
    call.receive(4, from: outside, ssrc: 5)
    expectLife(true, call.receive(2, from: outside, ssrc: 6))
    #expect(call.stream.report.packetsReceived == 6)
  }

  @Test func `a re-INVITE lets a new source prove itself; until it has, media goes on to the old one`() {
    var call = Call(agreement(agreed))
    call.receive(4, from: outside)
    let moved = TransportAddress(outside.address, port: 31_000)
    call.stream.handle(.renegotiate(agreement(agreed), isKnown: true), at: .zero)
    call.receive(3, from: moved)
    #expect(call.destination() == outside)
    call.receive(1, from: moved)
    #expect(call.destination() == moved)
  }

  @Test func `what is still under way from the old source does not win the stream back after a re-INVITE names another address`() {
    var call = Call(agreement(outside))
    call.receive(8, from: outside)
    let phone = TransportAddress(IPAddress(v4: 0xC000_0255), port: 40_000)
    call.stream.handle(.renegotiate(agreement(phone), isKnown: true), at: .zero)
    call.receive(15, from: outside)
    #expect(call.destination() == phone)
    call.receive(4, from: phone)
    _ = call.stream.takeEvents()
    expectLife(false, call.receive(4, from: outside))
    #expect(call.stream.takeEvents() == [])
    #expect(call.destination() == phone)
  }

  @Test func `the address that SDP names is never foreign`() {
    var call = Call(agreement(agreed))
    call.receive(4, from: outside)
    expectLife(true, call.receive(4, from: agreed))
    #expect(call.destination() == agreed)
  }
}
