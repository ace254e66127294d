import RTP
import SansIO
import Testing

@testable import Media

/// One digit or several through the sender, packet by packet.
struct EventBench {
  var sender = EventSender()
  var timestamp: UInt32 = 1_000
  let ticks: UInt32
  let clockRate: Int

  init(milliseconds: Int = 20, clockRate: Int = 8_000) {
    self.clockRate = clockRate
    ticks = UInt32(clockRate * milliseconds / 1_000)
  }

  /// What leaves in so many packet times; nil = audio.
  mutating func run(_ count: Int) -> [EventSender.Packet?] {
    (0..<count).map { _ in
      defer { timestamp &+= ticks }
      return sender.next(timestamp: timestamp, ticks: ticks, clockRate: clockRate)
    }
  }

  mutating func press(_ digits: String, _ duration: Duration, gap: Duration = .milliseconds(60)) {
    sender.press(DigitPlan(Digit.list(digits) ?? [], duration: duration, gap: gap))
  }

  mutating func events(_ count: Int) -> [EventSender.Packet] { run(count).compactMap(\.self) }
}

struct EventSenderTests {
  @Test("RFC 4733 §2.5.1: marker first, one timestamp, a growing duration, the end three times")
  func oneDigit() {
    var bench = EventBench()
    bench.press("5", .milliseconds(100))
    let packets = bench.events(20)
    #expect(packets.map(\.marker) == [true] + Array(repeating: false, count: 6))
    #expect(packets.allSatisfy { $0.timestamp == 1_000 && $0.event.code == 5 && $0.event.volume == 10 })
    #expect(packets.map(\.event.duration) == [160, 320, 480, 640, 800, 800, 800])
    #expect(packets.map(\.event.isEnd) == [false, false, false, false, true, true, true])
    #expect(bench.sender.isIdle)
  }

  @Test("A duration that is no multiple of the packet time ends exact", arguments: [45, 50, 59])
  func exactEnd(milliseconds: Int) {
    var bench = EventBench()
    bench.press("1", .milliseconds(milliseconds))
    let packets = bench.events(12)
    #expect(packets.last?.event.duration == UInt16(milliseconds * 8))
    #expect(packets.count { $0.event.isEnd } == 3)
  }

  @Test("All 16 digits and flash have their event codes (RFC 4733 §3.2)")
  func allDigits() {
    var bench = EventBench()
    bench.press("0123456789*#ABCD!", .milliseconds(40), gap: .milliseconds(40))
    let packets = bench.events(200)
    #expect(packets.filter(\.marker).map(\.event.code) == Array(0...16))
    #expect(Set(packets.map(\.timestamp)).count == 17)
  }

  @Test("The gap is silence on the event's side: audio, no packet of an event")
  func gap() {
    var bench = EventBench()
    bench.press("12", .milliseconds(40), gap: .milliseconds(100))
    let all = bench.run(20)
    // Two packets and two more ends of the first, then what is left of 100 ms after the 40 of the ends.
    #expect(all.prefix(4).allSatisfy { $0 != nil } && all[4..<7].allSatisfy { $0 == nil } && all[7]?.event.code == 2)
    #expect(all[7]?.marker == true && all[7]?.timestamp == 1_000 + 7 * 160)
  }

  @Test(
    "RFC 4733 §2.5.1.3: past 0xFFFF a segment follows with a new timestamp and no marker", arguments: [(8_000, 20_000), (48_000, 3_000)])
  func segments(clockRate: Int, milliseconds: Int) {
    var bench = EventBench(clockRate: clockRate)
    bench.press("7", .milliseconds(milliseconds))
    let packets = bench.events(milliseconds / 20 + 20)
    let timestamps = packets.map(\.timestamp).reduce(into: [UInt32]()) { if $0.last != $1 { $0.append($1) } }
    let total = milliseconds * clockRate / 1_000
    #expect(timestamps == (0...total / 0xFFFF).map { 1_000 + UInt32($0) * 0xFFFF })
    #expect(packets.filter(\.marker).count == 1 && packets.first?.marker == true)
    for timestamp in timestamps.dropLast() {
      let segment = packets.filter { $0.timestamp == timestamp }
      #expect(segment.suffix(3).allSatisfy { $0.event.duration == 0xFFFF && !$0.event.isEnd })
      #expect(segment.count { $0.event.duration == 0xFFFF } == 3)
    }
    #expect(packets.last.map { Int($0.event.duration) } == total % 0xFFFF)
    #expect(packets.count { $0.event.isEnd } == 3)
  }

  @Test("A second press waits for the first")
  func queue() {
    var bench = EventBench()
    bench.press("1", .milliseconds(40))
    _ = bench.events(2)
    bench.press("2", .milliseconds(100), gap: .milliseconds(40))
    let rest = bench.events(20)
    #expect(rest.filter(\.marker).map(\.event.code) == [2])
    #expect(rest.last?.event.duration == 800)
  }
}

struct EventReceiverTests {
  private struct Bench {
    var receiver = EventReceiver()
    var digits: [HeardDigit] = []
    var now = Instant.zero
    var sequence: UInt16 = 0

