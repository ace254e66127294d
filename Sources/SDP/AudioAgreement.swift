import SansIO

/// What one side can do with audio.
public struct AudioCapability: Hashable, Sendable {
  /// In order of preference.
  public var codecs: [AudioCodec]
  public var security: MediaSecurity
  /// Milliseconds.
  public var packetTime = 20
  /// Its answers ask for that as well, whatever the offer asks for.
  public var insistsOnPacketTime = false
  /// Offer and take telephone-event (RFC 4733).
  public var hasTelephoneEvent = true

  /// An answer names every codec that both sides have, not the chosen one alone: each side may then change from one to another in mid-call
  /// (RFC 3264 §6.1).
  public var answersEvery = false

  /// Answer in the first codec of our order instead of the offerer's. RFC 3264 §6.1 recommends the offerer's; a policy whose list is a
  /// preference (contract 2, Allowed audio codecs) decides by its own.
  public var decidesOrder: Bool

  public init(codecs: [AudioCodec], security: MediaSecurity = .none, decidesOrder: Bool = false) {
    self.codecs = codecs
    self.security = security
    self.decidesOrder = decidesOrder
  }

  /// The one of the peer's payloads that an answer takes; nil = no common codec.
  func firstCommon(_ payloads: [AudioPayload]) -> (payload: AudioPayload, codec: AudioCodec)? {
    if decidesOrder {
      for codec in codecs { for payload in payloads where payload.format == .codec(codec) { return (payload, codec) } }
      return nil
    }
    for payload in payloads { if case .codec(let codec) = payload.format, codecs.contains(codec) { return (payload, codec) } }
    return nil
  }

  /// The time of a packet of ours: what the peer asked for by ptime, no more than its maxptime, and of Opus no less than its minptime;
  /// whole steps of 10 ms, or what the codec has.
  func packetTime(of codec: AudioCodec, for theirs: MediaDescription, _ opus: OpusFormat) -> Int {
    var wish = theirs.packetTime.flatMap { (10...120).contains($0) && $0 % 10 == 0 ? $0 : nil } ?? packetTime
    if codec == .opus { wish = max(wish, Int(opus.minimumPacketTime)) }
    if let maximum = theirs.maximumPacketTime, maximum >= 10 { wish = min(wish, maximum / 10 * 10) }
    return codec.packetTime(near: wish)
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
  /// The codecs beside ``codec`` that each side may send as well, without another offer (RFC 3264 §5.1).
  public var others: [AgreedCodec] = []
  /// What the peer wants of our Opus.
  public var opus = OpusFormat()
  /// Milliseconds of audio in each packet we send.
  public var packetTime: Int
  /// telephone-event with the clock of the codec, where both sides have it.
  public var events: AgreedEvents?
  /// Our number for it, which the peer sends.
  public var receiveEventPayloadType: UInt8?
  /// The same with the other clock, where both sides have that as well.
  public var otherEventPayloadType: UInt8?
  /// Why there are no ``events``.
  public var eventsRefusal = EventsRefusal.none
  public var protection = AgreedProtection.clear

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

  /// The keys that descriptions brought (RFC 4568).
  public var keys: AgreedKeys? { if case .sdes(let keys) = protection { keys } else { nil } }

  /// The association that gives the keys (RFC 5763).
  public var association: AgreedAssociation? { if case .dtls(let association) = protection { association } else { nil } }

  /// RTP and RTCP take turns on one port (RFC 5761).
  public var isMultiplexed: Bool { remote == remoteControl }

  /// What the peer may send by it.
  public var receivable: ReceivableAudio {
    var payloads = [AudioPayload(receivePayloadType, .codec(codec))]
    for other in others { payloads.append(AudioPayload(other.receivePayloadType, .codec(other.codec))) }
    let clock = codec.eventClock
    if let event = receiveEventPayloadType { payloads.append(AudioPayload(event, .telephoneEvent(clock))) }
    if let event = otherEventPayloadType { payloads.append(AudioPayload(event, .telephoneEvent(clock == .opus ? .telephony : .opus))) }
    return ReceivableAudio(receives: direction.receives, payloads)
  }
}

/// What one description of ours lets the peer send: an offer that is open, or an agreement (RFC 3264 §5.1).
public struct ReceivableAudio: Hashable, Sendable {
  /// Whether RTP may come at all.
  public var receives: Bool
  public var payloads: [AudioPayload] { didSet { first = payloads.first } }
  /// What most packets are, in place: it is asked for each of them.
  private var first: AudioPayload?

  public init(receives: Bool, _ payloads: [AudioPayload]) {
    self.receives = receives
    self.payloads = payloads
    first = payloads.first
  }

  public func format(_ payloadType: UInt8) -> AudioFormat? {
    if let first, first.number == payloadType { return first.format }
    for index in payloads.indices where payloads[index].number == payloadType { return payloads[index].format }
    return nil
  }
}
