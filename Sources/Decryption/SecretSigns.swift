import SansIO

/// Which hosts of a run have TLS, DTLS or SRTP in their captures, as far as the first bytes of their packets say: those get a clear twin.
public final class SecretSigns: JournalSink {
  private var hosts: [HostID] = []
  private var marked: Set<HostID> = []

  public init() {}

  /// Of each host in the order they joined.
  public var signs: [Bool] { hosts.map { marked.contains($0) } }

  public func hostAdded(_ host: HostID, name: String) { if host != .stage, !hosts.contains(host) { hosts.append(host) } }

  public func packet(_ packet: PacketRecord) {
    guard let first = packet.payload.first, first < 0x80, Self.isSign(packet.payload, first, packet.carrier) else { return }
    marked.insert(packet.host)
  }

  public func record(_ record: JournalRecord) {}
  public func finish(at now: Instant) {}

  private static func isSign(_ payload: Bytes, _ first: UInt8, _ carrier: PacketRecord.Carrier) -> Bool {
    // Content types of TLS and DTLS (RFC 7983 §7).
    if (20...25).contains(first), payload.count > 2 { return payload[1] == (carrier == .udp ? 0xFE : 3) }
    guard first >= 65 else { return false }
    return payload.withUnsafeBytes { bytes in contains(bytes, "/SAVP") || contains(bytes, "a=crypto:") }
  }

  private static func contains(_ bytes: UnsafeRawBufferPointer, _ word: StaticString) -> Bool {
    let count = word.utf8CodeUnitCount
    guard bytes.count >= count else { return false }
    for position in 0...bytes.count - count where bytes[position] == word.utf8Start[0] {
      var length = 1
      while length < count, bytes[position + length] == word.utf8Start[length] { length += 1 }
      if length == count { return true }
    }
    return false
  }
}
