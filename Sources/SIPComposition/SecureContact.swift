import SIPMessage
import SansIO

// When a Contact has to be a sips URI (RFC 3261 §8.1.1.8, §12.1.1; RFC 5630 §3.1.4).
extension SIPMessage {
  /// Whether Contact is there and no sips URI.
  public var hasClearContact: Bool { has(.contact) && (try? contacts().firstURI).map { $0.scheme != .sips } ?? false }
}

extension ContactList {
  /// The first contact's URI.
  public var firstURI: SIPURI? {
    if case .list(let contacts) = self { contacts.first?.uri } else { nil }
  }
}
