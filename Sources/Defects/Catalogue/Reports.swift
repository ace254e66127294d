import RTP
import SansIO

/// RTCP (RFC 3550 §6).
extension DefectCatalogue {
  static let reports: [Defect] = counters + receptions + packets

  private static func blocks(_ change: @escaping @Sendable (inout ReceptionReport, inout Memory) -> Void) -> Defect.Change {
    .reports { packets, _, memory in
      for index in packets.indices {
        switch packets[index] {
        case .senderReport(let ssrc, let sender, var blocks):
          for block in blocks.indices { change(&blocks[block], &memory) }
          packets[index] = .senderReport(ssrc: ssrc, sender, blocks)
        case .receiverReport(let ssrc, var blocks):
          for block in blocks.indices { change(&blocks[block], &memory) }
          packets[index] = .receiverReport(ssrc: ssrc, blocks)
        case .cname, .bye, .extended, .other: break
        }
      }
    }
  }

  private static func sender(_ change: @escaping @Sendable (inout RTCPPacket.SenderInformation, inout Memory) -> Void) -> Flaw.ReportChange
  {
    { packets, _, memory in
      for index in packets.indices {
        guard case .senderReport(let ssrc, var sender, let blocks) = packets[index] else { continue }
        change(&sender, &memory)
        packets[index] = .senderReport(ssrc: ssrc, sender, blocks)
      }
    }
  }

  private static let counters = [
    Defect(
      "report-counts-packets-received", "The sender report counts the packets of the other direction.", source: "rtpengine #1055 (C13)",
      at: [.endpoint, .persona], breaks: ["sender-report"],
      .flaw(
        Flaw(
          hears: { _, _, memory in _ = memory.count("heard") },
          reports: sender { sender, memory in sender.packetCount = UInt32((memory[number: "heard"] ?? 0) + 7) }))),
    Defect(
      "report-counts-octets-with-headers", "The octets of the sender report include RTP headers.", source: "RFC 3550 §6.4.1",
      at: [.endpoint, .persona], breaks: ["sender-report"],
      .reports(sender { sender, _ in sender.octetCount &+= 12 &* sender.packetCount })),
    Defect(
      "report-counts-nothing", "The sender report has zero packets and octets.", source: "rtpengine #1055 (C13)",
      at: [.endpoint, .persona],
      breaks: ["sender-report"],
      .reports(sender { sender, _ in (sender.packetCount, sender.octetCount) = (0, 0) })),
    Defect(
      "report-of-other-clock", "The RTP timestamp of the sender report is not that of its stream.", source: "RFC 3550 §6.4.1",
      at: [.endpoint, .persona], breaks: ["sender-report"],
      .reports(sender { sender, _ in sender.rtpTimestamp &+= 1_000_000_000 })),
    Defect(
      "report-time-stands-still", "The NTP time of every sender report is that of the first.", source: "rtpengine #874 class",
      at: [.endpoint, .persona], breaks: ["sender-report"],
      .reports(
        sender { sender, memory in
          if memory[word: "time"] == nil { memory[word: "time"] = "\(sender.ntpTime)" }
          sender.ntpTime = memory[word: "time"].flatMap { UInt64($0) } ?? 0
        })),
  ]

