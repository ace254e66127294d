import SansIO

/// A SIP message as it came: its bytes, and where its parts stand in them (RFC 3261 §7).
///
/// Parsing finds the lines and no more: each header field is a slot of offsets into the bytes, so spelling, order and spacing stay as the
/// peer wrote them and nothing is copied. Typed values (``via()``, ``from()``, …) are read when asked for.
public struct SIPMessage: Sendable {
  /// Where one header field stands.
  struct Slot: Sendable {
    var known: KnownHeader
    /// The value goes over several lines (RFC 3261 §7.3.1).
    var isFolded: Bool
    var name: ByteRange
    var value: ByteRange
  }

  enum StartLine: Sendable {
    case request(SIPMethod, uri: ByteRange)
    case response(status: UInt16, reason: ByteRange)
  }

  /// The slots of the fields that everybody asks for: of each the first, as its place among all slots.
  struct Landmarks: Sendable {
    private(set) var via = -1
    private(set) var from = -1
    private(set) var to = -1
    private(set) var callID = -1
    private(set) var cseq = -1
    private(set) var viaCount = 0

    @inline(__always)
    mutating func note(_ known: KnownHeader, at place: Int) {
      switch known {
      case .via:
        if via < 0 { via = place }
        viaCount += 1
      case .from: if from < 0 { from = place }
      case .to: if to < 0 { to = place }
      case .callID: if callID < 0 { callID = place }
      case .cseq: if cseq < 0 { cseq = place }
      default: break
      }
    }
  }

  /// What parsing found, once for all copies of a message.
  private final class Content: Sendable {
    let bytes: Bytes
    let startLine: StartLine
    let slots: ContiguousArray<Slot>
    let present: KnownHeaderSet
    let landmarks: Landmarks
    let bodyRange: ByteRange

    init(
      _ bytes: Bytes, _ startLine: StartLine, _ slots: ContiguousArray<Slot>, _ present: KnownHeaderSet, _ landmarks: Landmarks,
      _ bodyRange: ByteRange
    ) {
      (self.bytes, self.startLine, self.slots, self.present) = (bytes, startLine, slots, present)
      (self.landmarks, self.bodyRange) = (landmarks, bodyRange)
    }
  }

  private let content: Content

  init(
    bytes: Bytes, startLine: StartLine, slots: ContiguousArray<Slot>, present: KnownHeaderSet, landmarks: Landmarks, bodyRange: ByteRange
  ) {
    content = Content(bytes, startLine, slots, present, landmarks, bodyRange)
  }

  /// The whole message, from the start line to the end of the body.
  public var bytes: Bytes { content.bytes }
  var startLine: StartLine { content.startLine }
  var slots: ContiguousArray<Slot> { content.slots }
  /// Which known fields are there.
  var present: KnownHeaderSet { content.present }
  var landmarks: Landmarks { content.landmarks }
  var bodyRange: ByteRange { content.bodyRange }

  // MARK: - Start line

  public var isRequest: Bool { if case .request = startLine { true } else { false } }

  /// nil for a response.
  public var method: SIPMethod? { if case .request(let method, _) = startLine { method } else { nil } }

  /// nil for a request.
  public var status: Int? { if case .response(let status, _) = startLine { Int(status) } else { nil } }

  /// The method or the status code: what a list of messages calls it.
  public var name: String {
    switch startLine {
    case .request(let method, _): method.token
    case .response(let status, _): "\(status)"
    }
  }

  /// The text behind the status code; nil for a request.
  public var reasonPhrase: Bytes? { if case .response(_, let reason) = startLine { bytes[reason.range] } else { nil } }

  /// Where it is; nil for a request.
  public var reasonPhraseRange: ByteRange? { if case .response(_, let reason) = startLine { reason } else { nil } }

  /// The first line as it came.
  public var startLineText: String { bytes[0..<(bytes.firstIndex { $0 == .carriageReturn || $0 == .lineFeed } ?? bytes.count)].text }

  /// Where the Request-URI stands; nil for a response.
  public var requestURIRange: ByteRange? { if case .request(_, let uri) = startLine { uri } else { nil } }

  /// The Request-URI as written; nil for a response.
  public var requestURIBytes: Bytes? { requestURIRange.map { self[$0] } }

  public var body: Bytes { bytes[bodyRange.range] }

  /// A part of the message; ranges come from ``Essentials``.
  public subscript(part: ByteRange) -> Bytes { bytes[part.range] }

  // MARK: - Header fields

