import SansIO

/// The clocks that telephone-event comes with: that of the audio beside it (RFC 4733 §2.1), since both share their timestamps.
public enum EventClock: Hashable, Sendable, CaseIterable {
  /// 8000, as G.711 and G.722.
  case telephony
  /// 48000, as Opus (RFC 7587 §4.1).
  case opus

  /// Ticks a second.
  public var rate: Int { self == .telephony ? AudioCodec.telephonyClockRate : 48_000 }

  /// The number we offer it with (contract 8.5); a ``DescriptionStyle`` may have others.
  public var offeredPayloadType: UInt8 { self == .telephony ? 101 : 110 }
}

extension AudioCodec {
  /// The clock of the events that go with it.
  public var eventClock: EventClock { self == .opus ? .opus : .telephony }
}

/// The events that one side takes, as `a=fmtp:101 0-15,66` lists them (RFC 4733 §2.4.1); those up to 63.
public struct EventSet: Hashable, Sendable {
  private var bits: UInt64

  /// 0–15: whoever says nothing takes the sixteen digits (RFC 4733 §2.4.1, RFC 2833 §3.9).
  public static let digits = EventSet(bits: 0xFFFF)

  private init(bits: UInt64) { self.bits = bits }

  public init(_ codes: some Sequence<UInt8>) {
    bits = 0
    for code in codes where code < 64 { bits |= 1 << UInt64(code) }
  }

  public func contains(_ code: UInt8) -> Bool { code < 64 && bits >> UInt64(code) & 1 == 1 }

  /// Reads a list such as `0-15,66`, maybe behind `events=`; nil for anything else.
  init?(_ span: Span<UInt8>, _ range: Range<Int>) {
    bits = 0
    let comma = UInt8(ascii: ",")
    var position = range.lowerBound
    if let equals = (range.first { span[$0] == UInt8(ascii: "=") }) { position = equals + 1 }
    guard position < range.upperBound else { return nil }
    while let part = SDPText.word(span, &position, range.upperBound, separator: comma) {
      var place = part.lowerBound
      guard let first = Self.code(span, &place, part.upperBound) else { return nil }
      guard place < part.upperBound else {
        insert(first...first)
        continue
      }
      guard let last = Self.code(span, &place, part.upperBound), last >= first else { return nil }
      insert(first...last)
    }
  }

  /// The number before the next dash.
  private static func code(_ span: Span<UInt8>, _ place: inout Int, _ end: Int) -> UInt8? {
    SDPText.word(span, &place, end, separator: UInt8(ascii: "-")).flatMap { SDPText.number(span, $0, UInt8.self) }
  }

  private mutating func insert(_ codes: ClosedRange<UInt8>) {
    guard codes.lowerBound < 64 else { return }
    bits |= ~0 << UInt64(codes.lowerBound) & ~0 >> UInt64(63 - min(codes.upperBound, 63))
  }
}

/// What both sides agreed on about telephone-event.
public struct AgreedEvents: Hashable, Sendable {
  /// The peer's number, which we send.
  public var sendPayloadType: UInt8
  /// What the peer takes.
  public var taken: EventSet

  public init(sendPayloadType: UInt8, taken: EventSet = .digits) {
    (self.sendPayloadType, self.taken) = (sendPayloadType, taken)
  }
}

/// Why no digit can be sent as telephone-event.
public enum EventsRefusal: Hashable, Sendable {
  /// One side does not have it at all.
  case none
  /// Both have it with another clock than that of the codec in use.
  case otherClock(Int, codec: AudioCodec)
}

extension MediaDescription {
  /// What stands behind the number in its a=fmtp; nil where there is no such line.
  func formatParameters(of number: UInt8) -> Range<Int>? {
    description.bytes.withSpan { span in
      for line in description.lines[lines] where line.attribute == .fmtp {
        var position = line.attributeValue.lowerBound
        guard let word = SDPText.word(span, &position, line.attributeValue.upperBound), SDPText.number(span, word, UInt8.self) == number
        else { continue }
        while position < line.attributeValue.upperBound, span[position] == SDPText.space { position += 1 }
        return position..<line.attributeValue.upperBound
      }
      return nil
    }
  }

  /// The events that its writer takes by a number of telephone-event.
  public func events(of number: UInt8) -> EventSet {
    guard let value = formatParameters(of: number) else { return .digits }
    return description.bytes.withSpan { EventSet($0, value) } ?? .digits
  }
}

extension [AudioPayload] {
  /// The number of telephone-event with a clock; nil where there is none.
  func events(_ clock: EventClock) -> UInt8? { first { $0.format == .telephoneEvent(clock) }?.number }
}

extension AudioAgreement {
  /// Takes what both sides say of telephone-event: that of the codec's clock is used.
  mutating func agreeEvents(_ description: MediaDescription, _ theirs: [AudioPayload], ours: [AudioPayload]) {
    let clock = codec.eventClock
    let other: EventClock = clock == .opus ? .telephony : .opus
    (events, receiveEventPayloadType, otherEventPayloadType) = (nil, nil, nil)
    if let number = theirs.events(clock), let own = ours.events(clock) {
      events = AgreedEvents(sendPayloadType: number, taken: description.events(of: number))
      receiveEventPayloadType = own
    }
    if theirs.events(other) != nil {
      otherEventPayloadType = ours.events(other)
      if events == nil { eventsRefusal = .otherClock(other.rate, codec: codec) }
    }
  }
}
