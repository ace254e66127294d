import SansIO

/// What a description says of its Opus by a=fmtp (RFC 7587 §6.1): what its writer wants to get, and what it will send.
///
/// A parameter that is not known, or has a value that it cannot have, is passed over: what holds without it holds (RFC 7587 §6.1).
public struct OpusFormat: Hashable, Sendable {
  public struct Switches: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// It likes stereo better than mono.
    public static let stereo = Switches(rawValue: 1)
    /// It may send stereo.
    public static let sendsStereo = Switches(rawValue: 2)
    /// It can make use of in-band FEC.
    public static let inBandFEC = Switches(rawValue: 4)
    /// It likes silence better not sent.
    public static let dtx = Switches(rawValue: 8)
    /// It likes packets of one size better.
    public static let constantBitrate = Switches(rawValue: 16)
  }

  /// Hertz: the most that it plays (maxplaybackrate), and captures (sprop-maxcapturerate).
  public var maximumPlaybackRate: UInt16 = 48_000
  public var maximumCaptureRate: UInt16 = 48_000
  /// Bits a second (maxaveragebitrate); 0 = it does not say.
  public var maximumAverageBitrate: UInt32 = 0
  public var switches: Switches = []
  /// Milliseconds (minptime); 3 is what Opus has at least.
  public var minimumPacketTime: UInt8 = 3

  public init() {}

  /// Reads parameters as they stand behind the payload number: `useinbandfec=1;minptime=10`.
  public init(_ text: String) {
    let bytes = Bytes(text)
    self = bytes.withSpan { OpusFormat($0, 0..<bytes.count) }
  }

  init(_ span: Span<UInt8>, _ range: Range<Int>) {
    var position = range.lowerBound
    while position < range.upperBound {
      var end = position
      while end < range.upperBound, span[end] != UInt8(ascii: ";") { end += 1 }
      take(span, position..<end)
      position = end + 1
    }
  }

  /// One parameter, with spaces around it.
  private mutating func take(_ span: Span<UInt8>, _ range: Range<Int>) {
    var position = range.lowerBound
    guard let name = SDPText.word(span, &position, range.upperBound, separator: UInt8(ascii: "=")),
      let word = SDPText.word(span, &position, range.upperBound, separator: UInt8(ascii: "=")),
      let value = SDPText.number(span, word, UInt32.self)
    else { return }
    func isNamed(_ text: StaticString) -> Bool { SDPText.isSame(span, name, text) }
    if isNamed("maxplaybackrate") {
      if (8_000...48_000).contains(value) { maximumPlaybackRate = UInt16(value) }
    } else if isNamed("sprop-maxcapturerate") {
      if (8_000...48_000).contains(value) { maximumCaptureRate = UInt16(value) }
    } else if isNamed("maxaveragebitrate") {
      if (6_000...510_000).contains(value) { maximumAverageBitrate = value }
    } else if isNamed("minptime") {
      if (3...120).contains(value) { minimumPacketTime = UInt8(value) }
    } else if value <= 1, let named = Self.named(isNamed) {
      if value == 1 { switches.insert(named) } else { switches.remove(named) }
    }
  }

  private static func named(_ isNamed: (StaticString) -> Bool) -> Switches? {
    if isNamed("useinbandfec") { return .inBandFEC }
    if isNamed("usedtx") { return .dtx }
    if isNamed("cbr") { return .constantBitrate }
    if isNamed("stereo") { return .stereo }
    if isNamed("sprop-stereo") { return .sendsStereo }
    return nil
  }
}

extension MediaDescription {
  /// What a=fmtp says of a payload number that is Opus.
  func opusFormat(_ number: UInt8) -> OpusFormat {
    description.bytes.withSpan { span in
      for line in description.lines[lines] where line.attribute == .fmtp {
        let value = line.attributeValue
        var position = value.lowerBound
        if let own = SDPText.word(span, &position, value.upperBound), SDPText.number(span, own) == number {
          return OpusFormat(span, position..<value.upperBound)
        }
      }
      return OpusFormat()
    }
  }

  /// The first encoding that is called Opus and is not: another clock, or not two channels (RFC 7587 §7).
  var misdescribedOpus: String? {
    let found = encodings.first { $0.name.lowercased() == "opus" && ($0.clockRate != AudioCodec.opus.clockRate || $0.channels != 2) }
    return found.map { "\($0.name)/\($0.clockRate)\($0.channels == 1 ? "" : "/\($0.channels)")" }
  }
}
