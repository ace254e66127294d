import SIPMessage
import SansIO

/// How one product writes its SIP messages: everything that RFC 3261 leaves open and by which engineers recognise it in a trace.
///
/// The value says nothing about behaviour. `plain` writes what the RFC's own examples write.
public struct MessageStyle: Hashable, Sendable, Codable {
  /// The form of an identifier that only its owner reads: Call-ID, tag or branch.
  public enum IdentifierForm: Hashable, Sendable, Codable {
    /// So many hexadecimal digits.
    case hex(Int)
    /// 8-4-4-4-12 hexadecimal digits, a random UUID (RFC 9562 version 4).
    case uuid
    /// Text with places, see ``IdentifierTemplate``.
    case template(String)
  }

  /// The CSeq number of a dialog's first request.
  public enum FirstSequence: Hashable, Sendable, Codable {
    case fixed(UInt32)
    case random(upTo: UInt32)
  }

  /// The value of User-Agent in requests and Server in responses; nil = neither is written.
  public var product: String?
  /// Header names in the order of this product's requests; those not listed follow as built. Empty = RFC 3261's order.
  public var requestOrder: [String]
  public var responseOrder: [String]
  public var allow: [SIPMethod]
  public var supported: [String]
  /// `@host` after Call-IDs.
  public var callIDHasHost: Bool
  public var callID: IdentifierForm
  public var tag: IdentifierForm
  /// What follows the magic cookie, before the identifier: `"Pj"` for PJSIP.
  public var branchPrefix: String
  public var branch: IdentifierForm
  public var firstSequence: FirstSequence
  /// The user part of Contact; nil = that of From.
  public var contactUser: String?
  /// `;rport` before `;branch` in Via.
  public var rportBeforeBranch: Bool
  /// `;alias` in the Via of stream transports (RFC 5923).
  public var aliasOnStreams: Bool
  /// Header fields of every BYE of this product, as name and value: a Reason (RFC 3326).
  public var byeHeaders: [[String]] = []
  /// Header fields of its own.
  public var headers: [StyledHeader] = []
  public var optionsMaxForwards = 70
  /// The order of a 200 to a re-INVITE, where it differs.
  public var reinviteResponseOrder: [String] = []
  /// Responses have the user part in their Contact.
  public var answersWithContactUser = true
  /// A response that makes no dialog takes the request's branch as To tag.
  public var takesBranchAsTag = false
  /// Spaces between `Content-Length:` and the number, with a body and without.
  public var contentLengthSpaces: [Int]

  public static let plain = MessageStyle(
    product: "Kallglot Lab", requestOrder: [], responseOrder: [],
    allow: [.invite, .ack, .bye, .cancel, .options], supported: [], callIDHasHost: false, callID: .hex(32), tag: .hex(16),
    branchPrefix: "", branch: .hex(24), firstSequence: .fixed(1), contactUser: nil, rportBeforeBranch: false, aliasOnStreams: false,
    contentLengthSpaces: [1, 1])

  public init(
    product: String?, requestOrder: [String], responseOrder: [String], allow: [SIPMethod], supported: [String], callIDHasHost: Bool,
    callID: IdentifierForm, tag: IdentifierForm, branchPrefix: String, branch: IdentifierForm, firstSequence: FirstSequence,
    contactUser: String?, rportBeforeBranch: Bool, aliasOnStreams: Bool, contentLengthSpaces: [Int]
  ) {
    self.product = product
    self.requestOrder = requestOrder
    self.responseOrder = responseOrder
    self.allow = allow
    self.supported = supported
    self.callIDHasHost = callIDHasHost
    self.callID = callID
    self.tag = tag
    self.branchPrefix = branchPrefix
    self.branch = branch
    self.firstSequence = firstSequence
    self.contactUser = contactUser
    self.rportBeforeBranch = rportBeforeBranch
    self.aliasOnStreams = aliasOnStreams
    self.contentLengthSpaces = contentLengthSpaces
  }
}

extension MessageStyle {
  var byeFields: [MessageDraft.Field] { byeHeaders.filter { $0.count == 2 }.map { MessageDraft.Field(HeaderName($0[0]), $0[1]) } }
}

/// Makes the identifiers of one user agent in its style.
struct IdentifierMint: Sendable {
  private let style: MessageStyle
  private var callIDs: Entropy
  private var tags: Entropy
  private var branches: Entropy
  private var sequences: Entropy
  private var waits: Entropy
  private var extras: Entropy
  private var counter: UInt32 = 0

  init(style: MessageStyle, entropy: Entropy) {
    self.style = style
    callIDs = entropy.fork("call-id")
    tags = entropy.fork("tag")
    branches = entropy.fork("branch")
    sequences = entropy.fork("cseq")
    waits = entropy.fork("wait")
    extras = entropy.fork("headers")
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

  mutating func firstSequence() -> UInt32 {
    switch style.firstSequence {
    case .fixed(let number): number
    case .random(let limit): UInt32.random(in: 1...max(1, limit), using: &sequences)
    }
  }

  /// The fields that this product adds to a message.
  mutating func headers(of method: SIPMethod, isResponse: Bool, user: String, ip: String, unixSeconds: Int64) -> [MessageDraft.Field] {
    guard !style.headers.isEmpty else { return [] }
    let date = SIPDate.text(unixSeconds: unixSeconds)
    var fields: [MessageDraft.Field] = []
    for header in style.headers where (isResponse ? header.responses : header.requests).contains(method) {
      fields.append(header.field(user: user, ip: ip, date: date, entropy: &extras, counter: &counter))
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
