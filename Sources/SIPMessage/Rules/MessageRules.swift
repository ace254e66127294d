import SansIO

extension SIPMessage {
  /// What is wrong with the header, in the order in which it is looked at; empty for a message as RFC 3261 wants it.
  ///
  /// Fatal is what leaves unknown to whom, in which dialog or transaction, or for whom a message is: RFC 3261 §8.1.1's fields missing,
  /// doubled or unreadable. What old or careless peers leave out without harm is tolerated (RFC 3261 §8.1.1, RFC 2543 peers; RFC 4475).
  public func faults() -> [MessageFault] {
    var checker = FaultChecker(message: self)
    checker.checkFields()
    if isRequest { checker.checkRequest() } else { checker.checkResponse() }
    return checker.faults
  }
}

private struct FaultChecker {
  let message: SIPMessage
  var faults: [MessageFault] = []
  /// A bit for each known field that is there.
  private var present: (UInt64, UInt64) = (0, 0)

  init(message: SIPMessage) {
    self.message = message
    for slot in message.slots {
      let number = slot.known.rawValue
      if number < 64 { present.0 |= 1 << UInt64(number) } else { present.1 |= 1 << UInt64(number - 64) }
    }
  }

  private func has(_ known: KnownHeader) -> Bool {
    let number = known.rawValue
    return (number < 64 ? present.0 >> UInt64(number) : present.1 >> UInt64(number - 64)) & 1 == 1
  }

  private mutating func add(_ weight: MessageFault.Weight, _ error: SIPHeaderError) { faults.append(MessageFault(weight, error)) }

  /// Runs a reader for its error alone.
  private mutating func check(_ weight: MessageFault.Weight, _ read: (SIPMessage) throws -> Void) {
    do { try read(message) } catch let error as SIPHeaderError { add(weight, error) } catch {}
  }

  // MARK: - What every message needs

  mutating func checkFields() {
    checkCount()
    check(.fatal) { _ = try $0.from() }
    check(.fatal) { _ = try $0.to() }
    check(.fatal) { _ = try $0.callID() }
    check(.fatal) { _ = try $0.vias() }
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
    if has(.contact) { check(.fatal) { _ = try $0.contacts() } }
    if has(.recordRoute) { check(.fatal) { _ = try $0.recordRoutes() } }
    if has(.route) { check(.fatal) { _ = try $0.routes() } }
  }

  /// Fields that nobody needs to carry a call, and Content-Type. Each is told once, however often it stands.
  private mutating func checkOptional() {
    if has(.date) { check(.tolerated) { _ = try $0.date() } }
    if has(.expires) { check(.tolerated) { _ = try $0.number(.expires) } }
    if has(.retryAfter) { check(.tolerated) { _ = try $0.retryAfter() } }
    if has(.timestamp) { check(.tolerated) { _ = try $0.timestamp() } }
    if has(.warning) { check(.tolerated) { _ = try $0.warnings() } }
    if has(.contentType) { check(.fatal) { _ = try $0.contentType() } }
  }

  // MARK: - Requests and responses

  mutating func checkRequest() {
    check(.fatal, Self.checkRequestURI)
    check(.fatal, Self.checkSequence)
    check(.fatal, Self.checkHops)
    if message.first(.maxForwards) == nil { add(.tolerated, .missing(.maxForwards)) }
    if let from = try? message.from(), from.tag == nil { add(.tolerated, .noTag) }
    if let via = try? message.via(), !via.hasTransactionBranch { add(.tolerated, .noBranch(via.branch)) }
  }

  private static func checkSequence(_ message: SIPMessage) throws(SIPHeaderError) {
    let cseq = try message.cseq()
    if let method = message.method, cseq.method != method { throw .methodMismatch(line: method, cseq: cseq.method) }
  }

  private static func checkHops(_ message: SIPMessage) throws(SIPHeaderError) {
    guard let value = message.first(.maxForwards) else { return }
    guard let hops = value.withSpan({ Grammar.number($0, 0..<$0.count) }), hops <= 255 else {
      throw .malformed(.maxForwards, value: value.prefix(32).text, expected: "a number from 0 to 255 (RFC 3261 §20.22)")
    }
  }

  private static func checkRequestURI(_ message: SIPMessage) throws(SIPHeaderError) {
    let uri = try message.requestURI()
    guard uri.headers.isEmpty else {
      throw .uri(value: message.requestURIBytes?.prefix(128).text ?? "", expected: "without headers, as a Request-URI has to be (RFC 3261 §19.1.1)")
    }
  }

  mutating func checkResponse() { check(.fatal) { _ = try $0.cseq() } }
}
