/// What one description of ours lets the peer send: an offer that is open, or an agreement (RFC 3264 §5.1).
public struct ReceivableAudio: Hashable, Sendable {
  /// What a payload type number stands for.
  public enum Format: Hashable, Sendable {
    case codec(AudioCodec)
    /// RFC 4733.
    case telephoneEvent
  }

  /// Whether RTP may come at all.
  public var receives: Bool
  public var formats: [(payloadType: UInt8, format: Format)]

  public init(receives: Bool, formats: [(payloadType: UInt8, format: Format)]) {
    self.receives = receives
    self.formats = formats
  }

  public func format(_ payloadType: UInt8) -> Format? { formats.first { $0.payloadType == payloadType }?.format }

  public static func == (left: Self, right: Self) -> Bool {
    left.receives == right.receives && left.formats.elementsEqual(right.formats) { $0 == $1 }
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(receives)
    for (number, format) in formats {
      hasher.combine(number)
      hasher.combine(format)
    }
  }
}

extension AudioAgreement {
  /// What the peer may send by it.
  public var receivable: ReceivableAudio {
    var formats: [(payloadType: UInt8, format: ReceivableAudio.Format)] = [(receivePayloadType, .codec(codec))]
    if let event = receiveEventPayloadType { formats.append((event, .telephoneEvent)) }
    return ReceivableAudio(receives: direction.receives, formats: formats)
  }
}

extension OfferAnswerSession {
  /// What the peer may send by our offer that is not answered yet; nil when none is open. Who offers to receive is ready at once, and
  /// for every format of the offer (RFC 3264 §5.1).
  public var openOffer: ReceivableAudio? {
    guard let (media, direction) = offeredAudio else { return nil }
    let formats: [(payloadType: UInt8, format: ReceivableAudio.Format)] = media.encodings.compactMap { encoding in
      if encoding.isTelephoneEvent { return (encoding.payloadType, .telephoneEvent) }
      return AudioCodec.allCases.first(where: encoding.isCodec).map { (encoding.payloadType, .codec($0)) }
    }
    return ReceivableAudio(receives: direction.receives, formats: formats)
  }
}
