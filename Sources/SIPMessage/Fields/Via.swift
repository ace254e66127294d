import SansIO

/// One hop of the path a request took (RFC 3261 §20.42).
public struct Via: Hashable, Sendable {
  /// `UDP`, `TCP`, `TLS`, …, as written.
  public var transport: String
  public var host: SIPHost
  public var port: UInt16?
  public var parameters: Parameters

  public var branch: String? { parameters["branch"] }
  public var received: String? { parameters["received"] }
  /// Whether the sender asked for the port its request came from (RFC 3581), with or without a value filled in.
  public var hasResponsePort: Bool { parameters.contains("rport") }

  public static let magicCookie = "z9hG4bK"
  /// Whether the branch identifies a transaction; the cookie alone does not (RFC 3261 §8.1.1.7, RFC 4475 §3.2.1).
  public var hasTransactionBranch: Bool {
    branch.map(Self.isTransactionBranch) ?? false
  }

  static func isTransactionBranch(_ branch: String) -> Bool {
    branch.utf8.count > magicCookie.utf8.count && branch.utf8.starts(with: magicCookie.utf8)
  }

  static func parse(_ bytes: Bytes) throws(SIPHeaderError) -> Via {
    let via = bytes.withSpan { read($0) }
    guard let via else {
      throw .malformed(.via, value: bytes.prefix(128).text, expected: "SIP/2.0/transport host;parameters (RFC 3261 §20.42)")
    }
    return via
  }
}

extension Via: CustomStringConvertible {
  /// Reads one hop.
  public init(parsing text: String) throws(SIPHeaderError) { self = try Self.parse(Bytes(text)) }

  public var description: String { "SIP/2.0/\(transport) \(host)\(port.map { ":\($0)" } ?? "")\(parameters)" }
}

/// CSeq (RFC 3261 §20.16).
public struct CSeq: Hashable, Sendable {
  public var number: UInt32
  public var method: SIPMethod

  public init(number: UInt32, method: SIPMethod) {
    self.number = number
    self.method = method
  }
}

extension CSeq: CustomStringConvertible {
  public var description: String { "\(number) \(method.token)" }
}
