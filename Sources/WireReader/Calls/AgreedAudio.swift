import SDP
import SansIO

/// What the last offer and answer of a call say of its audio, as one side sees it (RFC 3264).
public struct AgreedAudio: Hashable, Sendable {
  /// The encoding that the answer lists first (RFC 3264 §6.1); nil for one that has no name.
  public var encoding: Encoding?
  /// The number of it in RTP to this side; the number of its own description (RFC 3264 §5.1).
  public var receivePayloadType: UInt8?
  /// What this side may send, by the other's numbers (RFC 3264 §5.1): every encoding that both name.
  public var sendable: [Encoding]
  /// What both descriptions allow; c=0.0.0.0 takes nothing (RFC 3264 §8.4).
  public var direction: MediaDirection
  /// Where this side takes RTP, and where the other does.
  public var local: TransportAddress
  public var remote: TransportAddress
  /// RTCP has the port of RTP: both descriptions say `a=rtcp-mux` (RFC 5761 §5.1.1).
  public var isMultiplexed: Bool

  /// - Returns: nil where nothing was agreed: no audio, or a stream that was refused.
  init?(own: ObservedDescription, other: ObservedDescription, answer: ObservedDescription) {
    guard let ours = own.audio, let theirs = other.audio, ours.port != 0, theirs.port != 0, ours.isRTP, theirs.isRTP,
      let local = ours.address, let remote = theirs.address, let encoding = answer.audio?.mainEncoding
    else { return nil }
    (self.encoding, self.local, self.remote) = (encoding, local, remote)
    isMultiplexed = ours.controlPort == ours.port && theirs.controlPort == theirs.port
    let named = ours.encodings
    sendable = theirs.encodings.filter { one in named.contains { Self.isSame($0, one) } }
    receivePayloadType = ours.encodings.first { Self.isSame($0, encoding) }?.payloadType
    direction = ours.effectiveDirection.limited(to: theirs.effectiveDirection.reversed)
  }

  private static func isSame(_ one: Encoding, _ other: Encoding) -> Bool {
    one.name.lowercased() == other.name.lowercased() && one.clockRate == other.clockRate
  }

  /// The encoding among those that the Lab speaks; nil for any other.
  public var codec: AudioCodec? { encoding?.audioCodec }

  /// What a number that this side sends stands for; nil where the other side has not named it.
  public func sent(_ payloadType: UInt8) -> Encoding? { sendable.first { $0.payloadType == payloadType } }
}

extension Encoding {
  /// The codec of that name; nil for any that the Lab does not speak.
  public var audioCodec: AudioCodec? { AudioCodec.allCases.first { $0.rawValue.lowercased() == name.lowercased() } }
}

extension ObservedMedia {
  /// What its writer does; one that takes media nowhere receives none.
  var effectiveDirection: MediaDirection {
    MediaDirection(sends: direction.sends, receives: direction.receives && (address?.address.isUnspecified != true || hasICE))
  }
}
