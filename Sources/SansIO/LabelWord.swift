extension Label {
  /// A word of a protocol, such as the name of a request method, in one integer: at most ten of the characters from `!` to `_`, which have
  /// six bits each, the first in the lowest.
  public struct Word: Hashable, Sendable {
    @usableFromInline let code: UInt64

    /// For a name that no label keeps.
    public static let unnamed: Word = "?"

    /// - Returns: nil for what does not fit.
    @inlinable
    public init?(count: Int, _ character: (Int) -> UInt8) {
      guard (1...10).contains(count) else { return nil }
      var code: UInt64 = 0
      for index in 0..<count {
        let character = character(index)
        guard character > 0x20, character < 0x60 else { return nil }
        code |= UInt64(character &- 0x20) &<< UInt64(6 &* index)
      }
      self.code = code
    }

    @inlinable
    public init?(_ text: some StringProtocol) {
      let text = Array(text.utf8)
      self.init(count: text.count) { text[$0] }
    }

    /// The ASCII characters, in their order.
    @inlinable @inline(__always)
    public func forEach(_ body: (UInt8) -> Void) {
      var rest = code
      while rest != 0 {
        body(UInt8(truncatingIfNeeded: rest & 63) &+ 0x20)
        rest &>>= 6
      }
    }
  }
}

extension Label.Word: ExpressibleByStringLiteral, CustomStringConvertible {
  /// Words that do not fit are a mistake in the code.
  public init(stringLiteral text: StaticString) {
    let word = text.withUTF8Buffer { buffer in Label.Word(count: buffer.count) { buffer[$0] } }
    precondition(word != nil, "\(text) is not a word of one to ten capital letters, digits and signs")
    self = word ?? .unnamed
  }

  public var description: String {
    var text = ""
    forEach { text.unicodeScalars.append(Unicode.Scalar($0)) }
    return text
  }
}
