import SansIO

/// What a payload type number stands for, as text: any encoding, whether we know it or not.
public struct Encoding: Hashable, Sendable {
  public var payloadType: UInt8
  /// As written; names compare without regard to case (RFC 8866 §6.6).
  public var name: String
  public var clockRate: Int
  public var channels: Int

  public var isTelephoneEvent: Bool { name.lowercased() == "telephone-event" }
}

/// An encoding as it is found: `96 opus/48000/2` in the bytes, or a static number, which needs no rtpmap (RFC 3551 §6).
private enum PayloadMap {
  case written(name: Range<Int>, clockRate: Int, channels: Int)
  case standard(StaticString, AudioFormat?)

  /// The static assignments of RFC 3551 that trunks use, all of the clock rate of telephony.
  init?(standard number: UInt8) {
    switch number {
    case 0: self = .standard("PCMU", .codec(.pcmu))
    case 3: self = .standard("GSM", nil)
    case 4: self = .standard("G723", nil)
    case 8: self = .standard("PCMA", .codec(.pcma))
    case 9: self = .standard("G722", .codec(.g722))
    case 13: self = .standard("CN", nil)
    case 18: self = .standard("G729", nil)
    default: return nil
    }
  }

  /// Reads the value of a=rtpmap; nil unless it is that of the number.
  init?(_ span: Span<UInt8>, _ value: Range<Int>, of number: UInt8) {
    let slash = UInt8(ascii: "/")
    var position = value.lowerBound
    guard let own = SDPText.word(span, &position, value.upperBound, separator: slash), SDPText.number(span, own) == number,
      let name = SDPText.word(span, &position, value.upperBound, separator: slash),
      let rate = SDPText.word(span, &position, value.upperBound, separator: slash),
      let clockRate = SDPText.number(span, rate, Int.self), clockRate > 0
    else { return nil }
    let channels = SDPText.word(span, &position, value.upperBound, separator: slash).flatMap { SDPText.number(span, $0, Int.self) }
    self = .written(name: name, clockRate: clockRate, channels: channels ?? 1)
  }

  /// The format of ours that it is; nil for any other.
  func audioFormat(_ span: Span<UInt8>) -> AudioFormat? {
    switch self {
    case .standard(_, let format): return format
    case .written(let name, let clockRate, let channels):
      for format in AudioFormat.all where format.clockRate == clockRate && format.channels == channels {
        if SDPText.isSame(span, name, format.encodingName) { return format }
      }
      return nil
    }
  }

  func encoding(_ span: Span<UInt8>, _ number: UInt8) -> Encoding {
    switch self {
    case .written(let name, let clockRate, let channels):
      Encoding(payloadType: number, name: SDPText.text(span, name), clockRate: clockRate, channels: channels)
    case .standard(let name, _):
      Encoding(payloadType: number, name: "\(name)", clockRate: AudioCodec.telephonyClockRate, channels: 1)
    }
  }
}

extension MediaDescription {
  /// The formats in their order with what they mean.
  public var encodings: [Encoding] { payloads { $0.encoding($1, $2) } }

  /// Those that can be audio of ours.
  var audioPayloads: [AudioPayload] { payloads { map, span, number in map.audioFormat(span).map { AudioPayload(number, $0) } } }

  private func payloads<Value>(_ read: (PayloadMap, Span<UInt8>, UInt8) -> Value?) -> [Value] {
    var values: [Value] = []
    description.bytes.withSpan { span in
      var position = section.line.formats.lowerBound
      while let word = SDPText.word(span, &position, section.line.formats.upperBound) {
        guard let number = SDPText.number(span, word, UInt8.self), number < 128, let map = payloadMap(span, number),
          let value = read(map, span, number)
        else { continue }
        values.append(value)
      }
    }
    return values
  }

  /// The first readable rtpmap of a number, else what it stands for without one.
  private func payloadMap(_ span: Span<UInt8>, _ number: UInt8) -> PayloadMap? {
    for line in description.lines[lines] where line.attribute == .rtpmap {
      if let map = PayloadMap(span, line.attributeValue, of: number) { return map }
    }
    return PayloadMap(standard: number)
  }
}
