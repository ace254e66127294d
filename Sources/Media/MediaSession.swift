import Codecs
import RTP
import SDP
import SansIO

/// What a media session noticed.
public enum MediaEvent: Hashable, Sendable {
  case firstPacketReceived
  /// Hertz.
  case toneHeard(Int)
  case toneEnded
  /// A rule that the peer's packets broke, told once a kind.
  case violation(PeerViolation)
  /// RTP goes where the peer's came from (contract 8.5).
  case remoteLatched(TransportAddress)
}

/// The figures of one side's media.
public struct MediaReport: Hashable, Sendable {
  public var packetsSent: UInt32
  public var packetsReceived: UInt32
  /// Of payload.
  public var octetsSent: UInt32
  public var octetsReceived: UInt32
  /// By the peer's sequence numbers; duplicates can make it negative.
  public var packetsLost: Int
  public var jitter: Duration
  /// The tones that were heard, in the order they began, in hertz.
  public var tones: [Int]
  /// What the peer last reported of our stream: lost packets; nil when no report came.
  public var packetsLostAtPeer: Int?
}

/// The RTP and RTCP of one agreement (RFC 3550, RFC 3551): a tone or silence out, statistics and tone detection in.
///
/// Packets leave at absolute times: each 20 ms after the last one's due time, whenever the wake-up really came.
public struct MediaSession: Sendable {
  public private(set) var agreement: AudioAgreement
  /// What the peer may send.
  var terms: ReceptionTerms
  /// Whether RTP leaves at all.
  public var isSending = true
  /// The call's media stands at another address for a while: neither RTP nor RTCP leaves here.
  public var isPaused = false
  let cname: String
  let rtpPort: PortID
  let rtcpPort: PortID
  let dialog: UInt32
  let epoch: Epoch
  var entropy: Entropy
  var law: G711.Law

  // Sending
  let ssrc: UInt32
  var sequence: UInt16
  var timestamp: UInt32
  var packetsSent: UInt32 = 0
  var octetsSent: UInt32 = 0
  var sendDue: Instant?
  var speech: (generator: ToneGenerator, until: Instant?)?
  var isTalkspurtStart = true

  // Receiving
  var latch = RemoteLatch()
  var forks: ForkedSources
  /// Until when RTP may belong to a dialog that we do not know: responses of further branches may come until 64·T1 after the first 2xx
  /// (RFC 3261 §13.2.2.4). `distantFuture` while the INVITE is not answered, nil where it has one dialog.
  public var forksUntil: Instant?
  var statistics: ReceptionStatistics?
  /// Of sources heard before the present one.
  var receivedBefore: UInt32 = 0
  var octetsReceived: UInt32 = 0
  var lostBefore = 0
  var detector = ToneDetector(sampleRate: 8_000)
  var tones: [Int] = []
  var reported: Set<PeerViolation> = []

  // RTCP
  var reportDue: Instant?
  var hasReported = false
  var lastSenderReport: (middle: UInt32, at: Instant)?
  var packetsLostAtPeer: Int?

  var events: [MediaEvent] = []

  /// - Parameters:
  ///   - agreement: with a codec that ``AudioCodec/isSpoken``.
  ///   - dialog: the number that packet labels carry.
  ///   - remoteTag: of the dialog that made the agreement.
  public init(
    agreement: AudioAgreement, cname: String, rtpPort: PortID, rtcpPort: PortID, dialog: UInt32, remoteTag: String = "",
    entropy: Entropy, epoch: Epoch
  ) {
    precondition(agreement.codec.isSpoken, "\(agreement.codec) cannot be spoken")
    self.agreement = agreement
    terms = ReceptionTerms(agreement.receivable)
    forks = ForkedSources(tag: remoteTag)
    self.cname = cname
    self.rtpPort = rtpPort
    self.rtcpPort = rtcpPort
    self.dialog = dialog
    self.entropy = entropy
    self.epoch = epoch
    law = agreement.codec.law
    ssrc = UInt32(truncatingIfNeeded: self.entropy.next())
    sequence = UInt16(truncatingIfNeeded: self.entropy.next())
    timestamp = UInt32(truncatingIfNeeded: self.entropy.next())
  }

  /// Begins: the first packet leaves when the first frame of audio is full.
  public mutating func start(at now: Instant) {
    if isSending { sendDue = now.adding(nanoseconds: packetNanoseconds) }
    reportDue = now.adding(nanoseconds: RTCPInterval.next(isFirst: true, using: &entropy))
  }

  /// Sends a tone instead of silence from the next packet on; `until` nil = to the end.
  public mutating func speak(_ tone: Tone, until: Instant?, at now: Instant) {
    speech = (ToneGenerator(tone, sampleRate: 8_000), until)
    isTalkspurtStart = true
  }

  /// An offer of ours is open, and this is what it lets the peer send; nil = it was refused.
  public mutating func offer(_ receivable: ReceivableAudio?) { terms.offer(receivable) }

