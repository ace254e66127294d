import Capture
import SansIO

/// What capture agents, SCTP and ICMP put around a message.
public enum RelayedFrames {
  private static func octets(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * (count - 1 - $0))) }
  }

  private static func address(_ address: IPAddress) -> [UInt8] {
    address.isIPv6
      ? octets(Int(bitPattern: UInt(address.high)), 8) + octets(Int(bitPattern: UInt(address.low)), 8)
      : octets(Int(address.low & 0xFFFF_FFFF), 4)
  }

  public static func hepChunk(_ type: Int, _ value: [UInt8], vendor: Int = 0) -> [UInt8] {
    octets(vendor, 2) + octets(type, 2) + octets(value.count + 6, 2) + value
  }

  /// A HEP3 packet.
  ///
  /// - Parameters:
  ///   - carrier: 17 = UDP, 6 = TCP.
  ///   - kind: 1 = SIP, 4 = RTP, 5 = RTCP, 100 = a log.
  public static func hep(
    _ source: TransportAddress, to destination: TransportAddress, carrier: UInt8 = 17, kind: UInt8 = 1, payloadType: Int = 15,
    extra: [UInt8] = [], _ payload: Bytes
  ) -> Bytes {
    let isIPv6 = source.address.isIPv6
    let chunks: [[UInt8]] = [
      hepChunk(1, [isIPv6 ? 10 : 2]), hepChunk(2, [carrier]), hepChunk(isIPv6 ? 5 : 3, address(source.address)),
      hepChunk(isIPv6 ? 6 : 4, address(destination.address)), hepChunk(7, octets(Int(source.port), 2)),
      hepChunk(8, octets(Int(destination.port), 2)), hepChunk(9, octets(1_700_000_000, 4)), hepChunk(10, octets(5, 4)),
      hepChunk(11, [kind]), hepChunk(12, octets(2_001, 4)), extra, hepChunk(payloadType, payload.array),
    ]
    let body = Array(chunks.joined())
    return Bytes(Array("HEP3".utf8) + octets(body.count + 6, 2) + body)
  }

  /// A PDU as Wireshark exports it.
  public static func exported(
    _ source: TransportAddress, to destination: TransportAddress, tcp: Bool = false, _ name: String, _ payload: Bytes
  ) -> [UInt8] {
    func tag(_ number: Int, _ value: [UInt8]) -> [UInt8] { octets(number, 2) + octets(value.count, 2) + value }
    let tags: [[UInt8]] = [
      tag(12, Array(name.utf8)), tag(20, address(source.address)), tag(21, address(destination.address)), tag(24, octets(tcp ? 2 : 3, 4)),
      tag(25, octets(Int(source.port), 4)), tag(26, octets(Int(destination.port), 4)), tag(0, []),
    ]
    return Array(tags.joined()) + payload.array
  }

  /// An IPv4 packet of SCTP from port 5060 to 5060 with DATA chunks: number, flags (2 begins, 1 ends), and what is in them.
  public static func sctp(_ source: IPAddress, to destination: IPAddress, _ chunks: [(number: Int, flags: UInt8, data: Bytes)]) -> [UInt8] {
    var body = octets(5_060, 2) + octets(5_060, 2) + octets(0xABCD, 4) + octets(0, 4)
    for chunk in chunks {
      body += [0, chunk.flags] + octets(16 + chunk.data.count, 2) + octets(chunk.number, 4) + octets(0, 2) + octets(0, 2) + octets(0, 4)
      body += chunk.data.array + [UInt8](repeating: 0, count: -chunk.data.count & 3)
    }
    return ipv4(132, source, destination, body)
  }

  /// An ICMP error of a host about a packet of raw IPv4, of which it quotes so many octets behind the header of IP.
  public static func icmp(_ type: UInt8, _ code: UInt8, by host: IPAddress, about packet: Bytes, quoting octets: Int = 28) -> [UInt8] {
    let source = IPAddress(v4: packet[12..<16].reduce(0) { $0 << 8 | UInt32($1) })
    return ipv4(1, host, source, [type, code, 0, 0, 0, 0, 0, 0] + packet.prefix(20 + octets).map(\.self))
  }

  public static func ipv4(_ protocolNumber: UInt8, _ source: IPAddress, _ destination: IPAddress, _ payload: [UInt8]) -> [UInt8] {
    [0x45, 0] + octets(20 + payload.count, 2) + [0, 1, 0, 0, 64, protocolNumber, 0, 0] + address(source) + address(destination) + payload
  }
}
