import SansIO

/// What becomes of one packet on a link.
public struct Passage: Hashable, Sendable {
  /// After how many nanoseconds it arrives; nil = never.
  public var first: Int64?
  /// The same of its copy; nil = there is none.
  public var second: Int64?
  /// Why it is lost, if it is.
  public var cause: LossCause
  /// It was held back, so that others overtake it.
  public var isHeldBack: Bool
  /// The bit of the payload that arrives flipped, modulo the payload's length.
  public var flippedBit: UInt32?

  public init(after delay: Int64) { (first, second, cause, isHeldBack, flippedBit) = (delay, nil, .random, false, nil) }

  private init(lost cause: LossCause) { (first, second, self.cause, isHeldBack, flippedBit) = (nil, nil, cause, false, nil) }

  public static func lost(_ cause: LossCause) -> Passage { Passage(lost: cause) }

  /// What the packet's record says.
  public var fate: Fate {
    guard first != nil else { return .lost(cause) }
    if flippedBit != nil { return .corrupted }
    if second != nil { return .duplicated }
    return isHeldBack ? .heldBack : .delivered
  }

  /// The payload with its flipped bit.
  public func damaged(_ payload: Bytes) -> Bytes {
    guard let flippedBit, !payload.isEmpty else { return payload }
    var octets = payload.array
    let bit = Int(flippedBit) % (octets.count * 8)
    octets[bit / 8] ^= 0x80 >> UInt8(bit % 8)
    return Bytes(octets)
  }
}

// MARK: - As text

extension Passage: CustomStringConvertible {
  /// `lost`, `lost, burst`, `21.5 ms`, `21.5 ms, again 30 ms`, `80 ms, held back`, `10 ms, bit 77`; read by ``parse(_:)``.
  public var description: String {
    guard let first else { return cause == .listed ? "lost" : "lost, \(cause)" }
    var text = Self.text(first)
    if let second { text += ", again \(Self.text(second))" }
    if isHeldBack { text += ", held back" }
    if let flippedBit { text += ", bit \(flippedBit)" }
    return text
  }

  /// Why a text is not what becomes of a packet.
  public struct Mistake: Error, Hashable {
    /// In the text, from 0.
    public var offset: Int
    public var reason: String
  }

  public static func parse(_ text: some StringProtocol) throws(Mistake) -> Passage {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    let words = parts.map { $0.split(separator: " ").joined(separator: " ") }
    func mistake(_ index: Int, _ reason: String) -> Mistake {
      let before = parts[..<index].reduce(0) { $0 + $1.count + 1 }
      return Mistake(offset: before + parts[index].prefix { $0 == " " }.count, reason: reason)
    }
    if words[0] == "lost" {
      guard words.count > 1 else { return .lost(.listed) }
      guard words.count == 2, let cause = LossCause.allCases.first(where: { "\($0.word)" == words[1] }) else {
        throw mistake(1, "'\(words[1])' is not one of \(LossCause.allCases.map { "\($0.word)" }.joined(separator: ", "))")
      }
      return .lost(cause)
    }
    guard let delay = time(words[0]) else { throw mistake(0, "'\(words[0])' is not 'lost' or a time such as '21.5 ms'") }
    var passage = Passage(after: delay)
    for (index, word) in words.enumerated().dropFirst() {
      if word == "held back" {
        passage.isHeldBack = true
      } else if word.hasPrefix("again "), let second = time(word.dropFirst(6)) {
        passage.second = second
      } else if word.hasPrefix("bit "), let bit = UInt32(word.dropFirst(4)) {
        passage.flippedBit = bit
      } else {
        throw mistake(index, "'\(word)' is not 'again' with a time, 'held back' or 'bit' with a number")
      }
    }
    return passage
  }

  private static let units: [(String, Int64)] = [("ns", 1), ("us", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000)]

  /// Exact to the nanosecond.
  static func time(_ text: some StringProtocol) -> Int64? {
    let text = String(text.filter { $0 != " " })
    if text == "0" { return 0 }
    for (unit, factor) in units where text.hasSuffix(unit) {
      let parts = text.dropLast(unit.count).split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
      guard let whole = parts.first, (1...9).contains(whole.count), whole.allSatisfy(\.isASCIIDigit), let number = Int64(whole) else {
        continue
      }
      var nanoseconds = number * factor
      guard parts.count == 2 else { return nanoseconds }
      guard (1...9).contains(parts[1].count), parts[1].allSatisfy(\.isASCIIDigit) else { return nil }
      var digit = factor
      for character in parts[1] {
        digit /= 10
        nanoseconds += digit * Int64(character.wholeNumberValue ?? 0)
      }
      return nanoseconds
    }
    return nil
  }

  /// In milliseconds.
  static func text(_ nanoseconds: Int64) -> String {
    let (whole, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000)
    guard rest != 0 else { return "\(whole) ms" }
    var digits = String(rest)
    digits = String(repeating: "0", count: 6 - digits.count) + digits
    while digits.hasSuffix("0") { digits.removeLast() }
    return "\(whole).\(digits) ms"
  }
}

extension Character {
  fileprivate var isASCIIDigit: Bool { isASCII && isNumber }
}
