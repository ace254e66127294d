import Rules
import SRTP
import SansIO
import SecureTransport

/// One side's end of the offer/answer exchange for one audio stream (RFC 3264); its states are those of ``OfferAnswerState``.
///
/// What the peer does wrong without harm is kept for ``takeViolations()``.
public struct OfferAnswerSession: Sendable {
  private let capability: AudioCapability
  private var keys: OwnKeys
  private let identity: DTLSIdentity?
  private var associations = DTLSAssociations()
  private var author: DescriptionAuthor
  private(set) var state = OfferAnswerState.idle
  private var violations: [PeerViolation] = []

  /// - Parameters:
  ///   - origin: what o= says instead of the address of c=.
  ///   - entropy: what keys of SRTP are drawn from; not touched without them.
  ///   - identity: whose fingerprint descriptions have; without one there is no DTLS.
  public init(
    style: DescriptionStyle, sessionID: UInt64, capability: AudioCapability, origin: IPAddress? = nil, entropy: Entropy = .system,
    identity: DTLSIdentity? = nil
  ) {
    self.capability = capability
    self.identity = identity
    keys = OwnKeys(entropy, sessionID: sessionID)
    author = DescriptionAuthor(style: style, sessionID: sessionID, origin: origin)
  }

  /// What holds now.
  public var agreement: AudioAgreement? { state.agreement?.audio }

  /// What the peer did wrong since the last call.
  public mutating func takeViolations() -> [PeerViolation] {
    guard !violations.isEmpty else { return [] }
    defer { violations = [] }
    return violations
  }

  // MARK: - Offering

  /// An offer of all we can do; payload numbers that are in use stay as they are (RFC 3264 §8.3.2).
  ///
  /// - Parameters:
  ///   - connection: what c= says instead of the address of `local`; 0.0.0.0 is the hold of RFC 2543.
  ///   - renewsKeys: with other keys of SDES than before, where there are any (RFC 4568 §7.1.4).
  public mutating func makeOffer(
    local: TransportAddress, direction: MediaDirection = .sendrecv, connection: IPAddress? = nil, renewsKeys: Bool = false
  ) -> SessionDescription {
    if renewsKeys, state.agreement?.audio.keys != nil { keys.renew() }
    let (address, agreed, style) = (connection ?? local.address, state.agreement, author.style)
    let (stream, other) = offeredStreams(port: local.port, direction)
    let offer = author.describe(address: address) { writer in
      guard let agreed else {
        writer.audio(stream, style)
        if let other { writer.audio(other, style) }
        return
      }
      for (index, media) in agreed.ours.media.enumerated() {
        if index == agreed.audioIndex { writer.audio(stream, style) } else { writer.rejected(media) }
      }
    }
    state.handle(
      .offer(
        .init(
          description: offer, wanted: .init(index: agreed?.audioIndex ?? 0, stream: stream),
          alternative: other.map { .init(index: 1, stream: $0) }, local: local, direction: direction.at(address.isUnspecified))))
    return offer
  }

  /// The stream in one m= line; in two where the answer has the choice. What was agreed stays what it is: SRTP, or in clear.
  private mutating func offeredStreams(port: UInt16, _ direction: MediaDirection) -> (AudioStream, AudioStream?) {
    let security = capability.security
    var stream = AudioStream(
      payloads: offeredPayloads(), port: port, profile: .avp, direction: direction, packetTime: capability.packetTime)
    if let agreed = state.agreement {
      stream.profile = agreed.profile
      stream.isMultiplexed = agreed.audio.isMultiplexed
      switch agreed.audio.protection {
      case .clear: break
      // The suite in use comes first, with the key in use: the other side keeps what it has.
      case .sdes(let used):
        let inUse = used.send.suite
        stream.crypto = keys.lines(security.suites.filter { $0 == inUse } + security.suites.filter { $0 != inUse })
      // Who answers keeps the roles (RFC 8842 §5.3).
      case .dtls: stream.dtls = identity?.fingerprint.map { .init(setup: .actpass, fingerprint: $0) }
      }
      return (stream, nil)
    }
    var secure = stream
    switch security.offer {
    case .clear: return (stream, nil)
    case .savp, .bestEffort: secure.profile = .savp
    case .osrtp: break
    case .dtls:
      // Without a certificate nothing can be offered: the peer will say so.
      secure.dtls = identity?.fingerprint.map { .init(setup: security.setup, fingerprint: $0) }
      (secure.profile, secure.isMultiplexed) = (.dtls, security.multiplexesRTCP)
      return (secure, nil)
    }
    secure.crypto = keys.lines(security.suites)
    return (secure, security.offer == .bestEffort ? stream : nil)
  }

