import SRTP
import SansIO

/// The secrets of TLS and DTLS sessions by client random: what an SSLKEYLOGFILE or a Decryption Secrets Block holds (RFC 9850).
///
/// A comment `# SRTP 192.0.2.20:10000 1 AES_CM_128_HMAC_SHA1_80 inline:…` gives the key by which that place sends, in the words of a
/// crypto attribute (RFC 4568 §9.1); other readers pass over it (RFC 9850 §2).
///
/// It grows while a capture is read, and never describes itself.
public final class KeyLog: CustomStringConvertible {
  /// By client random; a session has six of them.
  @exclusivity(unchecked) private var secrets: [Bytes: [(label: String, secret: Bytes)]] = [:]
  /// In the order they came, where only some are kept.
  @exclusivity(unchecked) private var order: [Bytes] = []
  private static let mostSessions = 8_192
  /// Of sessions without an end only the newest are kept.
  @exclusivity(unchecked) var keepsSome = false
  /// Keys of SRTP that were given by their sender's place, in the order they came.
  @exclusivity(unchecked) private var mediaKeys: [TransportAddress: [SRTPKeys]] = [:]
  private static let (mostPlaces, mostKeys) = (8_192, 8)
  /// Grows with every line.
  @exclusivity(unchecked) private(set) var generation = 0
  /// Secrets come behind the packets that need them, as a host logs them: while it reads what it was sent.
  @exclusivity(unchecked) public internal(set) var followsPackets = false

  public init() {}

  public var count: Int { secrets.reduce(0) { $0 + $1.value.count } }
  public var description: String { "\(count) TLS secrets" }
  var hasMediaKeys: Bool { !mediaKeys.isEmpty }
  /// It holds neither secrets nor keys.
  public var isEmpty: Bool { secrets.isEmpty && mediaKeys.isEmpty }

  /// Takes lines `LABEL client-random secret`; lines of another form are passed over.
  public func add(_ text: Bytes) {
    for line in text.split(whereSeparator: { $0 == 10 || $0 == 13 }) {
      switch KeyLogEntry(line) {
      case .secret(let label, let random, let secret): add(label, random, secret)
      case .media(let place, let keys): add(place, keys)
      case .comment, .mistake: continue
      }
      generation += 1
    }
  }

  private func add(_ place: TransportAddress, _ keys: SRTPKeys) {
    guard mediaKeys.count < Self.mostPlaces || mediaKeys[place] != nil, mediaKeys[place]?.contains(keys) != true else { return }
    mediaKeys[place, default: []].append(keys)
    if mediaKeys[place, default: []].count > Self.mostKeys { mediaKeys[place]?.removeFirst() }
  }

  /// Whether it has a secret of this session.
  public func hasSecrets(_ random: Bytes) -> Bool { secrets[random] != nil }

  /// The keys by which a place sends, the newest first.
  func mediaKeys(from place: TransportAddress) -> [SRTPKeys] { mediaKeys[place]?.reversed() ?? [] }

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
}
