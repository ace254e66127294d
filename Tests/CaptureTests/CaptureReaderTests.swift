import SansIO
import Testing

@testable import Capture

/// Blocks by hand, in either byte order.
private struct Blocks {
  var isBigEndian = false
  var bytes: [UInt8] = []

  func number(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: isBigEndian ? value.bigEndian : value.littleEndian) { Array($0) }
  }

  mutating func add(_ type: UInt32, _ body: [UInt8]) {
    let length = UInt32(body.count + 12)
    bytes += number(type) + number(length) + body + number(length)
  }

  mutating func addSection() { add(0x0A0D_0D0A, number(UInt32(0x1A2B_3C4D)) + number(UInt16(1)) + number(UInt16(0)) + number(UInt64.max)) }

  mutating func addInterface(snapLength: UInt32 = 0, _ options: [UInt8] = []) {
    add(1, number(UInt16(101)) + number(UInt16(0)) + number(snapLength) + options)
  }

  mutating func addPacket(interface: UInt32 = 0, ticks: UInt64, captured: UInt32? = nil, _ data: [UInt8], _ options: [UInt8] = []) {
    add(
      6,
      number(interface) + number(UInt32(ticks >> 32)) + number(UInt32(truncatingIfNeeded: ticks)) + number(captured ?? UInt32(data.count))
        + number(UInt32(data.count)) + data + [UInt8](repeating: 0, count: -data.count & 3) + options)
  }

  func option(_ code: UInt16, _ value: [UInt8]) -> [UInt8] {
    number(code) + number(UInt16(value.count)) + value + [UInt8](repeating: 0, count: -value.count & 3)
  }
}

@Suite struct CaptureReaderTests {
  private func failure(of bytes: [UInt8]) -> CaptureReadError? {
    do throws(CaptureReadError) {
      var reader = try CaptureReader(Bytes(bytes))
      while try reader.next() != nil {}
      return nil
    } catch { return error }
  }

  @Test func `what the writer wrote is read back`() throws {
    let payloads: [Bytes] = ["", "a", "ab", "abc", "abcd"]
    let records = payloads.enumerated().map { record(UInt32($0 + 1), at: Int64($0) * 1_000_000_007, $1, Label(.rtcp)) }
    let bytes = capture(records, secrets: ["EXPORTER_SECRET 01 02"])
    let read = try packets(in: bytes)
    #expect(read.map(\.timestamp) == records.map { Epoch.virtual.unixNanoseconds(at: $0.at) })
    #expect(read.map { Bytes($0.bytes.array.suffix($0.bytes.count - 28)) } == payloads)
    #expect(read.allSatisfy { $0.comments == ["RTCP"] && $0.originalLength == $0.bytes.count && $0.linkType == .rawIP })
    var reader = try CaptureReader(bytes)
    var interfaces: [CaptureInterface] = []
    while let item = try reader.next() {
      if case .interface(let interface) = item { interfaces.append(interface) }
      if case .secrets(let secrets) = item {
        #expect(secrets.isTLSKeyLog && secrets.data.text == "EXPORTER_SECRET 01 02\n" && !"\(secrets)".contains("01"))
      }
    }
    #expect(interfaces.map(\.name) == ["alice"] && interfaces.map(\.ticksPerSecond) == [1_000_000_000])
  }

  @Test(arguments: [false, true])
  func `both byte orders, resolutions and offsets are read (draft-ietf-opsawg-pcapng §4.2)`(isBigEndian: Bool) throws {
    var file = Blocks(isBigEndian: isBigEndian)
    file.addSection()
    file.addInterface()
    file.addInterface(file.option(9, [9]) + file.option(14, file.number(Int64(-2))))
    file.addInterface(file.option(9, [0x8A]))
    file.addInterface(file.option(9, [12]))
    file.addPacket(ticks: 5_000_001, [1])
    file.addPacket(interface: 1, ticks: 5_000_000_007, [2], file.option(1, Array("note".utf8)) + file.option(2, file.number(UInt32(0x21))))
    file.addPacket(interface: 2, ticks: 1536, [3])
    file.addPacket(interface: 3, ticks: 1_234_567, [4, 5, 6, 7, 8])
    let read = try packets(in: Bytes(file.bytes))
    #expect(read.map(\.timestamp) == [5_000_001_000, 3_000_000_007, 1_500_000_000, 1234])
    #expect(read.map(\.bytes) == [[1], [2], [3], [4, 5, 6, 7, 8]])
    #expect(read.map(\.comments) == [[], ["note"], [], []])
    #expect(read.map(\.direction) == [nil, .received, nil, nil])
  }

