import SansIO

/// One side's end of the offer/answer exchange for one audio stream (RFC 3264).
///
/// ```
///            makeOffer                 accept(answer:)
///   idle ──────────────► offered ─────────────────────────► agreed
///    │                      └── refused: the old agreement holds
///    └──── answer(offer) ─────────────────────────────────► agreed ──► … again
/// ```
/// The origin's version grows by one with each description that differs from the last (RFC 3264 §8).
public struct OfferAnswerSession: Sendable {
  private let style: DescriptionStyle
  private var sessionID: UInt64
  private let capability: AudioCapability
  private var version: UInt64
  private var last: SessionDescription?
  private var offered: (description: SessionDescription, local: TransportAddress)?
  /// What holds now.
  public private(set) var agreement: AudioAgreement?
  /// The m= lines of the exchange so far, so that a new offer keeps their number and order (RFC 3264 §8).
  private var streams: [MediaDescription] = []
  private var audioIndex = 0

  /// What o= says instead of the address of c=: products whose media stands elsewhere name themselves.
  private let origin: IPAddress?

  public init(style: DescriptionStyle, sessionID: UInt64, capability: AudioCapability, origin: IPAddress? = nil) {
    self.style = style
    self.origin = origin
    self.sessionID = sessionID
    self.capability = capability
    version = style.firstVersion ?? sessionID
  }

  // MARK: - Offering

  /// An offer of all we can do; payload numbers that are in use stay as they are (RFC 3264 §8.3.2).
  ///
  /// - Parameter connection: what c= says instead of the address of `local`; 0.0.0.0 is the hold of RFC 2543.
  public mutating func makeOffer(
    local: TransportAddress, direction: MediaDirection = .sendrecv, connection: IPAddress? = nil
  ) -> SessionDescription {
    let codecs = style.reoffersAgreedCodec ? agreement.map { [$0.codec] } ?? capability.codecs : capability.codecs
    var formats: [(UInt8, String)] = codecs.map { (number(for: $0), $0.rtpmap) }
    if capability.hasTelephoneEvent { formats.append((agreement?.receiveEventPayloadType ?? style.eventPayloadType, "telephone-event/8000")) }
    let audio = audioDescription(formats, port: local.port, profile: "RTP/AVP", direction: direction, packetTime: capability.packetTime)
    var media = streams.map(Self.rejected)
    if media.indices.contains(audioIndex) { media[audioIndex] = audio } else { media = [audio] }
    let offer = describe(media, address: connection ?? local.address)
    offered = (offer, local)
    return offer
  }

  /// The offer was refused: what was agreed before holds on (RFC 3261 §14.1).
  public mutating func withdrawOffer() { offered = nil }

  private func number(for codec: AudioCodec) -> UInt8 {
    if let agreement, agreement.codec == codec { return agreement.receivePayloadType }
    return codec.offeredPayloadType
  }

  /// Takes the answer to our offer (RFC 3264 §7).
  public mutating func accept(answer: SessionDescription) throws(OfferAnswerFailure) -> AudioAgreement {
    guard let offered else { throw .other("an answer came without an offer (RFC 3264 §4)") }
    guard answer.media.count == offered.description.media.count else {
      throw .other("the answer has \(answer.media.count) m= lines, the offer \(offered.description.media.count) (RFC 3264 §6)")
    }
    let ours = offered.description.media[audioIndex]
    let theirs = answer.media[audioIndex]
    guard theirs.kind == "audio", theirs.port != 0 else { throw .noAudio }
    guard theirs.profile == ours.profile else { throw .wrongProfile }
    let (offers, answers) = (ours.encodings, theirs.encodings)
    for encoding in answers {
      guard let codec = capability.codecs.first(where: encoding.isCodec), let own = offers.first(where: { $0.isCodec(codec) })
      else { continue }
      let wanted = Self.direction(ours, offered.description)
      let granted = Self.direction(theirs, answer).reversed
      let direction = MediaDirection(sends: wanted.sends && granted.sends, receives: wanted.receives && granted.receives)
      var result = try agree(codec, theirs, answer, local: offered.local, direction: direction)
      (result.sendPayloadType, result.receivePayloadType) = (encoding.payloadType, own.payloadType)
      result.sendEventPayloadType = Self.eventNumber(answers)
      result.receiveEventPayloadType = result.sendEventPayloadType == nil ? nil : Self.eventNumber(offers)
      commit(offered.description, result)
      return result
    }
    throw .noCommonCodec
  }

  // MARK: - Answering

  /// Answers an offer: the first codec of theirs that we have (of ours that they have, where our order decides), by their number; every
  /// other stream is rejected (RFC 3264 §6).
  ///
  /// Nothing changes when it throws: an agreement that held goes on.
  ///
  /// - Parameter wish: what this side wants; the answer says that much of it which the offer allows (RFC 3264 §6.1).
  public mutating func answer(
    _ offer: SessionDescription, local: TransportAddress, wish: MediaDirection = .sendrecv
  ) throws(OfferAnswerFailure) -> (SessionDescription, AudioAgreement) {
    let index = try usableStream(offer)
    let theirs = offer.media[index]
    let encodings = theirs.encodings
    guard let (encoding, codec) = firstCommon(encodings) else { throw .noCommonCodec }
    let allowed = Self.direction(theirs, offer).reversed
    let direction = MediaDirection(sends: allowed.sends && wish.sends, receives: allowed.receives && wish.receives)
    var result = try agree(codec, theirs, offer, local: local, direction: direction)
    (result.sendPayloadType, result.receivePayloadType) = (encoding.payloadType, encoding.payloadType)
    var formats = [(encoding.payloadType, codec.rtpmap)]
    if capability.hasTelephoneEvent, let event = Self.eventNumber(encodings) {
      (result.sendEventPayloadType, result.receiveEventPayloadType) = (event, event)
      formats.append((event, "telephone-event/8000"))
    }
    var media = offer.media.map(Self.rejected)
    media[index] = audioDescription(
      formats, port: local.port, profile: theirs.profile, direction: direction, packetTime: result.packetTime)
    audioIndex = index
    takeOrigin(of: offer)
    let answer = describe(media, address: local.address, bandwidths: style.answerBandwidths)
    commit(answer, result)
    return (answer, result)
  }

