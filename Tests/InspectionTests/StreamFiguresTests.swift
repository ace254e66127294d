import Foundation
import LabBench
import LabTesting
import RTP
import SansIO
import ScenarioModel
import Testing

@testable import Inspection
@testable import WireReader
@testable import lab_foreign

/// The figures of one run by four counters: the reader's books, Wireshark's analysis, and the RTCP of both sides.
@Suite struct StreamFiguresTests {
  private let folder = Folder()

  private func scenario(loss: String, jitter: String) throws -> Scenario {
    try ScenarioSuite.scenario(
      """
      summary: s
      policy: { jitterBuffer: adaptive, voipMetrics: true }
      given: { accounts: { acme: {} }, sessions: { demo: { account: acme } } }
      cast:
        kallglot: { endpoint: default, address: 198.51.100.10 }
        pbx: { persona: plain-caller, address: 192.0.2.20, account: acme, transport: tcp, jitterBuffer: adaptive, voipMetrics: true }
      network:
        - { between: [pbx, kallglot], delay: 60 ms, loss: \(loss), jitter: \(jitter) }
      steps:
        - call: { from: pbx, to: session demo, as: leg }
        - expect: { leg: leg, is: established, within: 10 s }
        - wait: 25 s
        - hangUp: pbx
        - expect: { leg: leg, is: ended, within: 10 s }
      """, name: "figures")
  }

  /// The streams that came to a host, in its own capture.
  private func received(_ host: String, _ address: String, _ place: String) throws -> (InspectionReport, [RTPStream]) {
    let report = try Inspector().inspect(path: "\(place)/\(host).pcapng")
    return (report, report.streams.filter { "\($0.key.destination.address)" == address })
  }

  private static let ends = [(host: "kallglot", address: "198.51.100.10"), (host: "pbx", address: "192.0.2.20")]

  @Test(arguments: [("0", "0"), ("1 %", "10 ms"), ("5 %", "40 ms"), ("20 %", "0")], 1...2 as ClosedRange<UInt64>)
  func `the reader's books are what both sides report by RTCP and XR (RFC 3550 §6.4.1, RFC 3611 §4.7)`(
    link: (loss: String, jitter: String), seed: UInt64
  ) throws {
    let place = folder.file("\(link.loss)\(link.jitter)\(seed)")
    let result = ScenarioSuite.run(try scenario(loss: link.loss, jitter: link.jitter), seed: seed, folder: place)
    #expect(result.verdict == .passed, "\(ScenarioSuite.explanation(result))")
    for end in Self.ends {
      let (report, streams) = try received(end.host, end.address, place)
      let stream = try #require(streams.first, "\(end.host) got RTP")
      let (figures, reports) = (stream.figures, try #require(report.control[stream.key]))
      let block = try #require(reports.block)
      // What the first packet had overtaken belongs to neither count in the same way.
      let slack = link.jitter == "0" ? 0 : 3
      #expect(abs(block.lost - block.seenBalance) <= slack, "\(end.host) counts what came to it")
      #expect(abs((block.jitter ?? 0) - stream.clock.jitter) < 5)
      #expect(abs(figures.loss.lost - stream.lost) <= slack && abs(figures.loss.received - stream.course.distinct) <= slack)
      #expect(figures.windows.reduce(0) { $0 + $1.loss.expected } == figures.loss.expected)
      let metrics = try #require(reports.metrics)
      let parts = figures.loss.expected > 0 ? figures.loss.lost * 256 / figures.loss.expected : 0
      #expect(abs(Int(metrics.lossRate) - parts) <= 1)
      #expect(abs(Int(metrics.burstDensity) - Int(figures.loss.metrics.burstDensity * 256)) <= (parts == 0 ? 0 : 24))
      #expect(metrics.roundTripDelay == 0 || (119...241).contains(metrics.roundTripDelay))
    }
  }

  @Test(.enabled(if: Tshark.runs, Tshark.reason), arguments: [("2 %", "30 ms"), ("10 %", "0")], 3...4 as ClosedRange<UInt64>)
  func `they are what Wireshark's RTP stream analysis counts`(link: (loss: String, jitter: String), seed: UInt64) throws {
    try #require(Tshark.isInstalled, "tshark is required and not installed")
    let place = folder.file("tshark\(link.loss)\(link.jitter)\(seed)")
    _ = ScenarioSuite.run(try scenario(loss: link.loss, jitter: link.jitter), seed: seed, folder: place)
    for end in Self.ends {
      let (_, streams) = try received(end.host, end.address, place)
      let theirs = try Tshark.read("\(place)/\(end.host).pcapng", folder: folder).streams
      for stream in streams where stream.differences.isEmpty {
        let (loss, other) = (stream.figures.loss, theirs.first { $0.ssrc == stream.key.ssrc })
        #expect(other?.packets == loss.received && max(other?.lost ?? -1, 0) == loss.lost, "\(end.host): \(loss) and \(other as Any)")
        let highest = stream.figures.windows.map(\.maximumJitter).max() ?? 0
        // Both smooth by a sixteenth; ours leaves out packets that were overtaken, Wireshark's those with the marker.
        #expect(abs(highest - (Double(other?.maximumJitter ?? "") ?? -1)) < (stream.figures.reordered > 0 ? 3 : 0.5))
      }
      #expect(!streams.isEmpty)
    }
  }

  @Test func `text and JSON say the scale and the inputs of each score, and which interval was worst`() throws {
    let place = folder.file("text")
    _ = ScenarioSuite.run(try scenario(loss: "5 %", jitter: "10 ms"), seed: 5, folder: place)
    let (report, streams) = try received("kallglot", "198.51.100.10", place)
    let stream = try #require(streams.first)
    let text = StreamScore.text(stream)
    #expect(text.contains("with PLC") && text.contains("NB R ") && text.contains("without delay") && text.contains("worst 5 s from"))
    guard case .object(let members) = StreamScore.json(stream) else {
      Issue.record("no object")
      return
    }
    #expect(members.map(\.0) == ["reordered", "burstGap", "scores", "intervals", "worst"])
    #expect(report.text().contains { $0.contains("quality: MOS") })
  }
}
