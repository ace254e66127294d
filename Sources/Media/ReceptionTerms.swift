import SDP
import SansIO

/// What the peer may rightly send now (RFC 3264 §5.1, §8).
///
/// Besides the agreement an open offer of ours counts, since who offers to receive has to be ready at once; and so does what held before,
/// as long as the peer may not know better: until the ACK says that our answer has arrived, and for what was under way then.
struct ReceptionTerms: Sendable {
  /// What was under way when the terms changed, and left before its sender knew, is nobody's mistake.
  static let grace: Duration = .seconds(1)
  private static let limit = 4

  private(set) var agreed: ReceivableAudio
  private(set) var offered: ReceivableAudio?
  /// What held before, the newest last, and until when; nil = the peer may not know of anything newer.
  private var earlier: [(terms: ReceivableAudio, until: Instant?)] = []
  /// When the first packet came that none of these let in; nil = none since they changed.
  private var unwantedSince: Instant?

  init(_ agreed: ReceivableAudio) { self.agreed = agreed }

  /// Whether one side waits for the other's word.
  var isExchangeOpen: Bool { offered != nil || earlier.contains { $0.until == nil } }

  /// An offer of ours is open; nil = it was refused.
  mutating func offer(_ terms: ReceivableAudio?) { offered = terms }

  /// - Parameter isKnown: whether the peer knows of it: not while our answer may still be on its way.
  mutating func agree(_ terms: ReceivableAudio, isKnown: Bool, at now: Instant) {
    offered = nil
    guard terms != agreed else { return isKnown ? confirm(at: now) : () }
    earlier.append((agreed, isKnown ? now.advanced(by: Self.grace) : nil))
    if earlier.count > Self.limit { earlier.removeFirst() }
    agreed = terms
    unwantedSince = nil
    if isKnown { confirm(at: now) }
  }

  /// The peer knows the agreement now.
  mutating func confirm(at now: Instant) {
    guard !earlier.isEmpty else { return }
    for index in earlier.indices where earlier[index].until == nil { earlier[index].until = now.advanced(by: Self.grace) }
    unwantedSince = nil
  }

  /// What a payload type stands for; nil = nobody said so.
  func format(_ payloadType: UInt8, at now: Instant) -> AudioFormat? {
    if let format = agreed.format(payloadType) { return format }
    if let format = offered?.format(payloadType) { return format }
    for (terms, until) in earlier.reversed() where until.map({ now < $0 }) ?? true {
      if let format = terms.format(payloadType) { return format }
    }
    return nil
  }

  /// Takes a packet's arrival; false when nothing lets RTP come, and it goes on coming after the ``grace``.
  mutating func letsIn(at now: Instant) -> Bool {
    if agreed.receives { return true }
    if offered?.receives == true || earlier.contains(where: { $0.terms.receives && $0.until == nil }) {
      unwantedSince = nil
      return true
    }
    let since = unwantedSince ?? now
    unwantedSince = since
    return since.duration(to: now) <= Self.grace
  }
}
