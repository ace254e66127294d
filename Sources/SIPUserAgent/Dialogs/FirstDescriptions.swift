import SIPTransaction
import SansIO

/// The first session description that came in the responses to each INVITE of one call, for each dialog that they make.
///
/// The first one is the answer; others of the same dialog have to be copies of it and are ignored where they are not (RFC 3261 §13.2.1,
/// RFC 6337 §3.1.1). Each To tag is a dialog of its own (RFC 3261 §12.1).
struct FirstDescriptions {
  private struct Entry {
    let client: ClientID
    let tag: Bytes
    let status: Int
    /// A hash is enough to tell a copy; the body would keep its whole message for 64·T1.
    let body: Int
  }

  /// More branches of one INVITE than this are not compared.
  static let limit = 16

  private var entries: [Entry] = []

  /// Takes a description. The status of the response that brought another one before it; nil when it is the first, or a copy.
  mutating func take(_ body: Bytes, status: Int, tag: Bytes, of client: ClientID) -> Int? {
    if let first = entries.first(where: { $0.client == client && $0.tag == tag }) {
      return first.body == body.hashValue ? nil : first.status
    }
    if entries.count < Self.limit { entries.append(Entry(client: client, tag: tag.compacted(), status: status, body: body.hashValue)) }
    return nil
  }

  mutating func forget(_ client: ClientID) {
    if !entries.isEmpty { entries.removeAll { $0.client == client } }
  }
}
