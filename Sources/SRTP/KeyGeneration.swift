import CSRTP
import SansIO

/// The keys of one offer or answer at the receiving end, each with a session of its own, and the indices that they share.
///
/// One index goes through all keys of a context (RFC 3711 §3.3.1), while a session knows its own packets alone. So where another key, or
/// the keys before, saw more of a source, the session is told the ROC.
struct KeyGeneration {
  private(set) var keys: SRTPKeys
  private var sessions: [SRTPSession]
  private var rtp: SRTPLayout
  private var rtcp: SRTPLayout
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

  /// - Parameter older: the keys before, where their indices go on. A key that is among both keeps its replay windows.
  init(_ keys: SRTPKeys, continuing older: KeyGeneration? = nil) throws(SRTPLibraryError) {
    self.keys = keys
    inherits = older != nil
    sessions = []
    for key in keys.keys {
      if let older, older.keys.suite == keys.suite, var session = older.sessions.first(where: { $0.key.isSameKey(as: key) }) {
        session.rename(key)
        sessions.append(session)
      } else {
        sessions.append(try SRTPSession(keys.suite, key, .inbound))
      }
    }
    rtp = SRTPLayout(.rtp, keys.suite, identifierLength: keys.identifierLength)
    rtcp = SRTPLayout(.rtcp, keys.suite, identifierLength: keys.identifierLength)
  }

  /// The same keys and suite with other identifiers or lifetimes: replay windows and counts go on.
  mutating func rename(_ keys: SRTPKeys) {
    self.keys = keys
    for (place, key) in keys.keys.enumerated() { sessions[place].rename(key) }
    rtp.identifierLength = keys.identifierLength
    rtcp.identifierLength = keys.identifierLength
  }

  // MARK: - Packets

  /// The packet inside; nil, with the cause, where it is dropped.
  ///
  /// - Parameter older: the keys before.
  mutating func open(
    _ packet: UnsafeRawBufferPointer, _ kind: SRTPPacketKind, after older: borrowing KeyGeneration?, _ cause: inout SRTPDrop
  ) -> Bytes? {
    let layout = kind == .rtp ? rtp : rtcp
    guard layout.holds(packet, overhead: layout.overhead) else { return dropped(.malformed, &cause) }
    guard let session = session(packet, layout) else { return dropped(.unknownIdentifier, &cause) }
    if kind == .rtcp, !layout.isEncrypted(packet) { return dropped(.unencrypted, &cause) }
    guard !sessions[session].isExpired(kind) else { return dropped(.keyExpired, &cause) }
    let ssrc = layout.ssrc(packet)
    let place = sessions[session].place(of: ssrc)
    guard place != nil || !sessions[session].isFull else { return dropped(.tooManySources, &cause) }
    let reading = kind == .rtp ? reading(ssrc, session, place, after: older) : nil
    let index = kind == .rtp ? index(layout.sequenceNumber(packet), reading, session, place) : nil
    if reading != nil, let index {
      let status = sessions[session].setRolloverCounter(PacketIndex.rolloverCounter(index), of: ssrc, keys.suite)
      guard status == srtp_err_status_ok else { return dropped(SRTPDrop(status), &cause) }
    }
    var status = srtp_err_status_ok
    let opened = sessions[session].context.opened(packet, layout, &status)
    if reading != nil { sessions[session].forgetRolloverCounter(of: ssrc) }
    guard status == srtp_err_status_ok else { return dropped(SRTPDrop(status), &cause) }
    sessions[session].commit(ssrc, place: place, index: index)
    return opened
  }

  private func dropped(_ reason: SRTPDrop, _ cause: inout SRTPDrop) -> Bytes? {
    cause = reason
    return nil
  }

