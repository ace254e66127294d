import RTP
import SDP
import SansIO
import Testing

@testable import Media

/// Digits of a whole stream: what leaves, and what comes of what arrives.
@Suite struct StreamDigitTests {
  private static let here = TransportAddress(.loopbackV4, port: 4_000)
  private static let there = TransportAddress(.loopbackV4, port: 5_000)

  private func agreement(_ change: (inout AudioAgreement) -> Void = { _ in }) -> AudioAgreement {
    var agreement = AudioAgreement(
      codec: .pcmu, local: Self.here, remote: Self.there, remoteControl: TransportAddress(.loopbackV4, port: 5_001),
      direction: .sendrecv, sendPayloadType: 0, receivePayloadType: 0, packetTime: 20)
    (agreement.events, agreement.receiveEventPayloadType) = (AgreedEvents(sendPayloadType: 97), 101)
    change(&agreement)
    return agreement
  }

  private func plan(_ digits: String, _ milliseconds: Int = 100) throws -> DigitPlan {
    DigitPlan(try #require(Digit.list(digits)), duration: .milliseconds(milliseconds))
  }

  /// The RTP of so many packet times from now on.
  private func run(_ stream: inout MediaStream, from: Int, _ count: Int) throws -> [RTPPacket] {
    var packets: [RTPPacket] = []
    for number in from..<from + count {
      var out = Outbox()
      stream.wake(at: Instant(nanoseconds: Int64(number) * 20_000_000), &out)
      for case .datagram(PortID(1), to: Self.there, let bytes, _) in out.departures { packets.append(try RTPPacket.parse(bytes)) }
    }
    return packets
  }

  @Test func `numbers go on by one, and the audio behind a digit has the time it would have had (DTMF-06, RFC 4733 §2.1)`() throws {
    var stream = MediaStream.running(agreement())
    var packets = try run(&stream, from: 1, 5)
    stream.handle(.press(try plan("5"), by: .rfc4733), at: .zero)
    packets += try run(&stream, from: 6, 12)
    #expect(packets.map(\.payloadType) == Array(repeating: 0, count: 5) + Array(repeating: 97, count: 7) + Array(repeating: 0, count: 5))
    for (one, next) in zip(packets, packets.dropFirst()) { #expect(next.sequenceNumber == one.sequenceNumber &+ 1) }
    let audio = packets.enumerated().filter { $0.element.payloadType == 0 }
    for (place, packet) in audio { #expect(packet.timestamp == packets[0].timestamp &+ UInt32(place) * 160) }
    let events = packets.filter { $0.payloadType == 97 }
    #expect(events.allSatisfy { $0.timestamp == packets[0].timestamp &+ 800 && $0.payload.count == 4 })
    #expect(events.map(\.marker) == [true] + Array(repeating: false, count: 6))
    #expect(stream.takeEvents().contains(.pressed))
    #expect(stream.report.packetsSent == 17 && stream.report.octetsSent == 10 * 160 + 7 * 4)
  }

  @Test func `what was not agreed is not sent, and the refusal says why (DTMF-08)`() throws {
    func refusal(_ digits: String, by way: DigitWay = .rfc4733, _ change: (inout AudioAgreement) -> Void) throws -> DigitRefusal? {
      var stream = MediaStream.running(agreement(change))
      stream.handle(.press(try plan(digits), by: way), at: .zero)
      let packets = try run(&stream, from: 1, 10)
      #expect(packets.allSatisfy { $0.payloadType == 0 })
      for case .pressFailed(let refusal) in stream.takeEvents() { return refusal }
      return nil
    }
    #expect(try refusal("5") { $0.events = nil } == .noEvents)
    #expect(
      try refusal("5") { ($0.events, $0.eventsRefusal) = (nil, .otherClock(8_000, codec: .opus)) } == .otherClock(8_000, codec: "opus"))
    #expect(try refusal("5!") { _ in } == Digit("!").map { .notTaken($0) })
    #expect(try refusal("!", by: .inBand) { _ in } == Digit("!").map { .noTone($0) })
    #expect(try refusal("5") { $0.direction = .recvonly } == .held)
  }

  @Test(arguments: [DigitWay.rfc4733, .inBand]) func `what one stream presses the other one hears`(way: DigitWay) throws {
    var sender = MediaStream.running(agreement())
    var receiver = MediaStream.running(
      agreement {
        ($0.local, $0.remote) = (Self.there, Self.here); $0.receiveEventPayloadType = 97
      })
    if way == .inBand { receiver.listenForDigits() }
    sender.handle(.press(try plan("12#"), by: way), at: .zero)
    var heard: [HeardDigit] = []
    for number in 1...60 {
      let now = Instant(nanoseconds: Int64(number) * 20_000_000)
      var out = Outbox()
      sender.wake(at: now, &out)
      for case .datagram(PortID(1), to: _, let bytes, _) in out.departures {
        receiver.receive(.datagram(PortID(1), from: Self.here, bytes), at: now)
      }
      for case .digit(let digit) in receiver.takeEvents() { heard.append(digit) }
    }
    #expect(heard.map(\.digit).text == "12#" && heard.allSatisfy { $0.way == way })
    for digit in heard { #expect(abs((digit.milliseconds ?? 0) - 100) <= (way == .inBand ? 26 : 0)) }
  }

  @Test func `an event without its ends is over after 200 ms, and the stream asks to be woken for it`() throws {
    var stream = MediaStream.running(agreement())
    _ = stream.takeEvents()
    var payload: [UInt8] = []
    TelephoneEvent(code: 3, duration: 400).append(to: &payload)
    let packet = RTPPacket(payloadType: 101, marker: true, sequenceNumber: 1, timestamp: 7, ssrc: 5, payload: Bytes(payload))
    let start = Instant(nanoseconds: 1_000_000_000)
    stream.receive(.datagram(PortID(1), from: Self.there, packet.serialized()), at: start)
    var out = Outbox()
    stream.wake(at: start.advanced(by: .milliseconds(199)), &out)
    #expect(!stream.takeEvents().contains { if case .digit = $0 { true } else { false } })
    stream.wake(at: start.advanced(by: .milliseconds(200)), &out)
    #expect(stream.takeEvents().contains(.digit(HeardDigit(try #require(Digit("3")), .rfc4733, milliseconds: 50))))
  }

  @Test func `a tone that sounds when the stream ends is a digit as well`() throws {
    var sender = MediaStream.running(agreement())
    var receiver = MediaStream.running(agreement { ($0.local, $0.remote) = (Self.there, Self.here) })
    receiver.listenForDigits()
    sender.handle(.press(try plan("9", 5_000), by: .inBand), at: .zero)
    for number in 1...20 {
      let now = Instant(nanoseconds: Int64(number) * 20_000_000)
      var out = Outbox()
      sender.wake(at: now, &out)
      for case .datagram(PortID(1), to: _, let bytes, _) in out.departures {
        receiver.receive(.datagram(PortID(1), from: Self.here, bytes), at: now)
      }
    }
    _ = receiver.takeEvents()
    receiver.handle(.stop, at: Instant(nanoseconds: 500_000_000))
    let nine = try #require(Digit("9"))
    #expect(
      receiver.takeEvents().contains { if case .digit(let heard) = $0 { heard.digit == nine && heard.way == .inBand } else { false } })
  }
}
