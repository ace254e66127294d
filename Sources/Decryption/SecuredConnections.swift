import Capture
import SansIO
import WireReader

/// Which TCP connections of a capture carry TLS whose secrets are known, by their order in it.
///
/// That a connection is TLS shows only when its ClientHello is whole, which may take many segments. Their frames hold nothing in a twin, so
/// it has to be known before the first of them is written.
struct SecuredConnections {
  /// One bit for each: a capture may have a million.
  private var words: [UInt64] = []

  /// Reads the TCP of a capture. One that breaks off gives what it has.
  init(_ source: CaptureSource, _ keyLog: KeyLog) throws(CaptureReadError) {
    guard !keyLog.isEmpty else { return }
    let clearText = ClearText()
    let tcp = PassiveReader(path: "", keyLog: keyLog, clearText: clearText)
    var reader = try source.open()
    do {
      while let item = try reader.next() {
        switch item {
        case .interface(let interface): tcp.take(interface)
        case .packet(let packet) where Self.mayBeTCP(packet):
          _ = tcp.take(packet)
          if let number = clearText.connection, clearText.pieces.contains(where: \.hasSecrets) { insert(number) }
        case .packet, .secrets, .statistics, .other: break
        }
      }
    } catch { return }
  }

  private static func mayBeTCP(_ packet: CapturedPacket) -> Bool {
    switch PacketDecoder.decode(packet) {
    case .transport(let found): if case .tcp = found.carrier { true } else { false }
    case .fragment: true
    case .relayed, .sctp, .unreachable, .otherProtocol, .notIP, .malformed: false
    }
  }

  private mutating func insert(_ number: Int) {
    let place = number >> 6
    if place >= words.count { words += [UInt64](repeating: 0, count: place + 1 - words.count) }
    words[place] |= 1 << UInt64(number & 63)
  }

  func contains(_ number: Int) -> Bool {
    let place = number >> 6
    return place < words.count && words[place] & 1 << UInt64(number & 63) != 0
  }
}
