import SDP
import SansIO

/// Whose the packets are that come to a stream's ports: the ``RemoteLatch`` of the session that is heard, and the ``ForkedSources`` of the
/// call's other dialogs. Nothing is told of a packet before it is known whose it is: what a stranger sends is no mistake of the peer's.
struct PeerSources: Sendable {
  enum Owner: Hashable {
    /// `isNewSource`: from now on media goes where it came from.
    case peer(isNewSource: Bool)
    /// Another dialog's, or one that was under way when the latch moved on: nobody's mistake.
    case other
    /// Of nobody that we know. `isExplained`: a dialog that we do not know yet may have sent it.
    case unknown(isExplained: Bool)
  }

  private var latch = RemoteLatch()
  private var forks: ForkedSources

  /// - Parameters:
  ///   - tag: the To tag of the dialog that is heard.
  ///   - isForked: further dialogs may come.
  init(tag: String?, isForked: Bool) { forks = ForkedSources(tag: tag, isOpen: isForked) }

  /// Where RTP goes instead of the agreed address; the same for RTCP.
  var rtp: TransportAddress? { latch.rtp }
  var rtcp: TransportAddress? { latch.rtcp }

  // MARK: - Agreements

  /// An agreement of a dialog of the INVITE that made the stream: of the present one, or of another fork.
  mutating func agree(_ agreement: AudioAgreement, insteadOf old: AudioAgreement, tag: String?) {
    guard agreement.remote != old.remote else { return }
    if tag == forks.tag { latch.reopen(isSameAddress: false) } else { latch = forks.turn(to: tag, from: old, latch) }
  }

  /// A re-INVITE: who sends may change.
  mutating func renegotiate(isSameAddress: Bool) { latch.reopen(isSameAddress: isSameAddress) }

  /// Until when RTP may belong to a dialog that we do not know.
  mutating func expectForks(until end: Instant) { forks.expect(until: end) }

  // MARK: - Packets

  /// Whose RTP from a source is.
  ///
  /// - Parameters:
  ///   - agreed: where SDP says that it comes from.
  ///   - isNegotiated: whether its payload type was agreed.
  ///   - isVerified: whether SRTP has proven that the peer sent it.
  mutating func receive(
    from source: TransportAddress, ssrc: UInt32, agreed: TransportAddress, isNegotiated: Bool, isVerified: Bool = false, at now: Instant
  ) -> Owner {
    if !forks.isEmpty, source != agreed, source != latch.rtp, forks.claim(source, isOpen: latch.isOpen) { return .other }
    switch latch.receive(from: source, ssrc: ssrc, agreed: agreed, isNegotiated: isNegotiated, isVerified: isVerified) {
    case .taken: return .peer(isNewSource: false)
    case .latched: return .peer(isNewSource: true)
    case .late: return .other
    case .foreign: return .unknown(isExplained: forks.mayBeUnknown(at: now))
    }
  }

  /// Whose RTCP from a source is.
  func ownerOfControl(from source: TransportAddress, agreed: TransportAddress, at now: Instant) -> Owner {
    if source != agreed, forks.ownsControl(source) { return .other }
    guard latch.acceptsControl(from: source, agreed: agreed) else {
      return .unknown(isExplained: forks.mayBeUnknown(at: now))
    }
    return .peer(isNewSource: false)
  }

  /// RTCP of the peer's came that can be read.
  mutating func receiveControl(from source: TransportAddress) { latch.receiveControl(from: source) }
}
