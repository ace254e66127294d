import RTP
import SansIO
import Testing

@testable import WireReader

/// A stream with audio and events, as packets of 20 ms.
private struct Stream {
  struct Packet {
    var rtp: RTPPacket
    var isEvent: Bool
    var time: Int64
  }

  var packets: [Packet] = []
  var timestamp: UInt32 = 5_000
  private var sequence: UInt16 = 65_530
  private var time: Int64 = 0

  mutating func add(_ payload: [UInt8], _ timestamp: UInt32, marker: Bool = false, isEvent: Bool) {
    let rtp = RTPPacket(
      payloadType: isEvent ? 101 : 0, marker: marker, sequenceNumber: sequence, timestamp: timestamp, ssrc: 1, payload: Bytes(payload))
    packets.append(Packet(rtp: rtp, isEvent: isEvent, time: time))
    sequence &+= 1
    time += 20_000_000
  }

  mutating func audio(_ count: Int) {
    for _ in 0..<count {
      add([UInt8](repeating: 0xFF, count: 160), timestamp, isEvent: false)
      timestamp &+= 160
    }
  }

  /// A digit of so many packets, each with what `change` makes of it.
  mutating func digit(
    _ code: UInt8, _ count: Int = 5, ends: Int = 3, step: UInt16 = 160, passes: Bool = true,
    _ change: (Int, inout TelephoneEvent, inout UInt32, inout Bool) -> Void = { _, _, _, _ in }
  ) {
    let begin = timestamp
    for index in 0..<count + ends - 1 {
      let number = min(index + 1, count)
      var event = TelephoneEvent(code: code, isEnd: ends > 0 && index >= count - 1, duration: UInt16(number) * step)
      var (timestamp, marker) = (begin, index == 0)
      change(index, &event, &timestamp, &marker)
      var payload: [UInt8] = []
      event.append(to: &payload)
      add(payload, timestamp, marker: marker, isEvent: true)
      if passes { self.timestamp &+= 160 }
    }
  }

  func read(clockRate: Int = 8_000, without lost: Set<Int> = []) -> EventCourse {
    var course = EventCourse()
    var (expected, missing) = (packets.first?.rtp.sequenceNumber ?? 0, 0)
    for (index, packet) in packets.enumerated() where !lost.contains(index) {
      missing += Int(packet.rtp.sequenceNumber &- expected)
      expected = packet.rtp.sequenceNumber &+ 1
      let stamp = FrameStamp(frame: index + 1, time: packet.time)
      if packet.isEvent {
        course.take(packet.rtp, clockRate: clockRate, lost: missing, isListed: { $0 < 16 }, stamp)
      } else {
        course.pass(packet.rtp, clockRate: 8_000, lost: missing, stamp)
      }
    }
    return course
  }
}

@Suite struct EventCourseTests {
  private func stream(_ body: (inout Stream) -> Void) -> Stream {
    var stream = Stream()
    stream.audio(10)
    body(&stream)
    stream.audio(10)
    return stream
  }

  @Test func `digits as RFC 4733 wants them break no rule, whatever two packets are lost`() {
    let good = stream {
      $0.digit(5)
      $0.audio(3)
      $0.digit(11, 12)
    }
    let course = good.read()
    #expect(course.breaches.isEmpty && course.digits.map(\.digit).text == "5#")
    #expect(course.digits.map(\.milliseconds) == [100, 240] && course.digits.map(\.way) == [.rfc4733, .rfc4733])
    for first in good.packets.indices {
      for second in good.packets.indices {
        let course = good.read(without: [first, second])
        #expect(course.breaches.isEmpty, "without \(first) and \(second): \(course.breaches)")
        #expect(course.digits.map(\.digit).text == "5#", "without \(first) and \(second)")
      }
    }
  }

  @Test func `bursts of loss accuse nobody either`() {
    let good = stream {
      $0.digit(1)
      $0.audio(8)
      $0.digit(2)
    }
    for begin in good.packets.indices {
      for length in 1...9 { #expect(good.read(without: Set(begin..<begin + length)).breaches.isEmpty, "\(length) from \(begin)") }
    }
  }

  @Test(arguments: [
    ("marker", EventCourse.Breach.noMarker), ("later marker", .laterMarker), ("timestamp", .movingTimestamp), ("duration", .duration),
    ("standing duration", .duration), ("no end", .noEnd), ("one end", .fewEnds), ("length", .length), ("not listed", .notListed),
    ("timeline", .timeline), ("clock", .pace),
  ])
  func `each rule that a packet breaks is named, and no other (RFC 4733 §2.5.1)`(name: String, breach: EventCourse.Breach) {
    let broken = stream { stream in
      switch name {
      case "marker": stream.digit(5) { _, _, _, marker in marker = false }
      case "later marker": stream.digit(5) { index, _, _, marker in marker = index == 0 || index == 3 }
      case "timestamp": stream.digit(5) { index, _, timestamp, _ in timestamp &+= UInt32(index) * 160 }
      case "duration": stream.digit(5) { index, event, _, _ in if index == 2 { event.duration = 100 } }
      case "standing duration": stream.digit(5, 9) { index, event, _, _ in if index < 8 { event.duration = 160 } }
      case "no end": stream.digit(5, ends: 1) { _, event, _, _ in event.isEnd = false }
      case "one end": stream.digit(5, ends: 1)
      case "length": stream.add([5, 10, 0], stream.timestamp, marker: true, isEvent: true)
      case "not listed": stream.digit(16)
      case "timeline": stream.digit(5, 10, passes: false)
      default: stream.digit(5, 10, step: 960)
      }
    }
    #expect(Set(broken.read().breaches.keys) == [breach])
  }

  @Test func `segments are one event; a marker at a segment is named (RFC 4733 §2.5.1.3)`() {
    func long(markerAtSegment: Bool) -> EventCourse {
      stream { stream in
        let begin = stream.timestamp
        func event(_ duration: Int, _ timestamp: UInt32, isEnd: Bool = false, marker: Bool = false) {
          var payload: [UInt8] = []
          TelephoneEvent(code: 8, isEnd: isEnd, duration: UInt16(duration)).append(to: &payload)
          stream.add(payload, timestamp, marker: marker, isEvent: true)
          stream.timestamp &+= 160
        }
        for number in 1...409 { event(number * 160, begin, marker: number == 1) }
        for _ in 0..<3 { event(0xFFFF, begin) }
        for number in 413...500 { event(number * 160 - 0xFFFF, begin &+ 0xFFFF, marker: markerAtSegment && number == 413) }
        for _ in 0..<3 { event(80_000 - 0xFFFF, begin &+ 0xFFFF, isEnd: true) }
      }.read()
    }
    let good = long(markerAtSegment: false)
    #expect(good.breaches.isEmpty && good.events.count == 1 && good.events.first?.segments == 2)
    #expect(good.digits.map(\.milliseconds) == [10_000])
    #expect(Set(long(markerAtSegment: true).breaches.keys) == [.laterMarker])
  }

  @Test func `the same digit twice is two, and doubled packets are one`() {
    var twice = stream {
      $0.digit(7)
      $0.audio(2)
      $0.digit(7)
    }
    #expect(twice.read().digits.map(\.digit).text == "77")
    twice.packets = twice.packets.flatMap { [$0, $0] }
    #expect(twice.read().digits.map(\.digit).text == "77")
  }
}
