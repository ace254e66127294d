import CSRTP
import SansIO

/// What belongs to libsrtp2, which wipes and frees it with the last owner.
final class SRTPContext {
  let session: srtp_t
  @exclusivity(unchecked) private var buffer: [UInt8] = []

  init(_ session: srtp_t) { self.session = session }

  deinit { srtp_dealloc(session) }

  /// Protects in place: `count` bytes at `packet`, behind which there is room for index and tag.
  func protect(_ packet: UnsafeMutableRawPointer, _ count: inout Int, _ kind: SRTPPacketKind) -> srtp_err_status_t {
    var length = Int32(truncatingIfNeeded: count)
    let status = kind == .rtp ? srtp_protect(session, packet, &length) : srtp_protect_rtcp(session, packet, &length)
    if status == srtp_err_status_ok { count = Int(length) }
    return status
  }

  /// A copy of a packet without its MKI, opened; of no use unless `status` says ok. libsrtp2 changes its state for a verified packet only.
  ///
  /// It is made in the buffer of the packet before, unless somebody keeps that: the array then makes itself anew.
  func opened(_ packet: UnsafeRawBufferPointer, _ layout: SRTPLayout, _ status: inout srtp_err_status_t) -> Bytes {
    if buffer.count < packet.count || buffer.count > packet.count + 1_024 {
      buffer = [UInt8](repeating: 0, count: packet.count + 255 & ~255)
    }
    var length = Int32(truncatingIfNeeded: packet.count - layout.identifierLength)
    status = buffer.withUnsafeMutableBytes { bytes in
      guard let base = bytes.baseAddress, let source = packet.baseAddress else { return srtp_err_status_bad_param }
      if layout.identifierLength == 0 {
        base.copyMemory(from: source, byteCount: packet.count)
      } else {
        let identifier = layout.identifier(packet)
        base.copyMemory(from: source, byteCount: identifier.lowerBound)
        (base + identifier.lowerBound).copyMemory(from: source + identifier.upperBound, byteCount: packet.count - identifier.upperBound)
      }
      return layout.kind == .rtp ? srtp_unprotect(session, base, &length) : srtp_unprotect_rtcp(session, base, &length)
    }
    return Bytes(buffer)[0..<Int(length)]
  }
}
