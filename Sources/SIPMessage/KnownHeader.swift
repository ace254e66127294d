import SansIO

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
  public var text: String { KnownHeaderTable.texts[Int(rawValue)] }
  /// The same, for whoever writes it.
  public var spelling: StaticString { KnownHeaderTable.spellings[Int(rawValue)] }

  /// The known header of a name that is written at a range.
  public init(_ span: Span<UInt8>, _ range: Range<Int>) {
    if let (known, colon) = KnownHeaderTable.name(span, at: range.lowerBound), colon == range.upperBound {
      self = known
    } else {
      self = KnownHeaderTable.lookUp(span, range)
    }
  }

  /// The known header of a name in any case or in its compact form.
  public init(name: String) {
    self = KnownHeaderTable.lookUp(name.utf8.span, 0..<name.utf8.count)
  }
}

/// Finds a name's number by a hash of its letters and one comparison.
enum KnownHeaderTable {
  /// In the order of the cases of ``KnownHeader``.
  static let spellings: [StaticString] = [
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

  static let texts = spellings.map { "\($0)" }

  private static let compactForms: [(UInt8, KnownHeader)] = [
    (UInt8(ascii: "a"), .acceptContact), (UInt8(ascii: "u"), .allowEvents), (UInt8(ascii: "i"), .callID), (UInt8(ascii: "m"), .contact),
    (UInt8(ascii: "e"), .contentEncoding), (UInt8(ascii: "l"), .contentLength), (UInt8(ascii: "c"), .contentType),
    (UInt8(ascii: "o"), .event), (UInt8(ascii: "f"), .from), (UInt8(ascii: "y"), .identity), (UInt8(ascii: "r"), .referTo),
    (UInt8(ascii: "b"), .referredBy), (UInt8(ascii: "j"), .rejectContact), (UInt8(ascii: "d"), .requestDisposition),
    (UInt8(ascii: "x"), .sessionExpires), (UInt8(ascii: "s"), .subject), (UInt8(ascii: "k"), .supported), (UInt8(ascii: "t"), .to),
    (UInt8(ascii: "v"), .via),
  ]

  /// A name in lower case as three words, zeros behind it and its length in the last byte.
  private struct Words: Equatable {
    static let longest = 23
    var (first, second, third): (UInt64, UInt64, UInt64) = (0, 0, 0)

    init() {}

    /// Of a name that has a colon right behind it; nil for a longer one, an empty one, and where the bytes end within one of its words.
    @inline(__always)
    init?(_ span: Span<UInt8>, upToColonFrom start: Int) {
      guard start &+ 8 <= span.count else { return nil }
      var word = WordScan.load(span, start)
      var count = WordScan.count(before: .colon, in: word)
      guard count > 0 else { return nil }
      first = WordScan.first(count, of: WordScan.small(word))
      if count == 8 {
        guard start &+ 16 <= span.count else { return nil }
        word = WordScan.load(span, start &+ 8)
        let more = WordScan.count(before: .colon, in: word)
        if more > 0 { second = WordScan.first(more, of: WordScan.small(word)) }
        count &+= more
      }
      if count == 16 {
        guard start &+ 24 <= span.count else { return nil }
        word = WordScan.load(span, start &+ 16)
        let more = WordScan.count(before: .colon, in: word)
        guard more < 8 else { return nil }
        if more > 0 { third = WordScan.first(more, of: WordScan.small(word)) }
        count &+= more
      }
      third |= UInt64(count) << 56
    }

    init(_ span: Span<UInt8>, _ range: Range<Int>) {
      for place in 0..<min(range.count, Self.longest) {
        let part = WordScan.small(UInt64(span[range.lowerBound + place])) << UInt64(place % 8 * 8)
        if place < 8 { first |= part } else if place < 16 { second |= part } else { third |= part }
      }
      third |= UInt64(range.count) << 56
    }

    var count: Int { Int(third >> 56) }

    @inline(__always)
    var hash: Int {
      let mixed = (first ^ second &* 0x9E37_79B9_7F4A_7C15 ^ third &* 0xC2B2_AE3D_27D4_EB4F) &* 0xFF51_AFD7_ED55_8CCD
      return Int(mixed >> 55)
    }
  }

  private struct Entry {
    var name = Words()
    var known = KnownHeader.other
  }

  /// Open addressing by nine bits of the hash: the name is there or behind it, before an entry that is free.
  private static let entries: [Entry] = {
    var entries = [Entry](repeating: Entry(), count: 512)
    let compact = compactForms.map { ([$0.0], $0.1) }
    for (name, known) in KnownHeader.allCases.dropFirst().map({ (Array($0.text.utf8), $0) }) + compact {
      let entry = Entry(name: Words(name.span, 0..<name.count), known: known)
      var slot = entry.name.hash
      while entries[slot].known != .other { slot = (slot + 1) & 511 }
      entries[slot] = entry
    }
    return entries
  }()

  @inline(__always)
  private static func find(_ name: Words) -> KnownHeader {
    entries.withUnsafeBufferPointer { entries in
      var slot = name.hash
      while entries[slot].known != .other, entries[slot].name != name { slot = (slot &+ 1) & 511 }
      return entries[slot].known
    }
  }

  /// The number of the name at `range`.
  static func lookUp(_ span: Span<UInt8>, _ range: Range<Int>) -> KnownHeader {
    (1...Words.longest).contains(range.count) ? find(Words(span, range)) : .other
  }

  /// The known name that begins at `start` and has its colon right behind it, and the place of the colon; nil for any other, and at the
  /// very end of the bytes.
  @inline(__always)
  static func name(_ span: Span<UInt8>, at start: Int) -> (known: KnownHeader, colon: Int)? {
    guard let name = Words(span, upToColonFrom: start) else { return nil }
    let known = find(name)
    return known == .other ? nil : (known, start &+ name.count)
  }
}

/// ASCII lower case of letters; every other byte as it is.
@inline(__always)
func lowercase(_ byte: UInt8) -> UInt8 { byte &- 65 < 26 ? byte | 0x20 : byte }
