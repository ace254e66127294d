import SansIO

/// `"Display Name" <sip:user@host>;tag=…`: the value of From, To, Contact, Route and Record-Route (RFC 3261 §20.10).
public struct NameAddress: Hashable, Sendable {
  /// Without quotes and escapes; nil when there is none.
  public var displayName: String?
  public var uri: SIPURI
  /// The field's parameters, not the URI's.
  public var parameters: Parameters

  public init(displayName: String? = nil, uri: SIPURI, parameters: Parameters = Parameters()) {
    self.displayName = displayName
    self.uri = uri
    self.parameters = parameters
  }

  public var tag: String? {
    get { parameters["tag"] }
    set { parameters["tag"] = newValue }
  }

  public init(parsing text: String) throws(SIPHeaderError) { self = try Self.parse(Bytes(text), as: .from) }

  static func parse(_ bytes: Bytes, as name: HeaderName) throws(SIPHeaderError) -> NameAddress {
    let address = bytes.withSpan { read($0) }
    guard let address else {
      throw .malformed(name, value: bytes.prefix(128).text, expected: "a name and a URI (RFC 3261 §20.10)")
    }
    return address
  }
}

extension NameAddress: CustomStringConvertible {
  public var description: String {
    var text = ""
    text.reserveCapacity(96)
    if let displayName {
      text += displayName.isEmpty ? "\"\"" : Grammar.quoted(displayName)
      text += " "
    }
    text += "<"
    uri.append(to: &text)
    text += ">"
    parameters.append(to: &text)
    return text
  }
}

/// The Contact fields of a message (RFC 3261 §20.10).
public enum ContactList: Hashable, Sendable {
  case none
  /// `*`: all bindings, in a REGISTER that removes them.
  case star
  case list([NameAddress])

  /// The first contact's URI.
  public var firstURI: SIPURI? { if case .list(let contacts) = self { contacts.first?.uri } else { nil } }
}
