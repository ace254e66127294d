import SansIO

/// Answers of DNS (RFC 1035 §4.1) as a user agent needs them to find a server (RFC 3263): those that give it nothing.
public struct NameTable {
  public enum Kind: UInt16, Sendable {
    case a = 1, aaaa = 28, srv = 33, naptr = 35

    public var name: String {
      switch self {
      case .a: "A"
      case .aaaa: "AAAA"
      case .srv: "SRV"
      case .naptr: "NAPTR"
      }
    }
  }

  public enum Reason: Sendable {
    /// RCODE 3: there is no such name.
    case noSuchName
    /// The name has no record of this type.
    case noRecord
    /// RCODE 2 and 5.
    case serverFailure, refused
  }

  /// A question that was answered with nothing.
  public struct Miss: Sendable {
    public let name: String
    public let kind: Kind
    public let reason: Reason
    public let asker: IPAddress
    public let first: FrameStamp
    public internal(set) var count = 1

    /// `_sip._udp.example.com` is asked for by nothing but SIP (RFC 3263 §4.1).
    public var isOfSIP: Bool { kind == .srv && (name.hasPrefix("_sip.") || name.hasPrefix("_sips.")) }
    /// Of an SRV name without service and transport.
    public var domain: String { isOfSIP ? name.split(separator: ".").dropFirst(2).joined(separator: ".") : name }
  }

  public private(set) var misses: [Miss] = []
  /// Names that were answered with something.
  private var found: Set<String> = []
  private static let most = 256

  /// Whether something else of a domain was found: the name itself, or a server of another transport.
  public func hasOther(than miss: Miss) -> Bool { found.contains { $0 == miss.domain || $0.hasSuffix(".\(miss.domain)") } }

  mutating func take(_ message: Bytes, asker: IPAddress, _ stamp: FrameStamp) {
    guard message.count > 12, message[2] & 0xF8 == 0x80, half(message, 4) == 1, let (name, end) = Self.name(message),
      end + 4 <= message.count, let kind = Kind(rawValue: half(message, end))
    else { return }
    guard let reason = reason(message) else {
      if found.count < Self.most { found.insert(name) }
      return
    }
    if let known = misses.firstIndex(where: { $0.name == name && $0.kind == kind && $0.asker == asker }) {
      misses[known].count += 1
    } else if misses.count < Self.most {
      misses.append(Miss(name: name, kind: kind, reason: reason, asker: asker, first: stamp))
    }
  }

  mutating func release(before time: Int64) {
    if !misses.isEmpty { misses = misses.filter { $0.first.time > time } }
    if found.count >= Self.most { found = [] }
  }

  /// Nil where there is an answer.
  private func reason(_ message: Bytes) -> Reason? {
    switch message[3] & 15 {
    case 0: half(message, 6) == 0 ? .noRecord : nil
    case 3: .noSuchName
    case 5: .refused
    default: .serverFailure
    }
  }

  private func half(_ bytes: Bytes, _ place: Int) -> UInt16 { UInt16(bytes[place]) << 8 | UInt16(bytes[place + 1]) }

  /// The name of the question, in lower case, and where it ends. Nothing stands before it that it could point to (RFC 1035 §4.1.4).
  private static func name(_ message: Bytes) -> (String, Int)? {
    var (labels, position): ([String], Int) = ([], 12)
    while position < message.count, message[position] != 0 {
      let length = Int(message[position])
      guard length < 64, position + 1 + length < message.count, position < 268 else { return nil }
      let label = message[position + 1..<position + 1 + length]
      guard label.allSatisfy({ $0 > 32 && $0 < 127 && $0 != 46 }) else { return nil }
      labels.append(label.text.lowercased())
      position += 1 + length
    }
    guard position < message.count, !labels.isEmpty else { return nil }
    return (labels.joined(separator: "."), position + 1)
  }
}

extension NameTable.Reason: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noSuchName: "there is no such name (NXDOMAIN)"
    case .noRecord: "the name has no such record"
    case .serverFailure: "the server failed (SERVFAIL)"
    case .refused: "the server refused to answer"
    }
  }
}
