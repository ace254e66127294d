import SansIO

/// One side's end of the offer/answer exchange for one audio stream (RFC 3264).
///
/// ```
///            makeOffer                 accept(answer:)
///   idle ──────────────► offered ─────────────────────────► agreed
///    │                      └── refused: the old agreement holds
///    └──── answer(offer) ─────────────────────────────────► agreed ──► … again
/// ```
/// The origin's version grows by one with each description that differs from the last (RFC 3264 §8). What the peer does wrong without
/// harm is kept for ``takeViolations()``.
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
  /// The payload numbers by which each codec has gone here: they stay for the whole session (RFC 3264 §8.3.2).
  private var numbers: [(codec: AudioCodec, number: UInt8)] = []
  /// The peer's last description.
  private var peer: SessionDescription?
  private var violations: [PeerViolation] = []

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
    let formats = offeredFormats()
    let audio = audioDescription(formats, port: local.port, profile: "RTP/AVP", direction: direction, packetTime: capability.packetTime)
    var media = streams.map(Self.rejected)
    if media.indices.contains(audioIndex) { media[audioIndex] = audio } else { media = [audio] }
    let offer = describe(media, address: connection ?? local.address)
    offered = (offer, local)
    return offer
  }

  /// Our audio stream in the open offer, and the direction that it offers.
  var offeredAudio: (MediaDescription, MediaDirection)? {
    guard let description = offered?.description, description.media.indices.contains(audioIndex) else { return nil }
    let media = description.media[audioIndex]
    return (media, Self.direction(media, description))
  }

  /// The offer was refused: what was agreed before holds on (RFC 3261 §14.1).
  public mutating func withdrawOffer() { offered = nil }

  /// Our codecs and telephone-event with their numbers: those in use, else those we like, else free dynamic ones.
  private func offeredFormats() -> [(UInt8, String)] {
    let event = agreement?.receiveEventPayloadType
    var taken = numbers.map(\.number) + (event.map { [$0] } ?? [])
    func free(_ wish: UInt8) -> UInt8 {
      let number = taken.contains(wish) ? (96...127).first { !taken.contains($0) && $0 != style.eventPayloadType } ?? wish : wish
      taken.append(number)
      return number
    }
    let codecs = style.reoffersAgreedCodec ? agreement.map { [$0.codec] } ?? capability.codecs : capability.codecs
    var formats = codecs.map { codec in
      (numbers.first { $0.codec == codec }?.number ?? free(codec.offeredPayloadType), codec.rtpmap)
    }
    if capability.hasTelephoneEvent { formats.append((event ?? free(style.eventPayloadType), "telephone-event/8000")) }
    return formats
  }

  /// Takes the answer to our offer (RFC 3264 §7).
  public mutating func accept(answer: SessionDescription) throws(OfferAnswerFailure) -> AudioAgreement {
    guard let offered else { throw .broken(PeerViolation(.answerWithoutOffer)) }
    checkOrigin(answer)
    let (ours, theirs) = try answeredStream(offered.description, answer)
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
      commit(offered.description, result, peer: answer)
      return result
    }
    throw .broken(PeerViolation(.answerFormat, theirs.formats.joined(separator: " ")))
  }

  /// Our audio stream and what the answer says of it; all m= lines have to be there, in our order. All rules are looked at: what makes
  /// the answer useless is thrown, the rest is kept with what does no harm.
  private mutating func answeredStream(
    _ offer: SessionDescription, _ answer: SessionDescription
  ) throws(OfferAnswerFailure) -> (MediaDescription, MediaDescription) {
    var broken: [PeerViolation] = []
    if answer.media.count != offer.media.count {
      broken.append(PeerViolation(.answerStreamCount, "\(answer.media.count) instead of \(offer.media.count)"))
    }
    if let (ours, theirs) = zip(offer.media, answer.media).first(where: { $0.kind != $1.kind }) {
      broken.append(PeerViolation(.answerStreamOrder, "\(theirs.kind) instead of \(ours.kind)"))
    }
    let ours = offer.media[audioIndex]
    let theirs = answer.media.indices.contains(audioIndex) ? answer.media[audioIndex] : nil
    if let theirs, theirs.port != 0, theirs.kind == ours.kind {
      if theirs.profile != ours.profile {
        broken.append(PeerViolation(.answerProfile, "\(theirs.profile) instead of \(ours.profile)"))
      }
      checkDirection(answer: theirs.direction ?? answer.direction, offer: ours.direction)
    }
    if let first = broken.first {
      violations += broken.dropFirst()
      throw .broken(first)
    }
    guard let theirs, theirs.port != 0 else { throw .noAudio }
    return (ours, theirs)
  }

  /// What an answer may say to an offered direction (RFC 3264 §6.1).
  private mutating func checkDirection(answer: MediaDirection?, offer: MediaDirection?) {
    let (answer, allowed) = (answer ?? .sendrecv, (offer ?? .sendrecv).reversed)
    if (answer.sends && !allowed.sends) || (answer.receives && !allowed.receives) {
      violations.append(PeerViolation(.answerDirection, "\(answer.rawValue) to \((offer ?? .sendrecv).rawValue)"))
    }
  }

  // MARK: - Answering

  /// Answers an offer: the first codec of theirs that we have (of ours that they have, where our order decides), by their number; every
  /// other stream is rejected (RFC 3264 §6).
  ///
  /// Nothing changes when it throws: an agreement that held goes on. The rules of ``judge(offer:)`` are looked at in any case.
  ///
  /// - Parameter wish: what this side wants; the answer says that much of it which the offer allows (RFC 3264 §6.1).
  public mutating func answer(
    _ offer: SessionDescription, local: TransportAddress, wish: MediaDirection = .sendrecv
  ) throws(OfferAnswerFailure) -> (SessionDescription, AudioAgreement) {
    judge(offer: offer)
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
    commit(answer, result, peer: offer)
    return (answer, result)
  }

  /// Looks at what an offer has to keep of the descriptions before it, whether it is answered or refused (RFC 3264 §8).
  public mutating func judge(offer: SessionDescription) {
    if offer.media.count < streams.count {
      violations.append(PeerViolation(.offerDropsStreams, "\(offer.media.count) after \(streams.count)"))
    }
    checkOrigin(offer)
  }

  /// The answer that declines every stream of an offer, for a 2xx that nobody wants (RFC 3261 §13.2.2.4).
  public static func declining(_ offer: SessionDescription, style: DescriptionStyle, address: IPAddress) -> SessionDescription {
    var session = OfferAnswerSession(style: style, sessionID: 1, capability: AudioCapability(codecs: []))
    return session.describe(offer.media.map(rejected), address: address)
  }

  /// What the peer did wrong since the last call.
  public mutating func takeViolations() -> [PeerViolation] {
    guard !violations.isEmpty else { return [] }
    defer { violations = [] }
    return violations
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
    let address = try mediaAddress(theirs, description)
    guard address.isIPv6 == local.address.isIPv6 || address.isUnspecified else {
      throw .limit("the media address \(address) is not of our address family")
    }
    return AudioAgreement(
      codec: codec, local: local, remote: TransportAddress(address, port: theirs.port),
      remoteControl: TransportAddress(address, port: theirs.rtcpPort ?? theirs.port &+ 1), direction: direction, sendPayloadType: 0,
      receivePayloadType: 0, packetTime: packetTime(theirs))
  }

  /// The unicast address of c=. A name is allowed there (RFC 8866 §5.7) and so is a group (RFC 3264 §6.2): the Lab takes neither.
  private func mediaAddress(
    _ theirs: MediaDescription, _ description: SessionDescription
  ) throws(OfferAnswerFailure) -> IPAddress {
    guard let address = theirs.connection ?? (theirs.connectionLines.isEmpty ? description.connection : nil) else {
      if let line = theirs.connectionLines.first ?? description.connectionLine, line.network == "IN", line.host.contains(where: \.isLetter),
        !line.host.contains(":")
      {
        throw .limit("media address '\(line.host.prefix(64))' is a host name, and host names in SDP are not resolved (a limit of the Lab)")
      }
      throw .broken(
        PeerViolation(offered == nil ? .offerUnusable : .answerUnusable, "no c= line with an address or a host name (RFC 8866 §5.7)"))
    }
    guard !address.isMulticast else {
      throw .limit("media address \(address) is a multicast group, and only unicast is supported (a limit of the Lab)")
    }
    return address
  }

  /// What the peer asked for by ptime, no more than its maxptime; whole steps of 10 ms.
  private func packetTime(_ theirs: MediaDescription) -> Int {
    let wish = theirs.packetTime.flatMap { (10...120).contains($0) && $0 % 10 == 0 ? $0 : nil } ?? capability.packetTime
    guard let maximum = theirs.maximumPacketTime, maximum >= 10 else { return wish }
    return min(wish, maximum / 10 * 10)
  }

  private mutating func commit(_ description: SessionDescription, _ result: AudioAgreement, peer theirs: SessionDescription) {
    peer = theirs
    if !numbers.contains(where: { $0.codec == result.codec }) { numbers.append((result.codec, result.receivePayloadType)) }
    streams = description.media
    agreement = result
    offered = nil
  }

  /// The peer's o= line keeps its session id, and its version moves with any change (RFC 3264 §8).
  private mutating func checkOrigin(_ new: SessionDescription) {
    guard let peer, let before = peer.origin, let after = new.origin else { return }
    if before.sessionID != after.sessionID {
      violations.append(PeerViolation(.originVersion, "session id \(after.sessionID) instead of \(before.sessionID)"))
    } else if before.version == after.version,
      peer.media != new.media || peer.connection != new.connection || peer.direction != new.direction
    {
      violations.append(PeerViolation(.originVersion, "changed, still version \(after.version)"))
    }
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
    let lines: [SessionDescription.Line] =
      [
        .init("v", "0"), .init("o", "\(style.originUser) \(sessionID) \(version) IN \(writer.isIPv6 ? "IP6" : "IP4") \(writer)"),
        .init("s", style.sessionName), .init("c", "IN \(family) \(address)"),
      ] + bandwidths.map { .init("b", $0) } + [.init("t", "0 0")]
    let description = SessionDescription(lines: lines, media: media)
    last = description
    return description
  }
}
