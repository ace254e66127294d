import SansIO

/// Capture files of frames that no writer of ours makes.
public enum RawFrames {
  private static func octets(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * $0)) } }

  /// A classic pcap file, big-endian, a frame each 20 ms.
  ///
  /// - Parameter original: bytes that each frame had before a snap length cut it; nil = nothing was cut.
  public static func pcap(_ linkType: UInt32, _ frames: [[UInt8]], original: Int? = nil) -> Bytes {
    var bytes = octets(0xA1B2_C3D4) + [0, 2, 0, 4] + octets(0) + octets(0) + octets(65_535) + octets(linkType)
    for (index, frame) in frames.enumerated() {
      bytes += octets(1_700_000_000) + octets(UInt32(index) * 20_000) + octets(UInt32(frame.count))
      bytes += octets(UInt32(original ?? frame.count)) + frame
    }
    return Bytes(bytes)
  }

  /// A pcapng file, big-endian, of raw IP: packets, and between them blocks of any type.
  public static func pcapng(_ blocks: [(type: UInt32, body: [UInt8])]) -> Bytes {
    var bytes = block(0x0A0D_0D0A, octets(0x1A2B_3C4D) + [0, 1, 0, 0] + [UInt8](repeating: 0xFF, count: 8))
    bytes += block(1, [0, 101, 0, 0] + octets(0))
    for (type, body) in blocks { bytes += block(type, body) }
    return Bytes(bytes)
  }

  /// The body of an Enhanced Packet Block of that interface.
  public static func packet(_ frame: [UInt8]) -> (type: UInt32, body: [UInt8]) {
    (6, octets(0) + octets(0) + octets(0) + octets(UInt32(frame.count)) + octets(UInt32(frame.count)) + frame)
  }

  private static func block(_ type: UInt32, _ body: [UInt8]) -> [UInt8] {
    let padded = body + [UInt8](repeating: 0, count: (4 - body.count % 4) % 4)
    return octets(type) + octets(UInt32(padded.count + 12)) + padded + octets(UInt32(padded.count + 12))
  }

  /// An Ethernet frame.
  public static func ethernet(_ etherType: UInt16, _ payload: [UInt8]) -> [UInt8] {
    [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, UInt8(etherType >> 8), UInt8(etherType & 255)] + payload
  }

  /// An IPv4 packet from ``alice`` to ``bob``.
  public static func ipv4(_ protocolNumber: UInt8, _ payload: [UInt8]) -> [UInt8] {
    let length = 20 + payload.count
    return [0x45, 0, UInt8(length >> 8), UInt8(length & 255), 0, 1, 0, 0, 64, protocolNumber, 0, 0, 192, 0, 2, 10, 198, 51, 100, 20]
      + payload
  }

  public static func udp(_ source: UInt16, _ destination: UInt16, _ payload: [UInt8]) -> [UInt8] {
    let length = 8 + payload.count
    return ipv4(
      17,
      [
        UInt8(source >> 8), UInt8(source & 255), UInt8(destination >> 8), UInt8(destination & 255), UInt8(length >> 8), UInt8(length & 255),
        0, 0,
      ]
        + payload)
  }
}
