import Capture
import RTP
import SansIO

/// The captures that `inspect` is measured on: what is in them is known.
struct CaptureMaker {
  private static let caller = IPAddress(v4: 0xC000_0201)
  private static let callee = IPAddress(v4: 0xC633_6401)
  /// Milliseconds between the looks at what is due.
  private static let step = 10
  /// Looks from call to call.
  private static let spacing = 5
  private static let payload = [UInt8](repeating: 0x55, count: 160)

  private let file: CaptureFile
  private var frames: UInt32 = 0
  /// Nanoseconds; every frame has a time of its own.
  private var now: Int64 = 0
  private var loss = SeededGenerator(seed: 1)
  /// Packets that were left out, by source.
  private var lost: [UInt32: Int32] = [:]

  private init(_ output: ByteOutput) { file = CaptureFile(output, interface: "bench", epoch: .virtual) }

  /// Calls of G.711 that begin every 50 ms: signalling, RTP both ways of which a hundredth is lost, RTCP every four seconds.
  ///
  /// - Parameter packets: that each side sends, one every 20 ms.
  /// - Returns: frames.
  static func calls(_ count: Int, packets: Int, to output: ByteOutput) -> Int {
    var maker = CaptureMaker(output)
    let last = 6 + 2 * packets
    for round in 0...spacing * (count - 1) + last {
      maker.now = Int64(round * step) * 1_000_000
      for call in max(0, (round - last + spacing - 1) / spacing)..<min(round / spacing + 1, count) {
        maker.look(at: call, age: round - call * spacing, packets)
      }
    }
    return maker.close()
  }

  /// INVITEs that are refused: dialogs of two messages.
  ///
  /// - Returns: frames.
  static func dialogs(_ count: Int, to output: ByteOutput) -> Int {
    var maker = CaptureMaker(output)
    for call in 0..<count {
      maker.now = Int64(call) * 1_000_000
      maker.request("INVITE", call, sequence: 1, hasDescription: true)
      maker.response("486 Busy Here", "INVITE", call, sequence: 1)
    }
    return maker.close()
  }

  private func close() -> Int {
    file.close()
    return Int(frames)
  }

  // MARK: - A call

  /// - Parameter age: steps since the INVITE.
  private mutating func look(at call: Int, age: Int, _ packets: Int) {
    switch age {
    case 0:
      request("INVITE", call, sequence: 1, hasDescription: true)
      response("100 Trying", "INVITE", call, sequence: 1)
      response("180 Ringing", "INVITE", call, sequence: 1)
    case 2:
      response("200 OK", "INVITE", call, sequence: 1, hasDescription: true)
      request("ACK", call, sequence: 1)
    case 6 + 2 * packets:
      request("BYE", call, sequence: 2)
      response("200 OK", "BYE", call, sequence: 2)
    case let age where age >= 4 && age % 2 == 0 && (age - 4) / 2 < packets:
      let index = (age - 4) / 2
      for isCaller in [true, false] {
        if loss.next() % 100 != 0 { media(call, isCaller, index) } else { lost[source(call, isCaller), default: 0] += 1 }
        if index % 200 == 199 { report(call, isCaller, index) }
      }
    default: break
    }
  }

  private func place(_ call: Int, _ isCaller: Bool, _ offset: Int = 0) -> TransportAddress {
    TransportAddress(isCaller ? Self.caller : Self.callee, port: UInt16(10_000 + call % 12_000 * 4 + offset))
  }

  private func source(_ call: Int, _ isCaller: Bool) -> UInt32 {
    UInt32(truncatingIfNeeded: (call * 2 + (isCaller ? 1 : 2)) &* 0x9E37_79B1)
  }

  private mutating func media(_ call: Int, _ isCaller: Bool, _ index: Int) {
    let packet = RTPPacket(
      payloadType: 0, marker: index == 0, sequenceNumber: UInt16(truncatingIfNeeded: call &+ index), timestamp: UInt32(160 * index),
      ssrc: source(call, isCaller), payload: Bytes(Self.payload))
    send(from: place(call, isCaller), to: place(call, !isCaller), packet.serialized())
  }

