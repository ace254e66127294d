import SansIO

/// Recognises datagrams that were captured twice: on two interfaces (`-i any`), or on a mirror port that shows both ways.
///
/// A copy has the same IP identification (RFC 791 §3.2), addresses and bytes, and comes within a few milliseconds; hops between the points
/// of capture may have counted its time to live down. What a sender or the path sends again is another packet, with an identification of
/// its own. Memory is fixed, and a packet costs a look at one slot.
struct CopiedFrames {
  private struct Slot {
    var digest: UInt64 = 0
    var time: Int64 = .min
  }

  private static let slots = 4_096
  /// In nanoseconds: longer than a copy takes, shorter than T1 and a packet of audio.
  private static let longest: Int64 = 5_000_000
  /// Without an identification (IPv6, or 0 beside Don't Fragment as Linux writes it) the time has to say more.
  private static let longestUnnumbered: Int64 = 1_000_000

  /// Empty until it is used: of a tap it never is.
  private var table: [Slot] = []

  /// - Parameters:
  ///   - identification: 0 where the packet has none.
  ///   - time: nanoseconds since 1970; 0 = not known.
  /// - Returns: whether the datagram is one that was just seen.
  mutating func isCopy(
    _ source: TransportAddress, _ destination: TransportAddress, identification: UInt32, _ payload: Bytes, at time: Int64
  ) -> Bool {
    // Without a time nobody knows how long a packet came after another.
    guard time != 0 else { return false }
    if table.isEmpty { table = [Slot](repeating: Slot(), count: Self.slots) }
    let digest = Self.digest(source, destination, identification, payload)
    let index = Int(truncatingIfNeeded: digest >> 48) & (Self.slots - 1)
    let slot = table[index]
    let age = time &- slot.time
    let isCopy =
      slot.digest == digest && slot.time != .min && age >= 0 && age <= (identification == 0 ? Self.longestUnnumbered : Self.longest)
    if !isCopy { table[index] = Slot(digest: digest, time: time) }
    return isCopy
  }

  /// Of media, its headers and its end tell packets apart; of all else, every byte.
  private static func digest(
    _ source: TransportAddress, _ destination: TransportAddress, _ identification: UInt32, _ payload: Bytes
  ) -> UInt64 {
    var state = UInt64(identification) << 32 | UInt64(source.port) << 16 | UInt64(destination.port)
    // A copy goes the same way: the two addresses are not told apart by their order.
    mix(&state, source.address.low ^ source.address.high &* 31 ^ (destination.address.low ^ destination.address.high &* 31) << 32)
    state ^= UInt64(truncatingIfNeeded: payload.count) << 32
    payload.withSpan { span in
      span.withUnsafeBytes { bytes in
        guard bytes.count > 64, bytes[0] >= 0x80 else { return mix(&state, bytes, 0..<bytes.count) }
        mix(&state, bytes, 0..<24)
        mix(&state, bytes, bytes.count - 8..<bytes.count)
      }
    }
    return state
  }

  @inline(__always)
  private static func mix(_ state: inout UInt64, _ word: UInt64) {
    state = (state ^ word) &* 0x9E37_79B9_7F4A_7C15
    state ^= state >> 29
  }

  @inline(__always)
  private static func mix(_ state: inout UInt64, _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
    var position = range.lowerBound
    while position + 8 <= range.upperBound {
      mix(&state, bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
      position += 8
    }
    while position < range.upperBound {
      mix(&state, UInt64(bytes[position]))
      position += 1
    }
  }
}

extension CopiedFrames {
  /// The identification of the IPv4 header right before a UDP header; 0 where there is none, or options are between.
  static func identification(_ frame: Bytes, payloadAt payload: Int) -> UInt32 {
    let header = payload - 28
    guard header >= 0, frame[header] == 0x45, frame[header + 9] == 17 else { return 0 }
    return UInt32(frame[header + 4]) << 8 | UInt32(frame[header + 5])
  }
}
