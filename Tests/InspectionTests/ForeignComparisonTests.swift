import Foundation
import LabBench
import SansIO
import Testing

@testable import Inspection
@testable import lab_foreign

/// What is called a difference between two readers of a capture, and what is known.
@Suite struct ForeignComparisonTests {
  /// A call with RTP one way, as `inspect --json` has it.
  private func ours(twice: Bool = false, overTCP: Bool = false) throws -> OwnReading {
    var packets = Packets()
    packets.establish()
    packets.rtp(alice, 10_000, to: bob, 20_000, count: 10)
    packets.hangUp()
    var json = InspectionReport.json([try (twice ? packets.capturedTwice() : packets).report()])
    if overTCP { json = json.replacing("\"udp\"", with: "\"tcp\"") }
    return try #require(try JSONDecoder().decode(OwnReading.Document.self, from: Data(json.utf8)).files.first)
  }

  /// The same as tshark would print it.
  private func theirs(
    _ ours: OwnReading, _ change: (inout Tshark.Stream) -> Void = { _ in }
  ) throws -> (streams: Set<Tshark.Stream>, messages: [String: Int]) {
    let own = try #require(ours.streams.first)
    func text(_ value: Double?) -> String { String(format: "%.3f", value ?? 0) }
    var stream = Tshark.Stream(
      source: "\(alice) 10000", destination: "\(bob) 20000", ssrc: own.ssrc, packets: own.packets, lost: own.lost, meanDelta: "20.000",
      maximumDelta: text(own.maxDelta), meanJitter: text(own.meanJitter), maximumJitter: text(own.maxJitter))
    change(&stream)
    return ([stream], ours.messages.requests.merging(ours.messages.responses) { $0 + $1 })
  }

  private func compare(
    _ ours: OwnReading, _ theirs: (streams: Set<Tshark.Stream>, messages: [String: Int]), _ duration: Double? = nil
  ) -> Comparison {
    var comparison = Comparison(file: "x.pcap")
    comparison.compare(ours, theirs, duration)
    return comparison
  }

  @Test func `two readings that say the same have no difference, and the file is one line`() throws {
    let own = try ours()
    let comparison = compare(own, try theirs(own), own.duration)
    #expect(comparison.standing == .same && comparison.lines == ["same    x.pcap: \(own.messages.total) SIP messages, 1 RTP streams"])
  }

  @Test func `a count, a figure or a time that nothing explains is a difference`() throws {
    let own = try ours()
    var messages = try theirs(own)
    messages.messages["BYE"] = 2
    #expect(compare(own, messages).lines.last == "          BYE: inspect 1, tshark 2")
    for change in [{ $0.packets = 9 }, { $0.lost = 3 }, { $0.maximumDelta = "21.000" }, { $0.meanJitter = "1.000" }]
      as [(inout Tshark.Stream) -> Void]
    {
      #expect(compare(own, try theirs(own, change)).standing == .differs)
    }
    #expect(compare(own, try theirs(own), own.duration + 1).standing == .differs)
    #expect(compare(own, ([], try theirs(own).messages)).lines.last == "          RTP \(alice):10000 to \(bob):20000: inspect alone has it")
  }

  @Test func `what a rule of a reader explains is known, and its reason is said once`() throws {
    let (own, twice) = (try ours(), try ours(twice: true))
    #expect(compare(own, try theirs(own) { $0.lost = -1 }).standing == .known)
    var messages = try theirs(twice)
    for name in ["INVITE", "ACK"] { messages.messages[name] = 2 }
    let comparison = compare(twice, messages)
    #expect(comparison.standing == .known && comparison.lines.count == 2, "\(comparison.lines)")
    // tshark reads one message of a segment; over UDP nothing excuses it.
    var fewer = try theirs(own)
    fewer.messages["INVITE"] = 0
    #expect(compare(own, fewer).standing == .differs)
    #expect(compare(try ours(overTCP: true), fewer).standing == .known)
  }

  @Test func `the last line counts the files by how they compare`() throws {
    let own = try ours()
    var total = Total()
    for lost in [0, 0, -1, 7] { total.take(compare(own, try theirs(own) { $0.lost = lost })) }
    #expect(total.line == "4 files: 2 the same, 1 with known differences, 1 with differences" && total.differing == 1)
  }
}
