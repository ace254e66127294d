import RTP
import SansIO

extension ControlTable.Reports {
  /// A sender counts from the beginning of its stream (RFC 3550 §6.4.1). A capture that joins later knows the steps alone.
  mutating func take(_ information: RTCPPacket.SenderInformation, _ stream: RTPStream, _ stamp: FrameStamp) {
    let now = ControlTable.Sent(
      packets: Int(information.packetCount), octets: Int(information.octetCount), seenPackets: stream.course.promised,
      captured: stream.course.packets, distinct: stream.course.distinct, seenOctets: stream.octets,
      clock: Double(information.ntpTime >> 32) + Double(information.ntpTime & 0xFFFF_FFFF) / 4_294_967_296,
      timestamp: information.rtpTimestamp, stamp: stamp, unseen: stream.mayBeMissing(before: stamp))
    compareOffset(now, stream)
    guard let begin else {
      self.begin = now
      return
    }
    let (said, seen) = (now.packets - begin.packets, now.seenPackets - begin.seenPackets)
    // Of a beginning whose packets may be missing the next one is better.
    defer { if begin.unseen > max(now.unseen, 5) { self.begin = now } }
    guard miscount == nil, seen >= 50 else { return }
    // Each of the two may have overtaken packets, or they it, and the last ones before each of them may be lost.
    let margin = max(10, seen / 10) + 2 * stream.mayBeOvertaken
    // Numbers that did not come were lost, or never sent: who sends back what it hears may keep the numbers that it heard.
    let came = now.distinct - begin.distinct
    if said - seen > margin + now.unseen || came - said > margin + begin.unseen {
      miscount = ControlTable.Miscount(stamp: stamp, said: said, seen: said < seen ? came : seen, kind: .packets)
      return
    }
    compareClocks(begin, now, stream.clockRate)
    compareOctets(begin, now, said: said, seen: seen, stream)
  }

  /// Of the same packets on both sides: Opus and its like need more octets for some seconds than for others.
  private mutating func compareOctets(
    _ begin: ControlTable.Sent, _ now: ControlTable.Sent, said: Int, seen: Int, _ stream: RTPStream
  ) {
    let captured = now.captured - begin.captured
    // Events are short: those of a part of the stream say nothing of the whole.
    guard miscount == nil, said > 0, captured >= 50, now.octets > begin.octets, stream.events == 0 else { return }
    let (octets, length) = ((now.octets - begin.octets) / said, (now.seenOctets - begin.seenOctets) / captured)
    // What protects a payload is octets of it as well (RFC 3711 §3.1); how long those were that are missing nobody knows.
    let part = stream.protection == .closed ? 5 : captured * 20 < seen * 19 ? 4 : 20
    guard length >= 20, abs(octets - length) * part > length else { return }
    miscount = ControlTable.Miscount(stamp: now.stamp, said: octets, seen: length, kind: .octets)
  }
}

extension RTPStream {
  /// Packets of 20 ms that a report may overtake, by the jitter of the way (RFC 3550 §6.4.1): that is a third of the spread where each
  /// delay within it is as likely.
  public var mayBeOvertaken: Int { Int(min(maximumJitter, 10_000) * 3 / 20) }

  /// Packets that may have been sent since the newest one came, and are lost: the numbers do not tell of them.
  func mayBeMissing(before stamp: FrameStamp) -> Int { course.newest.map { sent(within: stamp.since($0.stamp)) } ?? 0 }

  /// Packets that may have been sent since its receiver said where it wants them, and before the first one that came.
  public func mayBeMissing(since description: FrameStamp) -> Int { sent(within: first.since(description)) }

  /// Packets that may have been sent from the first one that came until then.
  public func maySend(until stamp: FrameStamp) -> Int { sent(within: stamp.since(first)) }

  private func sent(within nanoseconds: Int64) -> Int {
    let length = clockRate > 0 && course.ticks > 0 ? Int64(course.ticks) * 1_000_000_000 / Int64(clockRate) : 20_000_000
    return Int(max(nanoseconds, 0) / max(length, 2_500_000))
  }
}

extension ControlTable.Reports {
  /// Both clocks of a report go on with the time between reports (RFC 3550 §6.4.1). One that rests while its stream does is right.
  private mutating func compareClocks(_ begin: ControlTable.Sent, _ now: ControlTable.Sent, _ rate: Int) {
    let passed = Double(now.stamp.since(begin.stamp)) / 1e9
    guard passed > 2, begin.clock > 0, now.clock > 0 else { return }
    func differs(_ said: Double) -> Bool { abs(said - passed) > max(0.5, passed / 5) }
    func miscount(_ said: Double, _ kind: ControlTable.Miscount.Kind) -> ControlTable.Miscount {
      ControlTable.Miscount(
        stamp: now.stamp, said: Int(max(min(said, 1e6), -1e6) * 1_000), seen: Int(passed * 1_000), kind: kind)
    }
    if differs(now.clock - begin.clock) {
      self.miscount = miscount(now.clock - begin.clock, .clock)
    } else if rate > 0 {
      let said = Double(Int32(bitPattern: now.timestamp &- begin.timestamp)) / Double(rate)
      if differs(said) { self.miscount = miscount(said, .timestamp) }
    }
  }
}

extension ControlTable.Reports {
  /// The RTP timestamp of a report is that of its moment, by the clock of the stream (RFC 3550 §6.4.1).
  private mutating func compareOffset(_ now: ControlTable.Sent, _ stream: RTPStream) {
    guard miscount == nil, let newest = stream.course.newest, stream.clockRate > 0, stream.course.packets >= 20, stream.clock.breaks == 0,
      stream.course.restarts.isEmpty
    else { return }
    let passed = now.stamp.since(newest.stamp)
    guard passed >= 0, passed < 1_000_000_000 else { return }
    let ticks = Int(Int32(bitPattern: now.timestamp &- newest.timestamp))
    let ahead = ticks * 1_000 / stream.clockRate - Int(passed / 1_000_000)
    // Ten seconds are what the longest telephone-event keeps a timestamp for, and more than any clock is off.
    guard abs(ahead) > 10_000 else { return }
    miscount = ControlTable.Miscount(stamp: now.stamp, said: ahead, seen: 0, kind: .offset)
  }
}

extension ControlTable.Block {
  init(_ block: ReceptionReport, _ stream: RTPStream, _ stamp: FrameStamp) {
    let rate = stream.clockRate
    self.init(
      stamp: stamp, reporter: stream.key.destination, lost: Int(block.cumulativeLost),
      jitter: rate > 0 ? Double(block.jitter) * 1_000 / Double(rate) : nil, seenLost: stream.lost, seenPackets: stream.course.packets,
      seenJitter: max(stream.maximumJitter, stream.arrivals.maximum), fractionLost: block.fractionLost,
      highestSequence: UInt16(truncatingIfNeeded: block.extendedHighestSequence), seenHighest: stream.course.lastSequence,
      seenExpected: stream.course.expected, seenBalance: stream.course.balance)
  }
}