  /// What the peer may send by our offer that is not answered yet; nil when none is open. Who offers to receive is ready at once, and
  /// for every format of the offer (RFC 3264 §5.1).
  public var openOffer: ReceivableAudio? {
    state.openOffer.map { ReceivableAudio(receives: $0.direction.receives, $0.wanted.stream.payloads) }
  }

  /// The offer was refused: what was agreed before holds on (RFC 3261 §14.1).
  public mutating func withdrawOffer() {
    keys.settle(isAccepted: false)
    state.handle(.refusal)
  }

  /// Our codecs and telephone-event with their numbers: those in use, else those we like, else free dynamic ones.
  private func offeredPayloads() -> [AudioPayload] {
    let (agreed, style) = (state.agreement, author.style)
    let (numbers, events) = (agreed?.numbers ?? [], agreed?.eventNumbers ?? [])
    let codecs = style.reoffersAgreedCodec ? agreed.map { [$0.audio.codec] } ?? capability.codecs : capability.codecs
    var payloads: [AudioPayload] = []
    payloads.reserveCapacity(codecs.count + 1)
    func isTaken(_ number: UInt8) -> Bool {
      events.contains { $0.number == number } || numbers.contains { $0.number == number } || payloads.contains { $0.number == number }
    }
    func isReserved(_ number: UInt8) -> Bool { number == style.eventPayloadType || number == style.wideEventPayloadType }
    func free(_ wish: UInt8) -> UInt8 { isTaken(wish) ? (96...127).first { !isTaken($0) && !isReserved($0) } ?? wish : wish }
    for codec in codecs {
      let wish = codec == .opus ? style.opusPayloadType : codec.offeredPayloadType
      let number = numbers.first { $0.format == .codec(codec) }?.number ?? free(wish)
      payloads.append(AudioPayload(number, .codec(codec)))
    }
    guard capability.hasTelephoneEvent else { return payloads }
    for clock in EventClock.allCases where codecs.contains(where: { $0.eventClock == clock }) {
      payloads.append(AudioPayload(events.events(clock) ?? free(style.eventPayloadType(clock)), .telephoneEvent(clock)))
    }
    return payloads
  }

  /// Takes the answer to our offer (RFC 3264 §7).
  public mutating func accept(answer: SessionDescription) throws(OfferAnswerFailure) -> AudioAgreement {
    guard let offer = state.openOffer else { throw .broken(PeerViolation(.answerWithoutOffer)) }
    checkOrigin(answer)
    let (chosen, theirs) = try answeredStream(offer, answer)
    let (offers, answers) = (chosen.stream.payloads, theirs.audioPayloads)
    let crypto = try capability.security.accept(theirs, to: chosen.stream.crypto, chosen.stream.profile)
    let dtls = try accept(theirs, to: chosen.stream.dtls)
    for payload in answers {
      guard case .codec(let codec) = payload.format, capability.codecs.contains(codec),
        let own = offers.first(where: { $0.format == payload.format })
      else { continue }
      let direction = offer.direction.limited(to: theirs.effectiveDirection.reversed)
      var result = try agree(
        payload.number, codec, theirs, of: .answerUnusable, local: offer.local, direction: direction,
        isMultiplexed: chosen.stream.isMultiplexed && theirs.isMultiplexed)
      result.receivePayloadType = own.number
      result.take(answers.others(than: codec, ours: offers, of: capability.codecs), of: theirs)
      result.agreeEvents(theirs, answers, ours: offers)
      if let crypto { result.protection = .sdes(try Self.agreed(ours: crypto.ours, theirs: crypto.theirs, .cryptoAnswer)) }
      if let (theirs, role) = dtls { associate(&result, theirs, role) }
      commit(offer.description, chosen.index, chosen.stream.profile, result, peer: answer)
      return result
    }
    throw .broken(PeerViolation(.answerFormat, theirs.formats.joined(separator: " ")))
  }

