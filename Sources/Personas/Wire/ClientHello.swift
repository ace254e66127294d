import SansIO

/// What a wire member reads of a TLS ClientHello (RFC 8446 §4.1.2) that came in one record and one piece.
struct ClientHello: Hashable {
  /// `host_name` of the server_name extension (RFC 6066 §3); nil = the client names no server.
  var serverName: String?

  /// nil for bytes that do not begin with one.
  init?(_ bytes: Bytes) {
    var reader = HelloReader(bytes)
    // Record header: handshake, version, length; then client_hello and its length.
    guard reader.byte() == 22, reader.byte() == 3, reader.skip(3), reader.byte() == 1, reader.skip(3) else { return nil }
    // Version and random, then session id, cipher suites and compression methods.
    guard reader.skip(34), reader.skipVector(1), reader.skipVector(2), reader.skipVector(1), reader.number(2) != nil else { return }
    while let type = reader.number(2), let length = reader.number(2) {
      guard type == 0 else {
        guard reader.skip(length) else { return }
        continue
      }
      // A list of names, of which type 0 is host_name.
      guard reader.skip(2), reader.byte() == 0, let count = reader.number(2), let name = reader.take(count) else { return }
      serverName = name.text
      return
    }
  }
}

/// Reads forward, and says nil beyond the end.
private struct HelloReader {
  private let bytes: Bytes
  private var place = 0

  init(_ bytes: Bytes) { self.bytes = bytes }

  mutating func byte() -> Int? { number(1) }

  mutating func number(_ count: Int) -> Int? { take(count)?.reduce(0) { $0 << 8 | Int($1) } }

  mutating func skip(_ count: Int) -> Bool { take(count) != nil }

  /// A vector with its length before it.
  mutating func skipVector(_ lengthSize: Int) -> Bool { number(lengthSize).map { skip($0) } ?? false }

  mutating func take(_ count: Int) -> Bytes? {
    guard place + count <= bytes.count else { return nil }
    defer { place += count }
    return bytes.dropFirst(place).prefix(count)
  }
}
