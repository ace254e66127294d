import LabBench
import SansIO
import Testing

@testable import Inspection
@testable import WireReader

/// What is wrong with a stream's clock and numbering has a name of its own, and is neither loss nor jitter (RFC 3550 §5.1).
@Suite struct StreamClockTests {
  /// Only Alice sends, as agreed.
  private static let offer = sdp(alice, 10_000)
  private static let answer = sdp(bob, 20_000)

  private static func sdp(_ address: IPAddress, _ port: UInt16, _ lines: String = "") -> String {
    Talk.sdp(address, port, direction: address == alice ? "sendonly" : "recvonly", extra: lines)
  }

  private func report(
    offer: String = offer, answer: String = answer, every: Int64 = 20, size: Int = 160,
    _ plan: [(sequence: Int, timestamp: Int, marker: Bool)]
  ) throws -> InspectionReport {
    var packets = Packets()
    packets.establish(offer: offer, answer: answer)
    packets.rtp(alice, 10_000, to: bob, 20_000, every: every, size: size, plan)
    return try packets.report()
  }

  /// A hundred packets from a number and a timestamp on.
  private func plan(_ sequence: Int, _ timestamp: Int) -> [(sequence: Int, timestamp: Int, marker: Bool)] {
    (0..<100).map { (sequence + $0, timestamp + $0 * 160, false) }
  }

  private func steps(_ range: Range<Int>, by ticks: Int = 160, from: Int = 1_000) -> [(sequence: Int, timestamp: Int, marker: Bool)] {
    range.map { ($0, from + $0 * ticks, false) }
  }

  @Test(arguments: [(0x7FFF_0000, "leaps ahead by"), (-900_000, "goes back by")])
  func `a timestamp that leaps is named with its frame, and measures no jitter`(offset: Int, words: String) throws {
    let report = try report(steps(0..<60) + steps(60..<120, from: 1_000 + offset))
    let finding = try #require(report.finding("timestamp-jump"))
    #expect(finding.severity == .warning && finding.frame == 65 && finding.text.contains(words), "\(finding)")
    #expect(report.accusations == ["timestamp-jump"] && report.streams.first.map { $0.meanJitter < 1 } == true)
  }

  @Test func `a leap with a marker is another source behind a bridge, and noted`() throws {
    var plan = steps(0..<60) + steps(60..<120, from: 9_000_000)
    plan[60].marker = true
    let report = try report(plan)
    #expect(report.finding("timestamp-jump")?.severity == .note && report.accusations.isEmpty)
  }

  @Test func `a timestamp that does not move, or moves by half of what the payload holds, is named`() throws {
    let still = try report((0..<120).map { ($0, 1_000, false) })
    #expect(still.accusations == ["timestamp-step"] && still.findings.contains { $0.text.contains("does not move") }, "\(still.findings)")
    let half = try report(steps(0..<120, by: 80))
    #expect(half.accusations == ["timestamp-step"], "\(half.findings)")
    #expect(half.finding("timestamp-step")?.text.contains("grows by 80 where the payload holds 160 samples") == true)
    let double = try report(steps(0..<120, by: 320))
    #expect(double.accusations == ["timestamp-step"], "\(double.findings)")
  }

  @Test func `silence in which the clock goes on is right (RFC 3551 §4.1)`() throws {
    var packets = Packets()
    packets.establish(offer: Self.offer, answer: Self.answer)
    for spurt in 0..<5 {
      let start = spurt * (60 * 160 + 16_000)
      var plan = (0..<60).map { (sequence: spurt * 60 + $0, timestamp: start + $0 * 160, marker: false) }
      plan[0].marker = true
      packets.rtp(alice, 10_000, to: bob, 20_000, plan)
      packets.wait(2_000)
    }
    let report = try packets.report()
    #expect(report.accusations.isEmpty && report.streams.first?.clock.silences == 4, "\(report.findings)")
  }

  @Test func `numbers that start over are a restart and no loss, also far away and in step with the timestamps`() throws {
    let plans = [
      steps(400..<500) + plan(0, 5_000), steps(0..<100) + steps(1_100..<1_200), steps(0..<100) + plan(130, 900_000),
    ]
    for plan in plans {
      let report = try report(plan)
      let stream = try #require(report.streams.first)
      #expect(stream.lost == 0 && stream.expected == 200 && stream.course.restarts.count == 1, "\(report.findings)")
      #expect(report.accusations == ["sequence-restart"] && report.finding("sequence-restart")?.frame == 105)
    }
  }

  @Test func `a hole whose time has passed is loss, and so is what a stall swallowed`() throws {
    var packets = Packets()
    packets.establish(offer: Self.offer, answer: Self.answer)
    packets.rtp(alice, 10_000, to: bob, 20_000, steps(0..<100))
    packets.wait(2_000)
    packets.rtp(alice, 10_000, to: bob, 20_000, steps(200..<300))
    #expect(try packets.report().streams.first?.lost == 100)
    packets.wait(4_000)
    packets.rtp(alice, 10_000, to: bob, 20_000, every: 0, steps(300..<350))
    packets.rtp(alice, 10_000, to: bob, 20_000, steps(500..<600))
    let stream = try #require(try packets.report().streams.first)
    #expect(stream.lost == 250 && stream.course.restarts.isEmpty)
  }

  @Test func `a marker on every packet marks nothing (RFC 3551 §4.1)`() throws {
    #expect(try report((0..<120).map { ($0, $0 * 160, true) }).accusations == ["marker"])
    #expect(try report((0..<120).map { ($0, $0 * 160, $0 == 0) }).accusations.isEmpty)
  }

  @Test func `packets of another length than agreed are named, and longer ones than the other side takes (RFC 8866 §6.4, §6.5)`() throws {
    let sdp = Self.sdp
    let plan = steps(0..<60, by: 320)
    let agreed = try report(
      offer: sdp(alice, 10_000, "a=ptime:20\r\n"), answer: sdp(bob, 20_000, "a=ptime:20\r\n"), every: 40, size: 320, plan)
    #expect(agreed.accusations == ["packet-time"] && agreed.finding("packet-time")?.text.contains("40 ms") == true, "\(agreed.findings)")
    let wish = try report(answer: sdp(bob, 20_000, "a=ptime:20\r\n"), every: 40, size: 320, plan)
    #expect(wish.accusations.isEmpty && wish.finding("packet-time")?.severity == .note)
    let most = try report(answer: sdp(bob, 20_000, "a=maxptime:30\r\n"), every: 40, size: 320, plan)
    #expect(most.accusations == ["packet-time"])
    #expect(try report(answer: sdp(bob, 20_000, "a=ptime:40\r\n"), every: 40, size: 320, plan).finding("packet-time") == nil)
  }

  @Test func `audio that comes slower than it is heard is named`() throws {
    let report = try report(every: 30, steps(0..<100))
    #expect(report.accusations == ["clock-pace"], "\(report.findings)")
  }

  @Test func `another SSRC is noted unless something was agreed anew (RFC 3550 §8.1)`() throws {
    var packets = Packets()
    packets.establish(offer: Self.offer, answer: Self.answer)
    packets.rtp(alice, 10_000, to: bob, 20_000, count: 200)
    var changed = packets
    changed.rtp(alice, 10_000, to: bob, 20_000, count: 60, ssrc: 9)
    #expect(try changed.report().finding("ssrc-change")?.severity == .note)
    packets.reinvite(cseq: 2, offer: Self.offer, answer: Self.answer)
    packets.rtp(alice, 10_000, to: bob, 20_000, count: 60, ssrc: 9)
    #expect(try packets.report().finding("ssrc-change") == nil)
  }
}
