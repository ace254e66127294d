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
    let word = Label.Word(count: range.count) { span[range.lowerBound + $0] }
    self = word.flatMap(Self.known) ?? .other(Grammar.text(span, range))
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
