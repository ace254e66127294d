import SansIO

// Header fields as values (RFC 3261 §20 and the RFCs that added fields). Each is read when asked for.
extension SIPMessage {
  // MARK: - Any message (RFC 3261 §8.1.1)

  public func requestURI() throws(SIPHeaderError) -> SIPURI {
    guard let bytes = requestURIBytes else { throw .uri(value: "", expected: "there: a response has no Request-URI") }
    return try SIPURI.parse(bytes)
  }

  /// The topmost Via.
  public func via() throws(SIPHeaderError) -> Via {
    guard let value = firstValue(.via) else { throw .missing(.via) }
    return try Via.parse(value)
  }

  /// All hops, the topmost first.
  public func vias() throws(SIPHeaderError) -> [Via] {
    var hops: [Via] = []
    for slot in slots where slot.known == .via {
      let value = value(slot)
      var start = 0
      while start <= value.count {
        let end = value.withSpan { Grammar.elementEnd($0, start, $0.count) }
        let element = value[start..<end]
        if element.contains(where: { !Grammar.isWhite($0) }) { hops.append(try Via.parse(element)) }
        start = end + 1
      }
    }
    guard !hops.isEmpty else { throw .missing(.via) }
    return hops
  }

  public func from() throws(SIPHeaderError) -> NameAddress { try address(.from) }
  public func to() throws(SIPHeaderError) -> NameAddress { try address(.to) }

  private func address(_ name: HeaderName) throws(SIPHeaderError) -> NameAddress {
    guard let value = firstValue(name.known) else { throw .missing(name) }
    return try NameAddress.parse(value, as: name)
  }

  public func callID() throws(SIPHeaderError) -> String {
    guard let value = firstValue(.callID) else { throw .missing(.callID) }
    guard value.withSpan({ Self.isCallID($0, 0..<$0.count) }) else {
      throw .malformed(.callID, value: value.prefix(64).text, expected: "one word (RFC 3261 §20.8)")
    }
    return value.text
  }

  public func cseq() throws(SIPHeaderError) -> CSeq {
    guard let value = firstValue(.cseq) else { throw .missing(.cseq) }
    let cseq = value.withSpan { Self.readCSeq($0, 0..<$0.count) }
    guard let cseq else {
      throw .malformed(.cseq, value: value.prefix(64).text, expected: "a number below 2³¹ and a method (RFC 3261 §20.16)")
    }
    return cseq
  }

  /// Seconds; nil when there is no Expires. A value that is no number counts as missing (RFC 3261 §20.19 lets a registrar choose).
  public func expires() -> Int? { number(.expires) }

  /// Hops left; nil when missing or malformed.
  public func maxForwards() -> Int? { number(.maxForwards) }

  private func number(_ known: KnownHeader) -> Int? {
    firstValue(known).flatMap { value in value.withSpan { Grammar.number($0, 0..<$0.count) } }
  }

  // MARK: - Names and addresses (RFC 3261 §20.10)

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

  /// The contacts that something can be sent to: empty where there is none, for `*`, and where one of them cannot be read.
  public var usableContacts: [NameAddress] { if case .list(let list)? = try? contacts() { list } else { [] } }

  /// The routes that a request passed; empty where there is none, and where one of them cannot be read.
  public var usableRecordRoutes: [NameAddress] { has(.recordRoute) ? (try? recordRoutes()) ?? [] : [] }

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

  /// Whether Contact is there and no sips URI, as it has to be in a secure dialog (RFC 3261 §8.1.1.8, §12.1.1; RFC 5630 §3.1.4).
  public var hasClearContact: Bool { has(.contact) && usableContacts.first.map { $0.uri.scheme != .sips } ?? false }

  // MARK: - Lists, text and numbers (RFC 3261 §20)

  /// The tokens of Supported, Require, Proxy-Require, Unsupported, Allow-Events, Content-Encoding, Content-Language, In-Reply-To or
  /// Privacy, over commas and lines.
  public func tokens(_ name: HeaderName) -> [String] { commaValues(name).map(\.text) }

  /// The methods of Allow; nil when there is none, empty when it allows nothing (RFC 3261 §20.5).
  public func allow() -> [SIPMethod]? { firstValue(.allow) == nil ? nil : tokens(.allow).map { SIPMethod($0) } }

  /// Whether Allow names INFO (RFC 6086 §4.1), told from its bytes: every INVITE is asked.
  public var allowsInfo: Bool {
    var isNamed = false
    forEachValue(.allow) { value in
      value.withSpan { span in
        var start = 0
        while start + 4 <= span.count, !isNamed {
          let (isBegin, end) = (start == 0 || Self.isBetween(span[start - 1]), start + 4)
          isNamed = isBegin && Self.isInfo(span, start) && (end == span.count || Self.isBetween(span[end]))
          start += 1
        }
      }
    }
    return isNamed
  }

