import Codecs
import RTP
import Rules
import SDP
import SRTP
import SansIO
import SecureTransport

/// The RTP and RTCP of one agreement (RFC 3550, RFC 3551): a source's audio out, the peer's into a sink, statistics of both.
///
/// ```
///   ready ── start ──► running ── stop: RTCP BYE ──► stopped
///                        │  ▲
///                        └──┘ a packet each packet time, a report each interval, agreements
/// ```
/// Its parts, each with a state of its own: ``RTPSender``, ``RTPReceiver`` with the ``JitterBuffer``, ``RTCPReporter``, ``PeerSources``
/// (whose packets these are), ``ReceptionTerms`` (what may come), ``SilenceClock``; ``PacketProtection`` between all of them and the ports,
/// and ``DTLSKeying``, which may have to give it its keys first. What comes in is verified, then told whose it is, then what it is, and
/// counted only then. Packets leave at absolute times: each one packet time after the last one's due time, whenever the wake-up came.
public struct MediaStream: Sendable {
  enum State: Hashable, Sendable {
    case ready
    /// When the next packet and the next report are due; no packet where none is ever sent.
    case running(packet: Instant?, report: Instant)
    case stopped
  }

  private(set) var configuration: Configuration
  private(set) var state = State.ready
  private(set) var agreement: AudioAgreement
  /// Of the agreement, as we send it.
  private(set) var codec: Codec
  /// Where its ports are. An agreement that names another address is direct media: neither RTP nor RTCP leaves here.
  private var local: TransportAddress
  var sender: RTPSender
  var receiver: RTPReceiver
  private var reporter: RTCPReporter
  private var sources: PeerSources
  private(set) var terms: ReceptionTerms
  /// Where what is heard goes beside the sink, and memory for what goes back.
  var (bridgeEnd, echoed): (BridgeEnd?, AudioFrame) = (nil, AudioFrame(sampleRate: 8_000))
  var silence = SilenceClock()
  var protection: PacketProtection
  var keying: DTLSKeying
  var early = EarlyPackets()
  var digits = DigitDesk()
  /// When the keys changed last: what was under way then is of the old ones.
  private var keysChanged: Instant?
  /// The kinds of violations that were reported.
  private var reported: Set<PeerViolation> = []
  var events: [MediaEvent] = []

  /// - Parameters:
  ///   - agreement: its local address is the stream's.
  ///   - remoteTag: of the dialog that made the agreement; nil where there is only one.
  ///   - isForked: our INVITE made it, so that other dialogs may follow (RFC 3261 §13.2.2.4).
  public init(
    _ configuration: Configuration, agreement: AudioAgreement, remoteTag: String? = nil, isForked: Bool = false, entropy: Entropy
  ) {
    var entropy = entropy
    self.configuration = configuration
    self.agreement = agreement
    codec = agreement.spoken
    local = agreement.local
    protection = PacketProtection(agreement, reading: configuration.rekey)
    keying = DTLSKeying(configuration)
    sender = RTPSender(
      codec: codec, firstSequence: configuration.firstSequence, isProtected: protection.isSecure || agreement.association != nil,
      entropy: &entropy)
    receiver = RTPReceiver(
      codec: agreement.codec.spoken, configuration.reception, packetTime: agreement.packetTime, listening: configuration.listening,
      number: configuration.dialog)
    reporter = RTCPReporter(cname: configuration.cname, epoch: configuration.epoch, entropy: entropy)
    sources = PeerSources(tag: remoteTag, isForked: isForked)
    terms = ReceptionTerms(agreement.receivable)
  }

  // MARK: - Commands

  public mutating func handle(_ command: MediaCommand, at now: Instant, _ out: inout Outbox) {
    passQuietTime(at: now)
    switch command {
    case .start:
      guard case .ready = state else { return }
      state = .running(
        packet: configuration.sendsAudio ? now.adding(nanoseconds: packetNanoseconds) : nil,
        report: reporter.nextDue(isFirst: true, after: now))
      secure(at: now, &out)
    case .secure: secure(at: now, &out)
    case .play(let audio, let end):
      sender.play(audio, until: end)
      if case .mark(let own) = audio { receiver.speaks(own) }
    case .press(let plan, let way): press(plan, by: way)
    case .offer(let receivable):
      terms.offer(receivable)
      if receivable == nil { take(keying.retryHeld(at: now, &out), at: now) }
    case .bridge(let end): bridge(to: end)
    case .send(let codec): if let agreement = agreement.sending(codec) { use(agreement) }
    case .agree(let agreement, let tag):
      sources.agree(agreement, insteadOf: self.agreement, tag: tag)
      replace(agreement, isKnown: true, at: now)
      secure(at: now, &out)
    case .renegotiate(let agreement, let isKnown):
      sources.renegotiate(isSameAddress: agreement.remote == self.agreement.remote)
      replace(agreement, isKnown: isKnown, at: now)
      secure(at: now, &out)
      silence.heard(at: now)
    case .move(let rtp, let rtcp, let place):
      (configuration.rtpPort, configuration.rtcpPort, local) = (rtp, rtcp, place)
      keying.move(to: configuration)
    case .confirm:
      terms.confirm(at: now)
      silence.heard(at: now)
    case .expectForks(let end): sources.expectForks(until: end)
    case .watchSilence(let limit): silence.start(limit: limit, at: now)
    case .stop: stop(at: now, &out)
    case .close: keying.close(at: now, &out)
    }
  }

