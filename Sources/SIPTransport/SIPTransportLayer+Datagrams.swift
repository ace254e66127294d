import SIPMessage
import SansIO

// UDP: a datagram is a message (RFC 3261 §18.3) or a keep-alive (RFC 5626 §3.5.1 for CRLF).
extension SIPTransportLayer {
  func receiveDatagram(
    _ port: PortID, _ source: TransportAddress, _ bytes: Bytes, at now: Instant, _ out: inout Outbox, _ events: inout [Event]
  ) {
    guard let listener = listener(of: port) else { return }
    if !unreachable.isEmpty { unreachable.remove(source) }
    let flow = flow(port, listener, source)
    guard !Self.isKeepAlive(bytes) else {
      events.append(.keepAlive(flow))
      return
    }
    do {
      events.append(.message(InboundMessage(try SIPMessage.parse(bytes, limits: limits), on: flow)))
    } catch {
      events.append(.malformed(error, bytes, flow))
      reject(error, bytes, flow, at: now, &out, &events)
    }
  }

  func flow(_ port: PortID, _ listener: TransportListener, _ remote: TransportAddress) -> Flow {
    Flow(transport: .udp, local: listener.address, remote: remote, path: .port(port))
  }

  /// A few bytes that mean nothing, or STUN, which phones send on the port of their flow (RFC 5626 §3.5.2): its first two bits are zero and
  /// the magic cookie follows (RFC 8489 §5).
  private static func isKeepAlive(_ bytes: Bytes) -> Bool {
    if bytes.count <= 4 { return bytes.allSatisfy(isKeepAliveByte) }
    return bytes.count >= 20 && bytes[0] < 64 && bytes[4..<8].elementsEqual([0x21, 0x12, 0xA4, 0x42])
  }

  /// CR, LF, and the zero bytes some phones send through their NAT.
  private static func isKeepAliveByte(_ byte: UInt8) -> Bool { byte == 13 || byte == 10 || byte == 0 }
}
