import SansIO

/// Reads pcapng files of any writer, both byte orders, many sections and interfaces.
///
/// A file that is cut or broken gives its good items first and then one error; reading on after an error is not possible.
public struct PcapngReader {
  private var blocks: PcapngBlockReader
  /// The interfaces of the current section.
  private var section: [CaptureInterface] = []
  private var earlierInterfaces = 0

  public init(_ input: ByteInput) { blocks = PcapngBlockReader(input) }
  public init(_ bytes: Bytes) { self.init(ByteInput(bytes)) }

  /// The next item; nil at the file's end.
  public mutating func next() throws(CaptureReadError) -> CaptureItem? {
    guard let block = try blocks.next() else { return nil }
    switch block.type {
    case Pcapng.BlockType.section:
      earlierInterfaces += section.count
      section = []
      return .other(block.type)
    case Pcapng.BlockType.interface:
      let interface = try Self.interface(block)
      section.append(interface)
      return .interface(interface)
    case Pcapng.BlockType.enhancedPacket:
      return .packet(try enhancedPacket(block))
    case Pcapng.BlockType.obsoletePacket:
      return .packet(try obsoletePacket(block))
    case Pcapng.BlockType.simplePacket:
      return .packet(try simplePacket(block))
    case Pcapng.BlockType.secrets:
      return .secrets(try Self.secrets(block))
    case Pcapng.BlockType.statistics:
      return statistics(block)
    default:
      return .other(block.type)
    }
  }

  /// One that cannot be read says nothing, and no packet is lost with it.
  private func statistics(_ block: PcapngBlock) -> CaptureItem {
    guard (try? Self.require(24, of: block)) != nil, let interface = try? described(block.fields.word(8), block),
      let time = try? Self.time(block, at: 12, interface)
    else { return .other(block.type) }
    return .statistics(at: time)
  }

  private static func interface(_ block: PcapngBlock) throws(CaptureReadError) -> CaptureInterface {
    try require(20, of: block)
    var interface = CaptureInterface(
      name: "", description: "", linkType: LinkType(rawValue: block.fields.half(8)), snapLength: block.fields.word(12),
      ticksPerSecond: 1_000_000, offsetSeconds: 0)
    for option in try block.options(from: 16) {
      switch option.code {
      case Pcapng.Option.interfaceName: interface.name = option.value.text
      case Pcapng.Option.interfaceDescription: interface.description = option.value.text
      case Pcapng.Option.resolution:
        guard let ticks = option.value.first.flatMap(Self.ticksPerSecond) else { throw CaptureReadError(.timestamp, at: block.offset) }
        interface.ticksPerSecond = ticks
      case Pcapng.Option.offset where option.value.count == 8:
        let value = EndianBytes(bytes: option.value, isBigEndian: block.fields.isBigEndian).long(0)
        interface.offsetSeconds = Int64(bitPattern: value)
      default: break
      }
    }
    return interface
  }

  /// The upper bit chooses powers of two over powers of ten; nil for what 64 bits do not hold.
  private static func ticksPerSecond(_ resolution: UInt8) -> UInt64? {
    if resolution & 0x80 != 0 { return resolution & 0x7F < 64 ? 1 << UInt64(resolution & 0x7F) : nil }
    guard resolution <= 19 else { return nil }
    return (0..<resolution).reduce(UInt64(1)) { power, _ in power * 10 }
  }

  private func enhancedPacket(_ block: PcapngBlock) throws(CaptureReadError) -> CapturedPacket {
    let captured = try block.capturedLength()
    let number = block.fields.word(8)
    let interface = try described(number, block)
    var packet = CapturedPacket(
      timestamp: try Self.time(block, at: 12, interface), interface: earlierInterfaces + Int(number), linkType: interface.linkType,
      originalLength: Int(block.fields.word(24)), bytes: block.bytes[28..<28 + captured])
    try Self.readOptions(block, from: 28 + captured + (-captured & 3), into: &packet)
    return packet
  }

