import SansIO
import Testing

@testable import Capture

@Suite struct PcapngWriterTests {
  @Test func `one datagram makes exactly these bytes (draft-ietf-opsawg-pcapng §4)`() {
    let bytes = capture([record(1, at: 1_500_000_000, "hi", Label(.rtp(payloadType: 0)))])
    let section: [UInt8] =
      [0x0A, 0x0D, 0x0D, 0x0A, 0x54, 0, 0, 0, 0x4D, 0x3C, 0x2B, 0x1A, 1, 0, 0, 0] + [UInt8](repeating: 0xFF, count: 8)
      + [2, 0, 12, 0] + Array("virtual host".utf8) + [3, 0, 15, 0] + Array("virtual network".utf8) + [0]
      + [4, 0, 12, 0] + Array("Kallglot Lab".utf8) + [0, 0, 0, 0, 0x54, 0, 0, 0]
    let interface: [UInt8] =
      [1, 0, 0, 0, 0x2C, 0, 0, 0, 101, 0, 0, 0, 0, 0, 0, 0] + [2, 0, 5, 0] + Array("alice".utf8) + [0, 0, 0]
      + [9, 0, 1, 0, 9, 0, 0, 0] + [0, 0, 0, 0, 0x2C, 0, 0, 0]
    // 2026-01-01T00:00:01.5Z; the upper word stands first.
    let time = UInt64(1_767_225_601_500_000_000)
    let words = [UInt32(time >> 32), UInt32(truncatingIfNeeded: time)].flatMap { word in
      withUnsafeBytes(of: word.littleEndian) { Array($0) }
    }
    let packet: [UInt8] =
      [6, 0, 0, 0, 0x4C, 0, 0, 0, 0, 0, 0, 0] + words + [30, 0, 0, 0, 30, 0, 0, 0]
      + [0x45, 0, 0, 30, 0, 1, 0x40, 0, 64, 17, 0x4E, 0x7C, 192, 0, 2, 10, 198, 51, 100, 20]
      + [0x13, 0xC4, 0x13, 0xC6, 0, 10, 0x83, 0x94, 0x68, 0x69, 0, 0] + [2, 0, 4, 0, 2, 0, 0, 0] + [0, 0, 0, 0, 0x4C, 0, 0, 0]
    let statistics: [UInt8] =
      [5, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0] + words + [2, 0, 8, 0] + words + [3, 0, 8, 0] + words
      + [4, 0, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0] + [0, 0, 0, 0, 0x40, 0, 0, 0]
    #expect(bytes.array == section + interface + packet + statistics)
  }

  @Test(arguments: [0, 1, 2, 3, 7, 8, 9, 31, 32, 33, 172, 1371])
  func `IP and UDP checksums are right for every payload length (RFC 1071, RFC 768)`(count: Int) throws {
    let payload = Bytes((0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 255) })
    let frame = try #require(try packets(in: capture([record(70_000, payload)])).first).bytes.array
    #expect(plainChecksum(frame[0..<20]) == 0)
    let pseudoHeader = frame[12..<20] + [0, 17] + frame[24..<26]
    #expect(plainChecksum(pseudoHeader + frame[20...]) == 0)
    #expect(Array(frame[28...]) == payload.array)
    #expect(Array(frame[4..<6]) == [0x11, 0x70], "the identification is the frame number modulo 65,536")
  }

  @Test func `a UDP checksum that comes out as zero is sent as all ones (RFC 768)`() throws {
    // Choose the payload so that the sum over everything else is cancelled.
    let probe = try #require(try packets(in: capture([record(1, [0, 0])])).first).bytes.array
    let frame = try #require(try packets(in: capture([record(1, [probe[26], probe[27]])])).first).bytes.array
    #expect(Array(frame[26..<28]) == [0xFF, 0xFF])
  }

  @Test func `IPv6 frames carry the checksum over their pseudo header (RFC 8200 §8.1)`() throws {
    let segment = TCPSegment(sequence: 0xFFFF_FFFF, acknowledgement: 7, flags: [.psh, .ack], window: 512)
    let frame = try #require(try packets(in: capture([record(1, over: .tcp(segment), from: aliceSix, to: bobSix, "abc")])).first).bytes
      .array
    #expect(frame[0] == 0x60)
    #expect(frame[6] == 6 && frame[7] == 64)
    #expect(Int(frame[4]) << 8 | Int(frame[5]) == frame.count - 40)
    #expect(plainChecksum(frame[8..<40] + [0, 6, 0, 23] + frame[40...]) == 0)
    #expect(Array(frame[44..<52]) == [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 7])
  }

  @Test func `a SYN offers the maximum segment size, other segments carry no option (RFC 9293 §3.7.1)`() throws {
    let flags: [TCPSegment.Flags] = [.syn, [.syn, .ack], .ack]
    let frames = try packets(
      in: capture(
        flags.enumerated().map { index, flags in
          record(UInt32(index + 1), over: .tcp(TCPSegment(sequence: 1, acknowledgement: 0, flags: flags)), Bytes())
        }))
    #expect(frames.map(\.bytes.count) == [44, 44, 40])
    #expect(frames[0].bytes.array.suffix(4) == [2, 4, 0x05, 0xB4])
  }

  @Test func `a mixed pair of addresses becomes IPv6 with a mapped one (RFC 4291 §2.5.5.2)`() throws {
    let packet = try #require(try packets(in: capture([record(1, to: bobSix)])).first)
    #expect(Array(packet.bytes[8..<24]) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 192, 0, 2, 10])
  }

  @Test(arguments: [(65_507, false), (65_508, true), (65_535, true)])
  func `a payload over the limit of IP is cut with a comment`(count: Int, isCut: Bool) throws {
    let packet = try #require(
      try packets(in: capture([record(1, Bytes([UInt8](repeating: 1, count: count)), Label(.raw))])).first)
    #expect(packet.bytes.count == min(count, 65_507) + 28)
    #expect(packet.originalLength == count + 28)
    let cut = "raw bytes; cut to 65507 of \(count) payload bytes, more than an IP packet holds"
    #expect(packet.comments == [isCut ? cut : "raw bytes"])
    guard case .transport(let decoded) = PacketDecoder.decode(packet) else {
      Issue.record("not decoded")
      return
    }
    #expect(decoded.payload.count == min(count, 65_507))
  }

  @Test func `Ethernet frames get addresses made of the IP ones`() throws {
    let packet = try #require(try packets(in: capture([record(1)], options: CaptureOptions(linkType: .ethernet))).first)
    #expect(packet.linkType == .ethernet)
    #expect(Array(packet.bytes[0..<14]) == [2, 0, 198, 51, 100, 20, 2, 0, 192, 0, 2, 10, 8, 0])
  }

  @Test func `a name longer than an option holds is cut, and the file stays readable`() throws {
    let file = CaptureFile(ByteOutput(), interface: String(repeating: "x", count: 70_000), epoch: .virtual)
    file.append(record(1))
    file.close()
    #expect(try packets(in: file.output.bytes).count == 1)
  }

  @Test func `a comment that is too long ends at a character`() {
    let bytes = PcapngWriter.commentBytes(String(repeating: "é", count: 5000))
    #expect(bytes.count <= Pcapng.longestComment && bytes.count > Pcapng.longestComment - 16)
    #expect(String(validating: bytes, as: UTF8.self)?.last == "…")
    #expect(PcapngWriter.commentBytes("e" + String(repeating: "\u{301}", count: 9000)).count <= Pcapng.longestComment, "one grapheme")
    #expect(PcapngWriter.commentBytes("short") == Array("short".utf8))
  }
}
