import SansIO
import ScenarioEngine
import ScenarioModel

/// The library without any defect: which scenarios pass, and what left and arrived in each.
struct HealthyRuns {
  /// Digests of the packets of those that pass, by name.
  private let digests: [String: String]
  let names: [String]

  init(_ scenarios: [Scenario]) {
    var pairs: [(String, String)] = []
    for scenario in scenarios {
      let digest = PacketDigest()
      if VirtualRun.run(scenario, seed: 1, observers: [digest]).verdict == .passed { pairs.append((scenario.name, digest.text)) }
    }
    self.init(pairs)
  }

  init(text: String) {
    self.init(
      text.split(separator: "\n").compactMap { line in
        let cells = line.split(separator: "\t").map(String.init)
        return cells.count == 2 ? (cells[0], cells[1]) : nil
      })
  }

  private init(_ pairs: [(String, String)]) {
    names = pairs.map(\.0)
    digests = Dictionary(pairs) { first, _ in first }
  }

  var text: String { names.map { "\($0)\t\(digests[$0] ?? "")\n" }.joined() }

  func passes(_ scenario: Scenario) -> Bool { digests[scenario.name] != nil }
  func isSame(_ scenario: Scenario, _ digest: PacketDigest) -> Bool { digests[scenario.name] == digest.text }
}

/// A number of all packets of a run, of what they carry and when (FNV-1a).
final class PacketDigest: JournalSink {
  private var value: UInt64 = 0xcbf2_9ce4_8422_2325

  var text: String { String(value, radix: 16) }

  func hostAdded(_ host: HostID, name: String) {}
  func record(_ record: JournalRecord) {}
  func finish(at now: Instant) {}

  func packet(_ packet: PacketRecord) {
    mix(UInt64(bitPattern: packet.at.nanoseconds))
    mix(UInt64(packet.destination.port) << 16 | UInt64(packet.source.port))
    packet.payload.withUnsafeBytes { bytes in
      for byte in bytes { mix(UInt64(byte)) }
    }
  }

  private func mix(_ word: UInt64) { value = (value ^ word) &* 0x0000_0100_0000_01b3 }
}
