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

  init(_ via: Via, _ message: SIPMessage) {
    (host, port, hasResponsePort) = (via.host, via.port, via.hasResponsePort)
    hasMaddr = via.parameters.contains("maddr")
    lower = Self.lower(message)
  }

  /// Of a message; empty where one cannot be read.
  public static func lower(_ message: SIPMessage) -> [String] {
    guard !message.hasOneVia, message.commaValues(.via).count > 1, let vias = try? message.vias() else { return [] }
    return vias.dropFirst().map { "\($0.host) \($0.branch ?? "")" }
  }
}

extension SIPMessage {
  /// The first Contact's URI as text; nil when there is none, or it cannot be read.
  var firstContact: String? { has(.contact) ? usableContacts.first?.uri.description : nil }
}
