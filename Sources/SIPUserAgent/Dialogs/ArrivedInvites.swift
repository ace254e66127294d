import SansIO

/// The last INVITEs of one dialog that the peer sent, with the body that the ACK of each brought first.
///
/// It tells an ACK that comes again, or late, from one that acknowledges nothing (RFC 3261 §13.2.2.4), and an answer in an ACK that
/// differs from the one before it.
struct ArrivedInvites: Sendable {
  enum Judgement: Hashable, Sendable {
    case first
    /// The ACK again.
    case copy
    /// The ACK again, with another body.
    case changed
    /// No INVITE of the dialog had this number.
    case unknown
  }

  static let limit = 16

  /// With a hash of the body, which would keep its whole message.
  private var invites: [(sequence: UInt32, body: Int?)] = []
  private var hasForgotten = false

  /// Takes the CSeq number of an INVITE; beyond the limit the oldest is forgotten.
  mutating func record(_ sequence: UInt32) {
    if invites.count == Self.limit {
      invites.removeFirst()
      hasForgotten = true
    }
    invites.append((sequence, nil))
  }

  /// Takes an ACK.
  mutating func acknowledge(_ sequence: UInt32, body: Bytes) -> Judgement {
    guard let index = invites.lastIndex(where: { $0.sequence == sequence }) else {
      // One of those that were forgotten may well be acknowledged again.
      return hasForgotten && sequence < (invites.first?.sequence ?? 0) ? .copy : .unknown
    }
    guard let first = invites[index].body else {
      invites[index].body = body.hashValue
      return .first
    }
    return first == body.hashValue ? .copy : .changed
  }
}
