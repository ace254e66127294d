import SIPMessage
import SIPTransport
import SansIO

/// A host without a stack: it sends bytes as it is told and shows what comes back. For what no stack would send.
///
/// Over UDP it sends from its signalling port; over TCP it keeps one connection to each address it was told to send to, and takes those
/// that are opened to its signalling port. With a media port it shows the datagrams that come there, and to the port above it, as they are.
public final class WireHost: NetworkHost {
  public enum Event: HostEvent {
    /// A message that came whole; over TCP framed by its Content-Length.
    case received(SIPMessage)
    /// What came is no message; the text names the rule.
    case unreadable(String)
    /// TCP: the peer closed or reset the connection, or refused it.
    case closed(String)
    /// TCP: a connection begins with a TLS ClientHello, for a server of this name (RFC 6066 §3); nil = it names none.
    case hello(serverName: String?)
    /// A datagram came to the media port, or to the one above it, which is RTCP's.
    case media(Bytes, isControl: Bool)

    public var journalName: String {
      switch self {
      case .received: "wire-received"
      case .unreadable: "wire-unreadable"
      case .closed: "wire-closed"
      case .hello: "wire-hello"
      case .media: "wire-media"
      }
    }

    public func writeFields(to json: inout JSONWriter) {
      switch self {
      case .received(let message): json.member("message", message.description)
      case .unreadable(let rule): json.member("rule", rule)
      case .closed(let how): json.member("how", how)
      case .hello(let name): json.member("serverName", name ?? "")
      case .media(let bytes, let isControl):
        json.member("octets", "\(bytes.count)")
        json.member("kind", isControl ? "RTCP" : "RTP")
      }
    }
  }

  private struct Connection {
    var id: ConnectionID
    var isOpen = false
    var waiting: [Bytes] = []
    var framer = StreamFramer(limits: .standard)
    /// Its bytes are TLS, which this host does not speak.
    var isTLS = false
  }

  private let address: TransportAddress
  private let isStream: Bool
  private let media: UInt16?
  private var connections: [TransportAddress: Connection] = [:]
  private var nextConnection: UInt32 = 2

  private static let signalling = PortID(1)
  private static let rtp = PortID(2)
  private static let rtcp = PortID(3)

  /// - Parameters:
  ///   - transport: UDP or TCP.
  ///   - media: the port of its RTP; nil = it has none.
  public init(address: TransportAddress, transport: SIPTransportProtocol, media: UInt16? = nil) {
    self.address = address
    self.media = media
    isStream = transport.isReliable
  }

  public func start(at now: Instant, _ out: inout Outbox) {
    out.bind(Self.signalling, address, isStream ? .listener : .datagram)
    guard let media else { return }
    out.bind(Self.rtp, TransportAddress(address.address, port: media))
    out.bind(Self.rtcp, TransportAddress(address.address, port: media + 1))
  }

  public func wake(at now: Instant, _ out: inout Outbox) {}
  public var nextDeadline: Instant? { nil }

  /// Sends these bytes.
  public func send(_ bytes: Bytes, to remote: TransportAddress, at now: Instant, _ out: inout Outbox) {
    guard isStream else { return out.datagram(Self.signalling, to: remote, bytes, Label(.raw)) }
    let key = connections[remote] == nil ? accepted(from: remote.address) ?? remote : remote
    var connection = connections[key] ?? open(remote, &out)
    if connection.isOpen { out.bytes(connection.id, bytes, Label(.raw)) } else { connection.waiting.append(bytes) }
    connections[key] = connection
  }

  /// The newest connection that a peer has opened, by its address and passing port.
  private func accepted(from address: IPAddress) -> TransportAddress? {
    connections.filter { $0.key.address == address }.max { $0.value.id.rawValue < $1.value.id.rawValue }?.key
  }

  /// Sends a packet of media: from the media port, or from that of signalling where there is none.
  public func sendMedia(_ bytes: Bytes, to remote: TransportAddress, at now: Instant, _ out: inout Outbox) {
    out.datagram(media == nil ? Self.signalling : Self.rtp, to: remote, bytes, Label(.raw))
  }

  private func open(_ remote: TransportAddress, _ out: inout Outbox) -> Connection {
    let connection = Connection(id: ConnectionID(nextConnection))
    nextConnection += 2
    out.open(connection.id, from: address.address, to: remote)
    return connection
  }

  public func receive(_ arrival: Arrival, at now: Instant, _ out: inout Outbox) {
    switch arrival {
    case .datagram(let port, from: _, let bytes):
      guard port == Self.signalling else { return out.event(Event.media(bytes, isControl: port == Self.rtcp)) }
      do { out.event(Event.received(try SIPMessage.parse(bytes))) } catch { out.event(Event.unreadable("\(error)")) }
    case .accepted(let id, _, local: _, let remote): connections[remote] = Connection(id: id, isOpen: true)
    case .opened(let id, local: _, remote: let remote):
      guard var connection = connections[remote], connection.id == id else { return }
      for bytes in connection.waiting { out.bytes(id, bytes, Label(.raw)) }
      (connection.isOpen, connection.waiting) = (true, [])
      connections[remote] = connection
    case .bytes(let id, let bytes): take(id, bytes, &out)
    case .ended(let id):
      out.event(Event.closed("the peer closed the connection"))
      out.close(id)
    case .closed(let id, let closure): forget(id, "\(closure)", &out)
    case .refused(let id, let failure): forget(id, "\(failure)", &out)
    case .sendFailed(_, to: let remote, _, _, let error): out.event(Event.closed("nothing was sent to \(remote): \(error)"))
    case .bound, .bindFailed, .unreachable, .receiveFailed, .acceptFailed, .acceptsAgain, .drained, .resolved: break
    }
  }

  private func take(_ id: ConnectionID, _ bytes: Bytes, _ out: inout Outbox) {
    guard let remote = connections.first(where: { $0.value.id == id })?.key, connections[remote]?.isTLS == false else { return }
    if let hello = ClientHello(bytes) {
      connections[remote]?.isTLS = true
      return out.event(Event.hello(serverName: hello.serverName))
    }
    connections[remote]?.framer.append(bytes)
    do {
      while let frame = try connections[remote]?.framer.next() {
        switch frame {
        case .message(let message): out.event(Event.received(message))
        case .unreadable(let error, _): out.event(Event.unreadable("\(error)"))
        case .ping, .pong: break
        }
      }
    } catch {
      out.event(Event.unreadable("\(error)"))
    }
  }

  private func forget(_ id: ConnectionID, _ how: String, _ out: inout Outbox) {
    guard let remote = connections.first(where: { $0.value.id == id })?.key else { return }
    connections[remote] = nil
    if how != "orderly" { out.event(Event.closed(how)) }
  }
}
