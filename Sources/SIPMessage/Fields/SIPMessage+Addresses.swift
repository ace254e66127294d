import SansIO

// Header fields that are lists of names and addresses.
extension SIPMessage {
  /// The addresses of Contact, Route, Record-Route, Path, Service-Route, Reply-To, Refer-To, Referred-By, P-Asserted-Identity (RFC 3325),
  /// Remote-Party-ID, Diversion (RFC 5806) or History-Info (RFC 7044), in the order they were written.
  public func addresses(_ name: HeaderName) throws(SIPHeaderError) -> [NameAddress] {
    var list: [NameAddress] = []
    for value in all(name) { list += try Self.addresses(name, in: value) }
    return list
  }

  public func recordRoutes() throws(SIPHeaderError) -> [NameAddress] { try addresses(.recordRoute) }
  public func routes() throws(SIPHeaderError) -> [NameAddress] { try addresses(.route) }

  public func contacts() throws(SIPHeaderError) -> ContactList {
    var list: [NameAddress] = []
    for slot in slots where slot.known == .contact {
      let range = slot.value.range
      if range.count == 1, bytes[range.lowerBound] == UInt8(ascii: "*") { return .star }
      list += try Self.addresses(.contact, in: value(slot))
    }
    return list.isEmpty ? .none : .list(list)
  }

  static func addresses(_ name: HeaderName, in value: Bytes) throws(SIPHeaderError) -> [NameAddress] {
    var list: [NameAddress] = []
    var start = 0
    while start < value.count {
      let end = value.withSpan { Grammar.elementEnd($0, start, $0.count) }
      let element = value[start..<end]
      if element.contains(where: { !Grammar.isWhite($0) }) { list.append(try NameAddress.parse(element, as: name)) }
      start = end + 1
    }
    return list
  }
}
