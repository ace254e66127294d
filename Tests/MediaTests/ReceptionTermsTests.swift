import Codecs
import RTP
import SDP
import SansIO
import Testing

@testable import Media

/// Whose packet is welcome: by the agreement, by an open offer, by what the peer may still believe, and in which dialog.
@Suite struct ReceptionTermsTests {
  private let peer = TransportAddress(IPAddress(v4: 0xC000_0214), port: 30_000)
  private let moved = TransportAddress(IPAddress(v4: 0xC000_0215), port: 30_000)

  private struct Call {
    var stream: MediaStream
    var now = Instant.zero
    var sequence: UInt16 = 0

    init(_ agreement: AudioAgreement, tag: String = "a", isForked: Bool = false) {
      stream = .running(agreement, tag: tag, isForked: isForked)
    }

    /// Packets 20 ms apart; whether the last one counted as a sign of life.
    @discardableResult
    mutating func receive(_ count: Int, from source: TransportAddress, ssrc: UInt32 = 5, type: UInt8 = 0, timestamp: UInt32? = nil) -> Bool
    {
      var isLife = false
      for _ in 0..<count {
        now = now.advanced(by: .milliseconds(20))
        sequence &+= 1
        let packet = RTPPacket(
          payloadType: type, marker: false, sequenceNumber: sequence, timestamp: timestamp ?? UInt32(sequence) * 160, ssrc: ssrc,
          payload: Bytes([UInt8](repeating: 0xFF, count: 160)))
        isLife = stream.takes(.datagram(PortID(1), from: source, packet.serialized()), at: now)
      }
      return isLife
    }

    mutating func rules() -> [PeerViolation.Rule] { stream.rules() }
  }

  /// A receiving call cannot be inside `#expect`: it changes the session.
  private func expectLife(_ expected: Bool, _ actual: Bool, _ place: SourceLocation = #_sourceLocation) {
    #expect(actual == expected, sourceLocation: place)
  }

  private func agreement(_ remote: TransportAddress, _ direction: MediaDirection = .sendrecv, codec: AudioCodec = .pcmu) -> AudioAgreement {
    AudioAgreement(
      codec: codec, local: TransportAddress(IPAddress(v4: 1), port: 20_000), remote: remote,
      remoteControl: TransportAddress(remote.address, port: remote.port + 1), direction: direction, sendPayloadType: 0,
      receivePayloadType: codec.offeredPayloadType, packetTime: 20)
  }

  private let sendrecv = ReceivableAudio(receives: true, [AudioPayload(0, .codec(.pcmu)), AudioPayload(8, .codec(.pcma))])

  // MARK: - Open exchanges

  @Test func `who offers to receive is ready at once, in every format of the offer (RFC 3264 §5.1)`() {
    var call = Call(agreement(peer, .sendonly))
    call.stream.handle(.offer(sendrecv), at: call.now)
    call.receive(100, from: peer)
    call.receive(100, from: peer, type: 8)
    #expect(call.rules() == [])
    #expect(call.stream.report.packetsReceived == 200)
  }

  @Test func `an offer that was refused lets nothing in any more`() {
    var call = Call(agreement(peer, .sendonly))
    call.stream.handle(.offer(sendrecv), at: call.now)
    call.receive(10, from: peer)
    call.stream.handle(.offer(nil), at: call.now)
    call.receive(60, from: peer)
    call.receive(1, from: peer, type: 8)
    #expect(call.rules() == [.rtpWhileHeld, .rtpPayloadType])
  }

  @Test func `an offer that does not receive leaves what was agreed: the peer may not have it yet`() {
    var call = Call(agreement(peer))
    call.stream.handle(.offer(ReceivableAudio(receives: false, [AudioPayload(0, .codec(.pcmu))])), at: call.now)
    call.receive(200, from: peer)
    #expect(call.rules() == [])
  }

  @Test func `media of an answer that is still on its way may come from another address`() {
    var call = Call(agreement(peer))
    call.receive(8, from: peer)
    call.stream.handle(.offer(sendrecv), at: call.now)
    call.receive(10, from: moved, ssrc: 6)
    #expect(call.rules() == [])
    call.stream.handle(.renegotiate(agreement(moved), isKnown: true), at: call.now)
    call.receive(10, from: moved, ssrc: 6)
    #expect(call.rules() == [])
    #expect(call.stream.report.packetsReceived == 28)
    let stranger = TransportAddress(IPAddress(v4: 0xC633_6442), port: 4_000)
    call.receive(5, from: stranger, ssrc: 7)
    #expect(call.rules() == [.rtpSource], "without an offer nobody else may come")
  }

  @Test func `until the ACK says that our answer has arrived the old agreement counts, then what was under way (RFC 3264 §8)`() {
    var call = Call(agreement(peer))
    var held = agreement(peer, .inactive, codec: .pcma)
    call.stream.handle(.renegotiate(held, isKnown: false), at: call.now)
    call.receive(300, from: peer)
    #expect(call.rules() == [])
    call.stream.handle(.confirm, at: call.now)
    call.receive(45, from: peer)
    #expect(call.rules() == [])
    call.receive(20, from: peer)
    #expect(Set(call.rules()) == [.rtpWhileHeld, .rtpPayloadType])
    held.direction = .sendrecv
    call.stream.handle(.renegotiate(held, isKnown: true), at: call.now)
    call.receive(50, from: peer, type: 8)
    #expect(call.rules() == [])
  }

