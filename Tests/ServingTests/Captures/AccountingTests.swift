import Foundation
import LabBench
import LiveNetwork
import SIPUserAgent
import SansIO
import ScenarioModel
import SecureTransport
import Synchronization
import Testing

@testable import Serving

/// A live endpoint with captures, and a peer that keeps what crossed its own sockets.
final class CaptureScene: Sendable {
  let endpoint: LiveEndpoint
  let peer: RawPeer
  let folder: String
  let network: LoopbackNetwork

  private init(more: String) throws {
    network = try LoopbackNetwork.claim(.twentyFour, addresses: [1, 2], ports: [5_060, 5_061])
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("captures-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let us = network.address(1)
    let configuration = try ServeConfiguration.read(
      """
      listen: ["udp \(us):5060", "tcp \(us):5060", "tls \(us):5061"]
      anyDomain: true
      \(more)
      """, file: "serve.yaml")
    let lines = Lines()
    endpoint = try LiveEndpoint(configuration, .fresh(), folder: folder) { lines.add($0) }
    log = lines
    peer = try RawPeer(network.address(2), tls: try TLSContext(TLSConfiguration(role: .client)))
  }

  final class Lines: Sendable {
    private struct State {
      var all: [String] = []
      var waiters: [(text: String, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    func add(_ line: String) {
      let found = state.withLock { state in
        state.all.append(line)
        let found = state.waiters.filter { line.contains($0.text) }
        state.waiters.removeAll { line.contains($0.text) }
        return found
      }
      for waiter in found { waiter.continuation.resume() }
    }

    /// Waits until a line has this text.
    func line(_ text: String) async {
      await withCheckedContinuation { continuation in
        let isThere = state.withLock { state in
          if state.all.contains(where: { $0.contains(text) }) { return true }
          state.waiters.append((text, continuation))
          return false
        }
        if isThere { continuation.resume() }
      }
    }

    var text: String { state.withLock { $0.all.joined(separator: "\n") } }
  }

  let log: Lines

  func us(_ port: UInt16 = 5_060) -> TransportAddress { TransportAddress(network.address(1), port: port) }

  static func run(
    _ more: String = "", _ body: (CaptureScene) async throws -> Void, then check: (CaptureScene, CaptureReading) throws -> Void
  ) async throws {
    let scene = try CaptureScene(more: more)
    defer { try? FileManager.default.removeItem(atPath: scene.folder) }
    try await scene.endpoint.start()
    do { try await body(scene) } catch {
      await scene.endpoint.stop()
      try await scene.peer.stop()
      Issue.record("\(error)\n\(scene.log.text)")
      return
    }
    await scene.endpoint.stop()
    #expect(scene.endpoint.droppedTasks == 0, "something was scheduled after the end")
    try await scene.peer.stop()
    try check(scene, try CaptureReading(scene.folder))
  }

  func dialogue(_ callID: String, _ wire: RawPeer.Wire, _ transport: String) async throws -> Dialogue {
    Dialogue(callID: callID, transport: transport, local: try await peer.local(wire))
  }

  /// INVITE, 200, ACK.
  func establish(_ dialogue: inout Dialogue, over wire: RawPeer.Wire, media: TransportAddress) async throws {
    try await peer.send(dialogue.request("INVITE", body: Dialogue.offer(media)), over: wire)
    dialogue.take(try await peer.message("SIP/2.0 200", with: "Call-ID: \(dialogue.callID)\r\n", " INVITE\r\n", over: wire))
    try await peer.send(dialogue.acknowledge(), over: wire)
  }

  /// BYE, 200.
  func end(_ dialogue: inout Dialogue, over wire: RawPeer.Wire) async throws {
    try await peer.send(dialogue.bye(), over: wire)
    _ = try await peer.message("SIP/2.0 200", with: "Call-ID: \(dialogue.callID)\r\n", " BYE\r\n", over: wire)
  }
}

@Suite(.timeLimit(.minutes(15))) struct AccountingTests {
  enum Mix { case earlyMedia, cancelled, allTransports }

  @Test(arguments: [Mix.earlyMedia, .cancelled, .allTransports])
  func `every byte that crossed the sockets is in exactly one file, and the ciphertext of a connection besides`(mix: Mix) async throws {
    let answer =
      switch mix {
      case .earlyMedia: "answerDelay: 3 s\nearlyMedia: true"
      // However busy the machine is, the CANCEL comes before the 200.
      case .cancelled: "answerDelay: 10 min\nearlyMedia: true"
      case .allTransports: ""
      }
    try await CaptureScene.run("authentication: none\n\(answer)") { scene in
      switch mix {
      case .earlyMedia: try await earlyMedia(scene, "early", 30_000)
      case .cancelled: try await earlyMedia(scene, "cancelled", 30_002)
      case .allTransports:
        try await apart(scene)
        try await twoCallsOnOneConnection(scene)
        try await sealed(scene)
        try await placed(scene)
      }
    } then: { scene, reading in
      for (datagram, count) in Self.counted(scene.peer.datagrams) {
        #expect(reading.datagrams[datagram] == count, "\(datagram.source) to \(datagram.destination): \(datagram.payload.text.prefix(60))")
      }
      // What is in the files and not in the peer's hands crossed no socket of the endpoint's.
      #expect(reading.datagrams.values.reduce(0, +) == scene.peer.datagrams.count)
      for stream in scene.peer.streams.values {
        for (bytes, source, destination) in [(stream.sent, stream.local, stream.remote), (stream.received, stream.remote, stream.local)] {
          let clear = CaptureReading.difference(bytes, reading.pieces(from: source, to: destination, sealed: false))
          #expect(clear == nil, "\(source) to \(destination): \(clear ?? "")")
        }
        guard stream.isTLS else { continue }
        #expect(
          CaptureReading.difference(
            stream.sentCiphertext, reading.pieces(from: stream.local, to: stream.remote, sealed: true)) == nil)
        #expect(
          CaptureReading.difference(
            stream.receivedCiphertext, reading.pieces(from: stream.remote, to: stream.local, sealed: true)) == nil)
      }
      switch mix {
      case .earlyMedia: checkEarlyMedia(reading, "early", media: 3, ["INVITE ", "SIP/2.0 183", "SIP/2.0 200", "ACK ", "BYE "])
      case .cancelled: checkEarlyMedia(reading, "cancelled", media: 1, ["INVITE ", "SIP/2.0 183", "CANCEL ", "SIP/2.0 487"])
      case .allTransports: checkCalls(reading)
      }
    }
  }

  @Test func `INVITEs without credentials leave no descriptor and no file of their own, and TCP and TLS still answer`() async throws {
    try await CaptureScene.run("authentication: digest") { scene in
      let wire = RawPeer.Wire.datagrams(try await scene.peer.bind().port, to: scene.us())
      for number in 1...100 {
        var call = try await scene.dialogue("call-\(number)", wire, "UDP")
        let headers = number.isMultiple(of: 2) ? ["Require: nothing-we-know"] : []
        try await scene.peer.send(call.request("INVITE", headers: headers), over: wire)
        call.take(try await scene.peer.message("SIP/2.0 4", over: wire))
        try await scene.peer.send(call.request("ACK"), over: wire)
      }
      for (port, transport) in [(5_060, "TCP"), (5_061, "TLS")] as [(UInt16, String)] {
        let stream = try await scene.peer.connect(to: scene.us(port), tls: transport == "TLS")
        let ping = try await scene.dialogue("ping-\(transport)", stream, transport)
        try await scene.peer.send(ping.request("OPTIONS"), over: stream)
        _ = try await scene.peer.message("SIP/2.0", over: stream)
      }
      // other-*, and what is being written at this moment.
      #expect(Self.descriptors(in: scene.folder).count <= 3)
    } then: { scene, reading in
      #expect(reading.files.map(\.name).filter { !$0.hasPrefix("connection-") } == ["other-00001.pcapng"])
      for datagram in scene.peer.datagrams { #expect(reading.datagrams[datagram] != nil) }
    }
  }

  /// Files below the folder that this process holds open.
  private static func descriptors(in folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? [])
      .compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)") }.filter { $0.hasPrefix(folder) }
  }

  private static func counted(_ datagrams: [RawPeer.Datagram]) -> [RawPeer.Datagram: Int] {
    Dictionary(datagrams.map { ($0, 1) }, uniquingKeysWith: +)
  }

  /// Each call's file holds that call and no other; the rest is in other-*.
  private func checkCalls(_ reading: CaptureReading) {
    #expect(reading.calls.count == 6, "\(reading.files.map(\.name))")
    check(reading, ["one", "two", "sealed-a", "sealed-b"].map { ($0, ["INVITE ", "SIP/2.0 200", "ACK ", "BYE "]) })
    let rest = reading.others.map(\.text).joined()
    for text in ["OPTIONS ", "REGISTER ", "refused", "hello", "\r\n\r\n", "420 "] { #expect(rest.contains(text), "\(text)") }
    #expect(reading.calls.filter { $0.name.hasSuffix(".clear.pcapng") }.count == 2)
    for file in reading.calls where file.name.hasSuffix(".clear.pcapng") {
      #expect(file.interfaces.map(\.name) == ["kallglot", "kallglot (decrypted TLS)"])
    }
    for file in reading.files where file.isConnection { #expect(file.secrets > 0, "\(file.name)") }
  }

  private func checkEarlyMedia(_ reading: CaptureReading, _ callID: String, media expected: Int, _ starts: [String]) {
    #expect(reading.calls.count == 1, "\(reading.files.map(\.name))")
    check(reading, [(callID, starts)])
    let file = reading.file(holding: callID)
    let media = file?.packets.filter { $0.payload.first == 0x80 && $0.direction == .received } ?? []
    #expect(media.count == expected)
    #expect(file?.packets.contains { $0.payload.first == 0x80 && $0.direction == .sent } == true)
  }

  private func check(_ reading: CaptureReading, _ calls: [(String, [String])]) {
    for file in reading.calls { #expect(file.callIDs.count == 1, "\(file.name): \(file.callIDs)") }
    for (callID, starts) in calls {
      let text = reading.file(holding: callID)?.text ?? ""
      for start in starts { #expect(text.contains(start), "\(callID) lacks \(start)") }
    }
  }

  /// RTP before the 200 (RFC 3960), and a call that ends there.
  private func earlyMedia(_ scene: CaptureScene, _ callID: String, _ port: UInt16) async throws {
    let wire = RawPeer.Wire.datagrams(try await scene.peer.bind().port, to: scene.us())
    let media = try await scene.peer.bindMedia(port)
    var call = try await scene.dialogue(callID, wire, "UDP")
    try await scene.peer.send(call.request("INVITE", body: Dialogue.offer(media.address)), over: wire)
    let progress = try await scene.peer.message("SIP/2.0 183", over: wire)
    let theirs = try #require(Dialogue.media(of: progress))
    // What the endpoint has not read when the CANCEL comes it never reads.
    for sequence in 1...(callID == "cancelled" ? 1 : 3) as ClosedRange<UInt8> {
      try await scene.peer.send(Dialogue.packet(sequence, ssrc: 7), over: .datagrams(media.port, to: theirs))
    }
    await scene.log.line("first RTP packet received")
    try await scene.peer.packet(on: media.port)
    guard callID == "cancelled" else {
      call.take(try await scene.peer.message("SIP/2.0 200", over: wire))
      try await scene.peer.send(call.acknowledge(), over: wire)
      return try await scene.end(&call, over: wire)
    }
    try await scene.peer.send(call.request("CANCEL"), over: wire)
    call.take(try await scene.peer.message("SIP/2.0 487", over: wire))
    try await scene.peer.send(call.request("ACK"), over: wire)
  }

  /// What belongs to no call.
  private func apart(_ scene: CaptureScene) async throws {
    let wire = RawPeer.Wire.datagrams(try await scene.peer.bind().port, to: scene.us())
    var ping = try await scene.dialogue("ping", wire, "UDP")
    ping.uri = "sip:sip.kallglot.com"
    try await scene.peer.send("hello", over: wire)
    try await scene.peer.send("\r\n\r\n", over: wire)
    try await scene.peer.send(ping.request("OPTIONS"), over: wire)
    _ = try await scene.peer.message("SIP/2.0 200", over: wire)
    ping.sequence = 2
    try await scene.peer.send(ping.request("REGISTER"), over: wire)
    _ = try await scene.peer.message("SIP/2.0", over: wire)
    var refused = try await scene.dialogue("refused", wire, "UDP")
    try await scene.peer.send(refused.request("INVITE", headers: ["Require: nothing-we-know"]), over: wire)
    refused.take(try await scene.peer.message("SIP/2.0 420", over: wire))
    try await scene.peer.send(refused.request("ACK"), over: wire)
    let stream = try await scene.peer.connect(to: scene.us())
    try await scene.peer.send("this is no SIP message\r\n\r\nand neither is this", over: stream)
    try await scene.peer.finish(stream)
  }

  private func twoCallsOnOneConnection(_ scene: CaptureScene) async throws {
    let media = try await scene.peer.bindMedia(30_004)
    let wire = try await scene.peer.connect(to: scene.us())
    var (one, two) = (try await scene.dialogue("one", wire, "TCP"), try await scene.dialogue("two", wire, "TCP"))
    // Both in one segment with a keep-alive between them (RFC 5626 §3.5.1), the second one cut in its middle: behind its Call-ID, since
    // what waits for its end longer than a second is written down where its part says.
    let second = two.request("INVITE", body: Dialogue.offer(media.address))
    let first = one.request("INVITE", body: Dialogue.offer(media.address))
    let cut = try #require(second.array.firstRange(of: Array("Call-ID: two\r\n".utf8))).upperBound + 3
    let head = Bytes(first.array + Array("\r\n\r\n".utf8) + second[0..<cut].array)
    try await scene.peer.send([head, second[cut..<second.count]], over: wire)
    // By their Call-IDs: a 200 may come twice before its ACK.
    one.take(try await scene.peer.message("SIP/2.0 200", with: "Call-ID: one\r\n", " INVITE\r\n", over: wire))
    two.take(try await scene.peer.message("SIP/2.0 200", with: "Call-ID: two\r\n", " INVITE\r\n", over: wire))
    try await scene.peer.send(Bytes(one.acknowledge().array + two.acknowledge().array), over: wire)
    try await scene.end(&one, over: wire)
    let another = try await scene.peer.connect(to: scene.us())
    try await scene.end(&two, over: another)
    try await scene.peer.finish(wire)
  }

  private func sealed(_ scene: CaptureScene) async throws {
    let media = try await scene.peer.bindMedia(30_006)
    let wire = try await scene.peer.connect(to: scene.us(5_061), tls: true)
    for callID in ["sealed-a", "sealed-b"] {
      var call = try await scene.dialogue(callID, wire, "TLS")
      try await scene.establish(&call, over: wire, media: media.address)
      try await scene.end(&call, over: wire)
    }
    var binding = try await scene.dialogue("binding", wire, "TLS")
    binding.uri = "sip:sip.kallglot.com"
    try await scene.peer.send(binding.request("REGISTER"), over: wire)
    _ = try await scene.peer.message("SIP/2.0", over: wire)
    // No TLS at all on the port of TLS.
    let noise = try await scene.peer.connect(to: scene.us(5_061))
    try await scene.peer.send("OPTIONS sip:x SIP/2.0\r\n\r\n", over: noise)
    try await scene.peer.finish(noise)
  }

  /// Calls that the endpoint places, over UDP and over a connection that it opens.
  private func placed(_ scene: CaptureScene) async throws {
    let media = try await scene.peer.bindMedia(30_008)
    let (port, listener) = (try await scene.peer.bind(), try await scene.peer.listen())
    try scene.endpoint.perform(.call("sip:placed@\(port.address)"))
    let datagrams = RawPeer.Wire.datagrams(port.port, to: scene.us())
    try await answer(scene, datagrams, port.address, "udp", media.address)
    try scene.endpoint.perform(.call("sip:placed@\(listener);transport=tcp"))
    try await answer(scene, try await scene.peer.accept(), listener, "tcp", media.address)
  }

  private func answer(
    _ scene: CaptureScene, _ wire: RawPeer.Wire, _ contact: TransportAddress, _ transport: String, _ media: TransportAddress
  ) async throws {
    let invite = try await scene.peer.message("INVITE ", over: wire)
    let success = SIPText.response(
      200, to: invite, tag: PlainPeer.tag, contact: "sip:peer@\(contact);transport=\(transport)", body: Dialogue.offer(media))
    try await scene.peer.send(Bytes(success), over: wire)
    _ = try await scene.peer.message("ACK ", over: wire)
    let dialogue = try Dialogue(
      calledBy: invite, transport: transport.uppercased(), local: try await scene.peer.local(wire))
    try await scene.peer.send(dialogue.request("BYE"), over: wire)
    _ = try await scene.peer.message("SIP/2.0 200", over: wire)
  }
}
