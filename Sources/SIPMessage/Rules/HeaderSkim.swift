import SansIO

/// Looks over a header once, for the places of its parts and for whether it is beyond doubt as RFC 3261 wants it. It makes no text and no
/// list, and names no fault: ``FaultChecker`` does, for what is not sound here. It may doubt what the checker accepts, never the reverse.
struct HeaderSkim {
  var facts = MessageFacts()
  private(set) var isSound = true
  private var seen = KnownHeaderSet()
  /// The lists of addresses with one that cannot be read, and a Contact that is `*`.
  private var unusable = KnownHeaderSet()

  mutating func run(_ message: SIPMessage, _ essentials: Essentials) {
    let hasSeveralVias = essentials.hasSeveralVias
    message.bytes.withSpan { span in
      for slot in message.slots where slot.known != .other { look(at: slot, span, hasSeveralVias) }
      if case .request(let method, let uri) = message.startLine { finishRequest(method, uri, essentials, span) }
    }
    if unusable.contains(.contact) { facts.contact = nil }
    if unusable.contains(.recordRoute) { facts.recordRoute = nil }
    demand(facts.from != nil && facts.to != nil && essentials.callID != nil && essentials.cseq != nil && essentials.via != nil)
  }

  private mutating func demand(_ isFulfilled: Bool) { if !isFulfilled { isSound = false } }

  private mutating func look(at slot: SIPMessage.Slot, _ span: Span<UInt8>, _ hasSeveralVias: Bool) {
    let isFirst = !seen.contains(slot.known)
    let value = slot.value.range
    switch slot.known {
    case .from where isFirst: facts.from = Self.address(span, value, slot.isFolded)
    case .to where isFirst: facts.to = Self.address(span, value, slot.isFolded)
    case .via where !isFirst || hasSeveralVias: demand(Self.areVias(span, value))
    case .contact where value.count == 1 && span[value.lowerBound] == UInt8(ascii: "*"): unusable.insert(.contact)
    case .contact: note(Self.readAddresses(span, slot, &facts.contact), .contact)
    case .recordRoute: note(Self.readAddresses(span, slot, &facts.recordRoute), .recordRoute)
    case .route:
      var first: AddressSlot?
      note(Self.readAddresses(span, slot, &first), .route)
    case .expires where isFirst:
      facts.expires = Grammar.number(span, value)
      demand(facts.expires.map { $0 <= Int(UInt32.max) } ?? false)
    case .maxForwards where isFirst: facts.maxForwards = Grammar.number(span, value)
    case .date: demand(SoundValue.isGMT(span, value))
    case .retryAfter: demand(SoundValue.isSeconds(span, value))
    case .timestamp: demand(SoundValue.isDecimal(span, value))
    case .warning: demand(SoundValue.isWarning(span, value))
    case .contentType: demand(MediaType.isSound(span, value))
    default: break
    }
    if !isFirst, slot.known.appearsOnce { isSound = false }
    seen.insert(slot.known)
  }

  private mutating func finishRequest(_ method: SIPMethod, _ uri: ByteRange, _ essentials: Essentials, _ span: Span<UInt8>) {
    facts.requestURI = Self.requestURI(span, uri.range)
    demand(facts.requestURI != nil)
    if let cseq = essentials.cseq { demand(cseq.method == method) }
    demand(facts.maxForwards.map { $0 <= 255 } ?? false)
    demand(facts.from?.tag != nil)
    if let via = essentials.via { demand(via.hasTransactionBranch && via.port != 0) }
  }

  // MARK: - Parts

  private static func address(_ span: Span<UInt8>, _ value: Range<Int>, _ isFolded: Bool) -> AddressSlot? {
    var (slot, none) = (AddressSlot(), AddressSlot.Lists())
    guard slot.read(span, value, into: &none) else { return nil }
    slot.isFolded = isFolded
    return slot
  }

  /// A Request-URI without headers (RFC 3261 §19.1.1).
  private static func requestURI(_ span: Span<UInt8>, _ range: Range<Int>) -> URISlot? {
    var (slot, position, none) = (URISlot(), range.lowerBound, Parameters?.none)
    guard slot.read(span, &position, range.upperBound, stopsAtSemicolon: false, into: &none), position == range.upperBound,
      slot.headers.map({ $0.range.allSatisfy { span[$0] == .ampersand } }) ?? true
    else { return nil }
    return slot
  }

