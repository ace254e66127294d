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

  /// The known header of a name as it is in a message.
  public init(_ name: Bytes) { self = name.withSpan { KnownHeaderTable.lookUp($0, 0..<$0.count) } }

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

    init(_ span: Span<UInt8>, _ range: Range<Int>) {
      let (start, count) = (range.lowerBound, range.count)
      if start + 24 <= span.count {
        first = Self.word(span, start, count)
        if count > 8 { second = Self.word(span, start + 8, count - 8) }
        if count > 16 { third = Self.word(span, start + 16, count - 16) }
      } else {
        for place in 0..<min(count, Self.longest) {
          let part = Self.small(UInt64(span[start + place])) << UInt64(place % 8 * 8)
          if place < 8 { first |= part } else if place < 16 { second |= part } else { third |= part }
        }
      }
      third |= UInt64(count) << 56
    }

    @inline(__always)
    private static func word(_ span: Span<UInt8>, _ start: Int, _ count: Int) -> UInt64 {
      let word = small(WordScan.load(span, start))
      return count >= 8 ? word : word & (1 << UInt64(count * 8) - 1)
    }

    /// Letters in lower case: what has bit 6 gets bit 5, which makes nothing else a character of our names.
    @inline(__always)
    private static func small(_ word: UInt64) -> UInt64 { word | (word & 0x4040_4040_4040_4040) >> 1 }

    @inline(__always)
    var hash: Int {
      let mixed = (first ^ second &* 0x9E37_79B9_7F4A_7C15 ^ third &* 0xC2B2_AE3D_27D4_EB4F) &* 0xFF51_AFD7_ED55_8CCD
      return Int(mixed >> 55)
    }
  }

  private struct Table {
    var words: [Words] = []
    /// Open addressing by nine bits of the hash: the header there or behind it, `other` = free.
    var slots = [KnownHeader](repeating: .other, count: 512)
    var compact = [KnownHeader](repeating: .other, count: 256)

    init() {
      for known in KnownHeader.allCases {
        let name = Array(known.text.utf8)
        words.append(Words(name.span, 0..<name.count))
        guard known != .other else { continue }
        var slot = words[words.count - 1].hash
        while slots[slot] != .other { slot = (slot + 1) & 511 }
        slots[slot] = known
      }
      for (letter, known) in compactForms {
        compact[Int(letter)] = known
        compact[Int(letter & 0xDF)] = known
      }
    }

    @inline(__always)
    func find(_ name: Words) -> KnownHeader {
      var slot = name.hash
      while slots[slot] != .other {
        if words[Int(slots[slot].rawValue)] == name { return slots[slot] }
        slot = (slot + 1) & 511
      }
      return .other
    }
  }

  private static let table = Table()

  /// The number of the name at `range`.
  static func lookUp(_ span: Span<UInt8>, _ range: Range<Int>) -> KnownHeader {
    guard range.count > 1, range.count <= Words.longest else {
      return range.count == 1 ? table.compact[Int(span[range.lowerBound])] : .other
    }
    return table.find(Words(span, range))
  }
}

/// ASCII lower case of letters; every other byte as it is.
@inline(__always)
func lowercase(_ byte: UInt8) -> UInt8 { byte &- 65 < 26 ? byte | 0x20 : byte }
