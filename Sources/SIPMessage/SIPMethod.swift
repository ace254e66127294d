import SansIO

/// A request method (RFC 3261 §7.1); names are case-sensitive.
public enum SIPMethod: Hashable, Sendable {
  case invite, ack, bye, cancel, options, register, prack, update, info, refer, subscribe, notify, message, publish
  case other(String)

  public init(_ token: some StringProtocol) {
    self = Label.Word(token).flatMap(Self.known) ?? .other(String(token))
  }

  /// The method that these bytes name, without a `String` for those of the standards.
  init(_ span: Span<UInt8>, _ range: Range<Int>) {
    func isNamed(_ name: StaticString) -> Bool { Grammar.isEqual(span, range, name) }
    switch range.count {
    case 3 where isNamed("ACK"): self = .ack
    case 3 where isNamed("BYE"): self = .bye
    case 4 where isNamed("INFO"): self = .info
    case 5 where isNamed("PRACK"): self = .prack
    case 5 where isNamed("REFER"): self = .refer
    case 6 where isNamed("INVITE"): self = .invite
    case 6 where isNamed("CANCEL"): self = .cancel
    case 6 where isNamed("UPDATE"): self = .update
    case 6 where isNamed("NOTIFY"): self = .notify
    case 7 where isNamed("OPTIONS"): self = .options
    case 7 where isNamed("MESSAGE"): self = .message
    case 7 where isNamed("PUBLISH"): self = .publish
    case 8 where isNamed("REGISTER"): self = .register
    case 9 where isNamed("SUBSCRIBE"): self = .subscribe
    default: self = .other(Grammar.text(span, range))
    }
  }

  public var token: String {
    switch self {
    case .invite: "INVITE"
    case .ack: "ACK"
    case .bye: "BYE"
    case .cancel: "CANCEL"
    case .options: "OPTIONS"
    case .register: "REGISTER"
    case .prack: "PRACK"
    case .update: "UPDATE"
    case .info: "INFO"
    case .refer: "REFER"
    case .subscribe: "SUBSCRIBE"
    case .notify: "NOTIFY"
    case .message: "MESSAGE"
    case .publish: "PUBLISH"
    case .other(let token): token
    }
  }

  /// The methods of the standards the Lab knows.
  public static var standard: [SIPMethod] { all }

  static let all: [SIPMethod] = [
    .invite, .ack, .bye, .cancel, .options, .register, .prack, .update, .info, .refer, .subscribe, .notify, .message, .publish,
  ]

  /// The names as integers, in the order of ``all``.
  private static let words = all.map { Label.Word($0.token) ?? .unnamed }

  private static func known(_ word: Label.Word) -> SIPMethod? { words.firstIndex(of: word).map { all[$0] } }

  /// The method as packet labels know it; they do not keep the names of extension methods.
  public var label: Label.Word {
    number.map { Self.words[$0] } ?? .unnamed
  }

  /// The place in ``all``; nil for an extension method.
  private var number: Int? {
    switch self {
    case .invite: 0
    case .ack: 1
    case .bye: 2
    case .cancel: 3
    case .options: 4
    case .register: 5
    case .prack: 6
    case .update: 7
    case .info: 8
    case .refer: 9
    case .subscribe: 10
    case .notify: 11
    case .message: 12
    case .publish: 13
    case .other: nil
    }
  }
}

extension Label.Subject {
  public static func request(_ method: SIPMethod) -> Label.Subject { .request(method.label) }

  public static func response(status: UInt16, _ method: SIPMethod) -> Label.Subject { .response(status: status, method.label) }
}

extension SIPMethod: CustomStringConvertible, Codable {
  public var description: String { token }

  public init(from decoder: any Decoder) throws { self.init(try decoder.singleValueContainer().decode(String.self)) }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(token)
  }
}
