import Codecs
import RTP
import SDP
import SansIO

extension MediaSession {
  /// Takes a datagram of one of the session's two ports. False when it is no sign of life of the peer: a stranger's.
  @discardableResult
  public mutating func receive(_ arrival: Arrival, at now: Instant, _ out: inout Outbox) -> Bool {
    guard case .datagram(let port, from: let source, let bytes) = arrival else { return false }
    // RTCP on the RTP port (RFC 5761) is known by its type.
    let isControl = port == rtcpPort || (bytes.count > 1 && (192...223).contains(bytes[1]))
    guard port == rtpPort || port == rtcpPort else { return false }
    return isControl ? receiveControl(bytes, from: source, at: now) : receiveAudio(bytes, from: source, at: now)
  }

  private mutating func receiveAudio(_ bytes: Bytes, from source: TransportAddress, at now: Instant) -> Bool {
    // STUN keep-alives (RFC 8489) share the port and are none of our business.
    if let first = bytes.first, first < 4 { return true }
    let packet: RTPPacket
    do { packet = try RTPPacket.parse(bytes) } catch {
      complain(.rtpMalformed, "\(error)")
      return true
    }
    guard packet.payloadType == agreement.receivePayloadType || isKnownExtra(packet.payloadType) else {
      complain(.rtpPayloadType, "\(packet.payloadType)")
      return true
    }
    if !agreement.direction.receives { noteUnwanted(at: now) }
    // Comfort noise that nobody agreed on proves nothing about who sends it (contract 8.5: a negotiated payload type).
    let isNegotiated = packet.payloadType == agreement.receivePayloadType || packet.payloadType == agreement.receiveEventPayloadType
    switch latch.receive(from: source, ssrc: packet.ssrc, agreed: agreement.remote, isNegotiated: isNegotiated) {
    case .taken: break
    case .latched: if source != agreement.remote { latched(to: source) }
    case .late: return false
    case .foreign:
      complain(
        .rtpSource, "RTP from \(source) is ignored: the stream comes from \(latch.rtp ?? agreement.remote) until a re-INVITE (contract 8.5)"
      )
      return false
    }
    let isAhead = statistics.map { $0.ssrc != packet.ssrc || $0.isAhead(packet.sequenceNumber) } ?? true
    count(packet, at: now)
    octetsReceived &+= UInt32(truncatingIfNeeded: packet.payload.count)
    if packet.payloadType == agreement.receivePayloadType, isAhead { listen(packet.payload) }
    return true
  }

  private mutating func noteUnwanted(at now: Instant) {
    let since = unwantedSince ?? now
    unwantedSince = since
    guard since.duration(to: now) > Self.holdGrace else { return }
    complain(.rtpWhileHeld, "the stream is \(agreement.direction.rawValue), and RTP still comes after \(Self.holdGrace)")
  }

  private mutating func latched(to source: TransportAddress) {
    events.append(.remoteLatched(source))
    guard agreement.remote.address.isPrivate, source.address != agreement.remote.address else { return }
    complain(
      .privateAddress, "SDP names the private address \(agreement.remote), RTP comes from \(source) and is answered there (contract 8.5)")
  }

  /// telephone-event where it was agreed, and comfort noise, which some send without asking.
  private func isKnownExtra(_ payloadType: UInt8) -> Bool {
    payloadType == agreement.receiveEventPayloadType || payloadType == 13
  }

  private mutating func count(_ packet: RTPPacket, at now: Instant) {
    if statistics?.ssrc != packet.ssrc {
      if let old = statistics {
        receivedBefore += old.received
        lostBefore += old.lost
      } else {
        events.append(.firstPacketReceived)
      }
      statistics = ReceptionStatistics(ssrc: packet.ssrc, firstSequence: packet.sequenceNumber, clockRate: 8_000)
    }
    statistics?.receive(sequence: packet.sequenceNumber, timestamp: packet.timestamp, at: now)
  }

  private mutating func listen(_ payload: Bytes) {
    let law = law
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
    guard latch.acceptsControl(from: source, agreed: agreement.remoteControl) else {
      complain(
        .rtpSource, "RTCP from \(source) is ignored: the stream comes from \(latch.rtp ?? agreement.remote) (contract 8.5, symmetric RTP)")
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

  private mutating func complain(_ rule: PeerViolation.Rule, _ detail: String) {
    let violation = PeerViolation(rule, detail)
    if reported.count < 16, reported.insert(violation).inserted { events.append(.violation(violation)) }
  }
}
