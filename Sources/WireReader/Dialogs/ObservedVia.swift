import SIPMessage
import SansIO

/// The Vias of a request: where its sender asks for the answer, and whose request it forwards.
public struct ObservedVia: Hashable {
  public var host: SIPHost
  public var port: UInt16?
  /// It asks for an answer to the port that it comes from (RFC 3581 §3).
  public var hasResponsePort: Bool
  /// It asks for an answer to another address (RFC 3261 §18.2.2).
  public var hasMaddr: Bool
  /// Those below the topmost one: host and branch.
  public var lower: [String]

  /// Nil where the topmost one is missing or cannot be read.
  init?(_ message: ObservedMessage) {
    if let top = message.top {
      host = top.address.map(SIPHost.address) ?? .name(message.message.text(top.host))
      (port, hasResponsePort, hasMaddr) = (top.port, top.hasResponsePort, top.hasMulticastAddress)
    } else {
      guard let via = message.via else { return nil }
      (host, port, hasResponsePort, hasMaddr) = (via.host, via.port, via.hasResponsePort, via.parameters.contains("maddr"))
    }
    lower = Self.lower(message.message)
  }

  /// Of a message; empty where one cannot be read.
  public static func lower(_ message: SIPMessage) -> [String] {
    guard !message.hasOneVia, message.commaValues(.via).count > 1, let vias = try? message.vias() else { return [] }
    return vias.dropFirst().map { "\($0.host) \($0.branch ?? "")" }
  }
}

extension ObservedMessage {
  /// Where the sender of a response says that its request came from: `received` and `rport` of its topmost Via (RFC 3261 §18.2.1, RFC 3581
  /// §4); nil where that cannot be read.
  public var answeredVia: (received: String?, responsePort: String?)? {
    if let top { return (top.received.map(message.text), top.responsePort.map(message.text)) }
    return via.map { ($0.received, $0.parameters["rport"]) }
  }
}
