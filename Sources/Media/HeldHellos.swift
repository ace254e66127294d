import SansIO

/// ClientHellos for which there is no association yet: their sender knows both descriptions already, and the one that is missing here is on
/// its way (RFC 5763 §5). They are kept for the association that it brings, which saves a second until they are repeated.
struct HeldHellos: Sendable {
  private struct Hello: Sendable {
    var port: PortID
    var source: TransportAddress
    var bytes: Bytes
    var at: Instant
  }

  static let limit = 8
  /// Its sender waits no longer either.
  static let lifetime: Duration = .seconds(10)

  private var hellos: [Hello] = []

  /// Whether a datagram begins with a ClientHello in clear, or with a fragment of one (RFC 6347 §4.1, §4.2.2).
  static func isHello(_ datagram: Bytes) -> Bool {
    datagram.count >= 25 && datagram[0] == 22 && datagram[3] == 0 && datagram[4] == 0 && datagram[13] == 1
  }

  /// The random number of a hello, or of its first fragment; nil for anything else (RFC 6347 §4.2.1).
  static func clientRandom(_ datagram: Bytes) -> Bytes? {
    guard datagram.count >= 59, isHello(datagram) else { return nil }
    return datagram[19..<22].allSatisfy { $0 == 0 } ? datagram[27..<59] : nil
  }

  /// Keeps a hello; of each place the newest one.
  mutating func keep(_ datagram: Bytes, on port: PortID, from source: TransportAddress, at now: Instant) {
    guard Self.isHello(datagram) else { return }
    hellos.removeAll { now > $0.at.advanced(by: Self.lifetime) }
    let random = Self.clientRandom(datagram)
    let known = hellos.lazy.filter { $0.port == port && $0.source == source }.compactMap { Self.clientRandom($0.bytes) }.first
    // It comes again with another number of its record, or another one begins.
    let isAnother = random != nil && known != nil && known != random
    hellos.removeAll { old in
      old.port == port && old.source == source && (isAnother || old.bytes.dropFirst(13) == datagram.dropFirst(13))
    }
    guard hellos.count < Self.limit else { return }
    hellos.append(Hello(port: port, source: source, bytes: datagram.compacted(), at: now))
  }

  /// Takes out those of a port: what came from where the peer says that it is, otherwise what came from elsewhere, as behind a NAT.
  mutating func take(on port: PortID, from place: TransportAddress, at now: Instant) -> [(source: TransportAddress, bytes: Bytes)] {
    guard !hellos.isEmpty else { return [] }
    let found = hellos.filter { $0.port == port && now <= $0.at.advanced(by: Self.lifetime) }
    hellos.removeAll { $0.port == port }
    let own = found.filter { $0.source == place }
    return (own.isEmpty ? found : own).map { ($0.source, $0.bytes) }
  }

  /// Takes out those of a port that came from one place.
  mutating func take(on port: PortID, only place: TransportAddress, at now: Instant) -> [Bytes] {
    guard !hellos.isEmpty else { return [] }
    let found = hellos.filter { $0.port == port && $0.source == place && now <= $0.at.advanced(by: Self.lifetime) }
    hellos.removeAll { $0.port == port && $0.source == place }
    return found.map(\.bytes)
  }
}
