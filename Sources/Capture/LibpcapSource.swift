import CPcap
import SansIO

/// Packets by way of libpcap: a handle, a filter on it, and one packet at a time.
final class LibpcapSource {
  let handle: OpaquePointer
  let linkType: LinkType
  private var taken = 0

  /// Takes over the open handle and closes it in the end.
  init(_ handle: OpaquePointer) {
    self.handle = handle
    linkType = LinkType(libpcapNumber: pcap_datalink(handle))
  }

  deinit { pcap_close(handle) }

  func setFilter(_ expression: String) throws(PacketFilterError) {
    guard !expression.isEmpty else { return }
    var program = bpf_program()
    guard pcap_compile(handle, &program, expression, 1, bpf_u_int32(0xFFFF_FFFF)) == 0 else {
      throw PacketFilterError(expression: expression, reason: errorText)
    }
    defer { pcap_freecode(&program) }
    guard pcap_setfilter(handle, &program) == 0 else { throw PacketFilterError(expression: expression, reason: errorText) }
  }

  /// The next packet; nil at a file's end, or when a live interface has none now.
  func next() throws(CaptureReadError) -> CapturedPacket? {
    var header: UnsafeMutablePointer<pcap_pkthdr>?
    var data: UnsafePointer<UInt8>?
    switch pcap_next_ex(handle, &header, &data) {
    case 1:
      guard let header = header?.pointee, let data else { return nil }
      taken += 1
      let seconds = Int64(header.ts.tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
      let timestamp = seconds.partialValue.addingReportingOverflow(Int64(header.ts.tv_usec) &* ticks)
      guard !seconds.overflow, !timestamp.overflow else { throw CaptureReadError(.timestamp, at: 0) }
      return CapturedPacket(
        timestamp: timestamp.partialValue, linkType: linkType, originalLength: Int(header.len),
        bytes: Bytes(Array(UnsafeBufferPointer(start: data, count: Int(header.caplen)))))
    case 0, PCAP_ERROR_BREAK: return nil
    default: throw CaptureReadError(.libpcap("packet \(taken + 1): \(errorText)"), at: 0)
    }
  }

  var errorText: String { String(cString: pcap_geterr(handle)) }

  /// Nanoseconds in a unit of `ts.tv_usec`, which libpcap reuses for nanoseconds.
  private lazy var ticks: Int64 = pcap_get_tstamp_precision(handle) == PCAP_TSTAMP_PRECISION_NANO ? 1 : 1000
}

/// A capture file read by libpcap: any format it knows, and only the packets that a filter lets through.
///
/// It does not give comments, directions or secrets: for these there is ``CaptureReader``.
public final class ForeignCapture {
  private let source: LibpcapSource

  public init(path: String, filter: String = "") throws(ForeignCaptureError) {
    var text = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
    guard let handle = pcap_open_offline_with_tstamp_precision(path, u_int(PCAP_TSTAMP_PRECISION_NANO), &text) else {
      throw .cannotOpen(errorText(text))
    }
    source = LibpcapSource(handle)
    do { try source.setFilter(filter) } catch { throw .filter(error) }
  }

  public var linkType: LinkType { source.linkType }

  /// The next packet that passes the filter; nil at the file's end.
  public func next() throws(CaptureReadError) -> CapturedPacket? { try source.next() }
}

public enum ForeignCaptureError: Error, Hashable, Sendable {
  /// libpcap's words.
  case cannotOpen(String)
  case filter(PacketFilterError)
}

/// The text that libpcap left in its error buffer.
func errorText(_ buffer: [CChar]) -> String {
  String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