  /// What an answer says of the association; nil where we offered none.
  private func accept(
    _ theirs: MediaDescription, to ours: AudioStream.DTLS?
  ) throws(OfferAnswerFailure) -> (theirs: DTLSDescription, role: DTLSConnection.Role)? {
    guard let ours else { return nil }
    return try capability.security.accept(theirs, to: ours, associations)
  }

  /// What the answer says of our audio stream; all m= lines have to be there, in our order. All rules are looked at: what makes
  /// the answer useless is thrown, the rest is kept with what does no harm.
  private mutating func answeredStream(
    _ offer: OfferAnswerState.OpenOffer, _ answer: SessionDescription
  ) throws(OfferAnswerFailure) -> (OfferAnswerState.OpenOffer.Choice, MediaDescription) {
    let (offered, answered) = (offer.description.media, answer.media)
    // Of two m= lines the one that is not rejected.
    var chosen = offer.wanted
    if let other = offer.alternative, !Self.isTaken(chosen.index, answered), Self.isTaken(other.index, answered) { chosen = other }
    var broken: [PeerViolation] = []
    if answered.count != offered.count {
      broken.append(PeerViolation(.answerStreamCount, "\(answered.count) instead of \(offered.count)"))
    }
    if let (ours, theirs) = zip(offered, answered).first(where: { !$0.isSameKind(as: $1) }) {
      broken.append(PeerViolation(.answerStreamOrder, "\(theirs.kind) instead of \(ours.kind)"))
    }
    let theirs = answered.indices.contains(chosen.index) ? answered[chosen.index] : nil
    if let theirs, theirs.port != 0, theirs.isAudio {
      if !theirs.has(chosen.stream.profile) {
        broken.append(PeerViolation(.answerProfile, "\(theirs.profile) instead of \(chosen.stream.profile.name)"))
      }
      checkDirection(answer: theirs.direction ?? answer.direction ?? .sendrecv, offer: chosen.stream.direction)
    }
    if let first = broken.first {
      violations += broken.dropFirst()
      throw .broken(first)
    }
    guard let theirs, theirs.port != 0 else { throw .noAudio }
    return (chosen, theirs)
  }

  private static func isTaken(_ index: Int, _ answered: MediaDescriptions) -> Bool {
    answered.indices.contains(index) && answered[index].port != 0
  }

