import SIPMessage
import SIPTransport
import SRTP
import SansIO
import SecureTransport

/// A host without a stack: it sends bytes as it is told and shows what comes back. For what no stack would send.
///
/// Over UDP it sends from its signalling port; over TCP and TLS it keeps one connection to each address it was told to send to, and takes
/// those that are opened to its signalling port. With a media port it shows the datagrams that come there, and to the port above it, as
/// they are.
public final class WireHost: NetworkHost {
  /// What a step asks of it.
  public enum Command: Sendable {
    /// Sends these bytes, over TLS within TLS.
    case send(Bytes, to: TransportAddress)
    /// Sends them in the TCP connection as they are.
    case sendInClear(Bytes, to: TransportAddress)
    /// Sends a packet of media: from the media port, or from that of signalling where there is none.
    case sendMedia(Bytes, to: TransportAddress, PacketTreatment)
    /// Sends a report about what it has sent with this SSRC, from its RTCP port to another's, or from RTP's to RTP's.
    case sendReport(Report, ssrc: UInt32, to: TransportAddress, PacketTreatment)
    /// Protects what it sends by `sendMedia`, and opens what comes to its media port. `goesOn`: counters and indices do.
    case useKeys(send: SRTPKeys, receive: SRTPKeys?, goesOn: Bool)
    /// Opens a DTLS association from the media port, or waits for one there, and uses its keys as `useKeys` does.
    case associate(AssociationTerms, with: TransportAddress)
    /// Opens a new connection; over TLS with a handshake at once, which may go on from the last session.
    case connect(to: TransportAddress, serverName: String?, resumes: Bool, HandshakeManner)
    /// Begins a new handshake in the TLS connection with this address.
    case renegotiate(with: TransportAddress)
    /// How it behaves on connections that are opened to it from now on.
    case accept(HandshakeManner)
    /// Ends the connection with the member at this address.
    case end(with: TransportAddress, ConnectionEnd)
  }

  /// A report of RTCP (RFC 3550 §6.4).
  public enum Report: Hashable, Sendable { case sender, receiver }

  public enum ConnectionEnd: Hashable, Sendable {
    /// TLS's close_notify, and nothing else: the TCP connection stays.
    case closeNotify
    /// TCP's FIN, without a word of TLS.
    case orderly
    case reset
  }

  private let address: TransportAddress
  private let isStream: Bool
  private let mediaPort: UInt16?
  private let tls: WireTLS?
  /// Those that are not over, in the order in which they began.
  private var connections: [WireConnection] = []
  private var nextConnection: UInt32 = 2
  private var accepting = HandshakeManner()
  /// Of the last TLS session that it had as a client.
  private var ticket: TLSTicket?
  private var media = WireMediaEnd()
  private let entropy: Entropy
  private let epoch: Epoch

  private static let signalling = PortID(1)
  private static let rtp = PortID(2)
  private static let rtcp = PortID(3)

  /// - Parameters:
  ///   - media: the port of its RTP; nil = it has none.
  ///   - tls: for a member over TLS.
  ///   - entropy: of its DTLS associations.
  public init(
    address: TransportAddress, transport: SIPTransportProtocol, media: UInt16? = nil, tls: WireTLS? = nil,
    entropy: Entropy = Entropy(seed: 1), epoch: Epoch = .virtual
  ) {
    (self.entropy, self.epoch) = (entropy, epoch)
    self.address = address
    mediaPort = media
    self.tls = tls
    isStream = transport.isReliable
  }

  public func start(at now: Instant, _ out: inout Outbox) {
    out.bind(Self.signalling, address, isStream ? .listener : .datagram)
    guard let mediaPort else { return }
    out.bind(Self.rtp, TransportAddress(address.address, port: mediaPort))
    out.bind(Self.rtcp, TransportAddress(address.address, port: mediaPort + 1))
  }

  public func wake(at now: Instant, _ out: inout Outbox) {
    for index in connections.indices where connections[index].deadline.map({ $0 <= now }) == true {
      connections[index].flush(at: now, &out)
    }
    take(media.wake(at: now), &out)
  }

  public var nextDeadline: Instant? { (connections.map(\.deadline) + [media.nextDeadline]).compactMap(\.self).min() }

  // MARK: - Commands

  /// Does what a step asks.
  ///
  /// - Returns: why it cannot be done; nil when it was.
  public func perform(_ command: Command, at now: Instant, _ out: inout Outbox) -> String? {
    switch command {
    case .send(let bytes, let remote): send(bytes, to: remote, at: now, &out)
    case .sendInClear(let bytes, let remote):
      let index = connection(with: remote) ?? open(remote, nil, HandshakeManner(), &out)
      connections[index].sendInClear(bytes, at: now, &out)
    case .sendMedia(let bytes, let remote, let treatment): return sendMedia(bytes, to: remote, treatment, &out)
    case .sendReport(let report, let ssrc, let remote, let treatment):
      return sendMedia(media.report(report, ssrc, name: "wire@\(address.address)", at: now, epoch), to: remote, treatment, &out)
    case .useKeys(let send, let receive, let goesOn):
      do throws(SRTPLibraryError) { try media.use(send: send, receive: receive, goesOn: goesOn) } catch { return "\(error)" }
    case .associate(let terms, let remote):
      do throws(TLSError) { take(try media.associate(terms, with: remote, entropy, epoch, at: now), &out) } catch { return "\(error)" }
    case .connect(let remote, let serverName, let resumes, let manner):
      if resumes, ticket == nil { return "it has no TLS session that could be resumed" }
      _ = open(remote, tls, serverName: serverName, resuming: resumes ? ticket : nil, manner, &out)
    case .renegotiate(let remote):
      guard let index = connection(with: remote) else { return "there is no connection with \(remote)" }
      return connections[index].renegotiate(at: now, &out)
    case .accept(let manner): accepting = manner
    case .end(let remote, let end): return self.end(with: remote, end, at: now, &out)
    }
    return nil
  }