  private func usableStream(_ offer: SessionDescription) throws(OfferAnswerFailure) -> Int {
    let audio = offer.media.indices.filter { offer.media[$0].kind == "audio" && offer.media[$0].port != 0 }
    guard !audio.isEmpty else { throw .noAudio }
    guard let index = audio.first(where: { offer.media[$0].profile == "RTP/AVP" }) else { throw .wrongProfile }
    return index
  }

  private func firstCommon(_ encodings: [Encoding]) -> (Encoding, AudioCodec)? {
    if capability.decidesOrder {
      for codec in capability.codecs { if let encoding = encodings.first(where: { $0.isCodec(codec) }) { return (encoding, codec) } }
      return nil
    }
    for encoding in encodings {
      if let codec = capability.codecs.first(where: encoding.isCodec) { return (encoding, codec) }
    }
    return nil
  }

  private func agree(
    _ codec: AudioCodec, _ theirs: MediaDescription, _ description: SessionDescription, local: TransportAddress, direction: MediaDirection
  ) throws(OfferAnswerFailure) -> AudioAgreement {
    guard let address = theirs.connection ?? description.connection else { throw .other("no readable c= line (RFC 8866 §5.7)") }
    let packetTime = theirs.packetTime.flatMap { (10...120).contains($0) && $0 % 10 == 0 ? $0 : nil } ?? capability.packetTime
    return AudioAgreement(
      codec: codec, local: local, remote: TransportAddress(address, port: theirs.port),
      remoteControl: TransportAddress(address, port: theirs.rtcpPort ?? theirs.port &+ 1), direction: direction, sendPayloadType: 0,
      receivePayloadType: 0, packetTime: packetTime)
  }

  private mutating func commit(_ description: SessionDescription, _ result: AudioAgreement) {
    streams = description.media
    agreement = result
    offered = nil
  }

  // MARK: - Parts

  /// What the writer of `media` does; hold by 0.0.0.0 means it takes nothing (RFC 3264 §8.4).
  private static func direction(_ media: MediaDescription, _ description: SessionDescription) -> MediaDirection {
    let written = media.direction ?? description.direction ?? .sendrecv
    let address = media.connection ?? description.connection
    return address?.isUnspecified == true ? MediaDirection(sends: written.sends, receives: false) : written
  }

  private static func eventNumber(_ encodings: [Encoding]) -> UInt8? {
    encodings.first { $0.isTelephoneEvent && $0.clockRate == 8000 }?.payloadType
  }

  private static func rejected(_ media: MediaDescription) -> MediaDescription {
    MediaDescription(kind: media.kind, port: 0, profile: media.profile, formats: media.formats)
  }

  /// Products whose first answer goes on with the offerer's session id.
  private mutating func takeOrigin(of offer: SessionDescription) {
    guard last == nil, let step = style.answerVersionStep, let origin = offer.origin, let id = UInt64(origin.sessionID),
      let theirs = UInt64(origin.version)
    else { return }
    (sessionID, version) = (id, theirs &+ step)
  }

  private func audioDescription(
    _ formats: [(UInt8, String)], port: UInt16, profile: String, direction: MediaDirection, packetTime: Int
  ) -> MediaDescription {
    let events = formats.filter { $0.1.hasPrefix("telephone-event") }
    var lines = formats.filter { !$0.1.hasPrefix("telephone-event") }.map { SessionDescription.Line("a", "rtpmap:\($0.0) \($0.1)") }
    if style.putsDirectionBeforeEvents {
      lines.insert(.init("a", "ptime:\(packetTime)"), at: 0)
      lines.append(.init("a", direction.rawValue))
    }
    for (number, map) in events {
      lines.append(.init("a", "rtpmap:\(number) \(map)"))
      lines.append(.init("a", "fmtp:\(number) \(style.events)"))
    }
    if !style.putsDirectionBeforeEvents {
      lines.append(.init("a", "ptime:\(packetTime)"))
      if let maximum = style.maximumPacketTime { lines.append(.init("a", "maxptime:\(maximum)")) }
      lines.append(.init("a", direction.rawValue))
    }
    return MediaDescription(kind: "audio", port: port, profile: profile, formats: formats.map { String($0.0) }, lines: lines)
  }

  /// The description with the origin's version moved on if anything changed.
  private mutating func describe(_ media: [MediaDescription], address: IPAddress, bandwidths: [String] = []) -> SessionDescription {
    if let last, last.media == media, last.connection == address { return last }
    if last != nil { version += 1 }
    let family = address.isIPv6 ? "IP6" : "IP4"
    let writer = origin ?? address
    let lines: [SessionDescription.Line] = [
      .init("v", "0"), .init("o", "\(style.originUser) \(sessionID) \(version) IN \(writer.isIPv6 ? "IP6" : "IP4") \(writer)"),
      .init("s", style.sessionName), .init("c", "IN \(family) \(address)"),
    ] + bandwidths.map { .init("b", $0) } + [.init("t", "0 0")]
    let description = SessionDescription(lines: lines, media: media)
    last = description
    return description
  }
}
