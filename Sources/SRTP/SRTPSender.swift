import CSRTP
import SansIO

/// The sending end of SRTP and SRTCP (RFC 3711 §3.3, §3.4). Each source has a ROC of its own, which its sequence numbers turn.
///
/// A packet that cannot be protected stays as it is, and must not leave. Not for two threads at a time.
public final class SRTPSender {
  // Touched with every packet, by methods that call nobody back: unchecked.
  @exclusivity(unchecked) public private(set) var keys: SRTPKeys
  @exclusivity(unchecked) private var session: SRTPSession

  /// Sends with the first of the keys.
  ///
  /// - Parameter encryptsControl: false = SRTCP leaves authenticated alone, with the E flag cleared (RFC 3711 §3.4), which nobody who
  ///   agreed on keys by SDES without UNENCRYPTED_SRTCP takes.
  public init(_ keys: SRTPKeys, encryptsControl: Bool = true) throws(SRTPLibraryError) {
    self.keys = keys
    session = try SRTPSession(keys.suite, keys.keys[0], .outbound, encryptsControl: encryptsControl)
  }

  /// Turns an RTP or RTCP packet into what goes on the wire.
  public func protect(_ packet: inout [UInt8], _ kind: SRTPPacketKind) throws(SRTPSendFailure) {
    let layout = SRTPLayout(kind, keys.suite, identifierLength: keys.identifierLength)
    let length = packet.count
    let fields = packet.withUnsafeBytes { bytes -> (ssrc: UInt32, sequenceNumber: UInt16)? in
      guard layout.holds(bytes, overhead: 0), length + layout.overhead <= SRTPLayout.longest else { return nil }
      return (layout.ssrc(bytes), layout.sequenceNumber(bytes))
    }
    guard let (ssrc, sequenceNumber) = fields else { throw .malformed }
    guard !session.isExpired(kind) else { throw .keyExpired }
    let place = session.place(of: ssrc)
    guard place != nil || !session.isFull else { throw .tooManySources }
    let index = kind == .rtp ? index(sequenceNumber, place) : nil
    if let index, let used = place.flatMap({ session.sources[$0].used }), index <= used { throw .indexReused }
    packet.append(contentsOf: repeatElement(0, count: layout.overhead))
    let status = protect(&packet, length, layout)
    guard status == srtp_err_status_ok else {
      packet.removeLast(layout.overhead)
      throw SRTPSendFailure(status)
    }
    session.commit(ssrc, place: place, index: index)
  }

  private func protect(_ packet: inout [UInt8], _ length: Int, _ layout: SRTPLayout) -> srtp_err_status_t {
    packet.withUnsafeMutableBytes { bytes in
      guard let base = bytes.baseAddress else { return srtp_err_status_bad_param }
      var count = length
      let status = session.context.protect(base, &count, layout.kind)
      guard status == srtp_err_status_ok, let identifier = keys.keys[0].identifier?.bytes else { return status }
      // The MKI goes between the packet and its tag, or behind both.
      let place = count - layout.identifierOffsetFromEnd
      (base + place + identifier.count).copyMemory(from: base + place, byteCount: layout.identifierOffsetFromEnd)
      identifier.withUnsafeBytes { if let source = $0.baseAddress { (base + place).copyMemory(from: source, byteCount: $0.count) } }
      return status
    }
  }

  private func index(_ sequenceNumber: UInt16, _ place: Int?) -> UInt64 {
    guard let highest = place.flatMap({ session.sources[$0].highest }) else { return UInt64(sequenceNumber) }
    return PacketIndex.estimate(sequenceNumber, highest: highest)
  }

  /// Protects with new keys from now on; `isNewAddress`: with them our transport address changed.
  ///
  /// Nothing changes when it throws.
  @discardableResult
  public func rekey(
    _ keys: SRTPKeys, isNewAddress: Bool, reading: RolloverReading
  ) throws(SRTPLibraryError) -> RekeyOutcome {
    let outcome = reading.outcome(from: self.keys, to: keys, isNewAddress: isNewAddress)
    if outcome == .restarted {
      session = try SRTPSession(keys.suite, keys.keys[0], .outbound)
    } else if keys.suite == self.keys.suite, keys.hasSameKeys(as: self.keys) {
      session.rename(keys.keys[0])
    } else {
      try session.update(keys.suite, keys.keys[0])
    }
    self.keys = keys
    return outcome
  }

  /// The ROC of a source's highest index; nil before its first packet.
  public func rolloverCounter(of ssrc: UInt32) -> UInt32? { session.highest(of: ssrc).map(PacketIndex.rolloverCounter) }
}