  private func send(_ bytes: Bytes, to remote: TransportAddress, at now: Instant, _ out: inout Outbox) {
    guard isStream else { return out.datagram(Self.signalling, to: remote, bytes, Label(.raw)) }
    let index = connection(with: remote) ?? open(remote, tls, HandshakeManner(), &out)
    connections[index].send(bytes, at: now, &out)
  }

  private func sendMedia(
    _ bytes: Bytes, to remote: TransportAddress, _ treatment: PacketTreatment, _ out: inout Outbox
  ) -> String? {
    var packet = bytes
    // Without keys there is nothing that could be done to it.
    do throws(WireProtection.Refusal) { packet = try media.treat(bytes, treatment) } catch { return error.reason }
    let label = Label(.raw, isDeliberatelyBroken: treatment != .protect)
    let port = bytes.isControl && remote.port % 2 == 1 ? Self.rtcp : Self.rtp
    out.datagram(mediaPort == nil ? Self.signalling : port, to: remote, packet, label)
    return nil
  }

  private func end(with remote: TransportAddress, _ end: ConnectionEnd, at now: Instant, _ out: inout Outbox) -> String? {
    if !isStream, end == .closeNotify {
      take(media.close(at: now), &out)
      return nil
    }
    guard let index = connection(with: remote) else { return "there is no connection with \(remote)" }
    switch end {
    case .closeNotify: connections[index].sendCloseNotify(at: now, &out)
    case .orderly, .reset: out.close(connections.remove(at: index).id, end == .reset ? .reset : .orderly)
    }
    return nil
  }

  /// The newest connection to this address, else the newest that a peer has opened from its host.
  private func connection(with remote: TransportAddress) -> Int? {
    connections.lastIndex { $0.remote == remote && !$0.isOver }
      ?? connections.lastIndex { $0.remote.address == remote.address && !$0.isOver }
  }

  private func open(
    _ remote: TransportAddress, _ tls: WireTLS?, serverName: String? = nil, resuming: TLSTicket? = nil, _ manner: HandshakeManner,
    _ out: inout Outbox
  ) -> Int {
    let id = ConnectionID(nextConnection)
    nextConnection += 2
    connections.append(WireConnection(id, remote, isAccepted: false, tls, serverName: serverName, resuming: resuming, manner))
    out.open(id, from: address.address, to: remote)
    return connections.count - 1
  }

  // MARK: - Arrivals

  public func receive(_ arrival: Arrival, at now: Instant, _ out: inout Outbox) {
    switch arrival {
    case .datagram(let port, from: _, let bytes):
      if port != Self.signalling, DTLSConnection.isDTLS(bytes), media.isAssociated {
        return take(media.receive(bytes, isControl: port == Self.rtcp, at: now), &out)
      }
      take(bytes, on: port, &out)
    case .accepted(let id, _, local: _, let remote):
      connections.append(WireConnection(id, remote, isAccepted: true, tls, accepting))
    case .opened(let id, local: _, remote: _): withConnection(id) { $0.opened(at: now, &out) }
    case .bytes(let id, let bytes): withConnection(id) { $0.receive(bytes, at: now, &out) }
    case .ended(let id):
      withConnection(id) { $0.ended(at: now, &out) }
      out.event(Event.closed("the peer closed the connection"))
      out.close(id)
    case .closed(let id, let closure): forget(id, "\(closure)", &out)
    case .refused(let id, let failure): forget(id, "\(failure)", &out)
    case .sendFailed(_, to: let remote, _, _, let error): out.event(Event.closed("nothing was sent to \(remote): \(error)"))
    case .bound, .bindFailed, .unreachable, .receiveFailed, .acceptFailed, .acceptsAgain, .drained, .resolved: break
    }
  }

  /// What came of the associations.
  private func take(_ outputs: [WireMediaEnd.Output], _ out: inout Outbox) {
    for output in outputs {
      switch output {
      case .datagram(let bytes, let remote, let isControl):
        out.datagram(isControl ? Self.rtcp : Self.rtp, to: remote, bytes, Label(.dtls))
      case .secret(let line): out.secret(line)
      case .event(let event): out.event(event)
      }
    }
  }

  private func take(_ bytes: Bytes, on port: PortID, _ out: inout Outbox) {
    guard port == Self.signalling else {
      // With DTLS, RTCP comes to the same port (RFC 5761 §4).
      let isControl = port == Self.rtcp || media.isAssociated && bytes.isControl
      return out.event(Event.media(bytes, isControl: isControl, media.open(bytes, isControl: isControl)))
    }
    do { out.event(Event.received(try SIPMessage.parse(bytes))) } catch { out.event(Event.unreadable("\(error)")) }
  }

  private func withConnection(_ id: ConnectionID, _ body: (inout WireConnection) -> Void) {
    guard let index = connections.firstIndex(where: { $0.id == id }) else { return }
    body(&connections[index])
    if let newer = connections[index].ticket { ticket = newer }
  }

  private func forget(_ id: ConnectionID, _ how: String, _ out: inout Outbox) {
    guard let index = connections.firstIndex(where: { $0.id == id }) else { return }
    connections.remove(at: index)
    if how != "orderly" { out.event(Event.closed(how)) }
  }
}
