import Capture
import SansIO

public let alice = IPAddress(v4: 0xC000_020A)
public let bob = IPAddress(v4: 0xC633_6414)

/// Packets made by hand, as a capture of one host.
public struct Packets {
  public init() {}

  public private(set) var records: [PacketRecord] = []
  private var now: Int64 = 0

  /// Moves time on, in milliseconds.
  public mutating func wait(_ milliseconds: Int64) { now += milliseconds * 1_000_000 }

  /// A datagram from port 5060 to port 5060.
  public mutating func udp(_ source: IPAddress, to destination: IPAddress, _ payload: Bytes, _ label: Label = .none) {
    add(.udp, TransportAddress(source, port: 5060), TransportAddress(destination, port: 5060), payload, label)
  }

  public mutating func udp(_ source: IPAddress, _ from: UInt16, to destination: IPAddress, _ port: UInt16, _ payload: Bytes) {
    add(.udp, TransportAddress(source, port: from), TransportAddress(destination, port: port), payload, .none)
  }

  public mutating func tcp(
    _ source: IPAddress, _ from: UInt16, to destination: IPAddress, _ port: UInt16, _ flags: TCPSegment.Flags = [.psh, .ack],
    at sequence: UInt32,
    ack: UInt32 = 0, _ payload: Bytes = Bytes()
  ) {
    add(
      .tcp(TCPSegment(sequence: sequence, acknowledgement: ack, flags: flags)), TransportAddress(source, port: from),
      TransportAddress(destination, port: port), payload, .none)
  }

  private mutating func add(
    _ carrier: PacketRecord.Carrier, _ source: TransportAddress, _ destination: TransportAddress, _ payload: Bytes, _ label: Label
  ) {
    records.append(
      PacketRecord(
        at: Instant(nanoseconds: now), host: HostID(0), frame: UInt32(records.count + 1), direction: .sent, carrier: carrier,
        source: source,
        destination: destination, payload: payload, label: label))
  }

  /// As the tap of one host has them: it says which packets the host received.
  public func seen(by host: IPAddress) -> Packets {
    var packets = self
    for index in packets.records.indices where packets.records[index].destination.address == host {
      packets.records[index].direction = .received
    }
    return packets
  }

  /// A frame as of a network that flips bits of what passes.
  public func corrupted(frame: Int) -> Packets {
    var packets = self
    packets.records[frame - 1].fate = .corrupted
    return packets
  }

  /// Captured twice, as on two interfaces or a mirror port: every packet once more, with its IP identification, so long after itself.
  public func capturedTwice(after nanoseconds: Int64 = 100_000) -> Packets {
    var packets = self
    packets.records = records.flatMap { record in
      var copy = record
      copy.at = Instant(nanoseconds: record.at.nanoseconds + nanoseconds)
      return [record, copy]
    }
    return packets
  }

  public var file: Bytes {
    let file = CaptureFile(ByteOutput(), interface: "alice", epoch: .virtual)
    for record in records { file.append(record) }
    file.close()
    return file.output.bytes
  }

  /// As a reader gets them.
  public var captured: [CapturedPacket] {
    get throws {
      var reader = try CaptureReader(file)
      var packets: [CapturedPacket] = []
      while let item = try reader.next() { if case .packet(let packet) = item { packets.append(packet) } }
      return packets
    }
  }
}

/// SIP messages of one dialog between Alice and Bob.
public struct Talk {
  public init(callID: String = "talk", bobTag: String = "b1", transport: String = "UDP") {
    (self.callID, self.bobTag, self.transport) = (callID, bobTag, transport)
  }

  public var callID: String
  public var bobTag: String
  public var transport: String
  /// Who calls, and who is called.
  public var hosts = (caller: alice, callee: bob)

  /// - Parameter version: of the o= line; nil = one that is another for every other description (RFC 3264 §8).
  public static func sdp(
    _ address: IPAddress, _ port: UInt16, formats: String = "0 101", direction: String = "sendrecv", extra: String = "",
    version: UInt32? = nil
  )
    -> String
  {
    let content = """
      c=IN IP4 \(address)\r\nt=0 0\r\nm=audio \(port) RTP/AVP \(formats)\r
      a=rtpmap:101 telephone-event/8000\r\n\(extra)a=\(direction)\r\n
      """
    let version = version ?? content.utf8.reduce(5_381) { ($0 &* 33) ^ UInt32($1) }
    return "v=0\r\no=- 1 \(version) IN IP4 \(address)\r\ns=-\r\n" + content
  }

  /// A request of Alice, or of Bob where `fromBob` says so.
  public func request(
    _ method: String, cseq: Int, branch: String? = nil, inDialog: Bool = false, fromBob: Bool = false, sdp: String = "",
    extra: [String] = []
  ) -> Bytes {
    let from = fromBob ? "<sip:bob@example.com>;tag=\(bobTag)" : "<sip:alice@example.com>;tag=a1"
    let to = fromBob ? "<sip:alice@example.com>;tag=a1" : "<sip:bob@example.com>\(inDialog ? ";tag=\(bobTag)" : "")"
    let host = fromBob ? hosts.callee : hosts.caller
    // Within a dialog it goes to the Contact of the other side (RFC 3261 §12.2.1.1).
    let target = inDialog ? "user@\(fromBob ? hosts.caller : hosts.callee)" : "\(fromBob ? "alice" : "bob")@example.com"
    return message(
      "\(method) sip:\(target) SIP/2.0", branch: branch ?? "\(method)\(cseq)\(fromBob ? "b" : "")\(suffix)",
      host: host,
      from: from, to: to, cseq: "\(cseq) \(method)", ["Max-Forwards: 70", "Contact: <sip:user@\(host)>"] + extra, sdp)
  }

