import Codecs
import RTP
import SDP
import SansIO

/// Symmetric RTP (contract 8.5): after four packets in a row of one source from one address, media goes back there. RTCP follows the same
/// rule with its first valid report.
struct RemoteLatch: Sendable, Hashable {
  private static let needed = 4

  private(set) var rtp: TransportAddress?
  private(set) var rtcp: TransportAddress?
  private var candidate: TransportAddress?
  private var ssrc: UInt32 = 0
  private var count = 0

  /// Counts a valid packet; true when the latch just closed on another address than the agreed one.
  mutating func receive(from source: TransportAddress, ssrc: UInt32, agreed: TransportAddress) -> Bool {
    guard rtp == nil else { return false }
    if candidate == source, self.ssrc == ssrc {
      count += 1
    } else {
      (candidate, self.ssrc, count) = (source, ssrc, 1)
    }
    guard count >= Self.needed else { return false }
    rtp = source
    return source != agreed
  }

  mutating func receiveControl(from source: TransportAddress) { if rtcp == nil { rtcp = source } }
}

extension MediaSession {
  /// Takes a datagram of one of the session's two ports.
  public mutating func receive(_ arrival: Arrival, at now: Instant, _ out: inout Outbox) {
    guard case .datagram(let port, from: let source, let bytes) = arrival else { return }
    if port == rtpPort {
      // RTCP on the RTP port (RFC 5761) is known by its type.
      if bytes.count > 1, (192...223).contains(bytes[1]) { receiveControl(bytes, from: source, at: now) } else { receiveAudio(bytes, from: source, at: now) }
    } else if port == rtcpPort {
      receiveControl(bytes, from: source, at: now)
    }
  }

  private mutating func receiveAudio(_ bytes: Bytes, from source: TransportAddress, at now: Instant) {
    // STUN keep-alives (RFC 8489) share the port and are none of our business.
    if let first = bytes.first, first < 4 { return }
    let packet: RTPPacket
    do { packet = try RTPPacket.parse(bytes) } catch { return complain("\(error)") }
    guard packet.payloadType == agreement.receivePayloadType || isKnownExtra(packet.payloadType) else {
      return complain("RTP payload type \(packet.payloadType) was not agreed (RFC 3264 §6.1)")
    }
    if !agreement.direction.receives { complain("RTP came although the stream is \(agreement.direction.rawValue) (RFC 3264 §6.1)") }
    let isAhead = statistics.map { $0.ssrc != packet.ssrc || $0.isAhead(packet.sequenceNumber) } ?? true
    count(packet, at: now)
    octetsReceived &+= UInt32(truncatingIfNeeded: packet.payload.count)
    if latch.receive(from: source, ssrc: packet.ssrc, agreed: agreement.remote), let address = latch.rtp { events.append(.remoteLatched(address)) }
    guard packet.payloadType == agreement.receivePayloadType, isAhead else { return }
    listen(packet.payload)
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

  private mutating func receiveControl(_ bytes: Bytes, from source: TransportAddress, at now: Instant) {
    let packets: [RTCPPacket]
    do { packets = try RTCPPacket.parse(bytes) } catch { return complain("\(error)") }
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
  }

  private mutating func read(_ blocks: [ReceptionReport]) {
    for block in blocks where block.ssrc == ssrc { packetsLostAtPeer = Int(block.cumulativeLost) }
  }

  private mutating func complain(_ rule: String) {
    if reported.count < 16, reported.insert(rule).inserted { events.append(.violation(rule)) }
  }
}