  @Test func `an exchange is open from our offer to the answer, and from our answer to the ACK`() {
    var stream = Call(agreement(peer)).stream
    #expect(!stream.terms.isExchangeOpen)
    stream.handle(.offer(sendrecv), at: .zero)
    #expect(stream.terms.isExchangeOpen)
    stream.handle(.renegotiate(agreement(peer), isKnown: true), at: .zero)
    #expect(!stream.terms.isExchangeOpen)
    stream.handle(.renegotiate(agreement(peer, .inactive), isKnown: false), at: .zero)
    #expect(stream.terms.isExchangeOpen)
    stream.handle(.confirm, at: .zero)
    #expect(!stream.terms.isExchangeOpen)
  }

  // MARK: - Several dialogs

  @Test func `media of another early dialog is neither heard nor named, known or not (RFC 3261 §12.1, RFC 3960 §3)`() {
    var call = Call(agreement(peer), tag: "a", isForked: true)
    call.receive(8, from: peer)
    call.receive(8, from: moved, ssrc: 6)
    #expect(call.rules() == [])
    call.stream.handle(.agree(agreement(moved), remoteTag: "b"), at: call.now)
    call.stream.handle(.expectForks(until: call.now.advanced(by: .seconds(32))), at: call.now)
    for _ in 0..<20 {
      call.receive(1, from: peer)
      call.receive(1, from: moved, ssrc: 6)
    }
    #expect(call.rules() == [])
    #expect(call.stream.report.packetsReceived == 28)
    call.now = call.now.advanced(by: .seconds(40))
    call.receive(8, from: peer)
    #expect(call.rules() == [], "the other callee was never this one")
    call.receive(1, from: TransportAddress(IPAddress(v4: 9), port: 9))
    #expect(call.rules() == [.rtpSource])
  }

  @Test func `the third callee answers: media of the first two is theirs`() {
    let third = TransportAddress(IPAddress(v4: 0xC000_0216), port: 30_000)
    var call = Call(agreement(peer), tag: "a")
    call.receive(8, from: peer)
    call.stream.handle(.agree(agreement(moved), remoteTag: "b"), at: call.now)
    call.receive(8, from: moved, ssrc: 6)
    call.stream.handle(.agree(agreement(third), remoteTag: "c"), at: call.now)
    call.receive(8, from: third, ssrc: 7)
    expectLife(false, call.receive(8, from: peer))
    expectLife(false, call.receive(8, from: moved, ssrc: 6))
    #expect(call.rules() == [])
    call.stream.handle(.agree(agreement(peer), remoteTag: "a"), at: call.now)
    let isLife = call.receive(8, from: peer)
    #expect(isLife)
  }

  @Test func `one relay for all branches goes on to be heard when another dialog takes over and nothing else comes`() {
    let relay = TransportAddress(IPAddress(v4: 0xCB00_7107), port: 40_000)
    var call = Call(agreement(peer), tag: "a")
    call.receive(8, from: relay)
    call.stream.handle(.agree(agreement(moved), remoteTag: "b"), at: call.now)
    expectLife(false, call.receive(16, from: relay))
    let isLife = call.receive(4, from: relay)
    #expect(isLife)
  }

  // MARK: - Other things on the port

  @Test func `STUN, ZRTP, DTLS, TURN channels and empty datagrams are not RTP, on either port (RFC 7983 §7, RFC 6263 §4.1)`() {
    var call = Call(agreement(peer))
    for port in [PortID(1), PortID(2)] {
      for first: UInt8 in [0, 1, 3, 16, 19, 20, 22, 63, 64, 79] {
        let isLife = call.stream.takes(.datagram(port, from: peer, Bytes([first] + [UInt8](repeating: 1, count: 19))), at: .zero)
        #expect(!isLife)
      }
      call.stream.takes(.datagram(port, from: peer, Bytes()), at: .zero)
    }
    #expect(call.rules() == [])
    call.stream.takes(.datagram(PortID(1), from: peer, "garbage"), at: .zero)
    #expect(call.rules() == [.rtpMalformed])
  }

  @Test func `the events of a digit do not raise the jitter: their timestamp is the one at which it began (RFC 4733 §2.2.1)`() {
    var withEvents = agreement(peer)
    withEvents.receiveEventPayloadType = 101
    var call = Call(withEvents)
    call.receive(50, from: peer)
    let start = UInt32(call.sequence) * 160
    call.receive(15, from: peer, type: 101, timestamp: start)
    call.receive(50, from: peer)
    #expect(call.stream.report.jitter == .zero)
    #expect(call.stream.report.packetsLost == 0 && call.stream.report.packetsReceived == 115)
  }

  @Test func `what a stranger sends is no mistake of the peer's, but the source's alone`() {
    var call = Call(agreement(peer, .sendonly))
    call.receive(4, from: peer)
    call.receive(100, from: moved, ssrc: 6, type: 96)
    #expect(call.rules() == [.rtpSource])
  }
}