  /// What an answer may say to an offered direction (RFC 3264 §6.1).
  private mutating func checkDirection(answer: MediaDirection, offer: MediaDirection) {
    let allowed = offer.reversed
    if (answer.sends && !allowed.sends) || (answer.receives && !allowed.receives) {
      violations.append(PeerViolation(.answerDirection, "\(answer.rawValue) to \(offer.rawValue)"))
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
    let chosen = try capability.security.choose(from: offer, &violations)
    let theirs = chosen.media
    let offers = theirs.audioPayloads
    guard let (payload, codec) = capability.firstCommon(offers) else {
      throw (capability.codecs.contains(.opus) ? theirs.misdescribedOpus : nil).map { .misdescribedCodec($0) } ?? .noCommonCodec
    }
    let direction = theirs.effectiveDirection.reversed.limited(to: wish)
    let isMultiplexed = capability.security.multiplexesRTCP && theirs.isMultiplexed
    var result = try agree(
      payload.number, codec, theirs, of: .offerUnusable, local: local, direction: direction, isMultiplexed: isMultiplexed)
    var payloads = [payload]
    result.receivePayloadType = payload.number
    if capability.answersEvery {
      result.take(offers.others(than: codec, ours: offers, of: capability.codecs), of: theirs)
      payloads += result.others.map { AudioPayload($0.receivePayloadType, .codec($0.codec)) }
    }
    if capability.hasTelephoneEvent {
      // Only that of the codec: an answer with both would let the peer mix the clocks (RFC 4733 §2.1).
      let events = offers.first { $0.format == .telephoneEvent(codec.eventClock) }.map { [$0] } ?? []
      result.agreeEvents(theirs, offers, ours: events)
      payloads += events
    }
    var stream = AudioStream(
      payloads: payloads, port: local.port, profile: chosen.profile, isMultiplexed: isMultiplexed, direction: direction,
      packetTime: capability.insistsOnPacketTime ? codec.packetTime(near: capability.packetTime) : result.packetTime)
    try protect(&stream, &result, chosen.keying)
    author.takeOrigin(of: offer)
    let (style, index) = (author.style, chosen.index)
    let answer = author.describe(address: local.address, bandwidths: style.answerBandwidths) { writer in
      for (position, media) in offer.media.enumerated() {
        if position == index { writer.audio(stream, style) } else { writer.rejected(media) }
      }
    }
    commit(answer, index, chosen.profile, result, peer: offer)
    return (answer, result)
  }

  /// What an answer says of the keys that an offer brings, and what is agreed by it.
  private mutating func protect(
    _ stream: inout AudioStream, _ result: inout AudioAgreement, _ keying: StreamChoice.Keying
  ) throws(OfferAnswerFailure) {
    switch keying {
    case .clear: break
    case .sdes(let line):
      let ours = line.answer(with: keys.key(for: line.suite))
      result.protection = .sdes(try Self.agreed(ours: ours, theirs: line, .cryptoAttribute))
      stream.crypto = [ours]
    case .dtls(let theirs):
      guard let fingerprint = identity?.fingerprint else { throw .limit("there is no certificate for DTLS here") }
      let last = association(goingOn: theirs, result)
      guard let role = associations.role(answering: theirs.setup, last: last, wish: capability.security.setup) else { throw .wrongProfile }
      associate(&result, theirs, role)
      stream.dtls = .init(setup: role == .active ? .active : .passive, fingerprint: fingerprint)
    }
  }

  /// The association that holds now, if it goes on with a new agreement.
  private func association(goingOn theirs: DTLSDescription, _ new: AudioAgreement) -> AgreedAssociation? {
    let now = state.agreement?.audio.association
    return now.flatMap { $0.goesOn(theirs, on: .init(local: new.local, remote: new.remote)) ? $0 : nil }
  }

  private mutating func associate(_ new: inout AudioAgreement, _ theirs: DTLSDescription, _ role: DTLSConnection.Role) {
    let (last, path) = (association(goingOn: theirs, new), AgreedAssociation.Path(local: new.local, remote: new.remote))
    new.protection = .dtls(associations.agree(theirs, role, last: last, on: path))
  }

  /// Looks at what an offer has to keep of the descriptions before it, whether it is answered or refused (RFC 3264 §8).
  public mutating func judge(offer: SessionDescription) {
    if let streams = state.agreement?.ours.media.count, offer.media.count < streams {
      violations.append(PeerViolation(.offerDropsStreams, "\(offer.media.count) after \(streams)"))
    }
    checkOrigin(offer)
  }

  /// The answer that declines every stream of an offer, for a 2xx that nobody wants (RFC 3261 §13.2.2.4).
  public static func declining(_ offer: SessionDescription, style: DescriptionStyle, address: IPAddress) -> SessionDescription {
    var author = DescriptionAuthor(style: style, sessionID: 1, origin: nil)
    return author.describe(address: address) { writer in for media in offer.media { writer.rejected(media) } }
  }

  // MARK: - Agreeing

  /// - Parameters:
  ///   - number: the peer's, of the codec.
  ///   - rule: what the peer broke where its description has no address.
  private func agree(
    _ number: UInt8, _ codec: AudioCodec, _ theirs: MediaDescription, of rule: PeerViolation.Rule, local: TransportAddress,
    direction: MediaDirection, isMultiplexed: Bool
  ) throws(OfferAnswerFailure) -> AudioAgreement {
    let address = try theirs.unicastAddress(else: rule)
    guard address.isIPv6 == local.address.isIPv6 || address.isUnspecified else {
      throw .limit("the media address \(address) is not of our address family")
    }
    let controlPort = isMultiplexed ? theirs.port : theirs.rtcpPort ?? theirs.port &+ 1
    let opus = codec == .opus ? theirs.opusFormat(number) : OpusFormat()
    var result = AudioAgreement(
      codec: codec, local: local, remote: TransportAddress(address, port: theirs.port),
      remoteControl: TransportAddress(address, port: controlPort), direction: direction, sendPayloadType: number,
      receivePayloadType: 0, packetTime: capability.packetTime(of: codec, for: theirs, opus))
    result.opus = opus
    return result
  }

  /// What both sides protect with, by one line of each.
  private static func agreed(
    ours: CryptoAttribute, theirs: CryptoAttribute, _ rule: PeerViolation.Rule
  ) throws(OfferAnswerFailure) -> AgreedKeys {
    do throws(SRTPKeyError) { return AgreedKeys(send: try ours.keying(), receive: try theirs.keying()) } catch {
      throw .broken(PeerViolation(rule, "\(error)", section: "RFC 4568 §6.1"))
    }
  }

  private mutating func commit(
    _ ours: SessionDescription, _ audioIndex: Int, _ profile: MediaProfile, _ result: AudioAgreement, peer: SessionDescription
  ) {
    keys.settle(isAccepted: true)
    var numbers = state.agreement?.numbers ?? []
    numbers.keep(result.codec, result.receivePayloadType)
    for other in result.others { numbers.keep(other.codec, other.receivePayloadType) }
    state.handle(
      .agreement(
        .init(audio: result, ours: ours, audioIndex: audioIndex, profile: profile, theirs: peer.compacted(), numbers: numbers)))
  }

  /// The peer's o= line keeps its session id, and its version moves with any change (RFC 3264 §8).
  private mutating func checkOrigin(_ new: SessionDescription) {
    guard let before = state.agreement?.theirs, let change = new.originChange(since: before) else { return }
    violations.append(PeerViolation(.originVersion, change))
  }
}

extension MediaDescription {
  /// The unicast address of c=. A name is allowed there (RFC 8866 §5.7) and so is a group (RFC 3264 §6.2): the Lab takes neither.
  fileprivate func unicastAddress(else rule: PeerViolation.Rule) throws(OfferAnswerFailure) -> IPAddress {
    guard let address = connection ?? (connectionLines.isEmpty ? description.connection : nil) else {
      if let line = connectionLines.first ?? description.connectionLine, line.network == "IN", line.host.contains(where: \.isLetter),
        !line.host.contains(":")
      {
        throw .limit("media address '\(line.host.prefix(64))' is a host name, and host names in SDP are not resolved (a limit of the Lab)")
      }
      throw .broken(PeerViolation(rule, "no c= line with an address or a host name (RFC 8866 §5.7)"))
    }
    guard !address.isMulticast else {
      throw .limit("media address \(address) is a multicast group, and only unicast is supported (a limit of the Lab)")
    }
    return address
  }
}
