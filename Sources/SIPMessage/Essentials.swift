import SansIO

/// What every floor above the parser needs of a message, read once when it arrives: offsets and numbers, no text (RFC 3261 §8.1.1, §17).
///
/// A field that is missing or cannot be read is nil; ``SIPMessage/audit()`` says what is wrong with it.
public struct Essentials: Sendable {
  public internal(set) var callID: ByteRange?
  /// The tag of From; nil when there is none (RFC 2543 peers).
  public internal(set) var fromTag: ByteRange?
  /// The tag of To; nil when there is none, as in a request outside a dialog.
  public internal(set) var toTag: ByteRange?
  public internal(set) var cseq: CSeq?
  public internal(set) var via: TopmostVia?
  /// More than one hop: wrong in a response that arrived (RFC 3261 §8.1.3.3).
  public internal(set) var hasSeveralVias = false
}

/// The hop that a message came from (RFC 3261 §18.2, RFC 3581).
public struct TopmostVia: Hashable, Sendable {
  /// The hop in full, without what follows it in a list.
  public internal(set) var element: ByteRange
  public internal(set) var host: ByteRange
  /// Of sent-by.
  public internal(set) var port: UInt16?
  public internal(set) var branch: ByteRange?
  /// ``ByteHash`` of the branch; 0 where there is none.
  public internal(set) var branchHash: UInt64
  /// Whether the branch identifies a transaction: it has the magic cookie and more (RFC 3261 §8.1.1.7).
  public internal(set) var hasTransactionBranch: Bool
  /// The sender asked for the port its request came from (RFC 3581), with or without a value filled in.
  public internal(set) var hasResponsePort: Bool
  public internal(set) var maddr: ByteRange?
}

/// FNV-1a over bytes, for tables that compare the bytes behind it.
public enum ByteHash {
  @inlinable
  public static func of(_ bytes: Bytes) -> UInt64 {
    bytes.withUnsafeBytes { buffer in
      var hash: UInt64 = 0xCBF2_9CE4_8422_2325
      for byte in buffer { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
      return hash
    }
  }
}

extension SIPMessage {
  /// Reads the ``Essentials``.
  public func essentials() -> Essentials {
    var result = Essentials()
    if (try? callID()) != nil { result.callID = slot(.callID)?.value }
    result.fromTag = tagRange(.from)
    result.toTag = tagRange(.to)
    result.cseq = try? cseq()
    result.via = topmostVia()
    result.hasSeveralVias = has(.via) && !hasOneVia && commaValues(.via).count > 1
    return result
  }

  private func slot(_ known: KnownHeader) -> Slot? {
    guard present.contains(known) else { return nil }
    return slots.first { $0.known == known }
  }

  private func tagRange(_ known: KnownHeader) -> ByteRange? {
    guard let value = slot(known)?.value else { return nil }
    return Self.tagRange(bytes[value.range]).map { ByteRange($0.lowerBound + Int(value.lower), $0.upperBound + Int(value.lower)) }
  }

  private func topmostVia() -> TopmostVia? {
    guard let value = slot(.via)?.value, let via = try? via() else { return nil }
    let end = bytes[value.range].withSpan { Grammar.elementEnd($0, 0, $0.count) }
    let element = ByteRange(Int(value.lower), Int(value.lower) + end)
    func place(_ text: String?) -> ByteRange? {
      guard let text, !text.isEmpty, let found = bytes.firstRange(of: text.utf8, in: element.range) else { return nil }
      return ByteRange(found.lowerBound, found.upperBound)
    }
    let branch = place(via.branch)
    return TopmostVia(
      element: element, host: place(via.host.text) ?? ByteRange(0, 0), port: via.port, branch: branch,
      branchHash: branch.map { ByteHash.of(bytes[$0.range]) } ?? 0, hasTransactionBranch: via.hasTransactionBranch,
      hasResponsePort: via.hasResponsePort, maddr: place(via.parameters["maddr"]))
  }
}

extension Bytes {
  fileprivate func firstRange(of text: String.UTF8View, in range: Range<Int>) -> Range<Int>? {
    let part = self[range]
    guard text.count <= part.count else { return nil }
    for start in 0...(part.count - text.count) where part[start..<start + text.count].elementsEqual(text) {
      return range.lowerBound + start..<range.lowerBound + start + text.count
    }
    return nil
  }
}