  private mutating func report(_ call: Int, _ isCaller: Bool, _ index: Int) {
    // Seconds and their fraction (RFC 3550 §4).
    let ntp = UInt64(now / 1_000_000_000) << 32 | (UInt64(now % 1_000_000_000) << 32) / 1_000_000_000
    let sent = RTCPPacket.SenderInformation(
      ntpTime: ntp, rtpTimestamp: UInt32(160 * index), packetCount: UInt32(index + 1), octetCount: UInt32(160 * (index + 1)))
    let heard = ReceptionReport(
      ssrc: source(call, !isCaller), fractionLost: 2, cumulativeLost: lost[source(call, !isCaller)] ?? 0,
      extendedHighestSequence: UInt32(call + index),
      jitter: 0, lastSenderReport: 0, delaySinceLastSenderReport: 0)
    let own = source(call, isCaller)
    let bytes = RTCPPacket.serialized([.senderReport(ssrc: own, sent, [heard]), .cname(ssrc: own, "bench@example.com")])
    send(from: place(call, isCaller, 1), to: place(call, !isCaller, 1), bytes)
  }

  // MARK: - Messages

  private mutating func request(_ method: String, _ call: Int, sequence: Int, hasDescription: Bool = false) {
    let tag = method == "INVITE" ? "" : ";tag=b\(call)"
    let lines = ["\(method) sip:service@\(Self.callee) SIP/2.0"] + common(method, method, call, sequence, tag)
    let body = hasDescription ? description(call, isCaller: true) : ""
    signal(lines + ["Max-Forwards: 70", "Contact: <sip:caller@\(Self.caller)>"], body, fromCaller: true)
  }

  private mutating func response(_ status: String, _ method: String, _ call: Int, sequence: Int, hasDescription: Bool = false) {
    let lines = ["SIP/2.0 \(status)"] + common(method, method, call, sequence, status.hasPrefix("100") ? "" : ";tag=b\(call)")
    signal(
      lines + ["Contact: <sip:service@\(Self.callee)>"], hasDescription ? description(call, isCaller: false) : "", fromCaller: false)
  }

  private func common(_ method: String, _ transaction: String, _ call: Int, _ sequence: Int, _ toTag: String) -> [String] {
    [
      "Via: SIP/2.0/UDP \(Self.caller):5060;branch=z9hG4bK\(transaction)\(call)",
      "From: \"Caller\" <sip:caller@\(Self.caller)>;tag=a\(call)",
      "To: <sip:service@\(Self.callee)>\(toTag)", "Call-ID: c\(call)@bench.example.com", "CSeq: \(sequence) \(method)",
    ]
  }

  private func description(_ call: Int, isCaller: Bool) -> String {
    let place = place(call, isCaller)
    return "v=0\r\no=- \(call) 1 IN IP4 \(place.address)\r\ns=-\r\nc=IN IP4 \(place.address)\r\nt=0 0\r\n"
      + "m=audio \(place.port) RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
      + "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
  }

  private mutating func signal(_ lines: [String], _ body: String, fromCaller: Bool) {
    let type = body.isEmpty ? [] : ["Content-Type: application/sdp"]
    let text = (lines + type + ["Content-Length: \(body.utf8.count)", ""]).map { $0 + "\r\n" }.joined() + body
    let (one, other) = (TransportAddress(Self.caller, port: 5_060), TransportAddress(Self.callee, port: 5_060))
    send(from: fromCaller ? one : other, to: fromCaller ? other : one, Bytes(text))
  }

  private mutating func send(from source: TransportAddress, to destination: TransportAddress, _ payload: Bytes) {
    frames += 1
    now += 2_000
    file.append(
      PacketRecord(
        at: Instant(nanoseconds: now), host: HostID(0), frame: frames, direction: .received, carrier: .udp, source: source,
        destination: destination, payload: payload, label: .none))
  }
}
