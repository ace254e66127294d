import CSRTP
import SansIO

/// The keys of one offer or answer at the receiving end, each with a session of its own, and the indices that they share.
///
/// One index goes through all keys of a context (RFC 3711 §3.3.1), while a session knows its own packets alone. So where another key, or
/// the keys before, saw more of a source, the session is told the ROC.
final class KeyGeneration {
  private(set) var keys: SRTPKeys
  private let sessions: [SRTPSession]
  private var rtp: SRTPLayout
  private var rtcp: SRTPLayout
  /// The keys before, whose packets may still be on their way.
  private(set) var older: KeyGeneration?
  /// Whether the indices of the keys before go on.
  private let inherits: Bool
  private var expectations: [Expectation] = []

  /// What is known of a source before its first packet with these keys.
  private struct Expectation {
    var ssrc: UInt32
    var reading: Reading
  }

  private enum Reading {
    case highest(UInt64)
    case rolloverCounter(UInt32)

    func index(_ sequenceNumber: UInt16) -> UInt64 {
      switch self {
      case .highest(let highest): PacketIndex.estimate(sequenceNumber, highest: highest)
      case .rolloverCounter(let counter): UInt64(counter) << 16 | UInt64(sequenceNumber)
      }
    }
  }

  init(_ keys: SRTPKeys, after older: KeyGeneration? = nil, inherits: Bool = false) throws(SRTPLibraryError) {
    self.keys = keys
    self.older = older
    self.inherits = inherits
    var sessions: [SRTPSession] = []
    for key in keys.keys { sessions.append(try SRTPSession(keys.suite, key, .inbound)) }
    self.sessions = sessions
    rtp = SRTPLayout(.rtp, keys.suite, identifierLength: keys.identifierLength)
    rtcp = SRTPLayout(.rtcp, keys.suite, identifierLength: keys.identifierLength)
  }

  /// The same keys and suite with other identifiers or lifetimes: replay windows and counts go on.
  func rename(_ keys: SRTPKeys) {
    self.keys = keys
    for (session, key) in zip(sessions, keys.keys) { session.rename(key) }
    rtp.identifierLength = keys.identifierLength
    rtcp.identifierLength = keys.identifierLength
  }

  // MARK: - Packets

  /// The packet inside; nil, with the cause, where it is dropped.
  func open(_ packet: UnsafeRawBufferPointer, _ kind: SRTPPacketKind, _ cause: inout SRTPDrop) -> [UInt8]? {
    let layout = kind == .rtp ? rtp : rtcp
    guard layout.holds(packet, overhead: layout.overhead) else { return dropped(.malformed, &cause) }
    guard let session = session(packet, layout) else { return dropped(.unknownIdentifier, &cause) }
    if kind == .rtcp, !layout.isEncrypted(packet) { return dropped(.unencrypted, &cause) }
    guard !session.isExpired(kind) else { return dropped(.keyExpired, &cause) }
    let ssrc = layout.ssrc(packet)
    let place = session.place(of: ssrc)
    guard place != nil || !session.isFull else { return dropped(.tooManySources, &cause) }
    let reading = kind == .rtp ? reading(ssrc, session, place) : nil
    let index = kind == .rtp ? index(layout.sequenceNumber(packet), reading, session, place) : nil
    if reading != nil, let index {
      let status = session.setRolloverCounter(PacketIndex.rolloverCounter(index), of: ssrc, keys.suite)
      guard status == srtp_err_status_ok else { return dropped(SRTPDrop(status), &cause) }
    }
    defer { if reading != nil { session.forgetRolloverCounter(of: ssrc) } }
    var status = srtp_err_status_ok
    let opened = Self.unprotected(packet, layout, session, &status)
    guard status == srtp_err_status_ok else { return dropped(SRTPDrop(status), &cause) }
    session.commit(ssrc, place: place, index: index)
    return opened
  }

  private func dropped(_ reason: SRTPDrop, _ cause: inout SRTPDrop) -> [UInt8]? {
    cause = reason
    return nil
  }