  /// The place of the key that a packet names.
  private func session(_ packet: UnsafeRawBufferPointer, _ layout: SRTPLayout) -> Int? {
    guard layout.identifierLength > 0 else { return 0 }
    let identifier = UnsafeRawBufferPointer(rebasing: packet[layout.identifier(packet)])
    return sessions.firstIndex { $0.key.identifier?.bytes.elementsEqual(identifier) == true }
  }

  // MARK: - Indices

  /// What a session has to be told of a source; nil where its own packets say it.
  private func reading(_ ssrc: UInt32, _ session: Int, _ place: Int?, after older: borrowing KeyGeneration?) -> Reading? {
    let own = highest(session, place)
    if own != nil, sessions.count == 1 { return nil }
    guard let known = known(ssrc, after: older) else { return nil }
    if case .highest(let highest) = known, highest == own { return nil }
    return known
  }

  private func index(_ sequenceNumber: UInt16, _ reading: Reading?, _ session: Int, _ place: Int?) -> UInt64 {
    if let reading { return reading.index(sequenceNumber) }
    return highest(session, place).map { PacketIndex.estimate(sequenceNumber, highest: $0) } ?? UInt64(sequenceNumber)
  }

  @inline(__always)
  private func highest(_ session: Int, _ place: Int?) -> UInt64? {
    guard let place else { return nil }
    return sessions[session].sources[place].highest
  }

  /// What all keys together know of a source.
  private func known(_ ssrc: UInt32, after older: borrowing KeyGeneration?) -> Reading? {
    if let highest = sessions.compactMap({ $0.highest(of: ssrc) }).max() { return .highest(highest) }
    if let expectation = expectations.last(where: { $0.ssrc == ssrc }) { return expectation.reading }
    guard inherits else { return nil }
    switch older {
    case .some(let older): return older.known(ssrc, after: nil)
    case .none: return nil
    }
  }

  /// nil before the first packet of a source that nothing is known of.
  func rolloverCounter(of ssrc: UInt32, after older: borrowing KeyGeneration?) -> UInt32? {
    switch known(ssrc, after: older) {
    case .highest(let highest)?: PacketIndex.rolloverCounter(highest)
    case .rolloverCounter(let counter)?: counter
    case nil: nil
    }
  }

  mutating func expect(rolloverCounter: UInt32, of ssrc: UInt32) { expect(.rolloverCounter(rolloverCounter), of: ssrc) }

  private mutating func expect(_ reading: Reading, of ssrc: UInt32) {
    expectations.removeAll { $0.ssrc == ssrc }
    if expectations.count >= SRTPSession.sourceLimit { expectations.removeFirst() }
    expectations.append(Expectation(ssrc: ssrc, reading: reading))
  }

  /// Keeps what the keys before know of sources that had no packet since, where it goes on: they are let go of.
  mutating func inherit(from older: KeyGeneration) {
    guard inherits else { return }
    for ssrc in older.sources where known(ssrc, after: nil) == nil {
      if let reading = older.known(ssrc, after: nil) { expect(reading, of: ssrc) }
    }
  }

  private var sources: [UInt32] { sessions.flatMap { $0.sources.map(\.ssrc) } + expectations.map(\.ssrc) }

  // MARK: - What would verify a packet

  /// The first ROC of some that makes the tag of an RTP packet right; nothing is changed by the search.
  func rolloverCounter(verifying packet: UnsafeRawBufferPointer, among candidates: some Sequence<UInt32>) -> UInt32? {
    guard rtp.holds(packet, overhead: rtp.overhead), let session = session(packet, rtp),
      var scratch = try? SRTPSession(keys.suite, sessions[session].key, .inbound)
    else { return nil }
    let ssrc = rtp.ssrc(packet)
    return candidates.first { candidate in
      guard scratch.setRolloverCounter(candidate, of: ssrc, keys.suite) == srtp_err_status_ok else { return false }
      var status = srtp_err_status_ok
      _ = scratch.context.opened(packet, rtp, &status)
      return status == srtp_err_status_ok
    }
  }
}
