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
    guard let branch else { return false }
    return branch.utf8.count > 7 && branch.hasPrefix(Self.magicCookie)
  }

  static func parse(_ bytes: Bytes) throws(SIPHeaderError) -> Via {
    let via = bytes.withSpan { span -> Via? in
      var position = 0
      return read(span, &position, span.count)
    }
    guard let via else {
      throw .malformed(.via, value: bytes.prefix(128).text, expected: "SIP/2.0/transport host;parameters (RFC 3261 §20.42)")
    }
    return via
  }

  /// Reads one hop up to a comma or the end.
  static func read(_ span: Span<UInt8>, _ position: inout Int, _ end: Int) -> Via? {
    guard let transport = readProtocol(span, &position, end) else { return nil }
    Grammar.skipWhite(span, &position, end)
    // White space may stand around the colon of the port (RFC 3261 §25.1, sent-by), unlike in a URI.
    guard let (host, port) = HostPort.read(span, &position, end, allowsSpace: true), let parameters = Parameters.read(span, &position, end)
    else { return nil }
    Grammar.skipWhite(span, &position, end)
    guard position == end || span[position] == .comma else { return nil }
    return Via(transport: transport, host: host, port: port, parameters: parameters)
  }

  /// `SIP / 2.0 / UDP`; the range of the transport.
  private static func readProtocol(_ span: Span<UInt8>, _ position: inout Int, _ end: Int) -> String? {
    var parts = 0
    var range = 0..<0
    while true {
      Grammar.skipWhite(span, &position, end)
      let start = position
      while position < end, Grammar.isToken(span[position]) { position += 1 }
      guard position > start else { return nil }
      range = start..<position
      parts += 1
      if parts == 3 { return Grammar.text(span, range) }
      Grammar.skipWhite(span, &position, end)
      guard position < end, span[position] == .slash else { return nil }
      position += 1
    }
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