  private static let receptions = [
    Defect(
      "jitter-in-other-clock", "The jitter that it reports is in the units of a 48 kHz clock.",
      source: "rtpengine #874, VoIPmonitor #61 (C13)",
      at: [.endpoint, .persona], breaks: ["reported-jitter"],
      blocks { block, _ in block.jitter = block.jitter &* 6 &+ 4_800 }),
    Defect(
      "cumulative-loss-of-interval", "The cumulative loss that it reports is that of the last interval.",
      source: "rtpengine #1055, homer #258 (C13)", at: [.endpoint, .persona],
      breaks: ["reported-loss"],
      blocks { block, memory in
        let (key, total) = ("lost \(block.ssrc)", block.cumulativeLost)
        block.cumulativeLost = total - Int32(memory[number: key] ?? 0)
        memory[number: key] = Int(total)
      }),
    Defect(
      "loss-never-reported", "It reports no loss, whatever is lost.", source: "homer #258 (C13)", at: [.endpoint, .persona],
      breaks: ["reported-loss"],
      blocks { block, _ in (block.cumulativeLost, block.fractionLost) = (0, 0) }),
    Defect(
      "loss-invented", "It reports a loss of one in four where nothing is lost.", source: "rtpengine #1055 (C13)",
      at: [.endpoint, .persona], breaks: ["reported-loss"],
      blocks { block, _ in (block.cumulativeLost, block.fractionLost) = (block.cumulativeLost + 250, 64) }),
    Defect(
      "report-of-unknown-source", "Its reports are about an SSRC that nobody has.", source: "RFC 3550 §6.4.1", at: [.endpoint, .persona],
      breaks: ["RFC 3550 §6.4.1"], blocks { block, _ in block.ssrc &+= 1 }),
    Defect(
      "highest-sequence-of-nowhere", "The highest sequence number that it reports never was sent.", source: "rtpengine #874 class",
      at: [.endpoint, .persona], breaks: ["reported-loss", "reception-report"],
      blocks { block, _ in block.extendedHighestSequence &+= 10_000 }),
    Defect(
      "last-report-of-nowhere", "Its reports name a sender report that never came.", source: "RFC 3550 §6.4.1", at: [.endpoint, .persona],
      breaks: ["RFC 3550 §6.4.1"], blocks { block, _ in block.lastSenderReport &+= 0x4000_0000 }),
  ]

  private static let packets = [
    Defect(
      "no-rtcp", "It sends no RTCP.", source: "RFC 3550 §6 (C13)", at: [.endpoint, .persona],
      breaks: ["RFC 3550 §6", "RFC 3550 §6.2"], words: ["RTCP"], signs: ["every RTCP*no such message was sent"],
      .reports { _, passage, _ in passage.fate = .lost }),
    Defect(
      "rtcp-to-rtp-port", "RTCP goes to the port of RTP, without rtcp-mux.", source: "RFC 3550 §11; VoIPmonitor #61 class",
      at: [.endpoint, .persona], breaks: ["rtcp-port", "RFC 3550 §11", "RFC 3605 §2.1", "RFC 5761 §5.1.1", "rtp-malformed"],
      words: ["RTCP"],
      .reports { _, passage, _ in
        if let remote = passage.remote, remote.port > 1 { passage.remote = TransportAddress(remote.address, port: remote.port & ~1) }
      }),
    Defect(
      "rtcp-of-other-source", "Its RTCP has another SSRC than its RTP.", source: "rtpengine #209 class", at: [.endpoint, .persona],
      breaks: ["RFC 3550 §6.4.1", "RFC 3550 §5.1"],
      .reports { packets, _, _ in
        packets = packets.map { packet in
          switch packet {
          case .senderReport(let ssrc, let sender, let blocks): .senderReport(ssrc: ssrc &+ 77, sender, blocks)
          case .receiverReport(let ssrc, let blocks): .receiverReport(ssrc: ssrc &+ 77, blocks)
          case .cname(let ssrc, let name): .cname(ssrc: ssrc &+ 77, name)
          case .bye(let sources, let reason): .bye(sources.map { $0 &+ 77 }, reason: reason)
          case .extended(let ssrc, let blocks): .extended(ssrc: ssrc &+ 77, blocks)
          case .other: packet
          }
        }
      }),
    Defect(
      "rtcp-without-cname", "Its RTCP has no CNAME.", source: "RFC 3550 §6.1", at: [.endpoint, .persona],
      breaks: ["rtcp-malformed", "RFC 3550 §6.1", "RFC 3550 §6.5.1"],
      .reports { packets, _, _ in packets.removeAll { if case .cname = $0 { true } else { false } } }),
    Defect(
      "rtcp-without-bye", "Nothing in its RTCP says that a stream has ended.", source: "RFC 3550 §6.6", at: [.endpoint, .persona],
      breaks: ["RFC 3550 §6.6", "RFC 3550 §6.3.7"],
      .reports { packets, _, _ in packets.removeAll { if case .bye = $0 { true } else { false } } }),
  ]
}
