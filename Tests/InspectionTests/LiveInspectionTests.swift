import Foundation
import LabBench
import LabTesting
import Rules
import SansIO
import ScenarioModel
import Testing
import WireReader

@testable import Inspection

/// Feeds packets as a tap does, with a look twice a second of their time.
private struct Tap {
  var inspection = LiveInspection(path: "tap", epoch: .virtual)
  private(set) var news: [LiveInspection.News] = []
  private var next = Instant.zero
  private(set) var mostHeld = 0

  mutating func take(_ packets: [PacketRecord]) {
    for packet in packets {
      goOn(to: packet.at)
      inspection.take(packet)
    }
  }

  mutating func goOn(to time: Instant) {
    while next <= time {
      news += inspection.judge(at: next)
      next = next.advanced(by: .milliseconds(500))
    }
    mostHeld = max(mostHeld, inspection.held)
  }

  mutating func finish() { news += inspection.finish(at: next) }

  var findings: [InspectionFinding] { news.compactMap { if case .finding(let finding) = $0 { finding } else { nil } } }
  var calls: [JudgedCall] { news.compactMap { if case .ended(let call) = $0 { call } else { nil } } }
  var grave: [InspectionFinding] { findings.filter { $0.severity != .note } }
}

@Suite struct LiveInspectionTests {
  private static func without(_ name: String, _ message: Bytes) -> Bytes {
    Bytes(message.text.components(separatedBy: "\r\n").filter { !$0.hasPrefix("\(name):") }.joined(separator: "\r\n"))
  }

  @Test func `of 3,000 calls that have ended each is told once, and what is held is that of the last 64·T1 (RFC 3261 §17.1.1.2)`() throws {
    var (packets, tap) = (Packets(), Tap())
    var samples: [[String: Int]] = []
    for number in 1...3_000 {
      let talk = Talk(callID: "call-\(number)")
      let begun = packets.records.count
      packets.establish(talk)
      packets.talk(count: 3, ssrcs: (UInt32(2 * number), UInt32(2 * number + 1)))
      packets.hangUp(talk)
      packets.wait(90)
      tap.take(Array(packets.records[begun...]))
      if number % 600 == 0 { samples.append(Holdings(of: tap.inspection).counts) }
    }
    #expect(tap.calls.count > 2_990 && Set(tap.calls.map(\.callID)).count == tap.calls.count)
    #expect(tap.calls.allSatisfy { $0.outcome == "hung-up" && $0.streams.map(\.packets) == [3, 3] && $0.findings == 0 })
    #expect(tap.grave.isEmpty, "\(tap.grave.first.map { "\($0)" } ?? "")")
    // Five calls a second, for 32 s and the 10 s between two looks.
    #expect(tap.mostHeld < 240, "\(tap.mostHeld)")
    let (first, last) = (try #require(samples.dropFirst().first), try #require(samples.last))
    // A table of so many slots, which are taken as they are used.
    let slots = "passing.branches.slots"
    #expect(last.first { $0.key.hasSuffix(slots) }.map { $0.value <= 8_192 } == true)
    let unlike = last.filter { path, count in count > first[path, default: 0] + 20 && !path.hasSuffix(slots) }
    let grown = unlike.map { "\($0.value) \($0.key)" }.sorted()
    #expect(grown.isEmpty, "\(grown)")
    tap.finish()
    #expect(tap.calls.count == 3_000)
  }

  @Test func `an INVITE without Contact is named at once, with its frame, who sent it and its call (RFC 3261 §8.1.1.8)`() throws {
    var (packets, tap) = (Packets(), Tap())
    let talk = Talk()
    packets.udp(alice, to: bob, Self.without("Contact", talk.request("INVITE", cseq: 1, sdp: Talk.sdp(alice, 10_000))))
    tap.take(packets.records)
    tap.goOn(to: Instant(nanoseconds: 500_000_000))
    let finding = try #require(tap.grave.first)
    #expect(tap.grave.count == 1 && finding.breach == .contactMissing && finding.frame == 1 && finding.callID == talk.callID)
    #expect(finding.blamed?.address == alice)
  }

  @Test func `the same fault of one call is said once, and of another call again`() {
    var (packets, tap) = (Packets(), Tap())
    for callID in ["one", "two"] {
      let talk = Talk(callID: callID)
      packets.establish(talk)
      packets.hangUp(talk, cseq: 1)
      packets.wait(40_000)
    }
    tap.take(packets.records)
    tap.finish()
    let found = tap.findings.filter { $0.breach == .sequenceNotHigher }
    #expect(found.map(\.callID) == ["one", "two"])
    #expect(tap.calls.map(\.findings).allSatisfy { $0 > 0 })
  }

  @Test func `audio that goes one way is named while the call is up (RFC 3264 §5.1)`() throws {
    var (packets, tap) = (Packets(), Tap())
    packets.establish()
    packets.rtp(alice, 10_000, to: bob, 20_000, count: 700)
    tap.take(packets.records)
    #expect(tap.calls.isEmpty)
    let found = tap.findings.filter { $0.breach == .oneWayAudio }
    #expect(found.count == 1 && found.first?.callID == "talk", "\(tap.findings)")
  }

  @Test func `who was never acknowledged is named after 64·T1, without a packet that comes then (RFC 3261 §13.3.1.4)`() throws {
    var (packets, tap) = (Packets(), Tap())
    let talk = Talk()
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: Talk.sdp(alice, 10_000)))
    packets.wait(10)
    packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE", sdp: Talk.sdp(bob, 20_000)))
    tap.take(packets.records)
    tap.goOn(to: Instant(nanoseconds: 30_000_000_000))
    #expect(!tap.grave.contains { $0.breach == .successNotAcknowledged })
    tap.goOn(to: Instant(nanoseconds: 45_000_000_000))
    #expect(tap.grave.contains { $0.breach == .successNotAcknowledged && $0.blamed?.address == alice }, "\(tap.findings)")
  }

  @Test func `what a stranger sends and nobody can read excuses no one else (RFC 3261 §7)`() throws {
    var (packets, tap) = (Packets(), Tap())
    let (talk, stranger) = (Talk(), try #require(IPAddress("203.0.113.9")))
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: Talk.sdp(alice, 10_000)))
    packets.udp(stranger, to: bob, Bytes("INVITE sip:x SIP/2.0\r\nnonsense\r\n\r\n"))
    packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE", sdp: Talk.sdp(bob, 20_000)))
    tap.take(packets.records)
    tap.goOn(to: Instant(nanoseconds: 60_000_000_000))
    #expect(tap.grave.contains { $0.breach == .messageUnreadable && $0.blamed?.address == stranger }, "\(tap.findings)")
    #expect(tap.grave.contains { $0.breach == .successNotAcknowledged })
  }

  @Test func `a challenge that nobody answers is the end of a call when nothing more can come (RFC 3261 §22.2)`() {
    var (packets, tap) = (Packets(), Tap())
    let (challenged, refused) = (Talk(callID: "challenged"), Talk(callID: "refused"))
    for (talk, status) in [(challenged, "401 Unauthorized"), (refused, "486 Busy Here")] {
      packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: Talk.sdp(alice, 10_000)))
      packets.udp(bob, to: alice, talk.response(status, cseq: 1, "INVITE"))
      packets.udp(alice, to: bob, talk.request("ACK", cseq: 1, branch: "INVITE1\(talk.callID)", inDialog: true))
    }
    tap.take(packets.records)
    tap.goOn(to: Instant(nanoseconds: 5_000_000_000))
    #expect(tap.calls.map(\.outcome) == ["refused"])
    tap.goOn(to: Instant(nanoseconds: 40_000_000_000))
    #expect(tap.calls.map(\.outcome) == ["refused", "challenged"] && tap.inspection.held == 0)
  }

  @Test func `packets that nobody could read accuse no one of what they may hold`() {
    var (packets, tap) = (Packets(), Tap())
    let talk = Talk()
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: Talk.sdp(alice, 10_000)))
    packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE", sdp: Talk.sdp(bob, 20_000)))
    tap.take(packets.records)
    tap.inspection.miss(5, at: Instant(nanoseconds: 1_000_000_000))
    tap.goOn(to: Instant(nanoseconds: 60_000_000_000))
    #expect(!tap.grave.contains { $0.breach == .successNotAcknowledged } && tap.findings.contains { $0.breach == .successNotAcknowledged })
  }
}

