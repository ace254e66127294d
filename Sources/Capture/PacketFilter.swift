import CPcap
import SansIO

/// libpcap's words for what is wrong with a filter expression.
public struct PacketFilterError: Error, Hashable, Sendable, CustomStringConvertible {
  public var expression: String
  public var reason: String
  public var description: String { "filter '\(expression)': \(reason)" }
}

/// A compiled capture filter (`udp port 5060`, see pcap-filter(7)) for one link type.
public final class PacketFilter {
  public let expression: String
  public let linkType: LinkType
  var program = bpf_program()

  public init(_ expression: String, linkType: LinkType = .rawIP) throws(PacketFilterError) {
    self.expression = expression
    self.linkType = linkType
    guard let handle = pcap_open_dead(linkType.libpcapNumber, 262_144) else {
      throw PacketFilterError(expression: expression, reason: "no memory")
    }
    defer { pcap_close(handle) }
    guard pcap_compile(handle, &program, expression, 1, bpf_u_int32(0xFFFF_FFFF)) == 0 else {
      throw PacketFilterError(expression: expression, reason: String(cString: pcap_geterr(handle)))
    }
  }

  deinit { pcap_freecode(&program) }

  public func matches(_ packet: CapturedPacket) -> Bool { matches(packet.bytes, originalLength: packet.originalLength) }

  public func matches(_ frame: Bytes, originalLength: Int? = nil) -> Bool {
    var header = pcap_pkthdr()
    header.caplen = bpf_u_int32(frame.count)
    header.len = bpf_u_int32(clamping: originalLength ?? frame.count)
    return frame.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress else { return false }
      return pcap_offline_filter(&program, &header, base.assumingMemoryBound(to: UInt8.self)) != 0
    }
  }
}

extension LinkType {
  /// The number inside libpcap, which differs from that in files for raw IP alone.
  var libpcapNumber: Int32 { self == .rawIP ? DLT_RAW : Int32(rawValue) }

  init(libpcapNumber: Int32) { self = libpcapNumber == DLT_RAW ? .rawIP : LinkType(rawValue: UInt16(clamping: libpcapNumber)) }
}
