/// A codec that both sides have named, with the number by which each takes it (RFC 3264 §5.1).
public struct AgreedCodec: Hashable, Sendable {
  public var codec: AudioCodec
  /// The peer's number, which we send.
  public var sendPayloadType: UInt8
  /// Our number, which the peer sends.
  public var receivePayloadType: UInt8

  public init(_ codec: AudioCodec, send: UInt8, receive: UInt8) {
    (self.codec, sendPayloadType, receivePayloadType) = (codec, send, receive)
  }
}

extension AudioAgreement {
  /// The same agreement where we send another of its codecs, which needs no re-INVITE (RFC 3264 §5.1); nil where it has no such codec.
  public func sending(_ codec: AudioCodec) -> AudioAgreement? {
    guard codec != self.codec else { return self }
    guard let index = others.firstIndex(where: { $0.codec == codec }) else { return nil }
    var result = self
    result.others[index] = AgreedCodec(self.codec, send: sendPayloadType, receive: receivePayloadType)
    (result.codec, result.sendPayloadType, result.receivePayloadType) = (
      codec, others[index].sendPayloadType, others[index].receivePayloadType
    )
    result.packetTime = codec.packetTime(near: packetTime)
    return result
  }
}

extension AudioAgreement {
  /// Takes the codecs beside the chosen one, and what the peer says of Opus among them.
  mutating func take(_ others: [AgreedCodec], of theirs: MediaDescription) {
    self.others = others
    for other in others where other.codec == .opus { opus = theirs.opusFormat(other.sendPayloadType) }
  }
}

extension [AudioPayload] {
  /// Adds a codec that has no number yet.
  mutating func keep(_ codec: AudioCodec, _ number: UInt8) {
    for payload in self where payload.format == .codec(codec) { return }
    append(AudioPayload(number, .codec(codec)))
  }

  /// The codecs beside `chosen` that both lists and `codecs` have.
  ///
  /// - Parameter ours: what we call them.
  func others(than chosen: AudioCodec, ours: [AudioPayload], of codecs: [AudioCodec]) -> [AgreedCodec] {
    var found: [AgreedCodec] = []
    for payload in self {
      guard case .codec(let codec) = payload.format, codec != chosen, codecs.contains(codec),
        let own = ours.first(where: { $0.format == payload.format }), !found.contains(where: { $0.codec == codec })
      else { continue }
      found.append(AgreedCodec(codec, send: payload.number, receive: own.number))
    }
    return found
  }
}
