import SansIO

/// The early dialogs of an INVITE of ours: one for each To tag of a provisional response (RFC 3261 §12.1, §13.2.2.4).
///
/// They are kept for the requests that a callee sends before its 2xx.
struct EarlyDialogs {
  /// More branches of one INVITE than this get 481.
  static let limit = 16

  private var dialogs: [(tag: Bytes, remoteSequence: UInt32?)] = []

  var isEmpty: Bool { dialogs.isEmpty }

  func contains(_ tag: Bytes) -> Bool { dialogs.contains { $0.tag == tag } }

  /// A provisional response above 100 with a To tag.
  mutating func open(_ tag: Bytes) {
    if !contains(tag), dialogs.count < Self.limit { dialogs.append((tag.compacted(), nil)) }
  }

  /// Whether a request of the callee comes after those accepted before it (RFC 3261 §12.2.2).
  func isInOrder(_ sequence: UInt32, in tag: Bytes) -> Bool {
    guard let last = dialogs.first(where: { $0.tag == tag })?.remoteSequence else { return true }
    return sequence > last
  }

  mutating func accept(_ sequence: UInt32, in tag: Bytes) {
    if let index = dialogs.firstIndex(where: { $0.tag == tag }) { dialogs[index].remoteSequence = sequence }
  }

  mutating func close(_ tag: Bytes) { dialogs.removeAll { $0.tag == tag } }
}