  /// The peer has our answer.
  public mutating func confirm(at now: Instant) { terms.confirm(at: now) }

  /// Whether one side waits for the other's word: silence proves nothing then.
  public var isExchangeOpen: Bool { terms.isExchangeOpen }

  /// Takes the agreement of another dialog of the same INVITE; with the same remote tag, that of the present one.
  public mutating func update(_ agreement: AudioAgreement, remoteTag: String, at now: Instant) {
    if remoteTag != forks.tag, agreement.remote != self.agreement.remote {
      latch = forks.turn(to: remoteTag, from: self.agreement, latch)
      replace(agreement, isKnown: true, at: now)
    } else {
      update(agreement, at: now)
    }
  }

  /// Takes a new agreement of the same dialog: hold, another address, another codec.
  ///
  /// - Parameters:
  ///   - isRenegotiated: a re-INVITE made it, after which RTP may come from elsewhere (contract 8.5).
  ///   - isKnown: whether the peer knows of it: not while our answer may still be on its way. ``confirm(at:)`` follows then.
  public mutating func update(_ agreement: AudioAgreement, isRenegotiated: Bool = false, isKnown: Bool = true, at now: Instant) {
    let isSameAddress = agreement.remote == self.agreement.remote
    if isRenegotiated || !isSameAddress { latch.reopen(isSameAddress: isSameAddress) }
    replace(agreement, isKnown: isKnown, at: now)
  }

  private mutating func replace(_ agreement: AudioAgreement, isKnown: Bool, at now: Instant) {
    terms.agree(agreement.receivable, isKnown: isKnown, at: now)
    // Speech begins anew after a hold: the marker tells the peer's jitter buffer (RFC 3551 §4.1).
    if agreement.direction.sends, !self.agreement.direction.sends { isTalkspurtStart = true }
    self.agreement = agreement
    law = agreement.codec.law
  }

  public mutating func takeEvents() -> [MediaEvent] {
    guard !events.isEmpty else { return [] }
    defer { events.removeAll(keepingCapacity: true) }
    return events
  }

  /// What one turn left behind, in one access: a session is large, and reading it through its leg copies it.
  public mutating func takeTurn() -> (events: [MediaEvent], nextDeadline: Instant?, isExchangeOpen: Bool) {
    (takeEvents(), nextDeadline, isExchangeOpen)
  }

  public var nextDeadline: Instant? {
    guard let sendDue else { return reportDue }
    guard let reportDue else { return sendDue }
    return min(sendDue, reportDue)
  }

  public mutating func wake(at now: Instant, _ out: inout Outbox) {
    while let due = sendDue, due <= now {
      sendPacket(due: due, &out)
      sendDue = due.adding(nanoseconds: packetNanoseconds)
    }
    if let due = reportDue, due <= now {
      sendReport(at: now, &out)
      hasReported = true
      reportDue = now.adding(nanoseconds: RTCPInterval.next(isFirst: false, using: &entropy))
    }
  }

  /// Ends the stream with an RTCP BYE (RFC 3550 §6.6), if it ever said anything.
  public mutating func stop(at now: Instant, _ out: inout Outbox) {
    if packetsSent > 0 || statistics != nil, sendDue != nil || reportDue != nil {
      transmitControl([report(at: now), .cname(ssrc: ssrc, cname), .bye([ssrc], reason: nil)], at: now, &out)
    }
    (sendDue, reportDue) = (nil, nil)
  }

  public var report: MediaReport {
    MediaReport(
      packetsSent: packetsSent, packetsReceived: receivedBefore + (statistics?.received ?? 0), octetsSent: octetsSent,
      octetsReceived: octetsReceived,
      packetsLost: lostBefore + (statistics?.lost ?? 0), jitter: statistics?.jitterDuration ?? .zero, tones: tones,
      packetsLostAtPeer: packetsLostAtPeer)
  }

  var packetNanoseconds: Int64 { Int64(agreement.packetTime) * 1_000_000 }
  var samplesPerPacket: Int { agreement.packetTime * 8 }
}

extension MediaReport {
  /// The value of P-RTP-Stat, a Cisco header: packets and octets sent and received, packets lost, jitter and latency in milliseconds
  /// (latency is not measured), duration of the call in seconds.
  public func statisticsHeader(seconds: Int) -> String {
    let milliseconds = jitter.wholeNanoseconds / 1_000_000
    return
      "PS=\(packetsSent),OS=\(octetsSent),PR=\(packetsReceived),OR=\(octetsReceived),PL=\(max(0, packetsLost)),JI=\(milliseconds),LA=0,DU=\(seconds)"
  }
}

extension AudioCodec {
  /// Whether the Lab can make and understand its audio; what it cannot, it does not offer.
  public var isSpoken: Bool { self == .pcmu || self == .pcma }

  var law: G711.Law { self == .pcma ? .a : .mu }
}