/// Judged while it happens, a run has broken the rules that its captures show.
@Suite struct LiveAndFileTests {
  private final class Taps: JournalSink {
    var live: [HostID: LiveInspection] = [:]
    var file: [HostID: CaptureInspection] = [:]
    var news: [HostID: [LiveInspection.News]] = [:]
    private var next: [HostID: Instant] = [:]

    func hostAdded(_ host: HostID, name: String) {
      live[host] = LiveInspection(path: name, epoch: .virtual)
      file[host] = CaptureInspection(PassiveReader(path: name))
    }

    func packet(_ packet: PacketRecord) {
      while let due = next[packet.host, default: .zero] as Instant?, due <= packet.at {
        news[packet.host, default: []] += live[packet.host]?.judge(at: due) ?? []
        next[packet.host] = due.advanced(by: .milliseconds(500))
      }
      live[packet.host]?.take(packet)
      file[packet.host]?.take(packet)
    }

    func record(_ record: JournalRecord) {
      guard case .secret(let line) = record.body else { return }
      live[record.host]?.takeSecrets(line, at: record.at)
      file[record.host]?.takeSecrets(line)
    }

    func finish(at now: Instant) {
      for host in live.keys {
        news[host, default: []] += live[host]?.finish(at: now) ?? []
        file[host]?.reader.watched(until: Epoch.virtual.unixNanoseconds(at: now))
        file[host]?.finish(problem: nil)
      }
    }
  }

  private static func words(_ findings: [InspectionFinding]) -> Set<String> {
    Set(
      findings.filter { $0.severity != .note }.flatMap { finding in
        (finding.callIDs.isEmpty ? [""] : finding.callIDs).map { "\(finding.severity.rawValue) \(finding.breach.id) \($0)" }
      })
  }

  @Test func `what is found at the end of a tap was found while it was read, and nothing else`() throws {
    let scenarios = try Library.scenarios.get().filter { scenario in
      scenario.name.contains("long-ring") || scenario.name.contains("lost-three-times")
        || scenario.name.utf8.reduce(0) { $0 &* 31 &+ Int($1) } % 20 == 0
    }
    try #require(scenarios.count > 15)
    var found = 0
    for scenario in scenarios {
      let taps = Taps()
      _ = ScenarioSuite.run(scenario, observers: [taps])
      for host in taps.live.keys.sorted(by: { $0.rawValue < $1.rawValue }) {
        let live = Self.words((taps.news[host] ?? []).compactMap { if case .finding(let finding) = $0 { finding } else { nil } })
        let file = Self.words(taps.file[host]?.findings() ?? [])
        found += file.count
        #expect(file.subtracting(live).isEmpty, "\(scenario.name), host \(host.rawValue): not found live")
        #expect(live.subtracting(file).isEmpty, "\(scenario.name), host \(host.rawValue): found live alone")
      }
    }
    #expect(found > 10)
  }
}
