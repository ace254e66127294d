import SansIO

/// The audio codecs of a Kallglot trunk, named as its settings name them.
public enum AudioCodec: String, Hashable, Sendable, Codable, CaseIterable {
  case opus = "opus"
  case g722 = "G722"
  case pcmu = "PCMU"
  case pcma = "PCMA"

  /// Name in rtpmap.
  public var encodingName: String { rawValue }

  /// Ticks of the RTP timestamp a second. G.722 says 8000 although it samples at 16 kHz (RFC 3551 §4.5.2).
  public var clockRate: Int { self == .opus ? 48_000 : 8_000 }

  /// The number we offer (contract 8.5); static ones are RFC 3551's.
  public var offeredPayloadType: UInt8 {
    switch self {
    case .pcmu: 0
    case .pcma: 8
    case .g722: 9
    case .opus: 111
    }
  }

  var rtpmap: String { self == .opus ? "opus/48000/2" : "\(rawValue)/8000" }
}

/// What one side can do with audio.
public struct AudioCapability: Hashable, Sendable {
  /// In order of preference.
  public var codecs: [AudioCodec]
  /// Milliseconds.
  public var packetTime = 20
  /// Offer and take telephone-event (RFC 4733).
  public var hasTelephoneEvent = true

  /// Answer in the first codec of our order instead of the offerer's. RFC 3264 §6.1 recommends the offerer's; a policy whose list is a
  /// preference (contract 2, Allowed audio codecs) decides by its own.
  public var decidesOrder: Bool

  public init(codecs: [AudioCodec], decidesOrder: Bool = false) {
    self.codecs = codecs
    self.decidesOrder = decidesOrder
  }
}

/// What offer and answer agreed on for one audio stream, as one side sees it.
public struct AudioAgreement: Hashable, Sendable {
  public var codec: AudioCodec
  /// Where we take RTP.
  public var local: TransportAddress
  /// Where our RTP goes; port 0 or an unspecified address: nowhere.
  public var remote: TransportAddress
  /// Where our RTCP goes.
  public var remoteControl: TransportAddress
  public var direction: MediaDirection
  /// The peer's number for the codec, which we send.
  public var sendPayloadType: UInt8
  /// Our number for it, which the peer sends.
  public var receivePayloadType: UInt8
  /// Milliseconds of audio in each packet we send.
  public var packetTime: Int
  /// The numbers of telephone-event, where both sides have it.
  public var sendEventPayloadType: UInt8?
  public var receiveEventPayloadType: UInt8?

  public init(
    codec: AudioCodec, local: TransportAddress, remote: TransportAddress, remoteControl: TransportAddress, direction: MediaDirection,
    sendPayloadType: UInt8, receivePayloadType: UInt8, packetTime: Int
  ) {
    self.codec = codec
    self.local = local
    self.remote = remote
    self.remoteControl = remoteControl
    self.direction = direction
    self.sendPayloadType = sendPayloadType
    self.receivePayloadType = receivePayloadType
    self.packetTime = packetTime
  }
}

/// Why an offer or answer cannot be used.
public enum OfferAnswerFailure: Error, Hashable, Sendable {
  case noAudio
  case noCommonCodec
  case wrongProfile
  /// The description breaks a rule; 399 where it is an offer.
  case broken(PeerViolation)
  /// It cannot be read; 399 where it is an offer.
  case unreadable(SDPError)
  /// The description is lawful and asks for what this side does not do: our choice, and nobody's mistake.
  case limit(String)
  case other(String)

  /// The Warning code of RFC 3261 §20.43 that contract 8.1 asks for.
  public var warningCode: Int {
    switch self {
    case .wrongProfile: 302
    case .noAudio: 304
    case .noCommonCodec: 305
    case .broken, .unreadable, .limit, .other: 399
    }
  }

  public var warningText: String {
    switch self {
    case .wrongProfile: "Incompatible transport protocol: the media profile cannot be agreed"
    case .noAudio: "Media type not available: no audio stream in the offer"
    case .noCommonCodec: "Incompatible media format: no common codec"
    case .broken(let violation): violation.description.replacing("\"", with: "'")
    case .unreadable(let error): "\(error)".replacing("\"", with: "'")
    case .limit(let text), .other(let text): text.replacing("\"", with: "'")
    }
  }
}

extension OfferAnswerFailure: CustomStringConvertible {
  public var description: String { warningText }
}
