import SansIO
import SecureTransport

/// `record: { from: wire, to: kallglot, type: handshake, hex: "01 00" }`
struct RecordStep: FieldStep {
  static let keyword = "record"
  static let summary = """
    A wire member sends a TLS record as it stands here (RFC 8446 §5.1), in the clear and beside its own TLS: instead of its handshake, in \
    the middle of it, or between the records that TLS protects.
    """
  static let examples = [
    "record: { from: tls, to: kallglot, type: handshake, hex: \"01 00 00 00\" }",
    "record: { from: tls, to: kallglot, alert: user_canceled }",
    "record: { from: tls, to: kallglot, type: application_data, octets: 20000 }",
  ]

  /// The content types, by the names that RFC 8446 §5.1 gives them.
  private enum ContentType: String, CaseIterable, Sendable {
    case changeCipherSpec = "change_cipher_spec"
    case alert
    case handshake
    case applicationData = "application_data"

    var number: UInt8 {
      switch self {
      case .changeCipherSpec: 20
      case .alert: 21
      case .handshake: 22
      case .applicationData: 23
      }
    }
  }

  private static let from = Key.required("from", .wireMember, "Who sends.")
  private static let to = Key.required("to", .member, "To whose signalling port.")
  private static let type = Key.standard("type", ValueType<ContentType>.word, "handshake", "The content type.")
    .with(.key("hex"), .key("octets"))
  private static let hex = Key.optional("hex", .hexadecimal, "The content.")
  private static let octets = Key.optional("octets", .integer(0...65_000), "The content is so many octets of 0.")
  private static let alert = Key.optional("alert", .tlsAlert, "The content is this alert, a fatal one.")
  private static let version = Key.standard("version", .tlsVersion, "1.2", "The version in the record's header.")
  private static let length = Key.optional("length", .integer(0...65_535), "The length in the header, if not the true one.")
  static let mapping = MappingShape([from, to, type, hex, octets, alert, version, length], exactlyOneOf: [["hex", "octets", "alert"]])

  private let from: String
  private let to: String
  private let record: Bytes
  private let what: String

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (from, to) = (try fields[Self.from], try fields[Self.to])
    guard scope.scenario.member(from)?.transport != .udp else {
      throw (fields.place(of: Self.from) ?? fields.place).problem("\(from) is on UDP, which carries no TLS records")
    }
    var (type, content, what) = (try fields[Self.type], [UInt8](), "")
    if let alert = try fields[Self.alert] {
      (type, content, what) = (.alert, [2, alert.rawValue], "the alert \(alert)")
    } else if let written = try fields[Self.hex] {
      (content, what) = (written.array, "a record of type \(type.rawValue), \(CountText.of(written.count, "octet"))")
    } else if let count = try fields[Self.octets] {
      content = [UInt8](repeating: 0, count: count)
      what = "a record of type \(type.rawValue), \(CountText.of(count, "octet"))"
    }
    let length = try fields[Self.length] ?? content.count
    let version = try fields[Self.version].rawValue
    record = Bytes([type.number, UInt8(version >> 8), UInt8(version & 0xFF), UInt8(length >> 8), UInt8(length & 0xFF)] + content)
    self.what = what
  }

  var text: String { "\(from) sends to \(to) \(what), without TLS" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.forgetMessages(from)
    script.commands.append(.wire(from, .sendInClear(record, to: to)))
    return .done
  }
}

extension ValueType where Value == TLSVersion {
  static var tlsVersion: ValueType { .words([("1.0", .tls10), ("1.1", .tls11), ("1.2", .tls12), ("1.3", .tls13)]) }
}

extension ValueType where Value == TLSAlert {
  /// By the name that RFC 8446 §6 or RFC 5246 §7.2 gives it.
  static var tlsAlert: ValueType { .words(TLSAlert.named.map { ($0.name, $0) }) }
}
