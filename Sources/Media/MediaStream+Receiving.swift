import RTP
import SDP
import SansIO

// What comes in at the two ports: verified, then told whose it is, then what it is, and counted only then.
extension MediaStream {
  /// Takes what arrived at one of the stream's ports. Anything else is another's.
  public mutating func receive(_ arrival: Arrival, at now: Instant) {
    switch arrival {
    case .datagram(let port, from: let source, let bytes) where port == configuration.rtpPort || port == configuration.rtcpPort:
      receive(bytes, on: port, from: source, at: now)
    case .sendFailed(_, to: _, let packet, let label, _):
      guard case .rtp = label.subject, label.stream == sender.ssrc else { return }
      sender.uncount(octets: packet.count - protection.overhead)
    case .datagram, .bound, .bindFailed, .receiveFailed, .unreachable, .accepted, .acceptFailed, .acceptsAgain, .opened, .refused, .bytes,
      .ended, .closed, .drained, .resolved:
      break
    }
  }

  private mutating func receive(_ bytes: Bytes, on port: PortID, from source: TransportAddress, at now: Instant) {
    switch MultiplexedProtocol(bytes) {
    case .rtp, .unknown: break
    // What others send over the same ports, keep-alives for the most part, is none of our business, and no sign that media comes.
    case .stun, .zrtp, .dtls, .turnChannel, .empty: return
    }
    // RTCP on the RTP port (RFC 5761) is known by its type.
    let isControl = port == configuration.rtcpPort || (bytes.count > 1 && (192...223).contains(bytes[1]))
    guard let packet = protection.unprotect(bytes, isControl ? .rtcp : .rtp) else { return }
    let isOfPeer = isControl ? receiveControl(packet, from: source, at: now) : receiveAudio(packet, from: source, at: now)
    // RTCP is a sign of life as well (contract 8.3): who sends no audio for a while still reports. A stranger's packets are none.
    if isOfPeer { silence.heard(at: now) }
  }

  // MARK: - RTP

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
      complain(.rtpPayloadType, "\(packet.payloadType)")
      return true
    }
    receiver.receive(packet, format, clockRate: codec.clockRate, at: now, &events)
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
      if !forks.mayBeUnknown(at: now) {
        complain(
          .rtpSource,
          "RTP from \(source) is ignored: the stream comes from \(latch.rtp ?? agreement.remote) until a re-INVITE (contract 8.5)")
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

  // MARK: - RTCP

  /// Whether the packet is the peer's.
  private mutating func receiveControl(_ bytes: Bytes, from source: TransportAddress, at now: Instant) -> Bool {
    if source != agreement.remoteControl, forks.ownsControl(source) { return false }
    guard latch.acceptsControl(from: source, agreed: agreement.remoteControl) else {
      if terms.offered == nil, !forks.mayBeUnknown(at: now) {
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
    reporter.receive(packets, about: sender.ssrc, at: now)
    return true
  }
}
