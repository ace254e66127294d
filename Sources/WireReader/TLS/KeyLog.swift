import SansIO

/// The secrets of TLS sessions by client random: what an SSLKEYLOGFILE or a Decryption Secrets Block holds (RFC 9850).
///
/// It grows while a capture is read, and never describes itself.
public final class KeyLog: CustomStringConvertible {
  /// By client random; a session has six of them.
  private var secrets: [Bytes: [(label: String, secret: Bytes)]] = [:]
  /// In the order they came, where only some are kept.
  private var order: [Bytes] = []
  private static let mostSessions = 8_192
  /// Of sessions without an end only the newest are kept.
  var keepsSome = false
  /// Secrets come behind the packets that need them, as a host logs them: while it reads what it was sent.
  public internal(set) var followsPackets = false

  public init() {}

  public var count: Int { secrets.reduce(0) { $0 + $1.value.count } }
  public var description: String { "\(count) TLS secrets" }

  /// Takes lines `LABEL client-random secret`; lines of another form are passed over.
  public func add(_ text: Bytes) {
    for line in text.split(whereSeparator: { $0 == 10 || $0 == 13 }) {
      let parts = line.split(separator: 32)
      guard parts.count == 3, let random = Self.hex(parts[1]), let secret = Self.hex(parts[2]) else { continue }
      add(parts[0].text, random, secret)
    }
  }

  private func add(_ label: String, _ random: Bytes, _ secret: Bytes) {
    if keepsSome, secrets[random] == nil {
      order.append(random)
      if order.count > Self.mostSessions {
        for old in order.prefix(Self.mostSessions / 2) { secrets[old] = nil }
        order.removeFirst(Self.mostSessions / 2)
      }
    }
    if let known = secrets[random]?.firstIndex(where: { $0.label == label }) {
      secrets[random]?[known].secret = secret
    } else {
      secrets[random, default: []].append((label, secret))
    }
  }

  public func secret(_ label: String, _ random: Bytes) -> Bytes? { secrets[random]?.first { $0.label == label }?.secret }

  /// A session is over.
  func forget(_ random: Bytes) {
    secrets[random] = nil
    order.removeAll { $0 == random }
  }

  private static func hex(_ digits: Bytes) -> Bytes? {
    guard digits.count % 2 == 0, !digits.isEmpty else { return nil }
    var result: [UInt8] = []
    result.reserveCapacity(digits.count / 2)
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let high = nibble(digits[index]), let low = nibble(digits[index + 1]) else { return nil }
      result.append(high << 4 | low)
    }
    return Bytes(result)
  }

  private static func nibble(_ digit: UInt8) -> UInt8? {
    switch digit {
    case 48...57: digit - 48
    case 65...70: digit - 55
    case 97...102: digit - 87
    default: nil
    }
  }
}
