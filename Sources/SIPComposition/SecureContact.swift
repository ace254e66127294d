import SIPMessage
import SansIO

// When a Contact has to be a sips URI (RFC 3261 §8.1.1.8, §12.1.1; RFC 5630 §3.1.4).
extension SIPMessage {
  /// Whether the Contact of a response to this request has to be a sips URI: its Request-URI is one, or the topmost Record-Route, or, where
  /// no proxy stays in the path, its Contact (RFC 3261 §12.1.1).
  public var wantsSecureContact: Bool {
    if requestURIBytes?.isSecureURI == true { return true }
    if has(.recordRoute), let route = try? recordRoutes().first { return route.uri.scheme == .sips }
    guard value(.contact)?.mentionsSecureURI == true else { return false }
    return (try? contacts().firstURI)?.scheme == .sips
  }

  /// Whether Contact is there and no sips URI.
  public var hasClearContact: Bool { (try? contacts().firstURI).map { $0.scheme != .sips } ?? false }
}

extension Bytes {
  fileprivate var isSecureURI: Bool {
    count > 4 && self[4] == UInt8(ascii: ":") && self[0..<4].elementsEqual("sips".utf8) { $0 | 0x20 == $1 }
  }

  /// False: there is no need to read the addresses.
  fileprivate var mentionsSecureURI: Bool {
    withSpan { span in
      for index in span.indices.dropLast(4) where span[index] | 0x20 == UInt8(ascii: "s") {
        if span[index + 4] == UInt8(ascii: ":"), span[index + 3] | 0x20 == UInt8(ascii: "s") { return true }
      }
      return false
    }
  }
}

extension ContactList {
  /// The first contact's URI.
  public var firstURI: SIPURI? {
    if case .list(let contacts) = self { contacts.first?.uri } else { nil }
  }
}
