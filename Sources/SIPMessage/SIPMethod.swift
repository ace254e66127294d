import SansIO

/// A request method (RFC 3261 §7.1); names are case-sensitive.
public enum SIPMethod: Hashable, Sendable {
  case invite, ack, bye, cancel, options, register, prack, update, info, refer, subscribe, notify, message, publish
  case other(String)

  public init(_ token: some StringProtocol) {
    let token = String(token)
    // Short strings compare as two words: quicker than a hash of any of them.
    self = Self.all.first { $0.token == token } ?? .other(token)
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

  /// The method as packet labels know it.
  public var label: Label.Method {
    switch self {
    case .invite: .invite
    case .ack: .ack
    case .bye: .bye
    case .cancel: .cancel
    case .options: .options
    case .register: .register
    case .prack: .prack
    case .update: .update
    case .info: .info
    case .refer: .refer
    case .subscribe: .subscribe
    case .notify: .notify
    case .message: .message
    case .publish: .publish
    case .other: .other
    }
  }
}

extension SIPMethod: CustomStringConvertible, Codable {
  public var description: String { token }

  public init(from decoder: any Decoder) throws { self.init(try decoder.singleValueContainer().decode(String.self)) }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(token)
  }
}