  private mutating func replace(_ agreement: AudioAgreement, isKnown: Bool, at now: Instant) {
    terms.agree(agreement.receivable, isKnown: isKnown, at: now)
    if agreement.protection != self.agreement.protection { keysChanged = now }
    protection.change(
      to: agreement, from: self.agreement, isBack: agreement.local == local && self.agreement.local != local)
    if agreement.direction.sends, !self.agreement.direction.sends { sender.beginTalkspurt() }
    use(agreement)
    takeEarly(at: now)
  }

  /// Digits in the audio are heard from now on.
  public mutating func listenForDigits() { receiver.listenForDigits() }

  /// What is sent goes by this agreement from the next packet on.
  private mutating func use(_ agreement: AudioAgreement) {
    self.agreement = agreement
    codec = agreement.spoken
    sender.change(to: codec)
  }

  private mutating func stop(at now: Instant, _ out: inout Outbox) {
    if case .running = state, hasSpokenOrHeard { sendReport(isLast: true, at: now, &out) }
    state = .stopped
    silence.stop()
    receiver.finish(&events)
    events.append(.stopped(report))
  }

  // MARK: - Time

  public var nextDeadline: Instant? {
    var earliest = Instant.distantFuture
    if case .running(let packet, let report) = state { earliest = min(isQuiet ? report : packet ?? report, report) }
    if let limit = silenceDeadline { earliest = min(earliest, limit) }
    if let digit = digits.receiver.nextDeadline { earliest = min(earliest, digit) }
    if let handshake = keying.nextDeadline { earliest = min(earliest, handshake) }
    return earliest == .distantFuture ? nil : earliest
  }

  public mutating func wake(at now: Instant, _ out: inout Outbox) {
    if let due = keying.nextDeadline, due <= now { take(keying.wake(at: now, &out), at: now) }
    if case .running(var packet, var report) = state {
      receiver.playOut(at: now, &events)
      if bridgeEnd == .echo { echo() }
      while let due = packet, due <= now {
        sendPacket(due: due, &out)
        packet = due.adding(nanoseconds: packetNanoseconds)
      }
      settleDigits()
      // The RTP clock of a report is told from when the next packet is due.
      state = .running(packet: packet, report: report)
      if report <= now {
        if hasSpokenOrHeard, !isElsewhere { sendReport(isLast: false, at: now, &out) }
        report = reporter.nextDue(isFirst: false, after: now)
        state = .running(packet: packet, report: report)
      }
    }
    wakeDigits(at: now)
    if let limit = silenceDeadline, limit <= now {
      silence.stop()
      events.append(.silent)
    }
  }

  /// Nothing leaves and nothing waits to be played, as on hold: until a command changes that, no packet time needs a wake-up.
  private var isQuiet: Bool { !mayLeave && !receiver.isBuffered && bridgeEnd == nil && !digits.isPressing }

  /// Lets the packet times pass for which nobody was woken: the RTP clock goes on through a hold.
  private mutating func passQuietTime(at now: Instant) {
    guard isQuiet, case .running(var due?, let report) = state, due < now else { return }
    while due < now {
      sender.skip(milliseconds: agreement.packetTime, due: due)
      due = due.adding(nanoseconds: packetNanoseconds)
    }
    state = .running(packet: due, report: report)
  }

  /// When nothing has come for too long; nil while nothing needs to come.
  private var silenceDeadline: Instant? { agreement.direction.receives && !terms.isExchangeOpen ? silence.deadline : nil }

  private var packetNanoseconds: Int64 { Int64(agreement.packetTime) * 1_000_000 }

  // MARK: - Sending

  var isElsewhere: Bool { agreement.local != local }

  private var hasSpokenOrHeard: Bool { sender.packetsSent > 0 || receiver.statistics != nil }

  /// Where our RTP goes now; nil when the agreement or a hold says nowhere.
  private var destination: TransportAddress? { mayLeave ? sources.rtp ?? agreement.remote : nil }

  private var mayLeave: Bool {
    !isElsewhere && agreement.direction.sends && agreement.remote.port != 0 && !agreement.remote.address.isUnspecified
  }

