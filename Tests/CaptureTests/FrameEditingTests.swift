import SansIO
import Testing

@testable import Capture

/// Frames with another payload.
@Suite struct FrameEditingTests {
  private static let carriers: [PacketRecord.Carrier] = [
    .udp, .tcp(TCPSegment(sequence: 7, acknowledgement: 9, flags: [.psh, .ack])),
    .tcp(TCPSegment(sequence: 1, acknowledgement: 0, flags: .syn)),
  ]

  private func found(_ packet: CapturedPacket) throws -> DecodedPacket {
    guard case .transport(let found) = PacketDecoder.decode(packet) else { throw CaptureReadError(.timestamp, at: 0) }
    return found
  }

  @Test(arguments: carriers, [LinkType.rawIP, .ethernet])
  func `a frame with another payload is the frame that would have been written for it, checksums included`(
    carrier: PacketRecord.Carrier, linkType: LinkType
  ) throws {
    for ends in [(alicePort, bobPort), (aliceSix, bobSix)] {
      let frames = try ["hello", "", "another payload"].map { payload in
        let records = [record(1, over: carrier, from: ends.0, to: ends.1, Bytes(payload))]
        return try #require(try packets(in: capture(records, options: CaptureOptions(linkType: linkType))).first)
      }
      for frame in frames {
        var edited = frame
        edited.bytes = FrameEditing.replacing(payloadOf: frame, try found(frame), with: "another payload")
        #expect(edited.bytes == frames[2].bytes)
        #expect(FrameEditing.replacing(payloadOf: edited, try found(frames[2]), with: "hello") == frames[0].bytes)
      }
    }
  }

  @Test func `a segment gets the numbers that it is given, and padding behind a short frame goes (RFC 9293 §3.1)`() throws {
    func frame(_ sequence: UInt32, _ acknowledgement: UInt32) throws -> CapturedPacket {
      let carrier = PacketRecord.Carrier.tcp(TCPSegment(sequence: sequence, acknowledgement: acknowledgement, flags: .ack))
      return try #require(try packets(in: capture([record(1, over: carrier, "x")], options: CaptureOptions(linkType: .ethernet))).first)
    }
    var padded = try frame(1, 2)
    padded.bytes = Bytes(padded.bytes.array + [0, 0, 0, 0, 0])
    #expect(FrameEditing.replacing(payloadOf: padded, try found(padded), with: "x", numbers: (70, 80)) == (try frame(70, 80)).bytes)
  }

  @Test func `a packet holds no more than its length field says (RFC 791 §3.1, RFC 8200 §3)`() throws {
    for (ends, headers) in [((alicePort, bobPort), 28), ((aliceSix, bobSix), 8)] {
      let frame = try #require(try packets(in: capture([record(1, from: ends.0, to: ends.1)])).first)
      #expect(FrameEditing.room(in: frame, try found(frame)) == 65_535 - headers)
    }
  }
}
