import Media
import RTP
import SansIO
import WireReader

/// Packets of one stream: each five bytes (steps of sequence number, timestamp and time, flags, length) and a payload. Those of
/// telephone-event go to the stack's receiver, and all of them to the independent reader.
enum TelephoneEventTarget {
  static func run(_ input: [UInt8]) {
    if let blocks = try? TelephoneEvent.blocks(Bytes(input)) {
      var written: [UInt8] = []
      for block in blocks { block.append(to: &written) }
      hold(written == input, "blocks are written as they were read")
    }
    let (first, second) = (play(input), play(input))
    hold(first.digits == second.digits, "two runs hear the same")
    hold(first.digits.count <= first.blocks, "no more digits than events (RFC 4733 §2.5.1.5)")
    hold(first.seen <= first.blocks, "the reader sees no more events than there are blocks")
  }

  private static func play(_ input: [UInt8]) -> (digits: [HeardDigit], seen: Int, blocks: Int) {
    var (receiver, course) = (EventReceiver(), EventCourse())
    var digits: [HeardDigit] = []
    var (position, blocks, frame) = (0, 0, 0)
    var (sequence, timestamp, now) = (UInt16(0), UInt32(0), Instant.zero)
    while position + 5 <= input.count {
      let head = Array(input[position..<position + 5])
      let end = min(position + 5 + Int(head[4] & 15), input.count)
      let payload = Array(input[position + 5..<end])
      position = end
      frame += 1
      sequence &+= UInt16(truncatingIfNeeded: Int(head[0]) - 64)
      timestamp &+= UInt32(truncatingIfNeeded: (Int(head[1]) - 32) * (head[3] & 4 == 0 ? 160 : 0xFFFF))
      now = now.advanced(by: .milliseconds(Int(head[2])))
      let packet = RTPPacket(
        payloadType: 101, marker: head[3] & 1 == 1, sequenceNumber: sequence, timestamp: timestamp, ssrc: UInt32(head[3] >> 6),
        payload: Bytes(payload))
      let stamp = FrameStamp(frame: frame, time: now.nanoseconds)
      guard head[3] & 2 == 0 else {
        course.pass(packet, clockRate: 8_000, lost: Int(head[3] >> 3 & 1), stamp)
        continue
      }
      blocks += max(1, payload.count / TelephoneEvent.size)
      receiver.wake(at: now, &digits)
      receiver.receive(packet, clockRate: 8_000, at: now, &digits)
      if let due = receiver.nextDeadline { hold(due > now, "a deadline is ahead") }
      course.take(packet, clockRate: 8_000, lost: 0, isListed: { $0 < 16 }, stamp)
    }
    receiver.wake(at: now.advanced(by: .seconds(1)), &digits)
    hold(receiver.nextDeadline == nil, "after a second nothing sounds any more")
    return (digits, course.events.count, blocks)
  }
}
