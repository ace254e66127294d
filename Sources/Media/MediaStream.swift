import Codecs
import RTP
import SDP
import SansIO

/// The RTP and RTCP of one agreement (RFC 3550, RFC 3551): a source's audio out, the peer's into a sink, statistics of both.
///
/// ```
///   ready ── start ──► running ── stop: RTCP BYE ──► stopped
///                        │  ▲
///                        └──┘ a packet each packet time, a report each interval, agreements
/// ```
/// Its parts, each with a state of its own: ``RTPSender``, ``RTPReceiver`` with the ``JitterBuffer``, ``RTCPReporter``,
/// ``RemoteLatch`` and ``ForkedSources`` (whose packets these are), ``ReceptionTerms`` (what may come), ``SilenceClock``; and
/// ``PacketProtection`` between all of them and the ports. Packets leave at absolute times: each one packet time after the last one's due
/// time, whenever the wake-up really came.
public struct MediaStream: Sendable {
  public struct Configuration: Sendable {
    /// Of RTCP's SDES (RFC 3550 §6.5.1).
    public var cname: String
    public var rtpPort: PortID
    public var rtcpPort: PortID
    /// The number that packet labels carry.
    public var dialog: UInt32
    /// Whether RTP leaves at all.
    public var sendsAudio: Bool
    public var protection: PacketProtection
    public var epoch: Epoch

    public init(
      cname: String, rtpPort: PortID, rtcpPort: PortID, dialog: UInt32, sendsAudio: Bool = true, protection: PacketProtection = .none,
      epoch: Epoch
    ) {
      self.cname = cname
      self.rtpPort = rtpPort
      self.rtcpPort = rtcpPort
      self.dialog = dialog
      self.sendsAudio = sendsAudio
      self.protection = protection
      self.epoch = epoch
    }
  }

  enum State: Hashable, Sendable {
    case ready
    /// When the next packet and the next report are due; no packet where none is ever sent.
    case running(packet: Instant?, report: Instant)
    case stopped
  }

  let configuration: Configuration
  private(set) var state = State.ready
  private(set) var agreement: AudioAgreement
  /// Of the agreement; what the agreement names is spoken, or there is no stream.
  private(set) var codec: Codec
  /// Where its ports are. An agreement that names another address is direct media: neither RTP nor RTCP leaves here.
  private let local: TransportAddress
  var sender: RTPSender
  var receiver: RTPReceiver
  var reporter: RTCPReporter
  var latch = RemoteLatch()
  var forks: ForkedSources
  var terms: ReceptionTerms
  var silence = SilenceClock()
  var protection: PacketProtection
  /// The kinds of violations that were reported.
  private var reported: Set<PeerViolation> = []
  var events: [MediaEvent] = []

  /// - Parameters:
  ///   - agreement: with a codec that ``AudioCodec/isSpoken``; its local address is the stream's.
  ///   - remoteTag: of the dialog that made the agreement; nil where there is only one.
  ///   - isForked: our INVITE made it, so that other dialogs may follow (RFC 3261 §13.2.2.4).
  public init(
    _ configuration: Configuration, agreement: AudioAgreement, remoteTag: String? = nil, isForked: Bool = false, entropy: Entropy
  ) {
    guard let codec = agreement.codec.spoken else { preconditionFailure("\(agreement.codec) cannot be spoken") }
    var entropy = entropy
    self.configuration = configuration
    self.agreement = agreement
    self.codec = codec
    local = agreement.local
    protection = configuration.protection
    sender = RTPSender(codec: codec, entropy: &entropy)
    receiver = RTPReceiver(codec: codec)
    reporter = RTCPReporter(cname: configuration.cname, epoch: configuration.epoch, entropy: entropy)
    forks = ForkedSources(tag: remoteTag, isOpen: isForked)
    terms = ReceptionTerms(agreement.receivable)
  }

  // MARK: - Commands

  public mutating func handle(_ command: MediaCommand, at now: Instant, _ out: inout Outbox) {
    switch command {
    case .start:
      state = .running(
        packet: configuration.sendsAudio ? now.adding(nanoseconds: packetNanoseconds) : nil,
        report: reporter.nextDue(isFirst: true, after: now))
    case .play(let tone, let end): sender.play(tone, until: end)
    case .offer(let receivable): terms.offer(receivable)
    case .agree(let agreement, let tag): agree(agreement, remoteTag: tag, at: now)
    case .renegotiate(let agreement, let isKnown):
      latch.reopen(isSameAddress: agreement.remote == self.agreement.remote)
      replace(agreement, isKnown: isKnown, at: now)
      silence.heard(at: now)
    case .confirm:
      terms.confirm(at: now)
      silence.heard(at: now)
    case .expectForks(let end): forks.expect(until: end)
    case .watchSilence(let limit): silence.start(limit: limit, at: now)
    case .stop: stop(at: now, &out)
    }
  }

  private mutating func agree(_ agreement: AudioAgreement, remoteTag: String?, at now: Instant) {
    if agreement.remote != self.agreement.remote {
      if remoteTag != forks.tag {
        latch = forks.turn(to: remoteTag, from: self.agreement, latch)
      } else {
        latch.reopen(isSameAddress: false)
      }
    }
    replace(agreement, isKnown: true, at: now)
  }

