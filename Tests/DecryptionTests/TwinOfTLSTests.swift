import Capture
import Foundation
import LabBench
import SansIO
import SecureTransport
import Testing
import WireReader

@testable import Decryption

/// A call over TLS whose ciphertext is cut into segments at random.
private struct CutCall {
  private static let (client, server) = (TransportAddress(alice, port: 40_000), TransportAddress(bob, port: 5_061))
  private static let origin: UInt32 = 0xFFFF_F000

  private(set) var packets = Packets()
  private(set) var keyLog = ""
  private(set) var sent: (client: [Bytes], server: [Bytes]) = ([], [])
  private var entropy: Entropy
  private let longest: Int
  private let repeats: Bool
  private let ends: (client: TLSConnection, server: TLSConnection)
  private var next = (client: Self.origin &+ 1, server: UInt32(901))

  /// - Parameters:
  ///   - longest: bytes of a segment at most.
  ///   - repeats: some segments come twice, some come again together with those after them, and some come in the wrong order.
  init(seed: UInt64, version: TLSVersion, longest: Int, repeats: Bool) throws {
    (entropy, self.longest, self.repeats) = (Entropy(seed: seed), longest, repeats)
    let authority = try LabAuthority(entropy: Entropy(seed: 7), epoch: .virtual)
    let leaf = try authority.issue(CertificateRequest(names: ["example.com"], addresses: []), entropy: Entropy(seed: 8))
    let server = try TLSContext(
      TLSConfiguration(
        role: .server, certificateChain: leaf.certificate, privateKey: leaf.privateKey, trustAnchors: authority.certificate,
        minimumVersion: version, maximumVersion: version))
    let client = try TLSContext(
      TLSConfiguration(
        role: .client, trustAnchors: authority.certificate, minimumVersion: version, maximumVersion: version, verification: .none))
    ends = (
      TLSConnection(client, serverName: "example.com", entropy: Entropy(seed: seed).fork("client"), epoch: .virtual),
      TLSConnection(server, serverName: nil, entropy: Entropy(seed: seed).fork("server"), epoch: .virtual)
    )
    talk()
  }

  private mutating func talk() {
    segment(fromClient: true, .syn, at: Self.origin)
    segment(fromClient: false, [.syn, .ack], at: 900)
    segment(fromClient: true, .ack, at: next.client)
    settle(ends.server.start(at: .zero), ends.client.start(at: .zero))
    let talk = Talk(transport: "TLS")
    let line = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n"
    say([talk.request("INVITE", cseq: 1, sdp: Talk.sdp(alice, 10_000, extra: line))], fromClient: true)
    let answer = talk.response("200 OK", cseq: 1, "INVITE", sdp: Talk.sdp(bob, 20_000, extra: line))
    say([talk.response("180 Ringing", cseq: 1, "INVITE"), answer], fromClient: false)
    say([talk.request("ACK", cseq: 1, branch: "ack", inDialog: true), talk.request("BYE", cseq: 2, inDialog: true)], fromClient: true)
    say([talk.response("200 OK", cseq: 2, "BYE")], fromClient: false)
    segment(fromClient: true, [.fin, .ack], at: next.client)
    segment(fromClient: false, [.fin, .ack], at: next.server)
  }

  /// The handshake, until nobody has more to say.
  private mutating func settle(_ first: [TLSConnection.Output], _ second: [TLSConnection.Output]) {
    var waiting = [(true, second), (false, first)]
    while !waiting.isEmpty {
      let (fromClient, outputs) = waiting.removeFirst()
      let bytes = take(outputs)
      guard !bytes.isEmpty else { continue }
      cut(bytes, fromClient: fromClient)
      waiting.append((!fromClient, (fromClient ? ends.server : ends.client).receive(bytes, at: .zero)))
    }
  }

  /// Messages that TLS has at hand together: in records of their own, or parts of one.
  private mutating func say(_ messages: [Bytes], fromClient: Bool) {
    if fromClient { sent.client += messages } else { sent.server += messages }
    var bytes: [UInt8] = []
    for message in messages {
      let middle = Int.random(in: 1..<message.count, using: &entropy)
      for part in [message[0..<middle], message[middle..<message.count]] {
        bytes += take((fromClient ? ends.client : ends.server).send(part, at: .zero)).array
      }
    }
    cut(Bytes(bytes), fromClient: fromClient)
    settle((fromClient ? ends.server : ends.client).receive(Bytes(bytes), at: .zero), [])
  }

  private mutating func take(_ outputs: [TLSConnection.Output]) -> Bytes {
    var bytes: [UInt8] = []
    for output in outputs {
      if case .ciphertext(let part, isHandshake: _) = output { bytes += part.array }
      if case .secret(let line) = output, !keyLog.contains(line.line) { keyLog += line.line + "\n" }
    }
    return Bytes(bytes)
  }

  private mutating func cut(_ bytes: Bytes, fromClient: Bool) {
    var pieces: [(start: UInt32, bytes: Bytes)] = []
    var position = 0
    while position < bytes.count {
      let end = min(position + Int.random(in: 1...longest, using: &entropy), bytes.count)
      pieces.append(((fromClient ? next.client : next.server) &+ UInt32(position), bytes[position..<end]))
      position = end
    }
    if fromClient { next.client &+= UInt32(bytes.count) } else { next.server &+= UInt32(bytes.count) }
    for index in pieces.indices {
      let chance = repeats ? Int.random(in: 0..<12, using: &entropy) : 12
      if chance == 0, index + 1 < pieces.count { pieces.swapAt(index, index + 1) }
      segment(fromClient: fromClient, at: pieces[index].start, pieces[index].bytes)
      if chance == 1 { segment(fromClient: fromClient, at: pieces[index].start, pieces[index].bytes) }
      let isInOrder = index + 1 < pieces.count && pieces[index].start &+ UInt32(pieces[index].bytes.count) == pieces[index + 1].start
      if chance == 2, isInOrder {
        segment(fromClient: fromClient, at: pieces[index].start, Bytes(pieces[index].bytes.array + pieces[index + 1].bytes.array))
      }
    }
  }

