import SansIO

/// The receiving end of SRTP and SRTCP (RFC 3711 §3.3, §3.4): any number of sources, each with a ROC and replay windows of its own.
///
/// Verify, then commit: a packet that is dropped changes nothing but its count. ``unprotect(_:_:)`` takes any bytes.
///
/// A new key takes over at once; packets under the old one are read until ``retirePreviousKeys()``, since they may still be on their way
/// when an answer arrives (RFC 4568 §7.1.4). Not for two threads at a time.
public final class SRTPReceiver {
  /// How many sources one key is kept for; a packet of one more is dropped before it is verified.
  public static let sourceLimit = SRTPSession.sourceLimit

  // Touched with every packet, by methods that call nobody back: unchecked.
  @exclusivity(unchecked) private var current: KeyGeneration
  /// The keys before, whose packets may still be on their way.
  @exclusivity(unchecked) private var previous: KeyGeneration?
  public private(set) var drops = SRTPDropCounts()
  /// SRTP and SRTCP packets that were verified.
  @exclusivity(unchecked) public private(set) var verifiedCount = 0

  public init(_ keys: SRTPKeys) throws(SRTPLibraryError) { current = try KeyGeneration(keys) }

  public var keys: SRTPKeys { current.keys }

  /// The RTP or RTCP packet inside of what came. Who keeps it for long calls ``SansIO/Bytes/compacted()``.
  public func unprotect(_ packet: Bytes, _ kind: SRTPPacketKind) throws(SRTPDrop) -> Bytes {
    var cause = SRTPDrop.malformed
    let opened = packet.withUnsafeBytes { bytes -> Bytes? in
      if let opened = current.open(bytes, kind, after: previous, &cause) { return opened }
      // What the present keys say is the cause, whatever the ones before say.
      var other = cause
      return previous?.open(bytes, kind, after: nil, &other)
    }
    guard let opened else {
      drops[cause] += 1
      throw cause
    }
    verifiedCount += 1
    return opened
  }

  // MARK: - New keys

  /// Takes the keys of an offer or answer that changes a session; `isNewAddress`: with it the transport address changed that they are for.
  ///
  /// Nothing changes when it throws.
  @discardableResult
  public func rekey(
    _ keys: SRTPKeys, isNewAddress: Bool, reading: RolloverReading
  ) throws(SRTPLibraryError) -> RekeyOutcome {
    let outcome = reading.outcome(from: current.keys, to: keys, isNewAddress: isNewAddress)
    if keys.suite == current.keys.suite, keys.hasSameKeys(as: current.keys) {
      current.rename(keys)
    } else {
      let next = try KeyGeneration(keys, continuing: outcome == .restarted ? nil : current)
      retirePreviousKeys()
      (previous, current) = (current, next)
    }
    return outcome
  }

  /// Whether packets under the keys before are still read.
  public var hasPreviousKeys: Bool { previous != nil }

  /// Lets go of the keys before: nothing more can be on its way under them.
  public func retirePreviousKeys() {
    if let previous { current.inherit(from: previous) }
    previous = nil
  }

  // MARK: - The rollover counter

  /// The ROC of a source's highest index, or the expected one; nil where nothing is known.
  public func rolloverCounter(of ssrc: UInt32) -> UInt32? { current.rolloverCounter(of: ssrc, after: previous) }

  /// Reads the first packet of a source with this ROC: for who joins late, and was told (RFC 3711 §3.3.1).
  public func expect(rolloverCounter: UInt32, of ssrc: UInt32) { current.expect(rolloverCounter: rolloverCounter, of: ssrc) }

  /// The first ROC of some with which an SRTP packet verifies, to say why it was dropped; nil for none. It is slow, and changes nothing.
  public func rolloverCounter(verifying packet: Bytes, among candidates: some Sequence<UInt32>) -> UInt32? {
    packet.withUnsafeBytes { current.rolloverCounter(verifying: $0, among: candidates) }
  }
}