  @Test func `a second section starts its interfaces anew and may change the byte order`() throws {
    var first = Blocks()
    first.addSection()
    first.addInterface()
    first.addPacket(ticks: 1, [1])
    var second = Blocks(isBigEndian: true)
    second.addSection()
    second.addInterface()
    second.addPacket(ticks: 2, [2])
    let read = try packets(in: Bytes(first.bytes + second.bytes))
    #expect(read.map(\.interface) == [0, 1] && read.map(\.timestamp) == [1000, 2000])
  }

  @Test func `simple, obsolete and unknown blocks are understood or passed over`() throws {
    var file = Blocks()
    file.addSection()
    file.addInterface(snapLength: 2)
    file.add(3, file.number(UInt32(5)) + [1, 2, 0, 0])
    file.add(0xBAD, [])
    file.add(
      2,
      file.number(UInt16(0)) + file.number(UInt16(9)) + file.number(UInt32(0)) + file.number(UInt32(7)) + file.number(UInt32(1))
        + file.number(UInt32(1)) + [9, 0, 0, 0])
    let read = try packets(in: Bytes(file.bytes))
    #expect(read.map(\.bytes) == [[1, 2], [9]] && read.map(\.originalLength) == [5, 1] && read.map(\.timestamp) == [0, 7000])
  }

