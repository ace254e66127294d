import SansIO

/// `"from":"…","to":"…"` by source and destination, remembered: formatting two addresses costs more than all else of a journal line.
///
/// A direct-mapped table: a flow whose slot another one has taken is formatted again.
final class FlowTexts {
  private struct Key: Equatable {
    var source: TransportAddress
    var destination: TransportAddress
  }

  private static let slots = 2048
  /// Two bracketed IPv6 addresses with ports and the names need 116 bytes; a whole slot is copied at once.
  static let width = 128

  /// Of each slot's text; 0 = the slot is empty, and its key and text are not initialized.
  private let lengths: UnsafeMutablePointer<UInt8>
  private let keys: UnsafeMutablePointer<Key>
  private let texts: UnsafeMutableRawPointer

  init() {
    lengths = .allocate(capacity: Self.slots)
    lengths.initialize(repeating: 0, count: Self.slots)
    // Not touched before they are filled: most runs have a few flows.
    keys = .allocate(capacity: Self.slots)
    texts = .allocate(byteCount: Self.slots * Self.width, alignment: 16)
  }

  deinit {
    lengths.deallocate()
    keys.deallocate()
    texts.deallocate()
  }

  /// Writes the text; ``width`` bytes of room are touched.
  @inline(__always)
  func write(_ source: TransportAddress, _ destination: TransportAddress, to cursor: inout ByteCursor) {
    let key = Key(source: source, destination: destination)
    let slot = Self.slot(source, destination)
    if lengths[slot] == 0 || keys[slot] != key { fill(slot, key) }
    cursor.position.copyMemory(from: texts + slot * Self.width, byteCount: Self.width)
    cursor.position += Int(lengths[slot])
  }

  @inline(__always)
  private static func slot(_ source: TransportAddress, _ destination: TransportAddress) -> Int {
    let ports = UInt64(source.port) << 16 | UInt64(destination.port)
    let mixed =
      (source.address.low &* 0x9E37_79B9_7F4A_7C15) ^ (destination.address.low &* 0xC2B2_AE3D_27D4_EB4F) ^ (ports &* 0x1656_67B1_9E37_79F9)
    return Int(truncatingIfNeeded: (mixed &* 0x9E37_79B9_7F4A_7C15) >> 53)
  }

  @inline(never)
  private func fill(_ slot: Int, _ key: Key) {
    var scratch = [UInt8](repeating: 0, count: Self.width + ByteCursor.decimalRoom)
    scratch.withUnsafeMutableBytes { buffer in
      guard let base = buffer.baseAddress else { return }
      var cursor = ByteCursor(base)
      cursor.text("\"from\":\"")
      Self.write(key.source, to: &cursor)
      cursor.text("\",\"to\":\"")
      Self.write(key.destination, to: &cursor)
      cursor.text("\"")
      (keys + slot).initialize(to: key)
      lengths[slot] = UInt8(clamping: cursor.position - base)
      (texts + slot * Self.width).copyMemory(from: base, byteCount: Self.width)
    }
  }

  /// `192.0.2.1:5060` or `[2001:db8::1]:5060`.
  private static func write(_ address: TransportAddress, to cursor: inout ByteCursor) {
    if address.address.isIPv6 {
      cursor.bytes(Array("[\(address.address)]".utf8))
    } else {
      cursor.dottedDecimal(UInt32(truncatingIfNeeded: address.address.low))
    }
    cursor.byte(UInt8(ascii: ":"))
    cursor.decimal(address.port)
  }
}