  private mutating func segment(fromClient: Bool, _ flags: TCPSegment.Flags = [.psh, .ack], at start: UInt32, _ bytes: Bytes = Bytes()) {
    let (source, destination) = fromClient ? (Self.client, Self.server) : (Self.server, Self.client)
    packets.tcp(
      source.address, source.port, to: destination.address, destination.port, flags, at: start,
      ack: flags == .syn ? 0 : fromClient ? next.server : next.client, bytes)
    packets.wait(1)
  }
}

/// The clear twin of TLS: no byte of a record is left in it, wherever records are cut into segments.
@Suite struct TwinOfTLSTests {
  struct Way: Sendable, CustomTestStringConvertible {
    var longest: Int
    var repeats: Bool
    var testDescription: String { "segments of 1 to \(longest) bytes\(repeats ? ", some repeated" : "")" }
  }

  static let ways = [1, 3, 40, 1_460, 9_000].flatMap { longest in [false, true].map { Way(longest: longest, repeats: $0) } }

  /// Each message with its frame.
  private func messages(_ file: Bytes, _ keyLog: String = "") throws -> [String] {
    let keys = KeyLog()
    keys.add(Bytes(keyLog))
    let passive = PassiveReader(path: "", keyLog: keys)
    var reader = try CaptureReader(file)
    var found: [String] = []
    while let item = try reader.next() {
      if case .interface(let interface) = item { passive.take(interface) }
      guard case .packet(let packet) = item else { continue }
      for case .message(let message, _, _) in passive.take(packet) { found.append("\(message.stamp.frame) \(message.title)") }
    }
    return found
  }

  private func expectTwin(of call: CutCall) throws -> Bytes {
    let output = ByteOutput()
    let outcome = try ClearTwin(.memory(call.packets.file), keyLogs: [Bytes(call.keyLog)], origin: .virtual).write(to: output)
    #expect(outcome.closed.isEmpty && outcome.frames == call.packets.records.count)
    var reader = try CaptureReader(output.bytes)
    var streams: [TransportAddress: (bytes: [UInt8], next: UInt32)] = [:]
    var frames = 0
    while let packet = try reader.nextPacket() {
      frames += 1
      guard case .transport(let found) = PacketDecoder.decode(packet), case .tcp(let segment) = found.carrier else { continue }
      let fresh = segment.sequence &+ (segment.flags.contains(.syn) ? 1 : 0)
      var stream = streams[found.source] ?? ([], fresh)
      #expect(fresh == stream.next, "frame \(frames)")
      stream.bytes += packet.bytes[found.payload].array
      stream.next &+= UInt32(found.payload.count) + (segment.flags.contains(.fin) ? 1 : 0)
      streams[found.source] = stream
    }
    #expect(frames == call.packets.records.count)
    let ends = [(TransportAddress(alice, port: 40_000), call.sent.client), (TransportAddress(bob, port: 5_061), call.sent.server)]
    for (source, messages) in ends {
      let wanted = messages.flatMap { (ClearMessage.edited($0) ?? $0).array }
      #expect(streams[source]?.bytes == wanted, "what \(source) said")
    }
    #expect(try messages(output.bytes) == messages(call.packets.file, call.keyLog))
    return output.bytes
  }

  @Test(arguments: ways, [TLSVersion.tls12, .tls13])
  func `what TLS carried is in clear in the frame that completes it, and no byte of a record is left (RFC 8446 §5.1, RFC 9293 §3.4)`(
    way: Way, version: TLSVersion
  ) throws {
    for seed in UInt64(1)...6 {
      _ = try expectTwin(of: try CutCall(seed: seed, version: version, longest: way.longest, repeats: way.repeats))
    }
  }

  @Test(.enabled(if: Shark.runs, Shark.reason), arguments: ways)
  func `tshark sees the messages of the twin in the frames of the capture`(way: Way) throws {
    let folder = Runs().folder
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let call = try CutCall(seed: 11, version: .tls13, longest: way.longest, repeats: way.repeats)
    let twin = try expectTwin(of: call)
    let path = "\(folder)/twin.pcapng"
    try Data(twin.array).write(to: URL(fileURLWithPath: path))
    let frames = try Shark.frames(path)
    #expect(frames.count == call.packets.records.count)
    #expect(frames.reduce(0) { $0 + $1.messages } == call.sent.client.count + call.sent.server.count)
    #expect(frames.allSatisfy { !$0.isMalformed && !$0.protocolName.hasPrefix("TLS") })
  }

  @Test func `TLS without secrets stays as it is, however it is cut`() throws {
    let call = try CutCall(seed: 1, version: .tls13, longest: 1, repeats: false)
    let output = ByteOutput()
    let outcome = try ClearTwin(.memory(call.packets.file), origin: .virtual).write(to: output)
    #expect(outcome.decryptedBytes == 0 && outcome.closed.count == 1)
    var reader = try CaptureReader(output.bytes)
    var payloads: [Bytes] = []
    while let packet = try reader.nextPacket() { payloads.append(packet.bytes) }
    #expect(try payloads == call.packets.captured.map(\.bytes))
  }
}
