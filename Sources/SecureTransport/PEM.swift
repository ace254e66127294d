/// Certificates or a private key in PEM armour (RFC 7468), as text.
///
/// It may hold a key, so it never shows its text by accident: descriptions, dumps and reflections tell only what kinds of blocks it has.
public struct PEM: Hashable, Sendable {
  /// The armoured text. Whoever reads this handles a secret where it is a key.
  public var text: String

  public init(_ text: String) { self.text = text }

  /// This text followed by `other`, as for a chain: leaf, then intermediates.
  public func followed(by other: PEM) -> PEM { PEM(text.hasSuffix("\n") ? text + other.text : text + "\n" + other.text) }
}

extension PEM: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String {
    let kinds = text.split(whereSeparator: \.isNewline).compactMap { line -> Substring? in
      guard line.hasPrefix("-----BEGIN "), line.hasSuffix("-----") else { return nil }
      return line.dropFirst(11).dropLast(5)
    }
    return kinds.isEmpty ? "PEM (no block)" : "PEM (\(kinds.joined(separator: ", ")))"
  }

  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: []) }
}