  private enum Addresses { case sound, broken, withPortZero }

  private mutating func note(_ addresses: Addresses, _ known: KnownHeader) {
    demand(addresses == .sound)
    if addresses == .broken { unusable.insert(known) }
  }

  /// Reads the addresses of one field; nobody can be reached at port 0 (contract 8.7).
  ///
  /// - Parameter first: nil, or the first address of the list, which may go over several fields.
  private static func readAddresses(_ span: Span<UInt8>, _ field: SIPMessage.Slot, _ first: inout AddressSlot?) -> Addresses {
    var start = field.value.range.lowerBound
    let end = field.value.range.upperBound
    var result = Addresses.sound
    while start < end {
      let comma = Grammar.elementEnd(span, start, end)
      if let slot = address(span, start..<comma, field.isFolded) {
        if slot.uri.port == 0, result == .sound { result = .withPortZero }
        if first == nil { first = slot }
      } else if !Grammar.trimmed(span, start..<comma).isEmpty {
        result = .broken
      }
      start = comma + 1
    }
    return result
  }

  private static func areVias(_ span: Span<UInt8>, _ value: Range<Int>) -> Bool {
    var start = value.lowerBound
    while start < value.upperBound {
      let end = Grammar.elementEnd(span, start, value.upperBound)
      var (via, position, none) = (TopmostVia(), start, Parameters?.none)
      guard via.read(span, &position, end, into: &none) || Grammar.trimmed(span, start..<end).isEmpty else { return false }
      start = end + 1
    }
    return true
  }
}

/// The plain forms of optional fields, without folding, comments or parameters.
enum SoundValue {
  /// Seconds of Retry-After (RFC 3261 §20.33).
  static func isSeconds(_ span: Span<UInt8>, _ value: Range<Int>) -> Bool {
    Grammar.number(span, value).map { $0 <= Int(UInt32.max) } ?? false
  }

  /// One number of Timestamp (RFC 3261 §20.38).
  static func isDecimal(_ span: Span<UInt8>, _ value: Range<Int>) -> Bool {
    var (digits, dots) = (0, 0)
    for index in value {
      if span[index] &- 48 < 10 { digits += 1 } else if span[index] == UInt8(ascii: ".") { dots += 1 } else { return false }
    }
    return digits > 0 && dots <= 1
  }

  /// `399 agent "text"` (RFC 3261 §20.43).
  static func isWarning(_ span: Span<UInt8>, _ value: Range<Int>) -> Bool {
    var start = value.lowerBound
    while start < value.upperBound {
      let end = Grammar.elementEnd(span, start, value.upperBound)
      let element = Grammar.trimmed(span, start..<end)
      if !element.isEmpty, WarningSlot.read(span, element) == nil { return false }
      start = end + 1
    }
    return true
  }

  /// `Sat, 13 Nov 2010 23:29:00 GMT`, as RFC 1123 writes it (RFC 3261 §20.17).
  static func isGMT(_ span: Span<UInt8>, _ value: Range<Int>) -> Bool {
    guard value.count == 29 else { return false }
    let start = value.lowerBound
    func isText(_ place: Int, _ text: StaticString) -> Bool {
      Grammar.isEqual(span, start + place..<start + place + text.utf8CodeUnitCount, text)
    }
    func number(_ place: Int, _ digits: Int = 2) -> Int { Grammar.number(span, start + place..<start + place + digits) ?? -1 }
    func isWord(_ place: Int, of words: [StaticString]) -> Bool { words.contains { isText(place, $0) } }
    let isSpaced = isText(3, ", ") && isText(7, " ") && isText(11, " ") && isText(16, " ") && isText(25, " GMT")
    let isDay = isWord(0, of: weekdays) && (1...31).contains(number(5)) && isWord(8, of: months) && number(12, 4) >= 1_900
    let isTime = (0...23).contains(number(17)) && (0...59).contains(number(20)) && (0...60).contains(number(23))
    return isSpaced && isText(19, ":") && isText(22, ":") && isDay && isTime
  }

  private static let weekdays: [StaticString] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
  private static let months: [StaticString] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
}
