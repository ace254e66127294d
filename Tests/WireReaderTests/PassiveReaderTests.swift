import LabBench
import SIPMessage
import SansIO
import Testing

@testable import WireReader

/// What the reader says of packets as they come, one by one.
@Suite struct PassiveReaderTests {
  private let talk = Talk()

  private func words(_ observed: [Observed]) -> [String] {
    observed.map { item in
      switch item {
      case .message(let message, _, let repetition): "\(message.title)\(repetition > 0 ? " again" : "")"
      case .incomplete(_, let mistakes, _, _): "incomplete: \(mistakes.count)"
      case .unreadable: "unreadable"
      case .unframed: "unframed"
      case .cut(let line, let missing, _): "cut: \(line), \(missing.map { "\($0) missing" } ?? "header")"
      case .notSIP(let text, _, _): "not SIP: \(text)"
      case .gap(let gap): "gap of \(gap.value)"
      case .tlsAlert(let alert): "alert \(alert.value)"
      case .tlsEstablished(let facts): "\(facts.value.versionName) established"
      }
    }
  }

  private func read(_ packets: Packets) throws -> [[String]] {
    let reader = PassiveReader(path: "test")
    var seen = try packets.captured.map { words(reader.take($0)) }
    seen.append(words(reader.finish(problem: nil)))
    return seen
  }

  @Test func `a message is seen with the packet that made it whole, and a copy as one (RFC 3261 §17)`() throws {
    let invite = talk.request("INVITE", cseq: 1)
    var packets = Packets()
    packets.udp(alice, to: bob, invite)
    packets.wait(500)
    packets.udp(alice, to: bob, invite)
    packets.tcp(alice, 40_000, to: bob, 5_060, .syn, at: 0)
    packets.tcp(alice, 40_000, to: bob, 5_060, at: 1, talk.request("BYE", cseq: 2, inDialog: true).prefix(100))
    packets.tcp(alice, 40_000, to: bob, 5_060, at: 101, talk.request("BYE", cseq: 2, inDialog: true).dropFirst(100))
    #expect(try read(packets) == [["INVITE"], ["INVITE again"], [], [], ["BYE"], []])
  }

  @Test func `what nobody can read is said, and the next message is read all the same (RFC 3261 §7)`() throws {
    var packets = Packets()
    packets.udp(alice, to: bob, "INVITE sip:bob@example.com SIP/2.0\r\nVia x\r\n\r\n")
    packets.udp(alice, to: bob, "INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKx\r\n\r\n")
    packets.udp(alice, to: bob, "hello, is there anybody\r\n")
    packets.udp(alice, to: bob, talk.request("OPTIONS", cseq: 1))
    #expect(try read(packets) == [["unreadable"], ["incomplete: 4"], ["not SIP: hello, is there anybody"], ["OPTIONS"], []])
  }

  @Test func `a hole in a stream is told once it is sure, and what comes behind it is read (RFC 9293 §3.4)`() throws {
    let invite = talk.request("INVITE", cseq: 1)
    var packets = Packets()
    packets.tcp(alice, 40_000, to: bob, 5_060, .syn, at: 0)
    packets.tcp(alice, 40_000, to: bob, 5_060, at: 1, invite.prefix(100))
    packets.tcp(alice, 40_000, to: bob, 5_060, at: 1 + UInt32(invite.count), talk.request("BYE", cseq: 2, inDialog: true))
    #expect(try read(packets) == [[], [], [], ["gap of \(invite.count - 100)", "BYE"]])
  }

  @Test func `the tables grow with conversations and not with packets`() throws {
    let reader = PassiveReader(path: "test")
    var packets = Packets()
    packets.establish(talk)
    packets.rtp(alice, 10_000, to: bob, 20_000, count: 500)
    for packet in try packets.captured { _ = reader.take(packet) }
    #expect(reader.dialogs.conversations.count == 1 && reader.streams.credible.count == 1 && reader.facts.frames == 504)
  }
}
