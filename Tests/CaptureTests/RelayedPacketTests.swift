import LabBench
import SansIO
import Testing

@testable import Capture

/// Packets that others took off the wire, SCTP, and what ICMP says.
@Suite struct RelayedPacketTests {
  private func decoded(_ frame: [UInt8], _ link: LinkType = .rawIP) -> FrameContent { PacketDecoder.decode(Bytes(frame), linkType: link) }

  @Test(arguments: [(alicePort, bobPort), (aliceSix, bobSix)])
  func `a HEP3 packet has the addresses, the transport and the payload of what it passes on`(ends: (TransportAddress, TransportAddress)) {
    let packet = RelayedFrames.hep(ends.0, to: ends.1, carrier: 6, "hello")
    let found = RelayedPacket.hep(packet)
    #expect(found?.source == ends.0 && found?.destination == ends.1 && found?.protocolNumber == 6 && found?.content == .packet)
    #expect(found.map { packet[$0.payload].text } == "hello")
  }

  @Test func `reports and compressed payloads are told apart, and chunks of a vendor say nothing`() {
    #expect(RelayedPacket.hep(RelayedFrames.hep(alicePort, to: bobPort, kind: 100, "{}"))?.content == .report)
    #expect(RelayedPacket.hep(RelayedFrames.hep(alicePort, to: bobPort, payloadType: 16, "xx"))?.content == .compressed)
    let vendor = RelayedFrames.hepChunk(2, [6], vendor: 3)
    #expect(RelayedPacket.hep(RelayedFrames.hep(alicePort, to: bobPort, extra: vendor, "x"))?.protocolNumber == 17)
  }

  @Test func `a HEP3 packet that is cut or changed anywhere is never read beyond its end`() {
    let whole = RelayedFrames.hep(alicePort, to: bobPort, "hello").array
    for count in 0..<whole.count { #expect(RelayedPacket.hep(Bytes(Array(whole[..<count]))) == nil) }
    for index in whole.indices {
      for change in [0x01, 0x80, 0xFF] as [UInt8] {
        var changed = whole
        changed[index] ^= change
        if let found = RelayedPacket.hep(Bytes(changed)) { #expect(found.payload.upperBound <= changed.count) }
      }
    }
  }

  @Test func `an agent's key has a place, and no other chunk has it`() {
    let key = RelayedFrames.hep(alicePort, to: bobPort, extra: RelayedFrames.hepChunk(14, Array("secret".utf8)), "hello")
    #expect(RelayedPacket.hepKey(key).map { key[$0].text } == "secret")
    #expect(RelayedPacket.hepKey(RelayedFrames.hep(alicePort, to: bobPort, "hello")) == nil)
  }

  @Test func `an exported PDU of SIP is read with its addresses, and one without them or of something else is not`() {
    let frame = RelayedFrames.exported(alicePort, to: bobPort, tcp: true, "sip", "OPTIONS")
    guard case .relayed(let found) = decoded(frame, .exportedPDU) else {
      Issue.record("not read")
      return
    }
    #expect(found.source == alicePort && found.destination == bobPort && found.protocolNumber == 6)
    #expect(Bytes(frame)[found.payload].text == "OPTIONS")
    #expect(
      decoded(RelayedFrames.exported(alicePort, to: bobPort, "diameter", "x"), .exportedPDU) == .malformed(.unknownLinkType(.exportedPDU)))
    #expect(decoded([0, 12, 0, 3] + Array("sip".utf8) + [0, 0, 0, 0, 1], .exportedPDU) == .malformed(.unknownLinkType(.exportedPDU)))
    for count in 0..<frame.count - 7 {
      #expect(decoded(Array(frame[..<count]), .exportedPDU) == .malformed(.unknownLinkType(.exportedPDU)))
    }
  }

  @Test func `the DATA chunks of SCTP are found, past others and padding (RFC 9260 §3.3.1)`() {
    let one = IPAddress(v4: 0xC000_020A)
    let frame = RelayedFrames.sctp(one, to: bobPort.address, [(7, 2, "abcde"), (8, 1, "fg")])
    guard case .sctp(let packet) = decoded(frame) else {
      Issue.record("\(decoded(frame))")
      return
    }
    #expect(packet.source == alicePort && packet.data.map(\.transmission) == [7, 8] && !packet.isCut)
    #expect(packet.data.map(\.isBeginning) == [true, false] && packet.data.map(\.isEnd) == [false, true])
    #expect(packet.data.map { Bytes(frame)[$0.payload].text } == ["abcde", "fg"])
    guard case .sctp(let cut) = decoded(Array(frame.dropLast(4))) else {
      Issue.record("cut: \(decoded(Array(frame.dropLast(4))))")
      return
    }
    #expect(cut.isCut)
  }

  @Test func `ICMP says which packet did not arrive, even where it quotes eight octets of it alone (RFC 792)`() throws {
    for (carrier, number) in [(PacketRecord.Carrier.udp, 17 as UInt8), (.tcp(TCPSegment(sequence: 1, acknowledgement: 0, flags: .syn)), 6)]
    {
      let sent = try #require(try packets(in: capture([record(1, over: carrier, "a payload that is quoted")])).first).bytes
      for quoting in [8, 28, 200] {
        let frame = RelayedFrames.icmp(3, 3, by: bobPort.address, about: sent, quoting: quoting)
        guard case .unreachable(let error) = decoded(frame) else {
          Issue.record("\(decoded(frame))")
          continue
        }
        #expect(error.kind == .portUnreachable && error.reporter == bobPort.address && error.protocolNumber == number)
        #expect(error.source == alicePort && error.destination == bobPort)
      }
    }
    let sent = try #require(try packets(in: capture([record(1)])).first).bytes
    let kinds: [(UInt8, UInt8, ICMPError.Kind)] = [
      (3, 0, .networkUnreachable), (3, 1, .hostUnreachable), (3, 13, .prohibited), (3, 4, .packetTooBig(0)), (11, 0, .timeToLiveExceeded),
    ]
    for (type, code, kind) in kinds {
      guard case .unreachable(let error) = decoded(RelayedFrames.icmp(type, code, by: bobPort.address, about: sent)) else {
        Issue.record("\(type)/\(code)")
        continue
      }
      #expect(error.kind == kind)
    }
    // A ping is no error.
    #expect(
      decoded(RelayedFrames.icmp(8, 0, by: bobPort.address, about: sent))
        == .otherProtocol(1, source: bobPort.address, destination: alicePort.address))
  }
}
