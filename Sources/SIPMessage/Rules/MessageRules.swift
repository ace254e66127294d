import SansIO

extension SIPMessage {
  /// What is wrong with the header, in the order in which it is looked at; empty for a message as RFC 3261 wants it.
  ///
  /// Fatal is what leaves unknown to whom, in which dialog or transaction, or for whom a message is: RFC 3261 §8.1.1's fields missing,
  /// doubled or unreadable. What old or careless peers leave out without harm is tolerated (RFC 3261 §8.1.1, RFC 2543 peers; RFC 4475), and
  /// so is what nobody needs to serve the request, readable or not (RFC 3261 §16.3 item 1): a Route, a Max-Forwards at the end of the path
  /// (RFC 4475 §3.1.2.4), a Contact where none is used.
  public func faults() -> [MessageFault] { audit().faults }

  /// ``faults()`` with the fields that were read for it, so that nobody has to read them again.
  public func audit() -> MessageAudit {
    var checker = FaultChecker(message: self)
    checker.checkFields()
    if isRequest { checker.checkRequest() } else { checker.checkResponse() }
    return checker.audit
  }
}

/// What a look over a header found; a field that cannot be read is nil and stands among the faults.
public struct MessageAudit: Sendable {
  public internal(set) var faults: [MessageFault] = []
  public internal(set) var from: NameAddress?
  public internal(set) var to: NameAddress?
  /// The topmost one.
  public internal(set) var via: Via?
  public internal(set) var cseq: CSeq?
  public internal(set) var contacts: ContactList?
  public internal(set) var recordRoutes: [NameAddress]?
  public internal(set) var requestURI: SIPURI?
}

private struct FaultChecker {
  let message: SIPMessage
  var audit = MessageAudit()

  init(message: SIPMessage) { self.message = message }

  private func has(_ known: KnownHeader) -> Bool { message.has(known) }

  private mutating func add(_ weight: MessageFault.Weight, _ error: SIPHeaderError) { audit.faults.append(MessageFault(weight, error)) }

  /// Runs a reader for its error alone.
  @discardableResult
  private mutating func check<Value>(_ weight: MessageFault.Weight, _ read: (SIPMessage) throws(SIPHeaderError) -> Value) -> Value? {
    do throws(SIPHeaderError) { return try read(message) } catch { add(weight, error) }
    return nil
  }

  // MARK: - What every message needs

  mutating func checkFields() {
    checkCount()
    audit.from = check(.fatal) { (message) throws(SIPHeaderError) in try message.from() }
    audit.to = check(.fatal) { (message) throws(SIPHeaderError) in try message.to() }
    check(.fatal) { (message) throws(SIPHeaderError) in try message.callID() }
    audit.via = check(.fatal) { (message) throws(SIPHeaderError) in try message.vias() }?.first
    checkAddresses()
    checkOptional()
  }

  /// One pass over the slots: which of the fields that stand once stand more often (RFC 3261 §7.3.1).
  private mutating func checkCount() {
    var (seen, told): (UInt64, UInt64) = (0, 0)
    for slot in message.slots {
      guard let (bit, isFatal) = Self.single(slot.known), told & bit == 0 else { continue }
      guard seen & bit != 0 else {
        seen |= bit
        continue
      }
      told |= bit
      // The same value twice says nothing wrong; gateways do that with Content-Type and Content-Length.
      let name = HeaderName(slot.known)
      let isSame = message.all(name).allSatisfy { $0 == message.first(name) }
      add(isFatal && !isSame ? .fatal : .tolerated, .repeated(name))
    }
  }

  private static func single(_ known: KnownHeader) -> (bit: UInt64, isFatal: Bool)? {
    switch known {
    case .from: (1, true)
    case .to: (2, true)
    case .callID: (4, true)
    case .cseq: (8, true)
    case .maxForwards: (16, true)
    case .contentType: (32, true)
    case .contentLength: (64, true)
    case .date: (128, false)
    case .expires: (256, false)
    case .userAgent: (512, false)
    case .server: (1024, false)
    case .subject: (2048, false)
    case .timestamp: (4096, false)
    case .contentDisposition: (8192, false)
    default: nil
    }
  }

  private mutating func checkAddresses() {
    let weight: MessageFault.Weight = namesPlaces ? .fatal : .tolerated
    if has(.contact) { audit.contacts = check(weight) { (message) throws(SIPHeaderError) in try message.contacts() } }
    if has(.recordRoute) { audit.recordRoutes = check(weight) { (message) throws(SIPHeaderError) in try message.recordRoutes() } }
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
    audit.requestURI = check(.fatal, Self.checkRequestURI)
    audit.cseq = check(.fatal, Self.checkSequence)
    check(.tolerated, Self.checkHops)
    checkPorts()
    if !has(.maxForwards) { add(.tolerated, .missing(.maxForwards)) }
    if let from = audit.from, from.tag == nil { add(.tolerated, .noTag) }
    if let via = audit.via, !via.hasTransactionBranch { add(.tolerated, .noBranch(via.branch)) }
  }

  /// Where our answers and requests would go: nobody can be reached at port 0 (contract 8.7).
  private mutating func checkPorts() {
    if audit.via?.port == 0 { addPortZero(.via) }
    if case .list(let contacts)? = audit.contacts, contacts.contains(where: { $0.uri.port == 0 }) { addPortZero(.contact) }
    if let routes = audit.recordRoutes, routes.contains(where: { $0.uri.port == 0 }) { addPortZero(.recordRoute) }
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

  mutating func checkResponse() { audit.cseq = check(.fatal) { (message) throws(SIPHeaderError) in try message.cseq() } }
}
