import SansIO

/// What a look over a header found; a field that cannot be read is nil and is among the faults. Typed values are made when asked for.
public struct MessageAudit: Sendable {
  let message: SIPMessage
  public let essentials: Essentials
  public let facts: MessageFacts

  public var faults: [MessageFault] { facts.faults }
  public var from: NameAddress? { facts.from.flatMap { message.address($0) } }
  public var to: NameAddress? { facts.to.flatMap { message.address($0) } }
  /// The topmost one.
  public var via: Via? { (try? message.vias())?.first }
  /// nil also where a request's method is another one.
  public var cseq: CSeq? { essentials.cseq.flatMap { message.method == nil || message.method == $0.method ? $0 : nil } }
  public var contacts: ContactList? { message.has(.contact) ? try? message.contacts() : nil }
  public var recordRoutes: [NameAddress]? { message.has(.recordRoute) ? try? message.recordRoutes() : nil }
  public var requestURI: SIPURI? { facts.requestURI.flatMap { message.uri($0) } }
}

/// Looks over a header for its faults, with a typed reader for each field.
struct FaultChecker {
  let message: SIPMessage
  private(set) var faults: [MessageFault] = []
  private var from: NameAddress?
  /// The topmost one.
  private var via: Via?
  private var contacts: ContactList?
  private var recordRoutes: [NameAddress]?

  init(message: SIPMessage) { self.message = message }

  private func has(_ known: KnownHeader) -> Bool { message.has(known) }

  private mutating func add(_ weight: MessageFault.Weight, _ error: SIPHeaderError) { faults.append(MessageFault(weight, error)) }

  /// Runs a reader for its error alone.
  @discardableResult
  private mutating func check<Value>(_ weight: MessageFault.Weight, _ read: (SIPMessage) throws(SIPHeaderError) -> Value) -> Value? {
    do throws(SIPHeaderError) { return try read(message) } catch { add(weight, error) }
    return nil
  }

  // MARK: - What every message needs

  mutating func checkFields() {
    checkCount()
    from = check(.fatal) { (message) throws(SIPHeaderError) in try message.from() }
    check(.fatal) { (message) throws(SIPHeaderError) in try message.to() }
    check(.fatal) { (message) throws(SIPHeaderError) in try message.callID() }
    via = check(.fatal) { (message) throws(SIPHeaderError) in try message.vias() }?.first
    checkAddresses()
    checkOptional()
  }

  /// One pass over the slots: which of the fields that stand once stand more often (RFC 3261 §7.3.1).
  private mutating func checkCount() {
    var (seen, told) = (KnownHeaderSet(), KnownHeaderSet())
    for slot in message.slots where slot.known.appearsOnce && !told.contains(slot.known) {
      guard seen.contains(slot.known) else {
        seen.insert(slot.known)
        continue
      }
      told.insert(slot.known)
      // The same value twice says nothing wrong; gateways do that with Content-Type and Content-Length.
      let name = HeaderName(slot.known)
      let isSame = message.all(name).allSatisfy { $0 == message.first(name) }
      add(slot.known.isNeeded && !isSame ? .fatal : .tolerated, .repeated(name))
    }
  }

  private mutating func checkAddresses() {
    let weight: MessageFault.Weight = namesPlaces ? .fatal : .tolerated
    if has(.contact) { contacts = check(weight) { (message) throws(SIPHeaderError) in try message.contacts() } }
    if has(.recordRoute) { recordRoutes = check(weight) { (message) throws(SIPHeaderError) in try message.recordRoutes() } }
    if has(.route) { check(.tolerated) { (message) throws(SIPHeaderError) in try message.routes() } }
  }

  /// Whether Contact and Record-Route say where later messages go: in responses, and in requests that make a dialog, move its target or
  /// bind.
  private var namesPlaces: Bool {
    switch message.method {
    case nil, .invite, .register, .subscribe, .notify, .refer, .update: true
    default: false
    }
  }

  /// Fields that nobody needs to carry a call, and Content-Type. Each is told once, however often it stands.
  private mutating func checkOptional() {
    if has(.date) { check(.tolerated) { (message) throws(SIPHeaderError) in try message.date() } }
    if has(.expires) { check(.tolerated) { (message) throws(SIPHeaderError) in try message.number(.expires) } }
    if has(.retryAfter) { check(.tolerated) { (message) throws(SIPHeaderError) in try message.retryAfter() } }
    if has(.timestamp) { check(.tolerated) { (message) throws(SIPHeaderError) in try message.timestamp() } }
    if has(.warning) { check(.tolerated) { (message) throws(SIPHeaderError) in try message.warnings() } }
    if has(.contentType) {
      check(message.body.isEmpty ? .tolerated : .fatal) { (message) throws(SIPHeaderError) in try message.contentType() }
    }
  }

  // MARK: - Requests and responses

  mutating func checkRequest() {
    check(.fatal, Self.checkRequestURI)
    check(.fatal, Self.checkSequence)
    check(.tolerated, Self.checkHops)
    checkPorts()
    if !has(.maxForwards) { add(.tolerated, .missing(.maxForwards)) }
    if let from, from.tag == nil { add(.tolerated, .noTag) }
    if let via, !via.hasTransactionBranch { add(.tolerated, .noBranch(via.branch)) }
  }

  /// Where our answers and requests would go: nobody can be reached at port 0 (contract 8.7).
  private mutating func checkPorts() {
    if via?.port == 0 { addPortZero(.via) }
    if case .list(let contacts)? = contacts, contacts.contains(where: { $0.uri.port == 0 }) { addPortZero(.contact) }
    if let recordRoutes, recordRoutes.contains(where: { $0.uri.port == 0 }) { addPortZero(.recordRoute) }
  }

  private mutating func addPortZero(_ name: HeaderName) {
    let value = message.first(name)?.prefix(128).text ?? ""
    add(.fatal, .malformed(name, value: value, expected: "a port from 1 to 65535 (a decision of the Lab)"))
  }

  private static func checkSequence(_ message: SIPMessage) throws(SIPHeaderError) -> CSeq {
    let cseq = try message.cseq()
    if let method = message.method, cseq.method != method { throw .methodMismatch(line: method, cseq: cseq.method) }
    return cseq
  }

  private static func checkHops(_ message: SIPMessage) throws(SIPHeaderError) {
    guard let value = message.first(.maxForwards) else { return }
    guard let hops = value.withSpan({ Grammar.number($0, 0..<$0.count) }), hops <= 255 else {
      throw .malformed(.maxForwards, value: value.prefix(32).text, expected: "a number from 0 to 255 (RFC 3261 §20.22)")
    }
  }

  private static func checkRequestURI(_ message: SIPMessage) throws(SIPHeaderError) -> SIPURI {
    let uri = try message.requestURI()
    guard uri.headers.isEmpty else {
      throw .uri(
        value: message.requestURIBytes?.prefix(128).text ?? "", expected: "without headers, as a Request-URI has to be (RFC 3261 §19.1.1)")
    }
    return uri
  }

  mutating func checkResponse() { check(.fatal) { (message) throws(SIPHeaderError) in try message.cseq() } }
}

extension KnownHeader {
  /// A field that may appear once (RFC 3261 §7.3.1).
  var appearsOnce: Bool {
    switch self {
    case .date, .expires, .userAgent, .server, .subject, .timestamp, .contentDisposition: true
    default: isNeeded
    }
  }

  /// Of those, the fields without which nobody knows what a message is for or where it ends.
  fileprivate var isNeeded: Bool {
    switch self {
    case .from, .to, .callID, .cseq, .maxForwards, .contentType, .contentLength: true
    default: false
    }
  }
}
