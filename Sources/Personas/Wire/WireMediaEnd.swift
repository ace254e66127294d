import RTP
import SRTP
import SansIO
import SecureTransport

/// The media of a wire member: what it has sent of each source, its keys, and the DTLS associations that may give it those.
struct WireMediaEnd {
  enum Output {
    /// From the RTCP port where `isControl` says so, else from the media port.
    case datagram(Bytes, to: TransportAddress, isControl: Bool)
    case secret(KeyLogLine)
    case event(WireHost.Event)
  }

  /// What was sent with one SSRC.
  private struct Source {
    var packets: UInt32 = 0
    var octets: UInt32 = 0
  }

  private var sources: [UInt32: Source] = [:]
  private var audio: WireProtection?
  /// Of RTCP, where it has an association of its own.
  private var control: WireProtection?
  private var associations: [(connection: WireAssociation, isControl: Bool, isKeyed: Bool)] = []
  /// How often it began to associate: each time has random numbers of its own.
  private var beginnings = 0

  // MARK: - Packets

  /// A packet as it leaves. Without keys there is nothing that could be done to it.
  mutating func treat(_ packet: Bytes, _ treatment: PacketTreatment) throws(WireProtection.Refusal) -> Bytes {
    if !packet.isControl, treatment == .protect { count(packet) }
    if packet.isControl, control != nil { return try control?.treat(packet, treatment) ?? packet }
    return try audio?.treat(packet, treatment) ?? packet
  }

  private mutating func count(_ bytes: Bytes) {
    let packet: RTPPacket
    // Bytes that are no packet count as none.
    do throws(RTPError) { packet = try RTPPacket.parse(bytes) } catch { return }
    var source = sources[packet.ssrc] ?? Source()
    source.packets &+= 1
    source.octets &+= UInt32(packet.payload.count)
    sources[packet.ssrc] = source
  }

  /// A report of a source and its name (RFC 3550 §6.1). Its RTP clock is one of 8,000 Hz that began with the run.
  func report(_ report: WireHost.Report, _ ssrc: UInt32, name: String, at now: Instant, _ epoch: Epoch) -> Bytes {
    let sent = sources[ssrc] ?? Source()
    let first: RTCPPacket =
      switch report {
      case .receiver: .receiverReport(ssrc: ssrc, [])
      case .sender:
        .senderReport(
          ssrc: ssrc,
          RTCPPacket.SenderInformation(
            ntpTime: NTPTime.at(now, epoch: epoch), rtpTimestamp: UInt32(truncatingIfNeeded: now.nanoseconds / 125_000),
            packetCount: sent.packets, octetCount: sent.octets), [])
      }
    return RTCPPacket.serialized([first, .cname(ssrc: ssrc, name)])
  }

  func open(_ packet: Bytes, isControl: Bool) -> WireHost.Opening {
    (isControl ? control ?? audio : audio)?.open(packet, isControl: isControl) ?? .unopened
  }

  // MARK: - Keys

  mutating func use(send: SRTPKeys, receive: SRTPKeys?, goesOn: Bool) throws(SRTPLibraryError) {
    control = nil
    if goesOn, audio != nil {
      try audio?.goOn(send: send, receive: receive)
    } else {
      audio = try WireProtection(send: send, receive: receive)
    }
  }

  // MARK: - DTLS

  var isAssociated: Bool { !associations.isEmpty }

  var nextDeadline: Instant? { associations.compactMap(\.connection.nextDeadline).min() }

  /// Opens an association with a port, and one with the port above it where RTCP has that, or waits for them.
  mutating func associate(
    _ terms: AssociationTerms, with remote: TransportAddress, _ entropy: Entropy, _ epoch: Epoch, at now: Instant
  ) throws(TLSError) -> [Output] {
    beginnings += 1
    let suffix = beginnings == 1 ? "" : " \(beginnings)"
    let first = try WireAssociation(terms, with: remote, entropy: entropy.fork("association \(remote)\(suffix)"), epoch: epoch)
    associations = [(first, false, false)]
    if !terms.isMultiplexed {
      let other = TransportAddress(remote.address, port: remote.port + 1)
      let control = try WireAssociation(terms, with: other, entropy: entropy.fork("association \(other)\(suffix)"), epoch: epoch)
      associations.append((control, true, false))
    }
    var outputs: [Output] = []
    for index in associations.indices { outputs += carry(associations[index].connection.start(at: now), of: index) }
    return outputs
  }

  mutating func receive(_ datagram: Bytes, isControl: Bool, at now: Instant) -> [Output] {
    guard let index = associations.firstIndex(where: { $0.isControl == isControl }) else { return [] }
    return carry(associations[index].connection.receive(datagram, at: now), of: index)
  }

  mutating func wake(at now: Instant) -> [Output] {
    var outputs: [Output] = []
    for index in associations.indices where associations[index].connection.nextDeadline.map({ $0 <= now }) == true {
      outputs += carry(associations[index].connection.wake(at: now), of: index)
    }
    return outputs
  }

  mutating func close(at now: Instant) -> [Output] {
    var outputs: [Output] = []
    for index in associations.indices { outputs += carry(associations[index].connection.close(at: now), of: index) }
    return outputs
  }

  private mutating func carry(_ news: [DTLSConnection.Output], of index: Int) -> [Output] {
    let (connection, isControl) = (associations[index].connection, associations[index].isControl)
    var outputs: [Output] = []
    for output in news {
      switch output {
      case .datagram(let bytes): outputs.append(.datagram(bytes, to: connection.remote, isControl: isControl))
      case .secret(let line): outputs.append(.secret(line))
      case .established(let session):
        if isControl { control = connection.protection(session) } else { audio = connection.protection(session) }
        associations[index].isKeyed = true
        if associations.allSatisfy(\.isKeyed) { outputs.append(.event(.keyed(session.profile))) }
      case .closedByPeer: outputs.append(.event(.closeNotify))
      case .failed(let failure): outputs.append(.event(.associationFailed(failure)))
      }
    }
    return outputs
  }
}
