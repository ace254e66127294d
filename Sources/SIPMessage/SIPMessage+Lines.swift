import SansIO

// Header fields for whoever copies them.
extension SIPMessage {
  /// The value of each field of a known name, in order; a folded one unfolded.
  public func forEachValue(_ known: KnownHeader, _ body: (Bytes) -> Void) {
    guard has(known) else { return }
    for slot in slots where slot.known == known { body(value(slot)) }
  }

  /// The value of the first field of a known name.
  public func value(_ known: KnownHeader) -> Bytes? { firstValue(known) }
}

extension KnownHeader {
  /// The known header of a name as it is in a message.
  public init(_ name: Bytes) { self = name.withSpan { KnownHeaderTable.lookUp($0, 0..<$0.count) } }
}
