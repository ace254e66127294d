import SansIO

/// One block of a pcapng file as it stands there.
struct PcapngBlock {
  let type: UInt32
  /// The whole block, both lengths included.
  let fields: EndianBytes
  let offset: Int

  var bytes: Bytes { fields.bytes }
  /// Where the closing length begins.
  var bodyEnd: Int { bytes.count - 4 }

  /// The captured length of an Enhanced Packet Block, checked against the block.
  func capturedLength() throws(CaptureReadError) -> Int {
    guard bytes.count >= 32 else { throw CaptureReadError(.blockLength(UInt32(bytes.count)), at: offset) }
    let length = fields.word(20)
    guard Int(length) <= bodyEnd - 28 else { throw CaptureReadError(.packetLength(length), at: offset) }
    return Int(length)
  }

  /// The options from `start` to the block's end.
  func options(from start: Int) throws(CaptureReadError) -> [PcapngOption] {
    var options: [PcapngOption] = []
    var position = start
    while let (code, value) = try option(at: &position) { options.append(PcapngOption(code: code, value: bytes[value])) }
    return options
  }

  /// The option at a place, and the place of the next; nil at the end of them.
  @inline(__always)
  func option(at position: inout Int) throws(CaptureReadError) -> (code: UInt16, value: Range<Int>)? {
    guard position + 4 <= bodyEnd else { return nil }
    let code = fields.half(position)
    guard code != Pcapng.Option.end else { return nil }
    let length = fields.half(position + 2)
    let (start, end) = (position + 4, position + 4 + Int(length))
    guard end <= bodyEnd else { throw CaptureReadError(.optionLength(length), at: offset) }
    position = end + (-end & 3)
    return (code, start..<end)
  }
}

struct PcapngOption {
  let code: UInt16
  let value: Bytes
}

/// Cuts a pcapng file into blocks and checks what all blocks share: lengths at both ends, byte order, version.
struct PcapngBlockReader {
  private let input: ByteInput
  private var isBigEndian = false

  init(_ input: ByteInput) { self.input = input }

  mutating func next() throws(CaptureReadError) -> PcapngBlock? {
    guard try !input.isAtEnd else { return nil }
    let offset = input.offset
    // What is peeked at has gone when the block is taken: input that nobody keeps a piece of reads on in the same memory.
    let length = try readLength(at: offset)
    let whole = EndianBytes(bytes: try input.take(Int(length)), isBigEndian: isBigEndian)
    let trailing = whole.word(Int(length) - 4)
    guard trailing == length else { throw CaptureReadError(.trailingLength(trailing), at: offset) }
    let block = PcapngBlock(type: whole.word(0), fields: whole, offset: offset)
    if block.type == Pcapng.BlockType.section { try Self.checkSection(block) }
    return block
  }

  /// The length of the block that begins here; with that of a section its byte order.
  private mutating func readLength(at offset: Int) throws(CaptureReadError) -> UInt32 {
    let head = try input.peek(12)
    guard head.count == 12 else { throw CaptureReadError(.cut(needed: 12), at: offset) }
    if EndianBytes(bytes: head, isBigEndian: false).word(0) == Pcapng.BlockType.section {
      try readByteOrder(head, at: offset)
    } else if offset == 0 {
      throw CaptureReadError(.notACapture, at: 0)
    }
    let length = EndianBytes(bytes: head, isBigEndian: isBigEndian).word(4)
    guard length >= 12, length % 4 == 0, length <= Pcapng.longestBlock else { throw CaptureReadError(.blockLength(length), at: offset) }
    return length
  }

  /// A section's first bytes read the same in both orders; its magic then tells which one holds for the section.
  private mutating func readByteOrder(_ head: Bytes, at offset: Int) throws(CaptureReadError) {
    let little = EndianBytes(bytes: head, isBigEndian: false).word(8)
    switch little {
    case Pcapng.byteOrderMagic: isBigEndian = false
    case Pcapng.byteOrderMagic.byteSwapped: isBigEndian = true
    default: throw CaptureReadError(.byteOrderMagic(little), at: offset)
    }
  }

  private static func checkSection(_ block: PcapngBlock) throws(CaptureReadError) {
    guard block.bytes.count >= 28 else { throw CaptureReadError(.blockLength(UInt32(block.bytes.count)), at: block.offset) }
    let (major, minor) = (block.fields.half(12), block.fields.half(14))
    // Minor 2 is 0 by another name (draft-ietf-opsawg-pcapng §4.1).
    guard major == 1, minor == 0 || minor == 2 else {
      throw CaptureReadError(.version(major: major, minor: minor), at: block.offset)
    }
  }
}
