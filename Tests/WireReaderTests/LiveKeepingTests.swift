import LabBench
import SansIO
import Testing

@testable import WireReader

/// A tap that is read for weeks: what has ended leaves the tables.
@Suite struct LiveKeepingTests {
  /// Hours of all that a host sees: calls that are hung up, refused and cancelled, one that stays up, bindings that are refreshed and that
  /// expire, subscriptions, keep-alives to nobody, connections that are reset, audio that nobody described.
  private struct Traffic {
    var packets = Packets()
    let standing = Talk(callID: "standing")
    private(set) var calls = 0
    private(set) var minutes = 0

    init() {
      packets.establish(standing, offer: Talk.sdp(alice, 30_000), answer: Talk.sdp(bob, 30_002))
    }

    mutating func minute() {
      for _ in 0..<3 {
        call()
        packets.talk(alice, 30_000, with: bob, 30_002, count: 1, first: minutes * 3 + calls % 3 + 1, ssrcs: (70, 80))
        packets.wait(15_000)
      }
      aside()
      packets.wait(12_000)
      minutes += 1
    }

    private mutating func call() {
      calls += 1
      let talk = Talk(callID: "call-\(calls)")
      packets.establish(talk)
      packets.talk(count: 5, ssrcs: (UInt32(1_000 + 2 * calls), UInt32(1_001 + 2 * calls)))
      packets.hangUp(talk)
    }

    private mutating func aside() {
      let (refused, cancelled) = (Talk(callID: "refused-\(minutes)"), Talk(callID: "cancelled-\(minutes)"))
      packets.udp(alice, to: bob, refused.request("INVITE", cseq: 1, sdp: Talk.sdp(alice, 40_000)))
      packets.udp(bob, to: alice, refused.response("486 Busy Here", cseq: 1, "INVITE"))
      packets.udp(alice, to: bob, cancelled.request("INVITE", cseq: 1, branch: "c\(minutes)"))
      packets.udp(alice, to: bob, cancelled.request("CANCEL", cseq: 1, branch: "c\(minutes)"))
      packets.udp(bob, to: alice, cancelled.response("487 Request Terminated", cseq: 1, "INVITE", branch: "c\(minutes)"))
      register(Talk(callID: "binding"))
      register(Talk(callID: "binding-\(minutes)"))
      let subscription = Talk(callID: "subscription-\(minutes)")
      packets.udp(alice, to: bob, subscription.request("SUBSCRIBE", cseq: 1))
      packets.udp(bob, to: alice, subscription.response("200 OK", cseq: 1, "SUBSCRIBE"))
      packets.udp(alice, to: bob, Talk(callID: "ping-\(minutes)").request("OPTIONS", cseq: 1))
      packets.reinvite(standing, cseq: 2 + minutes, offer: Talk.sdp(alice, 30_000), answer: Talk.sdp(bob, 30_002))
      let port = UInt16(20_000 + minutes)
      packets.tcp(alice, port, to: bob, 5_060, .syn, at: 0)
      packets.tcp(alice, port, to: bob, 5_060, at: 1, Talk(callID: "tcp-\(minutes)", transport: "TCP").request("MESSAGE", cseq: 1))
      packets.tcp(bob, 5_060, to: alice, port, .rst, at: 1)
      packets.rtp(alice, 50_000, to: bob, UInt16(50_000 + minutes), count: 4, ssrc: UInt32(minutes + 1))
    }

