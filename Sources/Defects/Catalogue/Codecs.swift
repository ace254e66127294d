import RTP
import SIPMessage
import SansIO

/// What is agreed on a codec and its parameters, and not kept (RFC 3264 §5.1, RFC 3551 §4.5.2, RFC 7587).
extension DefectCatalogue {
  static let codecs = [
    Defect(
      "own-payload-number", "Its Opus has the number of its own description, not the other side's.", source: "RFC 3264 §5.1 (COD-08)",
      at: [.endpoint], breaks: ["rtp-payload-type", "RFC 3264 §5.1", "RFC 3264 §6.1", "RFC 3550 §5.1"],
      .speaks { packet, _, _ in if packet.payloadType >= 96 { packet.payloadType = 111 } }),
    Defect(
      "g722-clock-of-16000", "The RTP timestamp of G.722 counts its 16,000 samples a second.", source: "RFC 3551 §4.5.2 (COD-03)",
      at: [.endpoint, .persona], breaks: ["timestamp-step", "clock-pace", "timestamp-jump", "RFC 3264 §5.1"],
      .speaks { packet, _, memory in
        guard packet.payloadType == 9 else { return }
        let key = "first \(packet.ssrc)"
        if memory[number: key] == nil { memory[number: key] = Int(packet.timestamp) }
        let first = UInt32(truncatingIfNeeded: memory[number: key] ?? 0)
        packet.timestamp = first &+ (packet.timestamp &- first) &* 2
      }),
    Defect(
      "peer-ptime-not-read", "The packet time and its maximum in the other side's descriptions are not read.",
      source: "RFC 8866 §6.4, §6.5", at: [.endpoint], breaks: ["packet-time", "RFC 3264 §5.1", "RFC 8866 §6.4"],
      .receives { message, _, _ in message.mapSDP { $0.hasPrefix("a=ptime") || $0.hasPrefix("a=maxptime") ? nil : $0 } }),
    Defect(
      "opus-parameters-not-read", "What the other side says of its Opus is not read.", source: "RFC 7587 §6.1 (COD-04)", at: [.endpoint],
      breaks: ["RFC 3264 §5.1", "RFC 7587 §6.1"],
      .receives { message, _, _ in
        message.mapSDP { $0.hasPrefix("a=fmtp") && !$0.contains("0-1") ? nil : $0 }
      }),
  ]
}