  @Test func `broken files are errors with a rule and a place`() {
    var good = Blocks()
    good.addSection()
    let start = good.bytes.count
    func broken(_ change: (inout Blocks) -> Void) -> CaptureReadError? {
      var file = good
      change(&file)
      return failure(of: file.bytes)
    }
    #expect(failure(of: Array("not a capture".utf8)) == CaptureReadError(.notACapture, at: 0))
    #expect(failure(of: []) == CaptureReadError(.foreign(.empty), at: 0))
    #expect(broken { $0.bytes[8] = 0 }?.rule == .byteOrderMagic(0x1A2B_3C00))
    #expect(broken { $0.bytes[12] = 9 } == CaptureReadError(.version(major: 9, minor: 0), at: 0))
    #expect(broken { $0.addPacket(ticks: 0, [1]) } == CaptureReadError(.unknownInterface(0), at: start))
    #expect(broken { $0.bytes += [1, 0, 0, 0, 13, 0, 0, 0, 0, 0, 0, 0] } == CaptureReadError(.blockLength(13), at: start))
    #expect(
      broken { $0.bytes += [1, 0, 0, 0, 0xFC, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0] } == CaptureReadError(.blockLength(0xFFFF_FFFC), at: start))
    #expect(broken { $0.bytes += [1, 0, 0, 0, 12, 0, 0, 0, 16, 0, 0, 0] } == CaptureReadError(.trailingLength(16), at: start))
    #expect(broken { $0.add(1, [0, 0, 0, 0]) } == CaptureReadError(.blockLength(16), at: start))
    #expect(broken { $0.addInterface($0.option(9, [77])) } == CaptureReadError(.timestamp, at: start))
    #expect(broken { $0.addInterface([2, 0, 99, 0]) } == CaptureReadError(.optionLength(99), at: start))
    #expect(
      broken {
        $0.addInterface()
        $0.addPacket(ticks: .max, [1])
      }?.rule == .timestamp)
    #expect(
      broken {
        $0.addInterface()
        $0.addPacket(ticks: 0, captured: 5, [1])
      }?.rule == .packetLength(5))
    #expect(
      broken {
        $0.addInterface()
        $0.addPacket(ticks: 0, captured: .max, [1])
      }?.rule == .packetLength(.max))
    #expect(broken { $0.add(10, $0.number(UInt32(1)) + $0.number(UInt32(9)) + [0, 0, 0, 0]) }?.rule == .secretsLength(9))
    #expect(CaptureReadError(.blockLength(13), at: 28).description == "byte 28: a block cannot be 13 bytes long")
  }

  @Test func `a file cut at any byte gives its whole packets and one error, or none at a block's end`() throws {
    let whole = capture([record(1), record(2, "xy", Label(.rtp(payloadType: 0)))], secrets: ["CLIENT_RANDOM 1 2"])
    var ends: Set<Int> = []
    var blocks = PcapngBlockReader(ByteInput(whole))
    while let block = try blocks.next() { ends.insert(block.offset + block.bytes.count) }
    for count in 0..<whole.count {
      let error = failure(of: Array(whole[0..<count]))
      #expect((error == nil) == ends.contains(count), "cut at \(count)")
    }
    #expect(failure(of: whole.array) == nil)
  }

  @Test func `a file with any one byte changed never crashes the reader or the decoder`() throws {
    let whole = capture([record(1), record(2, from: aliceSix, to: bobSix, "xy")], secrets: ["CLIENT_RANDOM 1 2"]).array
    for index in whole.indices {
      for change in [0x01, 0x80, 0xFF] as [UInt8] {
        var changed = whole
        changed[index] ^= change
        guard var reader = try? CaptureReader(Bytes(changed)) else { continue }
        while let packet = try? reader.nextPacket() { _ = PacketDecoder.decode(packet) }
      }
    }
  }

  @Test(arguments: [false, true], [false, true])
  func `classic pcap is read in both byte orders and resolutions`(isBigEndian: Bool, isNano: Bool) throws {
    let maker = Blocks(isBigEndian: isBigEndian)
    let header =
      maker.number(UInt32(isNano ? 0xA1B2_3C4D : 0xA1B2_C3D4)) + maker.number(UInt16(2)) + maker.number(UInt16(4)) + maker.number(UInt64(0))
      + maker.number(UInt32(65_535)) + maker.number(UInt32(1))
    let packet = maker.number(UInt32(3)) + maker.number(UInt32(7)) + maker.number(UInt32(2)) + maker.number(UInt32(60)) + [8, 9]
    let read = try packets(in: Bytes(header + packet + packet))
    let expected = CapturedPacket(timestamp: 3_000_000_000 + (isNano ? 7 : 7000), linkType: .ethernet, originalLength: 60, bytes: [8, 9])
    #expect(read == [expected, expected])
    for count in 0..<header.count + packet.count {
      let error = failure(of: Array((header + packet)[..<count]))
      #expect((error == nil) == (count == header.count), "cut at \(count)")
    }
    #expect(
      failure(of: header + maker.number(UInt64(0)) + maker.number(UInt32.max) + maker.number(UInt32.max))?.rule == .packetLength(.max))
  }

  @Test(arguments: [false, true])
  func `pcap with the interface and protocol before each packet is read, as routers write it`(isBigEndian: Bool) throws {
    let maker = Blocks(isBigEndian: isBigEndian)
    let header =
      maker.number(UInt32(0xA1B2_CD34)) + maker.number(UInt16(2)) + maker.number(UInt16(4)) + maker.number(UInt64(0))
      + maker.number(UInt32(65_535)) + maker.number(UInt32(1))
    let packet =
      maker.number(UInt32(3)) + maker.number(UInt32(7)) + maker.number(UInt32(2)) + maker.number(UInt32(60))
      + maker.number(UInt32(2)) + [8, 0, 0, 0] + [8, 9]
    let expected = CapturedPacket(timestamp: 3_000_007_000, linkType: .ethernet, originalLength: 60, bytes: [8, 9])
    #expect(try packets(in: Bytes(header + packet + packet)) == [expected, expected])
    for count in header.count + 1..<header.count + packet.count {
      #expect(failure(of: Array((header + packet)[..<count])) != nil, "cut at \(count)")
    }
  }

  @Test func `a file larger than the read buffer is read to its end`() throws {
    let folder = TemporaryFolder()
    let payload = Bytes([UInt8](repeating: 7, count: 60_000))
    let path = folder.write(capture((1...12).map { record(UInt32($0), payload) }), to: "large.pcapng")
    var reader = try CaptureReader(path: path)
    var count = 0
    while let packet = try reader.nextPacket() {
      #expect(packet.bytes.count == 60_028)
      count += 1
    }
    #expect(count == 12)
    #expect(throws: CaptureReadError.self) { try CaptureReader(path: folder.file("missing")) }
    #expect(throws: CaptureReadError(.unreadable(CaptureFailure(.read, folder.path, code: 21)), at: 0)) {
      try CaptureReader(path: folder.path)
    }
  }
}