    mutating func take(_ packet: EventSender.Packet, clockRate: Int = 8_000) {
      var payload: [UInt8] = []
      packet.event.append(to: &payload)
      receiver.receive(
        RTPPacket(
          payloadType: 101, marker: packet.marker, sequenceNumber: sequence, timestamp: packet.timestamp, ssrc: 1, payload: Bytes(payload)),
        clockRate: clockRate, at: now, &digits)
      sequence &+= 1
      now = now.advanced(by: .milliseconds(20))
    }

    mutating func wait() {
      now = now.advanced(by: .seconds(1))
      receiver.wake(at: now, &digits)
    }

    var text: String { digits.map(\.digit).text }
  }

  private static func packets(_ digits: String, _ duration: Duration = .milliseconds(100), clockRate: Int = 8_000) -> [EventSender.Packet] {
    var bench = EventBench(clockRate: clockRate)
    bench.press(digits, duration)
    return bench.events(1_000)
  }

  @Test("Each digit comes once, with its duration by the event's clock", arguments: [8_000, 48_000])
  func plain(clockRate: Int) {
    var bench = Bench()
    for packet in Self.packets("12#", clockRate: clockRate) { bench.take(packet, clockRate: clockRate) }
    #expect(bench.digits == [1, 2, 11].compactMap { Digit(code: $0).map { HeardDigit($0, .rfc4733, milliseconds: 100) } })
    bench.wait()
    #expect(bench.text == "12#")
  }

  @Test("Whatever single packet or pair of packets is lost, each digit comes once (DTMF-03)")
  func losses() {
    let packets = Self.packets("55")
    for first in packets.indices {
      for second in packets.indices {
        var bench = Bench()
        for (index, packet) in packets.enumerated() where index != first && index != second { bench.take(packet) }
        bench.wait()
        #expect(bench.text == "55", "without \(first) and \(second)")
      }
    }
  }

  @Test("All three ends are lost: the next event ends the digit, else 200 ms without a packet")
  func lostEnds() {
    var bench = Bench()
    for packet in Self.packets("19") where !packet.event.isEnd { bench.take(packet) }
    #expect(bench.text == "1" && bench.digits.first?.milliseconds == 80)
    #expect(bench.receiver.nextDeadline == bench.now.advanced(by: .milliseconds(180)))
    bench.wait()
    #expect(bench.text == "19" && bench.receiver.nextDeadline == nil)
  }

  @Test("Doubled packets and packets out of order make no further digit")
  func disorder() {
    let packets = Self.packets("37")
    for distance in 1...4 {
      var bench = Bench()
      for index in stride(from: 0, to: packets.count, by: distance + 1) {
        for packet in packets[index..<min(packets.count, index + distance + 1)].reversed() {
          bench.take(packet)
          bench.take(packet)
        }
      }
      bench.wait()
      #expect(bench.text == "37", "reversed by \(distance + 1)")
    }
  }

  @Test("A late end after its time is no second digit")
  func lateEnd() {
    let packets = Self.packets("4")
    var bench = Bench()
    for packet in packets.dropLast(3) { bench.take(packet) }
    bench.wait()
    for packet in packets.suffix(3) { bench.take(packet) }
    bench.wait()
    #expect(bench.text == "4")
  }

  @Test("Segments are one digit with the sum of their durations, also without the ends of the first", arguments: [false, true])
  func segments(losesEnds: Bool) {
    var bench = Bench()
    for packet in Self.packets("8", .seconds(12)) where !(losesEnds && packet.event.duration == 0xFFFF) { bench.take(packet) }
    bench.wait()
    #expect(bench.digits == Digit("8").map { [HeardDigit($0, .rfc4733, milliseconds: 12_000)] })
  }

  @Test("Several events in one packet follow each other (RFC 4733 §2.5.1.5); broken payloads are counted")
  func blocks() {
    var bench = Bench()
    var payload: [UInt8] = []
    TelephoneEvent(code: 1, isEnd: true, duration: 800).append(to: &payload)
    TelephoneEvent(code: 2, isEnd: true, duration: 800).append(to: &payload)
    for bytes in [payload, Array(payload.prefix(7)), []] {
      bench.receiver.receive(
        RTPPacket(payloadType: 101, marker: true, sequenceNumber: 1, timestamp: 500, ssrc: 9, payload: Bytes(bytes)), clockRate: 8_000,
        at: .zero, &bench.digits)
    }
    #expect(bench.text == "12" && bench.receiver.broken == 2)
  }

  @Test("Another source may use the same timestamp for a digit of its own")
  func otherSource() {
    var bench = Bench()
    var payload: [UInt8] = []
    TelephoneEvent(code: 6, isEnd: true, duration: 800).append(to: &payload)
    for ssrc in [UInt32(1), 2] {
      bench.receiver.receive(
        RTPPacket(payloadType: 101, marker: true, sequenceNumber: 1, timestamp: 500, ssrc: ssrc, payload: Bytes(payload)),
        clockRate: 8_000, at: .zero, &bench.digits)
    }
    #expect(bench.text == "66")
  }
}