  /// The Packet Block that older writers used.
  private func obsoletePacket(_ block: PcapngBlock) throws(CaptureReadError) -> CapturedPacket {
    let captured = try block.capturedLength()
    let number = UInt32(block.fields.half(8))
    let interface = try described(number, block)
    var packet = CapturedPacket(
      timestamp: try Self.time(block, at: 12, interface), interface: earlierInterfaces + Int(number), linkType: interface.linkType,
      originalLength: Int(block.fields.word(24)), bytes: block.bytes[28..<28 + captured])
    try Self.readOptions(block, from: 28 + captured + (-captured & 3), into: &packet)
    return packet
  }

  private func simplePacket(_ block: PcapngBlock) throws(CaptureReadError) -> CapturedPacket {
    try Self.require(16, of: block)
    let interface = try described(0, block)
    let original = block.fields.word(8)
    let captured = interface.snapLength == 0 ? original : min(original, interface.snapLength)
    guard Int(captured) <= block.bodyEnd - 12 else { throw CaptureReadError(.packetLength(captured), at: block.offset) }
    return CapturedPacket(
      timestamp: 0, interface: earlierInterfaces, linkType: interface.linkType, originalLength: Int(original),
      bytes: block.bytes[12..<12 + Int(captured)])
  }

  private static func secrets(_ block: PcapngBlock) throws(CaptureReadError) -> CaptureSecrets {
    try require(20, of: block)
    let length = block.fields.word(12)
    guard Int(length) <= block.bodyEnd - 16 else { throw CaptureReadError(.secretsLength(length), at: block.offset) }
    return CaptureSecrets(type: block.fields.word(8), data: block.bytes[16..<16 + Int(length)])
  }

  private static func readOptions(_ block: PcapngBlock, from start: Int, into packet: inout CapturedPacket) throws(CaptureReadError) {
    var position = start
    while let (code, value) = try block.option(at: &position) {
      switch code {
      case Pcapng.Option.comment: packet.comments.append(block.bytes[value].text)
      case Pcapng.Option.packetFlags where value.count == 4:
        packet.direction = PacketRecord.Direction(packetFlags: block.fields.word(value.lowerBound))
      default: break
      }
    }
  }

  private static func require(_ count: Int, of block: PcapngBlock) throws(CaptureReadError) {
    guard block.bytes.count >= count else { throw CaptureReadError(.blockLength(UInt32(block.bytes.count)), at: block.offset) }
  }

  private func described(_ number: UInt32, _ block: PcapngBlock) throws(CaptureReadError) -> CaptureInterface {
    guard Int(number) < section.count else { throw CaptureReadError(.unknownInterface(number), at: block.offset) }
    return section[Int(number)]
  }

  /// Ticks of the interface as nanoseconds since 1970.
  private static func time(_ block: PcapngBlock, at position: Int, _ interface: CaptureInterface) throws(CaptureReadError) -> Int64 {
    let ticks = UInt64(block.fields.word(position)) << 32 | UInt64(block.fields.word(position + 4))
    // Nanoseconds as they are: what most files have that are as exact.
    if interface.ticksPerSecond == 1_000_000_000, interface.offsetSeconds == 0, let nanoseconds = Int64(exactly: ticks) {
      return nanoseconds
    }
    let product = ticks.multipliedFullWidth(by: 1_000_000_000)
    guard product.high < interface.ticksPerSecond,
      let nanoseconds = Int64(exactly: interface.ticksPerSecond.dividingFullWidth(product).quotient)
    else { throw CaptureReadError(.timestamp, at: block.offset) }
    let offset = interface.offsetSeconds.multipliedReportingOverflow(by: 1_000_000_000)
    let sum = nanoseconds.addingReportingOverflow(offset.partialValue)
    guard !offset.overflow, !sum.overflow else { throw CaptureReadError(.timestamp, at: block.offset) }
    return sum.partialValue
  }
}
