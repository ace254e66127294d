import Dispatch
import Inspection
import LabBench
import SansIO
import Synchronization
import Testing

@testable import Serving

/// The thread that judges a live host's packets.
@Suite(.timeLimit(.minutes(15))) struct LiveJudgeTests {
  private final class News: Sendable {
    private let all = Mutex<[LiveInspection.News]>([])
    func add(_ news: [LiveInspection.News]) { all.withLock { $0 += news } }
    var calls: [JudgedCall] { all.withLock { $0 }.compactMap { if case .ended(let call) = $0 { call } else { nil } } }
    var findings: [InspectionFinding] { all.withLock { $0 }.compactMap { if case .finding(let finding) = $0 { finding } else { nil } } }
  }

  private func talks(_ count: Int) -> Packets {
    var packets = Packets()
    for number in 0..<count {
      let talk = Talk(callID: "call-\(number)")
      packets.establish(talk)
      packets.hangUp(talk)
    }
    return packets
  }

  @Test func `when the tap ends, what had not been looked at is judged and told before its thread ends`() async throws {
    let (judge, news) = (try LiveJudge("tap", epoch: .virtual), News())
    judge.onNews = { news.add($0) }
    for packet in talks(100).records { judge.packet(packet) }
    judge.finish(at: Instant(nanoseconds: 10_000_000_000))
    await judge.leave()
    #expect(Set(news.calls.map(\.callID)).count == 100 && news.calls.count == 100 && judge.missedInAll == 0)
  }

  @Test func `a host is not kept waiting by its judge: what comes too fast is counted, and nobody is accused of what it may hold`()
    async throws
  {
    let (judge, news, gate) = (try LiveJudge("tap", epoch: .virtual, mostWaiting: 100), News(), DispatchSemaphore(value: 0))
    judge.onNews = { found in
      if news.findings.isEmpty { gate.wait() }
      news.add(found)
    }
    var packets = Packets()
    packets.udp(alice, to: bob, Bytes("INVITE sip:x SIP/2.0\r\nnonsense\r\n\r\n"))
    for packet in packets.records { judge.packet(packet) }
    judge.tick(at: Instant(nanoseconds: 1))
    // 256 of them wait while it is held up; the others find no room.
    let records = talks(100).records
    for packet in records { judge.packet(packet) }
    gate.signal()
    judge.finish(at: Instant(nanoseconds: 90_000_000_000))
    await judge.leave()
    #expect(judge.missedInAll == records.count - 256, "\(judge.missedInAll)")
    #expect(news.findings.filter { $0.severity != .note }.map(\.breach.id) == ["message-unreadable"], "\(news.findings)")
  }
}
