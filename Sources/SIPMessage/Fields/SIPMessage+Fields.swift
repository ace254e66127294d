import SansIO

// The header fields a call needs, as values (RFC 3261 §20). Each is read when asked for.
extension SIPMessage {
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
}
