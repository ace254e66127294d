import SIPMessage
import SansIO

/// Makes the identifiers of one user agent in its style.
public struct IdentifierMint: Sendable {
  private let style: MessageStyle
  /// The magic cookie and what the product has behind it.
  private let branchStart: Bytes
  private var callIDs: Entropy
  private var tags: Entropy
  private var branches: Entropy
  private var sequences: Entropy
  private var waits: Entropy
  private var extras: Entropy
  /// Of what stays the same in all messages of a call: forked by its Call-ID, so nothing has to be kept.
  private let calls: Entropy
  private var counter: UInt32 = 0

  public init(style: MessageStyle, entropy: Entropy) {
    self.style = style
    branchStart = Bytes("z9hG4bK" + style.branchPrefix)
    callIDs = entropy.fork("call-id")
    tags = entropy.fork("tag")
    branches = entropy.fork("branch")
    sequences = entropy.fork("cseq")
    waits = entropy.fork("wait")
    extras = entropy.fork("headers")
    var seed = entropy.fork("calls")
    calls = Entropy(seed: seed.next())
  }

  public mutating func callID(host: String) -> String {
    let value = Self.identifier(style.callID, ip: host, &callIDs, &counter)
    return style.callIDHasHost ? "\(value)@\(host)" : value
  }

  public mutating func tag() -> String { Self.identifier(style.tag, ip: "", &tags, &counter) }

  /// A branch with RFC 3261's magic cookie (§8.1.1.7).
  public mutating func branch() -> Bytes {
    let start = branchStart
    guard case .hex(let count) = style.branch else {
      return Bytes(start.text + Self.identifier(style.branch, ip: "", &branches, &counter))
    }
    return Bytes(capacity: start.count + count) { output in
      output.append(start)
      branches.writeHex(count, to: &output)
    }
  }

  /// A random number for waits and Retry-After.
  public mutating func number(in range: ClosedRange<Int64>) -> Int64 { Int64.random(in: range, using: &waits) }

  public mutating func firstSequence(isOutside: Bool = false) -> UInt32 {
    switch isOutside ? style.firstSequenceOutside ?? style.firstSequence : style.firstSequence {
    case .fixed(let number): number
    case .random(let limit): UInt32.random(in: 1...max(1, limit), using: &sequences)
    }
  }

  /// A template filled in.
  public mutating func text(_ template: String) -> String { IdentifierTemplate(template).make(ip: "", &extras, &counter) }

  /// Whether ``appendHeaders(to:for:)`` has anything to add to any message.
  var hasHeaders: Bool { !style.headers.isEmpty }

  /// Adds the fields that this product has of its own.
  mutating func appendHeaders(to sink: inout some LineSink, for place: StyledHeader.Place) {
    for header in style.headers where header.belongs(to: place) {
      var entropy = header.isOfCall ? (place.callID.map { calls.fork("\($0)/\(header.name)") } ?? extras) : extras
      sink.line(HeaderName(header.name), header.text(place, entropy: &entropy, counter: &counter), separator: header.separator)
      if !header.isOfCall { extras = entropy }
    }
  }

  private static func identifier(
    _ form: MessageStyle.IdentifierForm, ip: String, _ entropy: inout Entropy, _ counter: inout UInt32
  ) -> String {
    switch form {
    case .template(let text): IdentifierTemplate(text).make(ip: ip, &entropy, &counter)
    case .hex(let count): entropy.hex(count)
    case .uuid: uuid(entropy.hex(32))
    }
  }

  static func uuid(_ hex: String) -> String {
    var digits = Array(hex.utf8)
    digits[12] = UInt8(ascii: "4")
    digits[16] = Array("89ab".utf8)[Int(digits[16] & 3)]
    let parts = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(decoding: digits[$0], as: UTF8.self) }
    return parts.joined(separator: "-")
  }
}
