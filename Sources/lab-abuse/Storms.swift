import Foundation
import Glibc

/// One kind of abuse.
struct Storm: Sendable {
  var name: String
  /// How many in full.
  var count: Int
  /// The configuration of the endpoint that it hits.
  var policy = Storm.open
  /// `ulimit -n` of the endpoint; nil = the system's.
  var descriptors: Int?
  /// Does it `count` times; `meanwhile` is called once at its height.
  var blow: @Sendable (_ count: Int, _ breaker: inout Breaker, _ meanwhile: () -> Void) -> Void

  static let open = "authentication: none\nanyDomain: true\nmaxConcurrentCalls: 2000\nmediaPorts: 20000-29999\n"
}

enum Storms {
  static let all: [Storm] = [
    Storm(name: "mutated datagrams", count: 20_000, blow: mutatedDatagrams),
    Storm(name: "broken streams", count: 2_000, blow: brokenStreams),
    Storm(name: "slow connections", count: 1_000, blow: slowConnections),
    Storm(name: "silent connections", count: 5_000, blow: silentConnections),
    Storm(
      name: "flood from outside the allowlist", count: 50_000, policy: Storm.open + "allow: [127.0.0.1/32]\nallowlistRefusal: drop\n",
      blow: floodFromOutside),
    Storm(
      name: "INVITEs without credentials, 256 descriptors", count: 400, policy: "authentication: digest\nanyDomain: true\n",
      descriptors: 256, blow: uninvited),
    Storm(name: "calls", count: 10_000, blow: calls),
  ]

  // MARK: - Broken bytes

  private static func mutatedDatagrams(_ count: Int, _ breaker: inout Breaker, _ meanwhile: () -> Void) {
    guard let wire = Wire(.datagram, to: Served.port) else { return }
    defer { wire.close() }
    for index in 0..<count {
      let bytes = breaker.next()
      wire.send(Array(bytes.prefix(65_000)))
      if index == count / 2 { meanwhile() }
      // The receiver's buffer is not what is tried here.
      if index % 64 == 63 { usleep(2_000) }
    }
  }

  /// Every fourth goes to the TLS port, where it is no TLS record.
  private static func brokenStreams(_ count: Int, _ breaker: inout Breaker, _ meanwhile: () -> Void) {
    for index in 0..<count {
      if index == count / 2 { meanwhile() }
      guard let wire = Wire(.stream, to: index % 4 == 3 ? Served.securePort : Served.port) else { continue }
      for _ in 0...breaker.below(3) {
        let bytes = breaker.next()
        let cut = breaker.below(bytes.count)
        wire.send(Array(bytes[..<cut]))
        wire.send(Array(bytes[cut...]))
      }
      if index % 3 == 0 { reset(wire) } else { wire.close() }
    }
  }

  /// Ends a connection with RST (socket(7), SO_LINGER).
  private static func reset(_ wire: Wire) {
    var option = linger(l_onoff: 1, l_linger: 0)
    setsockopt(wire.descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    wire.close()
  }

  // MARK: - Connections

  /// A request that comes a few bytes at a time and never whole.
  private static func slowConnections(_ count: Int, _ breaker: inout Breaker, _ meanwhile: () -> Void) {
    let request = Array(SIPText.options("slow").utf8)
    let wires = (0..<count).compactMap { index in Wire(.stream, to: index % 4 == 3 ? Served.securePort : Served.port) }
    for start in stride(from: 0, to: request.count - 20, by: 20) {
      for wire in wires { wire.send(Array(request[start..<start + 20])) }
      if start == 100 { meanwhile() }
      usleep(50_000)
    }
    for wire in wires { wire.close() }
  }

  private static func silentConnections(_ count: Int, _ breaker: inout Breaker, _ meanwhile: () -> Void) {
    let wires = (0..<count).compactMap { index in
      Wire(.stream, to: index % 4 == 3 ? Served.securePort : Served.port, isPatient: false)
    }
    usleep(500_000)
    meanwhile()
    for wire in wires { wire.close() }
  }

  // MARK: - Requests

  private static func floodFromOutside(_ count: Int, _ breaker: inout Breaker, _ meanwhile: () -> Void) {
    guard let wire = Wire(.datagram, from: "127.0.0.9", to: Served.port) else { return }
    defer { wire.close() }
    for index in 0..<count {
      wire.send(SIPText.invite("flood\(breaker.turn)-\(index)", from: "127.0.0.9", port: wire.localPort))
      if index % 100 == 99 {
        let stream = Wire(.stream, from: "127.0.0.9", to: index % 400 == 399 ? Served.securePort : Served.port)
        stream?.send(SIPText.invite("stream\(breaker.turn)-\(index)", from: "127.0.0.9", port: 5_060, transport: "TCP"))
        stream?.close()
        usleep(2_000)
      }
      if index == count / 2 { meanwhile() }
    }
  }

  private static func uninvited(_ count: Int, _ breaker: inout Breaker, _ meanwhile: () -> Void) {
    guard let wire = Wire(.datagram, to: Served.port) else { return }
    defer { wire.close() }
    for index in 0..<count {
      wire.send(SIPText.invite("uninvited\(breaker.turn)-\(index)", from: "127.0.0.1", port: wire.localPort))
      if index == count / 2 { meanwhile() }
    }
  }

  /// Whole calls over UDP, thirty-two at a time: INVITE, 200, ACK, BYE, 200.
  private static func calls(_ count: Int, _ breaker: inout Breaker, _ meanwhile: () -> Void) {
    guard let wire = Wire(.datagram, to: Served.port) else { return }
    defer { wire.close() }
    let turn = breaker.turn
    var (begun, isHalfway) = (0, false)
    // A 200 that comes again is acknowledged again, and counts once.
    var ended: Set<Substring> = []
    func begin() {
      guard begun < count else { return }
      wire.send(SIPText.invite("call\(turn)-\(begun)", from: "127.0.0.1", port: wire.localPort))
      begun += 1
    }
    for _ in 0..<min(32, count) { begin() }
    while ended.count < count, let answer = wire.receive() {
      guard answer.hasPrefix("SIP/2.0 200"), let name = SIPText.callID(answer) else { continue }
      if answer.contains("CSeq: 1 INVITE") {
        wire.send(SIPText.within(answer, "ACK", sequence: 1, port: wire.localPort))
        wire.send(SIPText.within(answer, "BYE", sequence: 2, port: wire.localPort))
      } else if ended.insert(name).inserted {
        begin()
      }
      guard ended.count == count / 2, !isHalfway else { continue }
      isHalfway = true
      meanwhile()
    }
    if ended.count < count { breaker.complain("only \(ended.count) of \(count) calls were answered to their end") }
  }
}
