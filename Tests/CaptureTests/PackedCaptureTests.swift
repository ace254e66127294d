import SansIO
import Testing

@testable import Capture

/// Captures that gzip packed, and files that are no captures.
@Suite struct PackedCaptureTests {
  private let plain = capture((1...40).map { record($0, Bytes(String(repeating: "packet \($0) ", count: 20))) })

  /// A member of stored blocks (RFC 1952 §2.3, RFC 1951 §3.2.4).
  private func member(_ data: [UInt8], name: String? = nil) -> [UInt8] {
    func little(_ value: Int, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }
    var bytes: [UInt8] = [0x1F, 0x8B, 8, name == nil ? 0 : 8, 0, 0, 0, 0, 0, 255]
    if let name { bytes += Array(name.utf8) + [0] }
    var rest = data[...]
    repeat {
      let part = rest.prefix(1_000)
      rest = rest.dropFirst(1_000)
      bytes += [rest.isEmpty ? 1 : 0] + little(part.count, 2) + little(~part.count & 0xFFFF, 2) + part
    } while !rest.isEmpty
    return bytes + little(Int(Self.check(data)), 4) + little(data.count, 4)
  }

  /// CRC-32 (RFC 1952 §8).
  private static func check(_ data: [UInt8]) -> UInt32 {
    ~data.reduce(UInt32.max) { sum, byte in
      (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in sum >> 1 ^ (sum & 1 == 1 ? 0xEDB8_8320 : 0) }
    }
  }

  /// What is read, and what ends it.
  private func read(_ input: ByteInput) -> (packets: [Bytes], error: CaptureReadError?) {
    var packets: [Bytes] = []
    do {
      var reader = try CaptureReader(input)
      while let packet = try reader.nextPacket() { packets.append(packet.bytes) }
      return (packets, nil)
    } catch { return (packets, error as? CaptureReadError) }
  }

  private func inFile<Value>(_ bytes: [UInt8], _ body: (String) throws -> Value) throws -> Value {
    let folder = TemporaryFolder()
    return try body(folder.write(Bytes(bytes), to: "packed.pcapng.gz"))
  }

  @Test func `a packed capture is read as the one that it was, from a file and from memory (RFC 1952)`() throws {
    let expected = read(ByteInput(plain)).packets
    #expect(expected.count == 40)
    let packed = member(plain.array, name: "a.pcapng")
    #expect(read(ByteInput(Bytes(packed))).packets == expected)
    try inFile(packed) { path in
      let input = try ByteInput(path: path)
      #expect(read(input).packets == expected)
      #expect(input.isPacked && input.offset == plain.count)
    }
  }

  @Test func `members one after another are one capture, and padding behind them is not (RFC 1952 §2.2)`() throws {
    let (first, second) = (plain.array[..<1_777], plain.array[1_777...])
    let packed = member(Array(first)) + member([]) + member(Array(second)) + [0, 0, 0, 0]
    let found = read(ByteInput(Bytes(packed)))
    #expect(found.error == nil && found.packets == read(ByteInput(plain)).packets)
  }

  @Test func `of a packed capture that is cut or damaged the packets before are read, and the reason is told`() {
    let packed = member(plain.array)
    let cut = read(ByteInput(Bytes(Array(packed.prefix(5_000)))))
    #expect(cut.packets.count > 5 && cut.packets.count < 40 && cut.error?.rule == .packing(isCut: true))
    var damaged = packed
    // The length of a stored block no longer fits its complement.
    damaged[10 + 4 * 1_005 + 2] ^= 1
    let found = read(ByteInput(Bytes(damaged)))
    #expect(found.packets.count > 5 && found.packets.count < 40 && found.error?.rule == .packing(isCut: false))
  }

  @Test func `any byte of a packed capture may be wrong`() {
    let packed = member(Array(plain.array.prefix(600)))
    for index in packed.indices {
      var changed = packed
      changed[index] ^= 0x81
      _ = read(ByteInput(Bytes(changed)))
    }
  }

  @Test func `a packed capture is not changed in its place`() throws {
    let packed = member(plain.array)
    try inFile(packed) { path in
      #expect(throws: CaptureReadError(.packed, at: 0)) { try PcapngRewriting.stripSecrets(path: path) }
      let begin = try ByteInput(path: path).peek(40)
      #expect(begin == plain[0..<40])
    }
  }

  @Test(arguments: [
    ("GMBU\u{0}\u{2}", ForeignFormat.networkMonitor2), ("snoop\0\0\0\0\0\0\u{2}", .snoop), ("TRSNIFF data    \u{1A}x", .sniffer),
    ("PK\u{3}\u{4}", .zip), ("BZh91AY", .bzip2), ("", .empty),
  ])
  func `a file of another kind is named, with what turns it into a capture`(head: String, format: ForeignFormat) {
    #expect(read(ByteInput(Bytes(head))).error == CaptureReadError(.foreign(format), at: 0))
    #expect(CaptureReadError(.foreign(format), at: 0).description == "byte 0: neither pcapng nor pcap; \(format)")
  }
}
