import SIPMessage
import SansIO

/// Makes the identifiers of one user agent in its style.
struct IdentifierMint: Sendable {
  private let style: MessageStyle
  private var callIDs: Entropy
  private var tags: Entropy
  private var branches: Entropy
  private var sequences: Entropy
  private var waits: Entropy
  private var extras: Entropy
  /// Of what stays the same in all messages of a call: forked by its Call-ID, so nothing has to be kept.
  private let calls: Entropy
  private var counter: UInt32 = 0

  init(style: MessageStyle, entropy: Entropy) {
    self.style = style
    callIDs = entropy.fork("call-id")
    tags = entropy.fork("tag")
    branches = entropy.fork("branch")
    sequences = entropy.fork("cseq")
    waits = entropy.fork("wait")
    extras = entropy.fork("headers")
    var seed = entropy.fork("calls")
    calls = Entropy(seed: seed.next())
  }

  mutating func callID(host: String) -> String {
    let value = Self.identifier(style.callID, ip: host, &callIDs, &counter)
    return style.callIDHasHost ? "\(value)@\(host)" : value
  }

  mutating func tag() -> String { Self.identifier(style.tag, ip: "", &tags, &counter) }

  /// A branch with RFC 3261's magic cookie (§8.1.1.7).
  mutating func branch() -> String { "z9hG4bK" + style.branchPrefix + Self.identifier(style.branch, ip: "", &branches, &counter) }

  /// A random number for waits and Retry-After.
  mutating func number(in range: ClosedRange<Int64>) -> Int64 { Int64.random(in: range, using: &waits) }

  mutating func firstSequence(isOutside: Bool = false) -> UInt32 {
    switch isOutside ? style.firstSequenceOutside ?? style.firstSequence : style.firstSequence {
    case .fixed(let number): number
    case .random(let limit): UInt32.random(in: 1...max(1, limit), using: &sequences)
    }
  }

  /// A template filled in.
  mutating func text(_ template: String) -> String { IdentifierTemplate(template).make(ip: "", &extras, &counter) }

  /// The fields that this product adds to a message.
  mutating func headers(for place: StyledHeader.Place) -> [MessageDraft.Field] {
    var fields: [MessageDraft.Field] = []
    for header in style.headers where header.belongs(to: place) && !style.withheld.headers.contains(header.name) {
      var entropy = header.isOfCall ? calls.fork("\(place.callID)/\(header.name)") : extras
      fields.append(header.field(place, entropy: &entropy, counter: &counter))
      if !header.isOfCall { extras = entropy }
    }
    return fields
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
