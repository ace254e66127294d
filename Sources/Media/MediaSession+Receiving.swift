import Codecs
import RTP
import SDP
import SansIO

extension MediaSession {
  /// Takes a datagram of one of the session's two ports. False when it is no sign of life of the peer: a stranger's.
  @discardableResult
  public mutating func receive(_ arrival: Arrival, at now: Instant, _ out: inout Outbox) -> Bool {
    guard case .datagram(let port, from: let source, let bytes) = arrival, port == rtpPort || port == rtcpPort else { return false }
    switch MultiplexedProtocol(bytes) {
    case .rtp, .unknown: break
    // What others send over the same ports, keep-alives for the most part, is none of our business, and no sign that media comes.
    case .stun, .zrtp, .dtls, .turnChannel, .empty: return false
    }
    // RTCP on the RTP port (RFC 5761) is known by its type.
    let isControl = port == rtcpPort || (bytes.count > 1 && (192...223).contains(bytes[1]))
    return isControl ? receiveControl(bytes, from: source, at: now) : receiveAudio(bytes, from: source, at: now)
  }

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
      complain(.rtpPayloadType, "\(packet.payloadType)")
      return true
    }
    let isAhead = statistics.map { $0.ssrc != packet.ssrc || $0.isAhead(packet.sequenceNumber) } ?? true
    count(packet, isEvent: format == .telephoneEvent, at: now)
    octetsReceived &+= UInt32(truncatingIfNeeded: packet.payload.count)
    if case .codec(let codec) = format, isAhead { listen(packet.payload, codec) }
    return true
  }

  /// CN, a static payload type (RFC 3389 §4).
  private static let comfortNoise: UInt8 = 13

  /// Whether the present session takes the packet; a stranger is named where nobody else can have sent it.
  private mutating func isOfPeer(_ packet: RTPPacket, from source: TransportAddress, isNegotiated: Bool, at now: Instant) -> Bool {
    if !forks.isEmpty, source != agreement.remote, source != latch.rtp, forks.claim(source, isOpen: latch.isOpen) { return false }
    switch latch.receive(from: source, ssrc: packet.ssrc, agreed: agreement.remote, isNegotiated: isNegotiated) {
    case .taken: return true
    case .latched:
      if source != agreement.remote { latched(to: source) }
      return true
    case .late: return false
    case .foreign:
      // The answer to our offer may name another address, and its media comes before it (RFC 3264 §5.1).
      if terms.offered != nil { return true }
      if !mayBeForked(at: now) {
        complain(
          .rtpSource,
          "RTP from \(source) is ignored: the stream comes from \(latch.rtp ?? agreement.remote) until a re-INVITE (contract 8.5)")
      }
      return false
    }
  }

  /// Whether a source that we do not know may belong to a dialog that we do not know yet.
  private func mayBeForked(at now: Instant) -> Bool { forksUntil.map { now < $0 } ?? false }

  private mutating func latched(to source: TransportAddress) {
    events.append(.remoteLatched(source))
    guard agreement.remote.address.isPrivate, source.address != agreement.remote.address else { return }
    complain(
      .privateAddress, "SDP names the private address \(agreement.remote), RTP comes from \(source) and is answered there (contract 8.5)",
      section: agreement.remote.address.privateSection)
  }

  private mutating func count(_ packet: RTPPacket, isEvent: Bool, at now: Instant) {
    if statistics?.ssrc != packet.ssrc {
      if let old = statistics {
        receivedBefore += old.received
        lostBefore += old.lost
      } else {
        events.append(.firstPacketReceived)
      }
      statistics = ReceptionStatistics(ssrc: packet.ssrc, firstSequence: packet.sequenceNumber, clockRate: 8_000)
    }
    // All packets of an event have the time at which it began (RFC 4733 §2.2.1): they say nothing of the delay.
    statistics?.receive(sequence: packet.sequenceNumber, timestamp: isEvent ? nil : packet.timestamp, at: now)
  }

  private mutating func listen(_ payload: Bytes, _ codec: AudioCodec) {
    guard codec.isSpoken else { return }
    let law = codec.law
    var changes: [ToneDetector.Change] = []
    payload.withUnsafeBytes { octets in
      for octet in octets {
        if let change = detector.receive(G711.decode(octet, law)) { changes.append(change) }
      }
    }
    for change in changes {
      switch change {
      case .began(let frequency):
        tones.append(frequency)
        events.append(.toneHeard(frequency))
      case .ended: events.append(.toneEnded)
      }
    }
  }

  private mutating func receiveControl(_ bytes: Bytes, from source: TransportAddress, at now: Instant) -> Bool {
    if source != agreement.remoteControl, forks.ownsControl(source) { return false }
    guard latch.acceptsControl(from: source, agreed: agreement.remoteControl) else {
      if terms.offered == nil, !mayBeForked(at: now) {
        complain(
          .rtpSource, "RTCP from \(source) is ignored: the stream comes from \(latch.rtp ?? agreement.remote) (contract 8.5, symmetric RTP)"
        )
      }
      return false
    }
    let packets: [RTCPPacket]
    do { packets = try RTCPPacket.parse(bytes) } catch {
      complain(.rtcpMalformed, "\(error)")
      return true
    }
    latch.receiveControl(from: source)
    for packet in packets {
      switch packet {
      case .senderReport(_, let information, let blocks):
        lastSenderReport = (NTPTime.middle(information.ntpTime), now)
        read(blocks)
      case .receiverReport(_, let blocks): read(blocks)
      case .cname, .bye, .other: break
      }
    }
    return true
  }

  private mutating func read(_ blocks: [ReceptionReport]) {
    for block in blocks where block.ssrc == ssrc { packetsLostAtPeer = Int(block.cumulativeLost) }
  }

  private mutating func complain(_ rule: PeerViolation.Rule, _ detail: String, section: String? = nil) {
    let violation = PeerViolation(rule, detail, section: section)
    if reported.count < 16, reported.insert(violation).inserted { events.append(.violation(violation)) }
  }
}
