import Foundation
import LiveNetwork
import SIPMessage
import SIPTransport
import SansIO
import ScenarioModel
import Synchronization
import Testing

@testable import Serving

@Suite(.serialized, .timeLimit(.minutes(15))) struct LiveCallerTests {
  @Test func `a call to a closed UDP port says at once why it failed, and nothing is scheduled after its end`() async throws {
    let uri = try SIPURI(parsing: "sip:x@127.0.0.1:9")
    let target = SIPTarget(transport: .udp, address: TransportAddress(.loopbackV4, port: 9))
    let caller = try LiveCaller(
      uri, target: target, local: .loopbackV4, configuration: CallConfiguration(), duration: .seconds(1), tone: nil, say: { _ in })
    let outcome = try await caller.run()
    // Not the end of Timer B.
    #expect(!outcome.established && outcome.end == .transportFailed)
    #expect(outcome.failure == "127.0.0.1:9 is unreachable: ECONNREFUSED, the port is closed")
    #expect(caller.droppedTasks == 0)
  }

  private func caller(to peer: PlainPeer, patience: Duration, _ lines: Lines) throws -> LiveCaller {
    try LiveCaller(
      try SIPURI(parsing: "sip:x@\(peer.address)"), target: SIPTarget(transport: .udp, address: peer.address), local: .loopbackV4,
      configuration: CallConfiguration(), duration: .seconds(1), tone: nil, patience: patience, say: { lines.add($0) })
  }

  private final class Lines: Sendable {
    private let all = Mutex<[String]>([])
    func add(_ line: String) { all.withLock { $0.append(line) } }
    var text: String { all.withLock { $0.joined(separator: "\n") } }
  }

  @Test(arguments: [
    ("off", "RTP/AVP", "a=sendrecv"), ("osrtp", "RTP/AVP", "a=crypto:1 AEAD_AES_256_GCM inline:"),
    ("require", "RTP/SAVP", "a=crypto:5 AES_CM_128_HMAC_SHA1_32 inline:"), ("dtls", "UDP/TLS/RTP/SAVP", "a=fingerprint:sha-256 "),
  ])
  func `a call offers SRTP as its configuration says (RFC 4568 §5.1.1, RFC 8643, RFC 5763 §5)`(
    word: String, profile: String, line: String
  ) async throws {
    let (peer, lines) = (PlainPeer(), Lines())
    let caller = try LiveCaller(
      try SIPURI(parsing: "sip:x@\(peer.address)"), target: SIPTarget(transport: .udp, address: peer.address), local: .loopbackV4,
      configuration: try CallConfiguration.read("srtp: \(word)", file: "call.yaml"), duration: .seconds(1), tone: nil,
      say: { lines.add($0) })
    async let outcome = caller.run()
    let invite = try #require(await peer.next())
    try peer.answer(invite, 488)
    let offer = invite.body.text
    #expect(offer.contains(" \(profile) ") && offer.contains(line), "\(offer)")
    #expect(offer.contains("a=crypto") == (word == "osrtp" || word == "require"))
    #expect(try await !outcome.established)
  }

  @Test func `a redirection is said with where it leads, and the outcome names the target that failed (RFC 3261 §8.1.3.4)`() async throws {
    let (peer, lines) = (PlainPeer(), Lines())
    let caller = try caller(to: peer, patience: .seconds(20), lines)
    async let outcome = caller.run()
    try peer.answer(try #require(await peer.next()), 302, headers: ["Contact: <sip:y@127.0.0.1:9>"])
    let result = try await outcome
    #expect(!result.established && result.target == TransportAddress(.loopbackV4, port: 9))
    #expect(lines.text.contains("302") && lines.text.contains("sip:y@127.0.0.1:9 at 127.0.0.1:9"), "\(lines.text)")
  }

  @Test func `a redirection to a name goes where the system's resolver says (RFC 3261 §8.1.3.4, RFC 3263 §4)`() async throws {
    let (peer, there, lines) = (PlainPeer(), PlainPeer(), Lines())
    let caller = try caller(to: peer, patience: .seconds(200), lines)
    async let outcome = caller.run()
    try peer.answer(try #require(await peer.next()), 302, headers: ["Contact: <sip:y@localhost:\(there.address.port)>"])
    let invite = try #require(await there.next())
    #expect(invite.requestURIBytes?.text == "sip:y@localhost:\(there.address.port)")
    try there.answer(invite, 486)
    let result = try await outcome
    #expect(result.end == .refused(status: 486) && result.target == there.address)
    #expect(lines.text.contains("302") && lines.text.contains("at \(there.address)"), "\(lines.text)")
  }

  @Test func `a call that only rings ends with CANCEL after its patience, and says so (RFC 3261 §9.1)`() async throws {
    let (peer, lines) = (PlainPeer(), Lines())
    let caller = try caller(to: peer, patience: .milliseconds(200), lines)
    async let outcome = caller.run()
    let invite = try #require(await peer.next())
    try peer.answer(invite, 180)
    let cancel = try #require(await peer.next(after: invite))
    #expect(cancel.method == .cancel)
    try peer.answer(cancel, 200)
    try peer.answer(invite, 487)
    let result = try await outcome
    #expect(!result.established && result.end == .cancelledHere, "\(String(describing: result.end))")
    #expect(result.failure?.contains("CANCEL was sent") == true && lines.text.contains("no final response within"))
  }

  @Test func `a call whose media ports are all held ends at once and says so`() async throws {
    let (peer, holder) = (PlainPeer(), PlainPeer())
    let even = holder.address.port & ~1
    let caller = try LiveCaller(
      try SIPURI(parsing: "sip:x@\(peer.address)"), target: SIPTarget(transport: .udp, address: peer.address), local: .loopbackV4,
      configuration: CallConfiguration(), duration: .seconds(1), tone: nil, mediaPorts: even...even + 1, say: { _ in })
    let outcome = try await caller.run()
    #expect(!outcome.established && outcome.end == .transportFailed)
    #expect(outcome.failure == "no media port could be opened: address in use (128 pairs were tried)")
  }

  @Test func `a call whose task is cancelled ends with CANCEL (RFC 3261 §9.1)`() async throws {
    let (peer, lines) = (PlainPeer(), Lines())
    let caller = try caller(to: peer, patience: .seconds(200), lines)
    let task = Task { try await caller.run() }
    let invite = try #require(await peer.next())
    try peer.answer(invite, 180)
    task.cancel()
    let cancel = try #require(await peer.next(after: invite))
    #expect(cancel.method == .cancel)
    try peer.answer(cancel, 200)
    try peer.answer(invite, 487)
    #expect(try await task.value.end == .cancelledHere)
  }

  @Test func `a call that is ended before it began sends nothing`() async throws {
    let (peer, lines) = (PlainPeer(), Lines())
    let caller = try caller(to: peer, patience: .seconds(200), lines)
    caller.hangUp()
    let outcome = try await caller.run()
    #expect(!outcome.established && outcome.end == nil && !lines.text.contains("leg 1"), "\(lines.text)")
  }
}