  private mutating func replace(_ agreement: AudioAgreement, isKnown: Bool, at now: Instant) {
    guard let codec = agreement.codec.spoken else { preconditionFailure("\(agreement.codec) cannot be spoken") }
    terms.agree(agreement.receivable, isKnown: isKnown, at: now)
    if agreement.direction.sends, !self.agreement.direction.sends { sender.beginTalkspurt() }
    self.agreement = agreement
    self.codec = codec
    sender.change(to: codec)
  }

  private mutating func stop(at now: Instant, _ out: inout Outbox) {
    if case .running = state, hasSpokenOrHeard { sendReport(isLast: true, at: now, &out) }
    state = .stopped
    silence.stop()
    events.append(.stopped(report))
  }

  // MARK: - Time

  public var nextDeadline: Instant? {
    var earliest = Instant.distantFuture
    if case .running(let packet, let report) = state { earliest = min(packet ?? report, report) }
    if let limit = silenceDeadline { earliest = min(earliest, limit) }
    return earliest == .distantFuture ? nil : earliest
  }

  public mutating func wake(at now: Instant, _ out: inout Outbox) {
    if case .running(var packet, var report) = state {
      while let due = packet, due <= now {
        sendPacket(due: due, &out)
        packet = due.adding(nanoseconds: packetNanoseconds)
      }
      // The RTP clock of a report is told from when the next packet is due.
      state = .running(packet: packet, report: report)
      if report <= now {
        if hasSpokenOrHeard, !isElsewhere { sendReport(isLast: false, at: now, &out) }
        report = reporter.nextDue(isFirst: false, after: now)
        state = .running(packet: packet, report: report)
      }
    }
    if let limit = silenceDeadline, limit <= now {
      silence.stop()
      events.append(.silent)
    }
  }

  /// When nothing has come for too long; nil while nothing needs to come.
  private var silenceDeadline: Instant? { agreement.direction.receives && !terms.isExchangeOpen ? silence.deadline : nil }

  private var packetNanoseconds: Int64 { Int64(agreement.packetTime) * 1_000_000 }

  // MARK: - Sending

  private var isElsewhere: Bool { agreement.local != local }

  private var hasSpokenOrHeard: Bool { sender.packetsSent > 0 || receiver.statistics != nil }

  /// Where our RTP goes now; nil when the agreement or a hold says nowhere.
  private var destination: TransportAddress? {
    guard !isElsewhere, agreement.direction.sends, agreement.remote.port != 0, !agreement.remote.address.isUnspecified else { return nil }
    return latch.rtp ?? agreement.remote
  }

  private mutating func sendPacket(due: Instant, _ out: inout Outbox) {
    guard let destination else { return sender.skip(milliseconds: agreement.packetTime, due: due) }
    var (bytes, sequence) = sender.packet(payloadType: agreement.sendPayloadType, milliseconds: agreement.packetTime, due: due)
    protection.protect(&bytes, .rtp)
    let label = Label(
      .rtp(payloadType: agreement.sendPayloadType), dialog: configuration.dialog, stream: sender.ssrc, sequence: UInt32(sequence), due: due)
    out.datagram(configuration.rtpPort, to: destination, Bytes(bytes), label)
  }

  private mutating func sendReport(isLast: Bool, at now: Instant, _ out: inout Outbox) {
    let packets = reporter.compound(sender, &receiver, timestamp: timestamp(at: now), isLast: isLast, at: now)
    let destination = latch.rtcp ?? agreement.remoteControl
    guard destination.port != 0, !destination.address.isUnspecified else { return }
    var bytes = RTCPPacket.serialized(packets).array
    protection.protect(&bytes, .rtcp)
    out.datagram(configuration.rtcpPort, to: destination, Bytes(bytes), Label(.rtcp, dialog: configuration.dialog, stream: sender.ssrc))
  }

  /// The RTP clock at this very instant: the next packet's timestamp less what of its frame is still to come.
  private func timestamp(at now: Instant) -> UInt32 {
    guard case .running(let packet?, _) = state else { return sender.timestamp }
    let ahead = codec.ticks(nanoseconds: packet.nanoseconds - now.nanoseconds - packetNanoseconds)
    return sender.timestamp &- UInt32(truncatingIfNeeded: ahead)
  }

  // MARK: - What is seen

  /// What was noticed since the last time.
  public mutating func takeEvents() -> [MediaEvent] {
    guard !events.isEmpty else { return [] }
    defer { events = [] }
    return events
  }

  public var report: MediaReport {
    MediaReport(
      packetsSent: sender.packetsSent, packetsReceived: receiver.packetsReceived, octetsSent: sender.octetsSent,
      octetsReceived: receiver.octetsReceived, packetsLost: receiver.packetsLost,
      jitter: receiver.statistics?.jitterDuration ?? .zero, tones: receiver.tones, packetsLostAtPeer: reporter.packetsLostAtPeer)
  }

  mutating func complain(_ rule: PeerViolation.Rule, _ detail: String, section: String? = nil) {
    let violation = PeerViolation(rule, detail, section: section)
    if reported.count < 16, reported.insert(violation).inserted { events.append(.violation(violation)) }
  }
}
