import CPcap
import SansIO

/// Packets of a real interface, by libpcap. The one place in this module that stands at the edge of the world: it needs the rights for
/// raw sockets, and its timestamps are the kernel's.
///
/// It never blocks: the owner waits for ``fileDescriptor`` to become readable and then calls ``next()`` until nil. A packet shows up
/// within 10 ms: the kernel hands them over in blocks, which hold a burst that slots of the largest packet's size would not.
public final class LiveCapture {
  private let source: LibpcapSource

  /// - Parameters:
  ///   - interface: such as `lo` or `any`.
  ///   - filter: a pcap-filter(7) expression; empty = everything.
  ///   - snapLength: bytes kept of a packet.
  ///   - buffer: bytes that the kernel keeps until they are read.
  public init(
    interface: String, filter: String = "", snapLength: Int32 = 262_144, buffer: Int32 = 16 << 20, isPromiscuous: Bool = false
  ) throws(LiveCaptureError) {
    var text = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
    guard let handle = pcap_create(interface, &text) else { throw .cannotOpen(interface: interface, errorText(text)) }
    pcap_set_snaplen(handle, snapLength)
    pcap_set_promisc(handle, isPromiscuous ? 1 : 0)
    pcap_set_timeout(handle, 10)
    pcap_set_buffer_size(handle, buffer)
    pcap_set_tstamp_precision(handle, PCAP_TSTAMP_PRECISION_NANO)
    let status = pcap_activate(handle)
    guard status >= 0, pcap_setnonblock(handle, 1, &text) == 0 else {
      let reason = status < 0 ? String(cString: pcap_statustostr(status)) : errorText(text)
      pcap_close(handle)
      if status == PCAP_ERROR_PERM_DENIED { throw .notPermitted(interface: interface) }
      throw .cannotOpen(interface: interface, reason)
    }
    source = LibpcapSource(handle)
    do { try source.setFilter(filter) } catch { throw .filter(error) }
  }

  public var linkType: LinkType { source.linkType }

  /// Readable when packets wait; it belongs to this object, which closes it.
  public var fileDescriptor: Int32 { pcap_get_selectable_fd(source.handle) }

  /// The next packet that waits; nil when none does.
  public func next() throws(CaptureReadError) -> CapturedPacket? { try source.next() }

  /// Packets that passed the filter, and those the kernel dropped for want of room: a capture with drops proves nothing about loss.
  public var counts: (received: UInt32, dropped: UInt32) {
    var statistics = pcap_stat()
    guard pcap_stats(source.handle, &statistics) == 0 else { return (0, 0) }
    return (statistics.ps_recv, statistics.ps_drop)
  }
}

public enum LiveCaptureError: Error, Hashable, Sendable {
  case notPermitted(interface: String)
  /// libpcap's words.
  case cannotOpen(interface: String, String)
  case filter(PacketFilterError)
}
