import SansIO

/// What the two hellos say in clear (RFC 8446 §4.1, RFC 5246 §7.4.1).
public enum TLSHello {
  public struct Client {
    public var random: Bytes
    public var serverName: String?
    /// It offers to key SRTP (RFC 5764 §4.1.1).
    public var offersSRTP = false
  }

  public struct Server {
    public var random: Bytes
    public var cipherSuite: UInt16
    /// 0x0303 = TLS 1.2, 0x0304 = TLS 1.3.
    public var version: UInt16
    /// The profile by which SRTP is keyed, with the MKI that packets carry (RFC 5764 §4.1.1, §4.1.3).
    public var protection: (profile: UInt16, identifier: [UInt8])?
  }

  private static let useSRTP = UInt16(14)

  /// - Parameter isDatagram: of DTLS, with a cookie behind the session id (RFC 6347 §4.2.1).
  public static func client(_ body: Bytes, isDatagram: Bool = false) -> Client? {
    var cursor = Cursor(body)
    guard cursor.skip(2), let random = cursor.bytes(32), let session = cursor.byte(), cursor.skip(Int(session)) else { return nil }
    if isDatagram {
      guard let cookie = cursor.byte(), cursor.skip(Int(cookie)) else { return nil }
    }
    guard let suites = cursor.half(), cursor.skip(Int(suites)), let compressions = cursor.byte(), cursor.skip(Int(compressions)) else {
      return nil
    }
    var hello = Client(random: random.compacted())
    for (type, value) in extensions(&cursor) {
      if type == 0 { hello.serverName = serverName(value) }
      if type == useSRTP { hello.offersSRTP = true }
    }
    return hello
  }

  public static func server(_ body: Bytes) -> Server? {
    var cursor = Cursor(body)
    guard let version = cursor.half(), let random = cursor.bytes(32), let session = cursor.byte(), cursor.skip(Int(session)),
      let suite = cursor.half(), cursor.skip(1)
    else { return nil }
    var hello = Server(random: random.compacted(), cipherSuite: suite, version: version)
    for (type, value) in extensions(&cursor) {
      if type == 43, value.count == 2 { hello.version = UInt16(value[0]) << 8 | UInt16(value[1]) }
      if type == useSRTP { hello.protection = protection(value) }
    }
    return hello
  }

  /// One profile, and the MKI (RFC 5764 §4.1.1).
  private static func protection(_ value: Bytes) -> (profile: UInt16, identifier: [UInt8])? {
    var cursor = Cursor(value)
    guard cursor.half() == 2, let profile = cursor.half(), let length = cursor.byte(), let identifier = cursor.bytes(Int(length)) else {
      return nil
    }
    return (profile, identifier.array)
  }

  private static func extensions(_ cursor: inout Cursor) -> [(UInt16, Bytes)] {
    guard cursor.skip(2) else { return [] }
    var list: [(UInt16, Bytes)] = []
    while let type = cursor.half(), let length = cursor.half(), let value = cursor.bytes(Int(length)) { list.append((type, value)) }
    return list
  }

  /// The first host name of `server_name` (RFC 6066 §3).
  private static func serverName(_ value: Bytes) -> String? {
    var cursor = Cursor(value)
    guard cursor.skip(2), cursor.byte() == 0, let length = cursor.half(), let name = cursor.bytes(Int(length)) else { return nil }
    return name.text
  }

  private struct Cursor {
    private let all: Bytes
    private var position = 0

    public init(_ all: Bytes) { self.all = all }

    public mutating func bytes(_ count: Int) -> Bytes? {
      guard position + count <= all.count else { return nil }
      defer { position += count }
      return all[position..<position + count]
    }

    public mutating func skip(_ count: Int) -> Bool { bytes(count) != nil }
    public mutating func byte() -> UInt8? { bytes(1).map { $0[0] } }
    public mutating func half() -> UInt16? { bytes(2).map { UInt16($0[0]) << 8 | UInt16($0[1]) } }
  }
}
