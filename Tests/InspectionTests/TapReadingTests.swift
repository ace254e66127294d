import Capture
import Foundation
import LabBench
import LabTesting
import SansIO
import ScenarioModel
import Testing

@testable import Inspection
@testable import WireReader

/// A host's tap says what the capture of that host says, without frames in between.
@Suite struct TapReadingTests {

  /// Reads each host's packets as they come.
  private final class TapReaders: JournalSink {
    struct Reading {
      var inspection: CaptureInspection
      var observed: [String] = []
    }

    var readings: [HostID: Reading] = [:]

    func hostAdded(_ host: HostID, name: String) {
      readings[host] = Reading(inspection: CaptureInspection(PassiveReader(path: "")))
    }

    func packet(_ packet: PacketRecord) { add(readings[packet.host]?.inspection.reader.take(packet), packet.host) }

    func record(_ record: JournalRecord) {
      if case .secret(let line) = record.body { add(readings[record.host]?.inspection.reader.takeSecrets(line), record.host) }
    }

    func finish(at now: Instant) {
      for host in readings.keys { add(readings[host]?.inspection.reader.finish(problem: nil), host) }
    }

    private func add(_ observed: [Observed]?, _ host: HostID) { readings[host]?.observed += (observed ?? []).map(Contents.text) }
  }

  /// Every value of it, in an order that does not depend on hashes.
  enum Contents {
    /// What a file alone has, and what only tells how the reader reads.
    private static let aside: Set<String> = [
      "linkTypes", "link", "path", "copies", "fragments", "decrypted", "interfaces", "followsPackets", "storage", "lower", "upper",
    ]

    static func text(_ value: Any) -> String {
      if let bytes = value as? Bytes { return bytes.text }
      let mirror = Mirror(reflecting: value)
      switch mirror.displayStyle {
      case .dictionary, .set: return "{" + mirror.children.map { text($0.value) }.sorted().joined(separator: ",") + "}"
      case nil where mirror.children.isEmpty: return "\(value)".hasPrefix("0x") ? "" : "\(value)"
      case .enum where mirror.children.isEmpty: return "\(value)"
      default:
        var parts: [String] = []
        for child in mirror.children where !aside.contains(child.label ?? "") { parts.append("\(child.label ?? "")=\(text(child.value))") }
        return "(" + parts.joined(separator: ",") + ")"
      }
    }
  }

  /// What the capture says of the same packets.
  private static func read(_ file: Bytes) throws -> (reader: PassiveReader, observed: [String]) {
    let passive = PassiveReader(path: "")
    var (reader, observed) = (try CaptureReader(file), [String]())
    while let item = try reader.next() {
      switch item {
      case .packet(let packet): observed += passive.take(packet).map(Contents.text)
      case .secrets(let secrets): passive.takeSecrets(secrets)
      case .interface(let interface): passive.take(interface)
      case .statistics, .other: break
      }
    }
    observed += passive.finish(problem: nil).map(Contents.text)
    return (passive, observed)
  }

  /// Each kind of carrier, and what the network does to it.
  private static let scenarios = Result {
    try Library.scenarios.get().filter { scenario in
      ["over-tls", "over-each-transport", "nothing-lost-on-streams", "require-tls"].contains {
        scenario.name.contains($0)
      } || scenario.name.utf8.reduce(0) { $0 &* 31 &+ Int($1) } % 61 == 0
    }
  }

  @Test func `a tap shows what the capture of its host shows, in every message and every table`() throws {
    let scenarios = try Self.scenarios.get()
    try #require(scenarios.count > 10)
    var (messages, connections) = (0, 0)
    for scenario in scenarios {
      let (taps, captures) = (TapReaders(), CaptureSink(.memory))
      _ = ScenarioSuite.run(scenario, observers: [captures, taps])
      for (host, reading) in taps.readings {
        let file = try Self.read(try #require(captures.bytes(of: host)))
        #expect(reading.observed == file.observed, "\(scenario.name), host \(host.rawValue)")
        let (tables, wanted) = (Contents.text(reading.inspection.reader), Contents.text(file.reader))
        #expect(tables == wanted, "\(scenario.name), host \(host.rawValue)")
        messages += reading.observed.count
        connections += reading.inspection.reader.connections.secured.filter { $0.openedBytes > 0 }.count
      }
    }
    #expect(messages > 200 && connections > 4)
  }
}
