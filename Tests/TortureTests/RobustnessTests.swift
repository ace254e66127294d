import Foundation
import LabBench
import SIPMessage
import SIPTransport
import SansIO
import Testing

@testable import Kallglot
@testable import SIPTransport
@testable import SIPUserAgent

/// Whatever comes: no crash, no hang, nothing kept, and a clean call afterwards. All from seeds; a failure names its message.
@Suite struct RobustnessTests {
  /// An OPTIONS from nowhere in particular.
  private func ping(_ transport: String, _ name: String, headers: [String] = []) -> Bytes {
    Bytes(
      SIPText.request(
        "OPTIONS", "sip:a", via: "\(transport) h;branch=z9hG4bK-\(name)", from: "<sip:a@b>;tag=1", to: "<sip:c@d>", callID: name,
        sequence: 1,
        headers: headers))
  }

  private static let invite: Bytes = {
    let url = TortureCase.root.appendingPathComponent("fixtures/sip/invite-745.sip")
    return Bytes([UInt8]((try? Data(contentsOf: url)) ?? Data()))
  }()

  /// One byte flipped in one bit, left out with all behind it, or doubled.
  static func mutations(of bytes: Bytes, at index: Int, _ generator: inout SeededGenerator) -> [Bytes] {
    let all = bytes.array
    var flipped = all
    flipped[index] ^= 1 << UInt8(generator.next() % 8)
    return [Bytes(flipped), Bytes(Array(all[..<index])), Bytes(Array(all[...index] + all[index...]))]
  }

  /// What must hold after a storm: all tables empty once the timers ran out, and a call goes through.
  private func expectWell(_ driver: BareDriver, _ name: String) {
    driver.advance(.seconds(200))
    #expect(driver.leftovers.isEmpty, "\(driver.leftovers)")
    #expect(driver.cleanCallFailure(name) == nil)
    driver.advance(.seconds(200))
    #expect(driver.leftovers.isEmpty, "\(driver.leftovers)")
  }

  @Test(arguments: 0..<8)
  func `each byte of an INVITE flipped, cut and doubled on UDP leaves the endpoint well`(bit: Int) {
    #expect(Self.invite.count == 745)
    let driver = BareDriver()
    var generator = SeededGenerator(seed: 1)
    for index in 0..<Self.invite.count {
      var flipped = Self.invite.array
      flipped[index] ^= 1 << UInt8(bit)
      driver.datagram(Bytes(flipped))
      // Cut and doubled do not depend on the bit.
      if bit == 0 { for bytes in Self.mutations(of: Self.invite, at: index, &generator).dropFirst() { driver.datagram(bytes) } }
      if index % 64 == 63 { driver.advance(.seconds(100)) }
    }
    expectWell(driver, "udp-\(bit)")
  }

  @Test func `each byte of an INVITE flipped, cut and doubled on TCP leaves the endpoint well`() {
    let driver = BareDriver()
    var generator = SeededGenerator(seed: 2)
    for index in 0..<Self.invite.count {
      for bytes in Self.mutations(of: Self.invite, at: index, &generator) {
        let id = driver.connect()
        driver.stream(bytes, on: id)
        if index % 2 == 0 { driver.end(id) }
      }
      if index % 64 == 63 { driver.advance(.seconds(100)) }
    }
    // Connections that brought a whole message stay while the peer wants them; those that owe the rest of one are gone.
    driver.advance(.seconds(33))
    #expect(driver.endpoint.agent.userAgent.stack.transport.connections.table.values.allSatisfy { $0.framer.pendingCount == 0 })
    driver.closeAll()
    expectWell(driver, "tcp")
  }

  @Test(arguments: TortureCase.all)
  func `each byte of a torture message broken leaves the endpoint well`(item: TortureCase) {
    let driver = BareDriver()
    var generator = SeededGenerator(seed: UInt64(item.message.count)).fork(item.path)
    // Long messages are long for their values: every seventh byte is enough of those.
    for index in stride(from: 0, to: item.message.count, by: item.message.count > 2_000 ? 7 : 1) {
      let bytes = Self.mutations(of: item.message, at: index, &generator)[index % 3]
      driver.datagram(bytes)
      if index % 4 == 0 {
        let id = driver.connect()
        driver.stream(bytes, on: id)
        driver.end(id)
      }
      if index % 200 == 199 { driver.advance(.seconds(100)) }
    }
    expectWell(driver, "torture")
  }

  @Test(arguments: 1...4)
  func `random bytes on UDP and TCP leave the endpoint well`(seed: UInt64) {
    let driver = BareDriver(seed: seed)
    var generator = SeededGenerator(seed: seed).fork("noise")
    let words = [
      "INVITE ", "sip:", "SIP/2.0", "\r\n", "\r\n\r\n", "Via: SIP/2.0/UDP h;branch=z9hG4bK", "Content-Length: ", "CSeq: 1 ", ";tag=", "<",
      ">", "\"",
    ]
    for round in 0..<400 {
      var bytes: [UInt8] = []
      for _ in 0..<Int(generator.next() % 60) {
        // Half noise, half pieces of SIP: noise alone never gets past the first line.
        if generator.next() % 2 == 0 {
          bytes.append(UInt8(truncatingIfNeeded: generator.next()))
        } else {
          bytes += words[Int(generator.next() % 12)].utf8
        }
      }
      driver.datagram(Bytes(bytes))
      let id = driver.connect()
      for start in stride(from: 0, to: bytes.count, by: 7) {
        driver.stream(Bytes(Array(bytes[start..<min(start + 7, bytes.count)])), on: id)
      }
      if round % 3 == 0 { driver.end(id) }
    }
    driver.advance(.seconds(33))
    driver.closeAll()
    expectWell(driver, "noise-\(seed)")
  }

