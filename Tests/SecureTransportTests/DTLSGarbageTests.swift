import SansIO
import Testing

@testable import SecureTransport

@Suite struct DTLSGarbageTests {
  @Test func `only a first byte from 20 to 63 is DTLS, and nothing else is looked at (RFC 5764 §5.1.2)`() throws {
    let pair = try DTLSLab.pair()
    pair.start()
    for first in UInt8.min...UInt8.max {
      let datagram = Bytes([first] + [UInt8](repeating: 0, count: 40))
      #expect(DTLSConnection.isDTLS(datagram) == (20...63).contains(first))
      if !(20...63).contains(first) { #expect(pair.end(.passive).receive(datagram, at: .zero).isEmpty) }
    }
    #expect(pair.end(.passive).receive(Bytes(), at: .zero).isEmpty)
    #expect(!DTLSConnection.isDTLS(Bytes()))
    #expect(pair.run().isEstablished)
  }

  /// The pair after some time, in which each end is at another stage.
  private func pair(after milliseconds: Int64) throws -> DTLSPair {
    let pair = try DTLSLab.pair(mtu: 600)
    pair.start()
    return pair.run(limit: .milliseconds(milliseconds))
  }

  @Test(arguments: [0, 25, 45, 65, 200])
  func `noise at any stage crashes nothing and establishes nothing`(stage: Int64) throws {
    var noise = Entropy(seed: 5).fork("\(stage)")
    for round in 0..<120 {
      let pair = try pair(after: stage)
      for side in DTLSPair.Side.allCases {
        var bytes = noise.bytes(Int(noise.next() % 900) + 1)
        bytes[0] = 20 + UInt8(noise.next() % 44)
        // Half of it looks like a record, so that it gets past the first check.
        if round.isMultiple(of: 2) {
          let type = UInt8(20 + noise.next() % 4)
          let header: [UInt8] = [type, 0xFE, 0xFD, 0, UInt8(noise.next() % 2), 0, 0, 0, 0, 0, UInt8(round)]
          bytes = header + [UInt8(bytes.count >> 8), UInt8(bytes.count & 255)] + bytes
        }
        let wasEstablished = pair.end(side).session != nil
        let outputs = pair.end(side).receive(Bytes(bytes), at: pair.now)
        #expect(outputs.session == nil)
        // Records under the keys cannot be forged, and after the handshake there are no others.
        if wasEstablished { #expect(outputs.isEmpty, "stage \(stage), round \(round)") }
      }
    }
  }

  /// OpenSSL writes an alert behind the part of a flight that waits to be sent, and asks nobody for room.
  @Test func `an alert without room in a datagram begins another one (RFC 6347 §4.1.1)`() {
    func record(_ type: UInt8, _ count: Int) -> [UInt8] {
      [type, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0, UInt8(count >> 8), UInt8(count & 255)] + [UInt8](repeating: type, count: count)
    }
    func datagrams(_ written: [UInt8]) -> [Bytes] {
      let wire = DTLSWire(mtu: 300)
      written.withUnsafeBytes { wire.write($0) }
      var outputs: [DTLSConnection.Output] = []
      wire.drain(into: &outputs)
      return outputs.compactMap { if case .datagram(let bytes) = $0 { bytes } else { nil } }
    }
    let (full, half, alert) = (record(22, 287), record(22, 130), record(21, 2))
    #expect(datagrams(full) == [Bytes(full)])
    #expect(datagrams(half + half) == [Bytes(half + half)])
    #expect(datagrams(full + alert) == [Bytes(full), Bytes(alert)])
    #expect(datagrams(half + half + alert) == [Bytes(half + half), Bytes(alert)])
    #expect(datagrams(alert + full + alert) == [Bytes(alert), Bytes(full), Bytes(alert)])
    // What is no record stays as it is.
    #expect(datagrams([1, 2, 3]) == [Bytes([1, 2, 3])])
  }

  @Test func `no datagram is longer than the MTU, whatever byte of the first flights is changed (RFC 6347 §4.1.1)`() throws {
    let clean = try DTLSLab.pair(mtu: 300).handshake()
    for victim in 0..<3 {
      for place in clean.sent[victim].bytes.indices {
        let pair = try DTLSLab.pair(mtu: 300)
        pair.edit = { sent in
          guard sent.number == victim else { return sent.bytes }
          var bytes = sent.bytes.array
          bytes[place] = 0
          return Bytes(bytes)
        }
        pair.handshake()
        #expect(pair.sent.allSatisfy { $0.bytes.count <= 300 }, "datagram \(victim), byte \(place)")
      }
    }
  }

  @Test func `a changed byte anywhere in the handshake never gives the ends different keys`() throws {
    let clean = try DTLSLab.pair(mtu: 600).handshake()
    var failed = 0
    for victim in clean.sent.indices {
      for place in stride(from: 0, to: clean.sent[victim].bytes.count, by: 29) {
        let pair = try DTLSLab.pair(mtu: 600)
        pair.edit = { sent in
          guard sent.number == victim else { return sent.bytes }
          var bytes = sent.bytes.array
          bytes[place] ^= 0x55
          return Bytes(bytes)
        }
        // A part that was put in a wrong place is never replaced by its repetition, so that an end may wait until it gives up.
        pair.handshake(limit: .seconds(3_600))
        if let one = pair.end(.active).session, let two = pair.end(.passive).session {
          #expect(one.keyingMaterial == two.keyingMaterial, "datagram \(victim), byte \(place)")
        } else {
          failed += 1
          #expect(pair[.active].failure != nil || pair[.passive].failure != nil, "datagram \(victim), byte \(place)")
        }
      }
    }
    #expect(failed > 0)
  }

  @Test func `a datagram that is cut anywhere is as good as lost, and comes again (RFC 6347 §4.1.2.7)`() throws {
    let clean = try DTLSLab.pair(mtu: 600).handshake()
    for victim in clean.sent.indices {
      for kept in stride(from: 0, to: clean.sent[victim].bytes.count, by: 37) {
        let pair = try DTLSLab.pair(mtu: 600)
        pair.edit = { $0.number == victim ? $0.bytes[0..<kept] : $0.bytes }
        #expect(pair.handshake().isEstablished, "datagram \(victim), cut to \(kept)")
        for time in pair.establishedAt { #expect((try #require(time)) < Instant(nanoseconds: 1_300_000_000)) }
      }
    }
  }

  @Test func `a record too short for its cipher is dropped, where OpenSSL would end the association (RFC 6347 §4.1.2.7)`() throws {
    for count in 0..<24 {
      let pair = try DTLSLab.pair()
      pair.start()
      pair.run(limit: .milliseconds(30))
      let record = Bytes([22, 0xFE, 0xFD, 0, 1, 0, 0, 0, 0, 0, 99, 0, UInt8(count)] + [UInt8](repeating: 7, count: count))
      // In mid-handshake it would be kept for the keys to come.
      for side in DTLSPair.Side.allCases { #expect(pair.end(side).receive(record, at: pair.now).isEmpty) }
      #expect(pair.run().isEstablished)
      for side in DTLSPair.Side.allCases { #expect(pair.end(side).receive(record, at: pair.now).isEmpty, "\(count)") }
      #expect(!pair.end(.active).close(at: pair.now).isEmpty)
    }
  }

  @Test func `a datagram of the largest size is taken in`() throws {
    let pair = try DTLSLab.pair()
    pair.start()
    let large = Bytes([22, 0xFE, 0xFD] + [UInt8](repeating: 0xFF, count: 65_504))
    #expect(pair.end(.passive).receive(large, at: .zero).isEmpty)
    #expect(pair.run().isEstablished)
  }
}