  private mutating func sendPacket(due: Instant, _ out: inout Outbox) {
    // Without keys there is nothing to send: the clock goes on as in silence.
    guard let destination, !protection.isAwaiting(.rtp) else { return sender.skip(milliseconds: agreement.packetTime, due: due) }
    guard let (packet, sequence, number) = nextPacket(due: due) else { return }
    var bytes = packet
    guard protection.protect(&bytes, .rtp) else { return sender.uncount(octets: bytes.count) }
    let label = Label(
      .rtp(payloadType: number), dialog: configuration.dialog, stream: sender.ssrc, sequence: UInt32(sequence), due: due)
    out.datagram(configuration.rtpPort, to: destination, Bytes(bytes), label)
  }

  private mutating func sendReport(isLast: Bool, at now: Instant, _ out: inout Outbox) {
    let packets = reporter.compound(sender, &receiver, metrics, timestamp: timestamp(at: now), isLast: isLast, at: now)
    guard !protection.isAwaiting(.rtcp) else { return }
    let destination = (agreement.isMultiplexed ? sources.rtp : sources.rtcp) ?? agreement.remoteControl
    guard destination.port != 0, !destination.address.isUnspecified else { return }
    var bytes = RTCPPacket.serialized(packets).array
    guard protection.protect(&bytes, .rtcp) else { return }
    let port = agreement.isMultiplexed ? configuration.rtpPort : configuration.rtcpPort
    out.datagram(port, to: destination, Bytes(bytes), Label(.rtcp, dialog: configuration.dialog, stream: sender.ssrc))
  }

  /// The RTP clock at this very instant: the next packet's timestamp less what of its frame is still to come.
  private func timestamp(at now: Instant) -> UInt32 {
    guard case .running(let packet?, _) = state else { return sender.timestamp }
    let ahead = codec.ticks(nanoseconds: packet.nanoseconds - now.nanoseconds - packetNanoseconds)
    return sender.timestamp &- UInt32(truncatingIfNeeded: ahead)
  }

  // MARK: - Receiving

  /// Takes what arrived at one of the stream's ports. Anything else is another's.
  public mutating func receive(_ arrival: Arrival, at now: Instant, _ out: inout Outbox) {
    switch arrival {
    case .datagram(let port, from: let source, let bytes) where port == configuration.rtpPort || port == configuration.rtcpPort:
      receive(bytes, on: port, from: source, at: now, &out)
    case .sendFailed(_, to: _, let packet, let label, _):
      guard case .rtp = label.subject, label.stream == sender.ssrc else { return }
      sender.uncount(octets: packet.count - protection.overhead)
    case .datagram, .bound, .bindFailed, .receiveFailed, .unreachable, .accepted, .acceptFailed, .acceptsAgain, .opened, .refused, .bytes,
      .ended, .closed, .drained, .resolved:
      break
    }
  }

  private mutating func receive(
    _ bytes: Bytes, on port: PortID, from source: TransportAddress, at now: Instant, _ out: inout Outbox
  ) {
    switch MultiplexedProtocol(bytes) {
    case .rtp, .unknown: receive(bytes, on: port, from: source, at: now)
    case .dtls: return take(keying.receive(bytes, on: port, from: source, isOfferOpen: terms.offered != nil, at: now, &out), at: now)
    // What others send over the same ports, keep-alives for the most part, is none of our business, and no sign that media comes.
    case .stun, .zrtp, .turnChannel, .empty: return
    }
  }

  /// RTP or RTCP.
  mutating func receive(_ bytes: Bytes, on port: PortID, from source: TransportAddress, at now: Instant) {
    // RTCP on the RTP port (RFC 5761) is known by its type.
    let isControl = port == configuration.rtcpPort || (bytes.count > 1 && (192...223).contains(bytes[1]))
    // Media that overtakes the end of the handshake is nobody's mistake.
    guard !protection.isAwaiting(isControl ? .rtcp : .rtp) else { return tooEarly(bytes, on: port, from: source, at: now) }
    let packet: Bytes
    do throws(SRTPDrop) { packet = try protection.unprotect(bytes, isControl ? .rtcp : .rtp) } catch {
      // The answer to our offer brings other keys, and what is under way when keys change has the old ones.
      if terms.isExchangeOpen, error == .authenticationFailed || error == .unknownIdentifier {
        return tooEarly(bytes, on: port, from: source, at: now, isCounted: true)
      }
      let isChanging = keysChanged.map { now <= $0.advanced(by: ReceptionTerms.grace) } ?? false
      if error.isViolation, !isChanging { complain(.srtpUnverified, "\(isControl ? "RTCP" : "RTP") from \(source): \(error)") }
      return
    }
    let isOfPeer = isControl ? receiveControl(packet, from: source, at: now) : receiveAudio(packet, from: source, at: now)
    // RTCP is a sign of life as well (contract 8.3): who sends no audio for a while still reports. A stranger's packets are none.
    if isOfPeer { silence.heard(at: now) }
  }