  private static func isInfo(_ span: Span<UInt8>, _ start: Int) -> Bool {
    let (first, second) = (span[start] == UInt8(ascii: "I"), span[start + 1] == UInt8(ascii: "N"))
    return first && second && span[start + 2] == UInt8(ascii: "F") && span[start + 3] == UInt8(ascii: "O")
  }

  /// Whether an octet stands between the names of a list.
  private static func isBetween(_ octet: UInt8) -> Bool { octet == UInt8(ascii: ",") || octet <= UInt8(ascii: " ") }

  /// The text of Subject, Organization, Server, User-Agent, Priority, MIME-Version or any other field that is text; nil when there is none.
  public func text(_ name: HeaderName) -> String? { first(name)?.text }

  /// Seconds or a count below 2³²: Min-Expires, Min-SE, RSeq, Max-Forwards, Expires; nil when there is none.
  public func number(_ name: HeaderName) throws(SIPHeaderError) -> UInt32? {
    guard let value = first(name) else { return nil }
    guard let number = value.withSpan({ Grammar.number($0, 0..<$0.count) }), let result = UInt32(exactly: number) else {
      throw .malformed(name, value: value.prefix(64).text, expected: "a number below 2³² (RFC 3261 §25.1)")
    }
    return result
  }

  /// The elements of a list of `value;parameters`, such as Accept-Encoding, Accept-Language or Reason.
  public func parameterizedValues(_ name: HeaderName) throws(SIPHeaderError) -> [ParameterizedValue] {
    var values: [ParameterizedValue] = []
    for element in commaValues(name) { values.append(try .parse(element, as: name, expected: "a value with parameters (RFC 3261 §25.1)")) }
    return values
  }

  /// The value of a field that stands once: Content-Disposition, Event, Subscription-State, Session-Expires; nil when there is none.
  public func parameterizedValue(_ name: HeaderName) throws(SIPHeaderError) -> ParameterizedValue? {
    guard let value = first(name) else { return nil }
    return try .parse(value, as: name, expected: "a value with parameters (RFC 3261 §25.1)")
  }

  /// Content-Disposition (RFC 3261 §20.11); `handling` is among its parameters.
  public func contentDisposition() throws(SIPHeaderError) -> ParameterizedValue? { try parameterizedValue(.contentDisposition) }

  /// Whether the body may be left unread: `handling=optional`, where Content-Disposition can be read (RFC 3261 §20.11).
  public var isBodyOptional: Bool {
    has(.contentDisposition) && (try? contentDisposition())?.parameters["handling"]?.lowercased() == "optional"
  }

  // MARK: - Bodies (RFC 3261 §20.1, §20.15)

  /// Content-Type; nil when there is none.
  public func contentType() throws(SIPHeaderError) -> MediaType? {
    guard let value = firstValue(.contentType) else { return nil }
    return try MediaType.parse(value, as: .contentType)
  }

  /// The media ranges of Accept in their order; nil when there is no Accept, empty when it is there and takes nothing (RFC 3261 §20.1).
  public func accept() throws(SIPHeaderError) -> [MediaType]? {
    guard firstValue(.accept) != nil else { return nil }
    var types: [MediaType] = []
    for element in commaValues(.accept) { types.append(try MediaType.parse(element, as: .accept)) }
    return types
  }

  /// Whether the answer may have this type of body: no Accept that can be read leaves it out (RFC 3261 §20.1).
  public func accepts(_ type: String) -> Bool {
    guard has(.accept), let types = try? accept() else { return true }
    return types.contains { $0.accepts(type) }
  }

  // MARK: - Authentication (RFC 3261 §22)

  /// The digest challenges of a response in their order; other schemes are passed over.
  public func digestChallenges(_ name: HeaderName) -> [DigestChallenge] { all(name).compactMap { DigestChallenge($0) } }

  /// The digest credentials of a request, one a header line.
  public func digestCredentials(_ name: HeaderName) -> [DigestCredentials] { all(name).compactMap { DigestCredentials($0) } }

  /// Authentication-Info; nil when there is none.
  public func authenticationInfo() -> AuthenticationInfo? {
    guard let value = firstValue(.authenticationInfo) else { return nil }
    let pairs = DigestParameters(list: value)
    return AuthenticationInfo(
      nextNonce: pairs[.nextnonce]?.text, qop: pairs[.qop]?.text, response: pairs[.rspauth]?.text, clientNonce: pairs[.cnonce]?.text,
      nonceCount: pairs[.nc]?.text)
  }