  /// One header field as it was written.
  public struct Field: Sendable {
    public var name: Bytes
    public var known: KnownHeader
    /// Without the white space around it; continuation lines joined by one space.
    public var value: Bytes
  }

  public var fieldCount: Int { slots.count }

  /// Whether a field of this name is there, in O(1).
  public func has(_ known: KnownHeader) -> Bool { present.contains(known) }

  /// All header fields in their order.
  public var fields: [Field] {
    slots.map { Field(name: bytes[$0.name.range], known: $0.known, value: value($0)) }
  }

  /// The value of the first field of this name.
  public func first(_ name: HeaderName) -> Bytes? {
    guard present.contains(name.known) else { return nil }
    for slot in slots where matches(slot, name) { return value(slot) }
    return nil
  }

  /// The values of all fields of this name, one for each line.
  public func all(_ name: HeaderName) -> [Bytes] {
    var values: [Bytes] = []
    guard present.contains(name.known) else { return values }
    for slot in slots where matches(slot, name) { values.append(value(slot)) }
    return values
  }

  /// The elements of all fields of this name; a comma between elements and a new line mean the same (RFC 3261 §7.3.1).
  public func commaValues(_ name: HeaderName) -> [Bytes] {
    var values: [Bytes] = []
    guard present.contains(name.known) else { return values }
    for slot in slots where matches(slot, name) { Grammar.splitAtCommas(value(slot), into: &values) }
    return values
  }

  /// The value of each field of a known name, in order; a folded one unfolded.
  public func forEachValue(_ known: KnownHeader, _ body: (Bytes) -> Void) {
    guard has(known) else { return }
    for slot in slots where slot.known == known { body(value(slot)) }
  }

  /// The value of the first field of a known name.
  public func value(_ known: KnownHeader) -> Bytes? { firstValue(known) }

  func firstValue(_ known: KnownHeader) -> Bytes? {
    guard present.contains(known) else { return nil }
    for slot in slots where slot.known == known { return value(slot) }
    return nil
  }

  /// The slot at a landmark; nil where there is none.
  func slot(at landmark: Int) -> Slot? { landmark < 0 ? nil : slots[landmark] }

  private func matches(_ slot: Slot, _ name: HeaderName) -> Bool {
    guard slot.known == name.known else { return false }
    return slot.known != .other || bytes.withSpan { name.isWritten($0, slot.name.range) }
  }

  func value(_ slot: Slot) -> Bytes {
    let value = bytes[slot.value.range]
    return slot.isFolded ? Self.unfolded(value) : value
  }

  /// A line end and the white space that follows it count as one space (RFC 3261 §7.3.1).
  static func unfolded(_ value: Bytes) -> Bytes {
    var result: [UInt8] = []
    result.reserveCapacity(value.count)
    var isBreaking = false
    for byte in value {
      if byte == .carriageReturn || byte == .lineFeed {
        isBreaking = true
      } else if isBreaking, byte == .space || byte == .tab {
        continue
      } else {
        if isBreaking {
          while result.last == .space || result.last == .tab { result.removeLast() }
          result.append(.space)
        }
        isBreaking = false
        result.append(byte)
      }
    }
    return Bytes(result)
  }
}

extension SIPMessage: CustomStringConvertible {
  /// `INVITE sip:…` or `200 OK`, for logs; never the header, which may hold credentials.
  public var description: String {
    switch startLine {
    case .request(let method, let uri): "\(method.token) \(bytes[uri.range].text)"
    case .response(let status, let reason): "\(status) \(bytes[reason.range].text)"
    }
  }
}

extension UInt8 {
  static let space = UInt8(ascii: " ")
  static let tab = UInt8(ascii: "\t")
  static let carriageReturn = UInt8(ascii: "\r")
  static let lineFeed = UInt8(ascii: "\n")
  static let colon = UInt8(ascii: ":")
  static let comma = UInt8(ascii: ",")
  static let semicolon = UInt8(ascii: ";")
  static let quote = UInt8(ascii: "\"")
  static let backslash = UInt8(ascii: "\\")
  static let less = UInt8(ascii: "<")
  static let greater = UInt8(ascii: ">")
  static let equals = UInt8(ascii: "=")
  static let at = UInt8(ascii: "@")
  static let slash = UInt8(ascii: "/")
  static let question = UInt8(ascii: "?")
  static let ampersand = UInt8(ascii: "&")
  static let openBracket = UInt8(ascii: "[")
  static let closeBracket = UInt8(ascii: "]")
}
