import SansIO

/// The audio codecs of a Kallglot trunk, named as its settings name them.
public enum AudioCodec: String, Hashable, Sendable, Codable, CaseIterable {
  case opus = "opus"
  case g722 = "G722"
  case pcmu = "PCMU"
  case pcma = "PCMA"

  /// The rate of telephony: that of RFC 3551's static audio formats and of telephone-event beside them.
  static let telephonyClockRate = 8_000

  /// Name in rtpmap.
  public var encodingName: String { rawValue }

  /// Ticks of the RTP timestamp a second. G.722 says 8000 although it samples at 16 kHz (RFC 3551 §4.5.2).
  public var clockRate: Int { self == .opus ? 48_000 : Self.telephonyClockRate }

  /// Behind the clock rate in rtpmap; one is left out (RFC 8866 §6.6).
  var channels: Int { self == .opus ? 2 : 1 }

  /// The milliseconds of audio that one payload can hold, next to those that are asked for: Opus has frames of 10, 20, 40 and 60 ms (RFC
  /// 6716 §2.1.4), the others any number.
  func packetTime(near milliseconds: Int) -> Int {
    guard self == .opus else { return milliseconds }
    return milliseconds >= 60 ? 60 : milliseconds >= 40 ? 40 : milliseconds >= 20 ? 20 : 10
  }

  /// The number we offer (contract 8.5); static ones are RFC 3551's.
  public var offeredPayloadType: UInt8 {
    switch self {
    case .pcmu: 0
    case .pcma: 8
    case .g722: 9
    case .opus: 111
    }
  }
}

/// What a payload type number can stand for on an audio stream of ours: everything about it that a description says.
public enum AudioFormat: Hashable, Sendable {
  case codec(AudioCodec)
  /// RFC 4733.
  case telephoneEvent(EventClock)

  static let all = AudioCodec.allCases.map(AudioFormat.codec) + EventClock.allCases.map(AudioFormat.telephoneEvent)

  public var isEvent: Bool { if case .telephoneEvent = self { true } else { false } }

  /// The name in rtpmap; names compare without regard to case (RFC 8866 §6.6).
  var encodingName: StaticString {
    switch self {
    case .codec(.opus): "opus"
    case .codec(.g722): "G722"
    case .codec(.pcmu): "PCMU"
    case .codec(.pcma): "PCMA"
    case .telephoneEvent: "telephone-event"
    }
  }

  /// Behind the clock rate in rtpmap.
  var channels: Int { if case .codec(let codec) = self { codec.channels } else { 1 } }

  public var clockRate: Int {
    switch self {
    case .codec(let codec): codec.clockRate
    case .telephoneEvent(let clock): clock.rate
    }
  }

  /// Writes what stands behind the number in rtpmap: `PCMU/8000`, `opus/48000/2`.
  func writeMap(to bytes: inout some ByteSink) {
    bytes.append(encodingName)
    bytes.append(UInt8(ascii: "/"))
    bytes.append(decimal: UInt64(clockRate))
    if case .codec(let codec) = self, codec.channels > 1 {
      bytes.append(UInt8(ascii: "/"))
      bytes.append(decimal: UInt64(codec.channels))
    }
  }
}

/// A payload type number and what it stands for.
public struct AudioPayload: Hashable, Sendable {
  public var number: UInt8
  public var format: AudioFormat

  public init(_ number: UInt8, _ format: AudioFormat) {
    self.number = number
    self.format = format
  }
}

/// The transport of a media stream, as m= names it (RFC 8866 §5.14).
public enum MediaProfile: Hashable, Sendable, CaseIterable {
  /// RFC 3551.
  case avp
  /// RFC 3711.
  case savp
  /// SRTP with keys of DTLS (RFC 5764 §9).
  case dtls
  /// The same with feedback of RTCP (RFC 5764 §9), which is not made use of here.
  case dtlsFeedback

  /// Whether its keys come from DTLS alone.
  var isDTLS: Bool { self == .dtls || self == .dtlsFeedback }

  var name: StaticString {
    switch self {
    case .avp: "RTP/AVP"
    case .savp: "RTP/SAVP"
    case .dtls: "UDP/TLS/RTP/SAVP"
    case .dtlsFeedback: "UDP/TLS/RTP/SAVPF"
    }
  }
}