  @Test func `a thousand half-open TCP connections are closed after 32 s, and a call goes through meanwhile`() {
    let driver = BareDriver()
    for index in 0..<1_000 {
      let id = driver.connect()
      if index % 2 == 0 { driver.stream("INVITE sip:desk@sip.kallglot.com SIP/2.0\r\nVia: SIP/2.0/TCP", on: id) }
    }
    #expect(driver.endpoint.agent.userAgent.stack.transport.connections.table.count == 1_000)
    #expect(driver.cleanCallFailure("meanwhile") == nil)
    driver.forget()
    driver.advance(.seconds(32))
    #expect(driver.news.count == 1_000)
    #expect(driver.news.allSatisfy { $0 == "\(FlowFailure.silent(seconds: 32))" })
    expectWell(driver, "half-open")
  }

  @Test func `a byte every second buys a message no more than 32 s`() {
    let driver = BareDriver()
    let id = driver.connect()
    for byte in Self.invite.array.prefix(40) {
      driver.stream([byte], on: id)
      driver.advance(.seconds(1))
    }
    #expect(!driver.isOpen(id))
    expectWell(driver, "slow")
  }

  @Test func `the 32 s hold for the second message of a connection too`() {
    let driver = BareDriver()
    let id = driver.connect()
    driver.stream(ping("TCP", "o"), on: id)
    driver.advance(.seconds(100))
    #expect(driver.isOpen(id), "a connection that served is kept")
    driver.stream("OPTIONS sip:a SIP/2.0\r\n", on: id)
    driver.advance(.seconds(31))
    #expect(driver.isOpen(id))
    driver.advance(.seconds(2))
    #expect(!driver.isOpen(id))
  }

  @Test(arguments: ["one line", "100,000 lines"])
  func `a header that never ends stops at 65,535 bytes with a named reason`(kind: String) {
    let driver = BareDriver()
    let id = driver.connect()
    driver.stream(
      Bytes(ping("TCP", "e").text.replacing("Content-Length: 0\r\n\r\n", with: "")), on: id)
    let piece: Bytes =
      kind == "one line"
      ? "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" : "X:1\r\nX:2\r\nX:3\r\nX:4\r\nX:5\r\nX:6\r\nX:7\r\nX:8\r\nX:9\r\nX:0\r\n"
    var pieces = 0
    while driver.isOpen(id), pieces < 10_000 {
      driver.stream(piece, on: id)
      pieces += 1
      #expect(driver.endpoint.agent.userAgent.stack.transport.connections.table[id].map { $0.framer.pendingCount <= 65_535 } ?? true)
    }
    #expect(pieces < 2_000)
    #expect(
      driver.news == [
        "\(SIPParseError.messageTooLong(limit: 65_535))", "\(FlowFailure.unreadable("\(SIPParseError.messageTooLong(limit: 65_535))"))",
      ])
    #expect(driver.refusal == "513 Message Too Large: \(SIPParseError.messageTooLong(limit: 65_535))")
    expectWell(driver, "endless")
  }

  @Test func `a datagram of thousands of tiny header lines is refused with 513`() {
    let driver = BareDriver()
    driver.datagram(ping("UDP", "m", headers: Array(repeating: "X:", count: 16_000)))
    #expect(driver.refusal == "513 Message Too Large: \(SIPParseError.tooManyFields(limit: 256))")
    expectWell(driver, "lines")
  }

  @Test func `a peer whom the policy drops is not told what it did wrong (contract 8.1)`() {
    for over in ["udp", "tcp"] {
      let bench = TortureBench(over: over, allow: ["203.0.113.0/24"])
      for (version, branch) in [("7.0", "d"), ("2.0", "e")] {
        let fields = ["Via: SIP/2.0/UDP 192.0.2.20;branch=z9hG4bK-\(branch)", "CSeq: 1 OPTIONS"]
        bench.send(Bytes(SIPText.message("OPTIONS sip:a SIP/\(version)", fields)))
      }
      #expect(bench.answers.isEmpty, "\(over): \(bench.answers)")
    }
  }

  @Test func `every file of the fuzz corpora is read without a finding`() throws {
    let folder = TortureCase.root.appendingPathComponent("fixtures/fuzz").path
    let paths = try FileManager.default.subpathsOfDirectory(atPath: folder).filter {
      FileManager.default.fileExists(atPath: "\(folder)/\($0)")
    }.sorted()
    let driver = BareDriver()
    var count = 0
    for path in paths {
      guard let data = FileManager.default.contents(atPath: "\(folder)/\(path)") else { continue }
      count += 1
      driver.datagram(Bytes([UInt8](data)))
      driver.stream(Bytes([UInt8](data)), on: driver.connect())
    }
    #expect(count > 8)
    driver.advance(.seconds(33))
    driver.closeAll()
    expectWell(driver, "corpus")
  }
}