  /// A copy without the MKI, opened in place.
  private static func unprotected(
    _ packet: UnsafeRawBufferPointer, _ layout: SRTPLayout, _ session: SRTPSession, _ status: inout srtp_err_status_t
  ) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: packet.count) { buffer, length in
      guard let base = UnsafeMutableRawPointer(buffer.baseAddress), let source = packet.baseAddress else { return }
      var count = packet.count
      if layout.identifierLength == 0 {
        base.copyMemory(from: source, byteCount: count)
      } else {
        let identifier = layout.identifier(packet)
        base.copyMemory(from: source, byteCount: identifier.lowerBound)
        (base + identifier.lowerBound).copyMemory(from: source + identifier.upperBound, byteCount: count - identifier.upperBound)
        count -= identifier.count
      }
      status = session.unprotect(base, &count, layout.kind)
      length = status == srtp_err_status_ok ? count : 0
    }
  }

  private func session(_ packet: UnsafeRawBufferPointer, _ layout: SRTPLayout) -> SRTPSession? {
    guard layout.identifierLength > 0 else { return sessions[0] }
    let identifier = UnsafeRawBufferPointer(rebasing: packet[layout.identifier(packet)])
    return sessions.first { $0.key.identifier?.bytes.elementsEqual(identifier) == true }
  }

  // MARK: - Indices

  /// What a session has to be told of a source; nil where its own packets say it.
  private func reading(_ ssrc: UInt32, _ session: SRTPSession, _ place: Int?) -> Reading? {
    let own = place.flatMap { session.sources[$0].highest }
    if own != nil, sessions.count == 1 { return nil }
    guard let known = known(ssrc) else { return nil }
    if case .highest(let highest) = known, highest == own { return nil }
    return known
  }

  private func index(_ sequenceNumber: UInt16, _ reading: Reading?, _ session: SRTPSession, _ place: Int?) -> UInt64 {
    if let reading { return reading.index(sequenceNumber) }
    guard let own = place.flatMap({ session.sources[$0].highest }) else { return UInt64(sequenceNumber) }
    return PacketIndex.estimate(sequenceNumber, highest: own)
  }

  /// What all keys together know of a source.
  private func known(_ ssrc: UInt32) -> Reading? {
    if let highest = sessions.compactMap({ $0.highest(of: ssrc) }).max() { return .highest(highest) }
    if let expectation = expectations.last(where: { $0.ssrc == ssrc }) { return expectation.reading }
    return inherits ? older?.known(ssrc) : nil
  }

  /// nil before the first packet of a source that nothing is known of.
  func rolloverCounter(of ssrc: UInt32) -> UInt32? {
    switch known(ssrc) {
    case .highest(let highest)?: PacketIndex.rolloverCounter(highest)
    case .rolloverCounter(let counter)?: counter
    case nil: nil
    }
  }

  func expect(rolloverCounter: UInt32, of ssrc: UInt32) { expect(.rolloverCounter(rolloverCounter), of: ssrc) }

  private func expect(_ reading: Reading, of ssrc: UInt32) {
    expectations.removeAll { $0.ssrc == ssrc }
    if expectations.count >= SRTPSession.sourceLimit { expectations.removeFirst() }
    expectations.append(Expectation(ssrc: ssrc, reading: reading))
  }

  /// Lets go of the keys before; what they know of sources that had no packet since is kept where it goes on.
  func retireOlder() {
    guard let older else { return }
    older.retireOlder()
    if inherits {
      for ssrc in older.sources where known(ssrc) != nil && !sessions.contains(where: { $0.highest(of: ssrc) != nil }) {
        if let reading = known(ssrc) { expect(reading, of: ssrc) }
      }
    }
    self.older = nil
  }

  private var sources: [UInt32] { sessions.flatMap { $0.sources.map(\.ssrc) } + expectations.map(\.ssrc) }

  // MARK: - What would verify a packet

  /// The first ROC of some that makes the tag of an RTP packet right; nothing is changed by the search.
  func rolloverCounter(verifying packet: UnsafeRawBufferPointer, among candidates: some Sequence<UInt32>) -> UInt32? {
    guard rtp.holds(packet, overhead: rtp.overhead), let session = session(packet, rtp),
      let scratch = try? SRTPSession(keys.suite, session.key, .inbound)
    else { return nil }
    let ssrc = rtp.ssrc(packet)
    return candidates.first { candidate in
      guard scratch.setRolloverCounter(candidate, of: ssrc, keys.suite) == srtp_err_status_ok else { return false }
      var status = srtp_err_status_ok
      _ = Self.unprotected(packet, rtp, scratch, &status)
      return status == srtp_err_status_ok
    }
  }
}