    private mutating func register(_ talk: Talk) {
      packets.udp(alice, to: bob, talk.request("REGISTER", cseq: 1 + minutes, extra: ["Expires: 120"]))
      packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1 + minutes, "REGISTER", extra: ["Expires: 120"]))
    }
  }

  @Test func `after hours of calls every table holds what it held before, and what ended was handed over once (RFC 3261 §17)`() throws {
    var traffic = Traffic()
    for _ in 0..<300 { traffic.minute() }
    let reader = PassiveReader(path: "tap", keeps: .live)
    var counts: [String: Int] = [:]
    var next = Instant.zero
    // The most that a table held, in two stretches of 50 minutes each.
    var (early, late) = ([String: Int](), [String: Int]())
    var streamPackets = 0
    for packet in traffic.packets.records {
      while packet.at >= next {
        let ended = reader.release(at: next)
        for conversation in ended.conversations { counts[conversation.callID, default: 0] += 1 }
        for (stream, _) in ended.streams { streamPackets += stream.statistics.packets }
        next = next.advanced(by: .seconds(10))
        // Subscriptions last two hours: from then on as many end as begin.
        let minute = next.nanoseconds / 60_000_000_000
        if (150..<200).contains(minute) { early.merge(Holdings(of: reader).counts) { max($0, $1) } }
        if (230..<280).contains(minute) { late.merge(Holdings(of: reader).counts) { max($0, $1) } }
      }
      _ = reader.take(packet)
    }
    try #require(early.count > 20 && late.count >= early.count)
    let grown = late.filter { path, count in count > early[path, default: 0] + 2 }.map { "\($0.value) \($0.key)" }.sorted()
    #expect(grown.isEmpty, "\(grown)")
    #expect(counts.values.allSatisfy { $0 == 1 })
    #expect(counts.keys.filter { $0.hasPrefix("call-") }.count > traffic.calls - 6)
    #expect(counts.keys.filter { $0.hasPrefix("binding-") }.count > 290 && counts["binding"] == nil && counts["standing"] == nil)
    #expect(streamPackets > (traffic.calls - 6) * 10 + 290 * 4)
    // What lives on grows up to a bound.
    for callID in ["standing", "binding"] {
      let conversation = try #require(reader.dialogs.conversations.first { $0.callID == callID })
      #expect(conversation.transactions.count <= 70 && conversation.rows.count <= 200 && conversation.messageCount > 500, "\(callID)")
    }
    let standing = try #require(reader.dialogs.conversations.first { $0.callID == "standing" })
    let story = DialogStory(standing, end: standing.last)
    #expect(story.success != nil && !story.beginsInTheMiddle)
    #expect(reader.streams.credible.contains { $0.key.ssrc == 70 && $0.statistics.packets > 800 })
  }

  @Test func `a call is there as long as copies of its end may come, and as long as its audio goes on (RFC 3261 §17.1.2.2)`() {
    var packets = Packets()
    packets.establish()
    packets.hangUp()
    packets.wait(20_000)
    packets.rtp(alice, 10_000, to: bob, 20_000, count: 2)
    let reader = PassiveReader(path: "tap", keeps: .live)
    for packet in packets.records { _ = reader.take(packet) }
    let end = packets.records.last?.at ?? .zero
    #expect(reader.release(at: end.advanced(by: .seconds(31))).conversations.isEmpty)
    let ended = reader.release(at: end.advanced(by: .seconds(32)))
    #expect(ended.conversations.count == 1 && ended.streams.count == 1)
    #expect(reader.release(at: end.advanced(by: .seconds(99))).conversations.isEmpty && reader.streams.credible.isEmpty)
  }

  @Test func `a reader that keeps everything hands over nothing`() {
    var packets = Packets()
    packets.establish()
    packets.hangUp()
    let reader = PassiveReader(path: "file")
    for packet in packets.records { _ = reader.take(packet) }
    #expect(reader.release(at: Instant(nanoseconds: .max / 4)).conversations.isEmpty && reader.dialogs.conversations.count == 1)
  }

  @Test func `of the secrets of sessions that were never seen the newest are kept`() {
    let log = KeyLog()
    log.keepsSome = true
    func random(_ number: Int) -> String { String(repeating: "0", count: 60) + String(0x1000 + number, radix: 16) }
    for number in 0..<20_000 { log.add(Bytes("CLIENT_RANDOM \(random(number % 0xE000)) 00ff\n")) }
    #expect(log.count <= 8_192 && log.count >= 4_096)
    let last = Bytes([UInt8](repeating: 0, count: 30) + [UInt8((0x1000 + 19_999) >> 8), UInt8((0x1000 + 19_999) & 255)])
    #expect(log.secret("CLIENT_RANDOM", last) != nil)
    log.forget(last)
    #expect(log.secret("CLIENT_RANDOM", last) == nil)
  }
}
