/// The header fields the Lab knows by number: RFC 3261 §20 and the extensions that trunks send.
public enum KnownHeader: UInt8, Hashable, Sendable, CaseIterable {
  case other
  case accept, acceptContact, acceptEncoding, acceptLanguage, alertInfo, allow, allowEvents, authenticationInfo, authorization
  case callID, callInfo, contact, contentDisposition, contentEncoding, contentLanguage, contentLength, contentType, cseq, date
  case diversion, errorInfo, event, expires, from, historyInfo, identity, inReplyTo, maxForwards, mimeVersion, minExpires, minSE
  case organization, pAssertedIdentity, path, pPreferredIdentity, priority, privacy, proxyAuthenticate, proxyAuthorization
  case proxyRequire, rack, reason, recordRoute, referTo, referredBy, rejectContact, remotePartyID, replaces, replyTo
  case requestDisposition, require, retryAfter, route, rseq, server, serviceRoute, sessionExpires, sessionID, subject
  case subscriptionState, supported, timestamp, to, unsupported, userAgent, via, warning, wwwAuthenticate

  /// Canonical spelling; empty for ``other``.
  public var text: String { KnownHeaderTable.spellings[Int(rawValue)] }

  /// The known header of a name in any case or in its compact form.
  public init(name: String) {
    self = KnownHeaderTable.lookUp(name.utf8.span, 0..<name.utf8.count)
  }
}

/// Finds a name's number by one multiplication a byte and one comparison.
enum KnownHeaderTable {
  /// In the order of the cases of ``KnownHeader``.
  static let spellings: [String] = [
    "",
    "Accept", "Accept-Contact", "Accept-Encoding", "Accept-Language", "Alert-Info", "Allow", "Allow-Events", "Authentication-Info",
    "Authorization", "Call-ID", "Call-Info", "Contact", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Length",
    "Content-Type", "CSeq", "Date", "Diversion", "Error-Info", "Event", "Expires", "From", "History-Info", "Identity", "In-Reply-To",
    "Max-Forwards", "MIME-Version", "Min-Expires", "Min-SE", "Organization", "P-Asserted-Identity", "Path", "P-Preferred-Identity",
    "Priority", "Privacy", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Require", "RAck", "Reason", "Record-Route", "Refer-To",
    "Referred-By", "Reject-Contact", "Remote-Party-ID", "Replaces", "Reply-To", "Request-Disposition", "Require", "Retry-After", "Route",
    "RSeq", "Server", "Service-Route", "Session-Expires", "Session-ID", "Subject", "Subscription-State", "Supported", "Timestamp", "To",
    "Unsupported", "User-Agent", "Via", "Warning", "WWW-Authenticate",
  ]

  private static let compactForms: [(UInt8, KnownHeader)] = [
    (UInt8(ascii: "a"), .acceptContact), (UInt8(ascii: "u"), .allowEvents), (UInt8(ascii: "i"), .callID), (UInt8(ascii: "m"), .contact),
    (UInt8(ascii: "e"), .contentEncoding), (UInt8(ascii: "l"), .contentLength), (UInt8(ascii: "c"), .contentType),
    (UInt8(ascii: "o"), .event), (UInt8(ascii: "f"), .from), (UInt8(ascii: "y"), .identity), (UInt8(ascii: "r"), .referTo),
    (UInt8(ascii: "b"), .referredBy), (UInt8(ascii: "j"), .rejectContact), (UInt8(ascii: "d"), .requestDisposition),
    (UInt8(ascii: "x"), .sessionExpires), (UInt8(ascii: "s"), .subject), (UInt8(ascii: "k"), .supported), (UInt8(ascii: "t"), .to),
    (UInt8(ascii: "v"), .via),
  ]

  private static let size = 512
  private static let lowered: [[UInt8]] = spellings.map { Array($0.lowercased().utf8) }

  /// Open addressing: number of the header at its hash or behind it, 0 = free.
  private static let slots: [UInt8] = {
    var table = [UInt8](repeating: 0, count: size)
    for known in KnownHeader.allCases where known != .other {
      var slot = hash(lowered[Int(known.rawValue)])
      while table[slot] != 0 { slot = (slot + 1) & (size - 1) }
      table[slot] = known.rawValue
    }
    return table
  }()

  private static let compact: [UInt8] = {
    var table = [UInt8](repeating: 0, count: 256)
    for (letter, known) in compactForms {
      table[Int(letter)] = known.rawValue
      table[Int(letter & 0xDF)] = known.rawValue
    }
    return table
  }()

  private static func hash(_ name: [UInt8]) -> Int {
    var hash: UInt32 = 0
    for byte in name { hash = mix(hash, byte) }
    return Int(hash >> 8) & (size - 1)
  }

  @inline(__always)
  private static func mix(_ hash: UInt32, _ byte: UInt8) -> UInt32 { (hash ^ UInt32(byte)) &* 0x0100_0193 }

  /// The number of the name at `range`.
  static func lookUp(_ span: Span<UInt8>, _ range: Range<Int>) -> KnownHeader {
    if range.count == 1 { return KnownHeader(rawValue: compact[Int(span[range.lowerBound])]) ?? .other }
    var hash: UInt32 = 0
    for index in range { hash = mix(hash, lowercase(span[index])) }
    var slot = Int(hash >> 8) & (size - 1)
    while slots[slot] != 0 {
      if isEqual(lowered[Int(slots[slot])], span, range) { return KnownHeader(rawValue: slots[slot]) ?? .other }
      slot = (slot + 1) & (size - 1)
    }
    return .other
  }

  private static func isEqual(_ name: [UInt8], _ span: Span<UInt8>, _ range: Range<Int>) -> Bool {
    guard name.count == range.count else { return false }
    for index in 0..<name.count where name[index] != lowercase(span[range.lowerBound + index]) { return false }
    return true
  }
}

/// ASCII lower case of letters; every other byte as it is.
@inline(__always)
func lowercase(_ byte: UInt8) -> UInt8 { byte &- 65 < 26 ? byte | 0x20 : byte }