  /// A response to Alice's request, or to Bob's.
  public func response(
    _ status: String, cseq: Int, _ method: String, branch: String? = nil, toBob: Bool = false, sdp: String = "", extra: [String] = []
  ) -> Bytes {
    let from = toBob ? "<sip:bob@example.com>;tag=\(bobTag)" : "<sip:alice@example.com>;tag=a1"
    let to = toBob ? "<sip:alice@example.com>;tag=a1" : "<sip:bob@example.com>\(status.hasPrefix("100") ? "" : ";tag=\(bobTag)")"
    // A registrar lists the bindings of who asks.
    let contact = toBob || method == "REGISTER" ? hosts.caller : hosts.callee
    return message(
      "SIP/2.0 \(status)", branch: branch ?? "\(method)\(cseq)\(toBob ? "b" : "")\(suffix)", host: toBob ? hosts.callee : hosts.caller,
      from: from, to: to, cseq: "\(cseq) \(method)", ["Contact: <sip:user@\(contact)>"] + extra, sdp)
  }

  /// Tells the branches of several talks apart.
  var suffix: String { callID == "talk" ? "" : callID }

  private func message(
    _ first: String, branch: String, host: IPAddress, from: String, to: String, cseq: String, _ extra: [String], _ sdp: String
  ) -> Bytes {
    let own = [
      "Via: SIP/2.0/\(transport) \(host):5060;branch=z9hG4bK\(branch)", "From: \(from)", "To: \(to)", "Call-ID: \(callID)", "CSeq: \(cseq)",
    ]
    return Bytes(SIPText.message(first, own + extra, body: sdp))
  }
}

extension Packets {
  /// A dialog up to its ACK, one message every 10 ms.
  public mutating func establish(_ talk: Talk = Talk(), offer: String = Talk.sdp(alice, 10_000), answer: String = Talk.sdp(bob, 20_000)) {
    udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: offer))
    wait(10)
    udp(bob, to: alice, talk.response("180 Ringing", cseq: 1, "INVITE"))
    wait(10)
    udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE", sdp: answer))
    wait(10)
    udp(alice, to: bob, talk.request("ACK", cseq: 1, branch: "ack\(talk.suffix)", inDialog: true))
    wait(10)
  }

  public mutating func hangUp(_ talk: Talk = Talk(), byBob: Bool = false, cseq: Int = 9, extra: [String] = []) {
    let (from, to) = byBob ? (bob, alice) : (alice, bob)
    udp(from, to: to, talk.request("BYE", cseq: cseq, inDialog: true, fromBob: byBob, extra: extra))
    wait(10)
    udp(to, to: from, talk.response("200 OK", cseq: cseq, "BYE", toBob: byBob))
  }

  /// `count` packets of 20 ms.
  public mutating func rtp(
    _ source: IPAddress, _ from: UInt16, to destination: IPAddress, _ port: UInt16, type: UInt8 = 0, count: Int, first: UInt16 = 1,
    ssrc: UInt32 = 7
  ) {
    for index in 0..<count {
      udp(source, from, to: destination, port, rtpPacket(type, first &+ UInt16(index), UInt32(index) * 160, ssrc))
      wait(20)
    }
  }
}

extension Packets {
  /// RTP with numbers and timestamps of its own, a packet every 20 ms unless said otherwise.
  public mutating func rtp(
    _ source: IPAddress, _ from: UInt16, to destination: IPAddress, _ port: UInt16, type: UInt8 = 0, ssrc: UInt32 = 7, every: Int64 = 20,
    size: Int = 160, _ plan: [(sequence: Int, timestamp: Int, marker: Bool)]
  ) {
    for one in plan {
      let packet = rtpPacket(
        type, UInt16(truncatingIfNeeded: one.sequence), UInt32(truncatingIfNeeded: one.timestamp), ssrc, marker: one.marker, size: size)
      udp(source, from, to: destination, port, packet)
      wait(every)
    }
  }

  /// `count` packets of 20 ms each way at the same time.
  public mutating func talk(
    _ one: IPAddress = alice, _ port: UInt16 = 10_000, with other: IPAddress = bob, _ otherPort: UInt16 = 20_000, count: Int,
    first: Int = 1, types: (UInt8, UInt8) = (0, 0), ssrcs: (UInt32, UInt32) = (7, 8)
  ) {
    for index in first..<first + count {
      udp(one, port, to: other, otherPort, rtpPacket(types.0, UInt16(truncatingIfNeeded: index), UInt32(index * 160), ssrcs.0))
      udp(other, otherPort, to: one, port, rtpPacket(types.1, UInt16(truncatingIfNeeded: index), UInt32(index * 160), ssrcs.1))
      wait(20)
    }
  }

  /// A re-INVITE of Alice with its answer and ACK.
  public mutating func reinvite(_ talk: Talk = Talk(), cseq: Int, offer: String, answer: String) {
    udp(alice, to: bob, talk.request("INVITE", cseq: cseq, inDialog: true, sdp: offer))
    wait(10)
    udp(bob, to: alice, talk.response("200 OK", cseq: cseq, "INVITE", sdp: answer))
    wait(10)
    udp(alice, to: bob, talk.request("ACK", cseq: cseq, branch: "ack\(cseq)", inDialog: true))
    wait(10)
  }
}

public func rtpPacket(_ type: UInt8, _ sequence: UInt16, _ timestamp: UInt32, _ ssrc: UInt32, marker: Bool = false, size: Int = 160)
  -> Bytes
{
  func octets(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * $0)) } }
  return Bytes(
    [0x80, type | (marker ? 0x80 : 0), UInt8(sequence >> 8), UInt8(sequence & 255)] + octets(timestamp) + octets(ssrc)
      + [UInt8](repeating: 0x55, count: size))
}
