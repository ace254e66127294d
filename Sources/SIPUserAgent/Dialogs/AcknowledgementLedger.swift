import SIPTransaction
import SansIO

/// The ACKs that the INVITEs of one call got for their 2xx, by the client transaction of each.
///
/// A 2xx that comes again gets its own ACK again, also when another INVITE of the dialog has been sent since (RFC 3261 §13.2.2.4). An ACK
/// is kept as long as the transaction of its INVITE takes 2xx responses, 64·T1 from the first one (Timer M, RFC 6026 §7.2).
struct AcknowledgementLedger {
  struct Entry {
    let client: ClientID
    /// The CSeq number of the INVITE, and so of the ACK.
    let sequence: UInt32
    let acknowledgement: Bytes
  }

  /// A peer may refuse an INVITE while it waits for an ACK (RFC 5407 §3.1.5): more than a few are never open at once.
  static let limit = 16

  private var entries: [Entry] = []

  var isEmpty: Bool { entries.isEmpty }

  subscript(client: ClientID) -> Entry? { entries.last { $0.client == client } }

  /// Keeps the ACK; beyond the limit the oldest is forgotten.
  mutating func record(_ entry: Entry) {
    if entries.count == Self.limit { entries.removeFirst() }
    entries.append(entry)
  }

  /// The transaction is over: no more 2xx will come to it.
  mutating func forget(_ client: ClientID) {
    if !entries.isEmpty { entries.removeAll { $0.client == client } }
  }
}
