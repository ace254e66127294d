import SansIO
import Testing

@testable import Capture

/// What must not reach a file, and what has to be in it before something else.
@Suite struct RedactionTests {
  private final class Crossing: PacketRedactor {
    let remark: StaticString = "crossed out"
    func redacted(_ packet: PacketRecord) -> Bytes? {
      packet.payload.first == UInt8(ascii: "s") ? Bytes([UInt8](repeating: 120, count: packet.payload.count)) : nil
    }
  }

  @Test func `a payload that was redacted is written as it is then, and the comment says so beside the label`() throws {
    let file = CaptureFile(ByteOutput(), interface: "alice", epoch: .virtual, redactor: Crossing())
    file.append(record(1, "secret"))
    file.append(record(2, "open"))
    file.append(record(3, as: .received, over: .tcp(TCPSegment(sequence: 1, acknowledgement: 1, flags: .ack)), "secret"))
    file.close()
    let packets = try packets(in: file.output.bytes)
    #expect(packets.map { $0.bytes.text.contains("secret") } == [false, false, false] && packets.count == 3)
    #expect(packets[0].comments == ["INVITE; crossed out"] && packets[1].comments == ["INVITE"] && packets[2].comments == ["crossed out"])
    #expect(packets[0].bytes.text.hasSuffix("xxxxxx") && packets[1].bytes.text.hasSuffix("open"))
  }

  @Test func `both secrets of a handshake of TLS 1.3 stand before its ServerHello, whenever a client logs its own (RFC 8446 §7.1)`() throws
  {
    let file = CaptureFile(ByteOutput(), interface: "alice", epoch: .virtual)
    let segment = PacketRecord.Carrier.tcp(TCPSegment(sequence: 1, acknowledgement: 1, flags: .ack))
    file.append(record(1, as: .received, over: segment, "hello"))
    file.append(KeyLogLine("SERVER_HANDSHAKE_TRAFFIC_SECRET 00 11"))
    file.append(record(2, over: segment, ""))
    file.append(record(3, as: .received, over: segment, "finished"))
    file.append(KeyLogLine("CLIENT_HANDSHAKE_TRAFFIC_SECRET 00 22"))
    file.append(record(4, over: segment, "finished"))
    file.append(KeyLogLine("SERVER_HANDSHAKE_TRAFFIC_SECRET 01 11"))
    for frame in 5...100 as ClosedRange<UInt32> { file.append(record(frame, as: .received, over: segment, "more")) }
    file.close()
    var reader = try CaptureReader(file.output.bytes)
    var kinds = ""
    while let item = try reader.next() {
      if case .packet = item { kinds += "p" }
      if case .secrets = item { kinds += "s" }
    }
    #expect(kinds == "sspppps" + String(repeating: "p", count: 96), "\(kinds)")
    #expect(file.frames == 100 && file.misnumbered == 0)
  }

  @Test func `secrets that a datagram of DTLS brings stand before it (RFC 7983 §7)`() throws {
    let file = CaptureFile(ByteOutput(), interface: "alice", epoch: .virtual)
    file.append(record(1, as: .received, Bytes([22, 0xFE, 0xFD, 0])))
    file.append(KeyLogLine("CLIENT_RANDOM 00 11"))
    file.append(record(2, as: .received, Bytes([0x80, 0, 0, 1])))
    file.append(KeyLogLine("CLIENT_RANDOM 22 33"))
    file.close()
    var reader = try CaptureReader(file.output.bytes)
    var kinds: [String] = []
    while let item = try reader.next() {
      if case .packet = item { kinds.append("packet") }
      if case .secrets = item { kinds.append("secrets") }
    }
    #expect(kinds == ["secrets", "packet", "packet", "secrets"])
  }
}