  // MARK: - Times and warnings (RFC 3261 §20.17, §20.33, §20.38, §20.43)

  /// Date; nil when there is none.
  public func date() throws(SIPHeaderError) -> DateValue? {
    guard let value = firstValue(.date) else { return nil }
    guard let date = DateValue(parsing: value.text) else {
      throw .malformed(.date, value: value.prefix(64).text, expected: "a date of RFC 1123 in GMT (RFC 3261 §20.17)")
    }
    return date
  }

  /// Retry-After; nil when there is none.
  public func retryAfter() throws(SIPHeaderError) -> RetryAfter? {
    guard let value = firstValue(.retryAfter) else { return nil }
    let result = value.withSpan { span -> RetryAfter? in
      var position = 0
      while position < span.count, span[position] &- 48 < 10 { position += 1 }
      guard let seconds = Grammar.number(span, 0..<position).flatMap({ UInt32(exactly: $0) }) else { return nil }
      Grammar.skipWhite(span, &position, span.count)
      guard let comment = Grammar.comment(span, &position, span.count), let parameters = Parameters.read(span, &position, span.count)
      else { return nil }
      Grammar.skipWhite(span, &position, span.count)
      guard position == span.count else { return nil }
      return RetryAfter(seconds: seconds, comment: comment.isEmpty ? nil : comment, parameters: parameters)
    }
    guard let result else {
      throw .malformed(
        .retryAfter, value: value.prefix(64).text, expected: "seconds below 2³², with comment and parameters (RFC 3261 §20.33)")
    }
    return result
  }

  /// Timestamp; nil when there is none.
  public func timestamp() throws(SIPHeaderError) -> Timestamp? {
    guard let value = firstValue(.timestamp) else { return nil }
    let words = value.text.utf8.split { Grammar.isWhite($0) }.map { String(decoding: $0, as: UTF8.self) }
    guard (1...2).contains(words.count), words.allSatisfy({ Self.isDecimal($0) }) else {
      throw .malformed(.timestamp, value: value.prefix(64).text, expected: "one or two decimal numbers (RFC 3261 §20.38)")
    }
    return Timestamp(value: words[0], delay: words.count == 2 ? words[1] : nil)
  }

  private static func isDecimal(_ text: String) -> Bool {
    let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    return parts.count <= 2 && text != "." && !text.isEmpty && parts.allSatisfy { $0.allSatisfy { $0 &- 48 < 10 } }
  }

  public func warnings() throws(SIPHeaderError) -> [WarningValue] {
    var values: [WarningValue] = []
    for element in commaValues(.warning) { values.append(try WarningValue.parse(element)) }
    return values
  }

  // MARK: - Extensions (RFC 3326, RFC 3891, RFC 7989) and references (RFC 3261 §20.4, §20.9, §20.18)

  public func reasons() throws(SIPHeaderError) -> [ReasonValue] {
    try parameterizedValues(.reason).map {
      ReasonValue(protocolName: $0.value, cause: $0.parameters["cause"].flatMap { Int($0) }, text: $0.parameters["text"])
    }
  }

  /// Replaces; nil when there is none.
  public func replaces() throws(SIPHeaderError) -> Replaces? {
    guard let value = try parameterizedValue(.replaces) else { return nil }
    guard let toTag = value.parameters["to-tag"], let fromTag = value.parameters["from-tag"] else {
      throw .malformed(.replaces, value: "\(value)", expected: "a Call-ID with to-tag and from-tag (RFC 3891 §6.1)")
    }
    return Replaces(callID: value.value, toTag: toTag, fromTag: fromTag, isEarlyOnly: value.parameters.contains("early-only"))
  }

  /// Session-ID; nil when there is none.
  public func sessionIdentifier() throws(SIPHeaderError) -> SessionIdentifier? {
    guard let value = try parameterizedValue(.sessionID) else { return nil }
    let remote = value.parameters["remote"]
    guard Self.isIdentifier(value.value), remote.map(Self.isIdentifier) ?? true else {
      throw .malformed(.sessionID, value: "\(value)", expected: "32 hexadecimal digits (RFC 7989 §5)")
    }
    return SessionIdentifier(local: value.value.lowercased(), remote: remote?.lowercased())
  }

  private static func isIdentifier(_ text: String) -> Bool {
    text.utf8.count == 32 && text.utf8.allSatisfy { $0 &- 48 < 10 || ($0 | 0x20) &- 97 < 6 }
  }

  /// The elements of Alert-Info, Call-Info or Error-Info.
  public func infoReferences(_ name: HeaderName) throws(SIPHeaderError) -> [InfoReference] {
    var references: [InfoReference] = []
    for element in commaValues(name) { references.append(try InfoReference.parse(element, as: name)) }
    return references
  }
}