  /// Whether the packet is the peer's.
  private mutating func receiveAudio(_ bytes: Bytes, from source: TransportAddress, at now: Instant) -> Bool {
    let packet: RTPPacket
    do { packet = try RTPPacket.parse(bytes) } catch {
      complain(.rtpMalformed, "\(error)")
      return true
    }
    let format = terms.format(packet.payloadType, at: now)
    // Whose packet it is comes first: what a stranger sends is no mistake of the peer's.
    guard isOfPeer(packet, from: source, isNegotiated: format != nil, at: now) else { return false }
    if !terms.letsIn(at: now) {
      complain(.rtpWhileHeld, "the stream is \(agreement.direction.rawValue), and RTP still comes after \(ReceptionTerms.grace)")
    }
    // Comfort noise some send without asking.
    guard format != nil || packet.payloadType == Self.comfortNoise else {
      receiver.receiveUnknown(packet, at: now)
      complain(.rtpPayloadType, "\(packet.payloadType)")
      return true
    }
    receiver.receive(packet, format, clockRate: format?.clockRate ?? codec.clockRate, at: now, &events)
    if bridgeEnd == .echo { echo() }
    if case .telephoneEvent(let clock) = format { receiveEvent(packet, clock, at: now) }
    return true
  }

  /// CN, a static payload type (RFC 3389 §4).
  private static let comfortNoise: UInt8 = 13

  /// Whether the present session takes the packet; a stranger is named where nobody else can have sent it.
  private mutating func isOfPeer(_ packet: RTPPacket, from source: TransportAddress, isNegotiated: Bool, at now: Instant) -> Bool {
    switch sources.receive(
      from: source, ssrc: packet.ssrc, agreed: agreement.remote, isNegotiated: isNegotiated,
      isVerified: protection.isSecure, at: now)
    {
    case .peer(let isNewSource):
      if isNewSource, source != agreement.remote { latched(to: source) }
      return true
    case .other: return false
    case .unknown(let isExplained):
      // The answer to our offer may name another address, and its media comes before it (RFC 3264 §5.1).
      if terms.offered != nil { return true }
      if !isExplained {
        complain(
          .rtpSource,
          "RTP from \(source) is ignored: the stream comes from \(sources.rtp ?? agreement.remote) until a re-INVITE (contract 8.5)")
      }
      return false
    }
  }

  private mutating func latched(to source: TransportAddress) {
    events.append(.remoteLatched(source))
    guard agreement.remote.address.isPrivate, source.address != agreement.remote.address else { return }
    complain(
      .privateAddress, "SDP names the private address \(agreement.remote), RTP comes from \(source) and is answered there (contract 8.5)",
      section: agreement.remote.address.privateSection)
  }

  /// Whether the packet is the peer's.
  private mutating func receiveControl(_ bytes: Bytes, from source: TransportAddress, at now: Instant) -> Bool {
    switch sources.ownerOfControl(from: source, agreed: agreement.remoteControl, at: now) {
    case .peer: break
    case .other: return false
    case .unknown(let isExplained):
      if terms.offered == nil, !isExplained {
        complain(
          .rtpSource,
          "RTCP from \(source) is ignored: the stream comes from \(sources.rtp ?? agreement.remote) (contract 8.5, symmetric RTP)")
      }
      return false
    }
    let packets: [RTCPPacket]
    do { packets = try RTCPPacket.parse(bytes) } catch {
      reporter.countMalformed()
      complain(.rtcpMalformed, "\(error)")
      return true
    }
    sources.receiveControl(from: source)
    reporter.receive(packets, about: sender.ssrc, at: now)
    return true
  }

  // MARK: - What is seen

  /// What was noticed since the last time, and when to wake the stream. In one step, because a stream is large and is changed where it is.
  public mutating func endTurn() -> (events: [MediaEvent], deadline: Instant?) { (takeEvents(), nextDeadline) }

  /// What was noticed since the last time.
  public mutating func takeEvents() -> [MediaEvent] {
    guard !events.isEmpty else { return [] }
    defer { events = [] }
    return events
  }

  public var report: MediaReport { summary.media(drops: protection.drops) }

  private var metrics: VoIPMetrics? { configuration.reception.sendsVoIPMetrics ? summary.metrics(configuration.reception) : nil }

  private var summary: StreamReport {
    StreamReport(sender: sender, receiver: receiver, reporter: reporter, packetTime: agreement.packetTime)
  }

  private mutating func complain(_ rule: PeerViolation.Rule, _ detail: String, section: String? = nil) {
    let violation = PeerViolation(rule, detail, section: section)
    if reported.count < 16, reported.insert(violation).inserted { events.append(.violation(violation)) }
  }
}
