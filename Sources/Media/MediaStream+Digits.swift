import RTP
import SDP
import SansIO

/// What a stream has for digits: each part has a state of its own.
struct DigitDesk: Sendable {
  var sender = EventSender()
  var receiver = EventReceiver()
  /// What was asked for has not been sent to its end.
  var isPressing = false
}

// Digits of both directions: telephone-event beside the audio, tones within it.
extension MediaStream {
  mutating func press(_ plan: DigitPlan, by way: DigitWay) {
    if let refusal = refusal(plan, by: way) { return events.append(.pressFailed(refusal)) }
    digits.isPressing = true
    if way == .inBand { sender.press(plan) } else { digits.sender.press(plan) }
  }

  /// Why digits cannot be sent so; nil where they can.
  private func refusal(_ plan: DigitPlan, by way: DigitWay) -> DigitRefusal? {
    guard agreement.direction.sends, !isElsewhere, configuration.sendsAudio else { return .held }
    if way == .inBand { return plan.digits.first(where: \.isFlash).map { .noTone($0) } }
    guard let agreed = agreement.events else {
      if case .otherClock(let clock, let codec) = agreement.eventsRefusal { return .otherClock(clock, codec: codec.encodingName) }
      return .noEvents
    }
    return plan.digits.first { !agreed.taken.contains($0.code) }.map { .notTaken($0) }
  }

  /// The next packet, its sequence number and its payload type: audio, or an event instead of it; nil where DTX leaves it out.
  mutating func nextPacket(due: Instant) -> (bytes: [UInt8], sequence: UInt16, payloadType: UInt8)? {
    let milliseconds = agreement.packetTime
    if let (event, number) = nextEvent() {
      let (bytes, sequence) = sender.event(event, payloadType: number, milliseconds: milliseconds, due: due)
      return (bytes, sequence, number)
    }
    return sender.packet(payloadType: agreement.sendPayloadType, milliseconds: milliseconds, due: due).map {
      ($0.bytes, $0.sequence, agreement.sendPayloadType)
    }
  }

  /// What is sent instead of audio in the next packet time; nil = audio.
  private mutating func nextEvent() -> (packet: EventSender.Packet, payloadType: UInt8)? {
    guard digits.isPressing else { return nil }
    guard let number = agreement.events?.sendPayloadType, !digits.sender.isIdle else { return nil }
    let ticks = codec.ticks(milliseconds: agreement.packetTime)
    return digits.sender.next(timestamp: sender.timestamp, ticks: ticks, clockRate: codec.clockRate).map { ($0, number) }
  }

  /// Says once that all was sent.
  mutating func settleDigits() {
    guard digits.isPressing else { return }
    // A new agreement may have taken back what the digits were to be sent with.
    let isStuck = !digits.sender.isIdle && agreement.events == nil
    guard isStuck || digits.sender.isIdle && !sender.isSendingTones else { return }
    digits.isPressing = false
    if isStuck { digits.sender = EventSender() }
    events.append(isStuck ? .pressFailed(.noEvents) : .pressed)
  }

  /// A packet of the peer's with telephone-event.
  mutating func receiveEvent(_ packet: RTPPacket, _ clock: EventClock, at now: Instant) {
    var heard: [HeardDigit] = []
    digits.receiver.receive(packet, clockRate: clock.rate, at: now, &heard)
    for digit in heard { events.append(.digit(digit)) }
  }

  mutating func wakeDigits(at now: Instant) {
    guard let due = digits.receiver.nextDeadline, due <= now else { return }
    var heard: [HeardDigit] = []
    digits.receiver.wake(at: now, &heard)
    for digit in heard { events.append(.digit(digit)) }
  }
}
