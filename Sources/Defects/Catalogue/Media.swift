import Codecs
import RTP
import SIPMessage
import SansIO

/// RTP (RFC 3550, RFC 3551, ITU-T G.711).
extension DefectCatalogue {
  static let media: [Defect] = clocks + sources + payloads + flows

  /// What counts the re-INVITEs that a host takes part in: a final answer to one, sent or received.
  private static let countsReinvites: Flaw.MessageChange = { message, _, memory in
    if message.isRequest("INVITE"), message.isInDialog { memory[word: "re \(message.callID) \(message.sequence)"] = "" }
    guard message.isResponse(200...299, to: "INVITE"), memory[word: "re \(message.callID) \(message.sequence)"] != nil else { return }
    if memory.isFirst("done \(message.callID) \(message.sequence) \(message.fromTag ?? "")") { _ = memory.count("re-INVITEs") }
  }

  private static func afterReinvites(_ change: @escaping @Sendable (inout RTPPacket, inout Passage, Int) -> Void) -> Defect.Change {
    .flaw(
      Flaw(
        sends: countsReinvites, receives: countsReinvites,
        speaks: { packet, passage, memory in
          if let count = memory[number: "re-INVITEs"], count > 0 { change(&packet, &passage, count) }
        }))
  }

  /// The timestamp as a function of what was right, counted from the stream's first.
  private static func clock(_ change: @escaping @Sendable (UInt32) -> UInt32) -> Defect.Change {
    .speaks { packet, _, memory in
      let key = "first \(packet.ssrc)"
      if memory[number: key] == nil { memory[number: key] = Int(packet.timestamp) }
      let first = UInt32(truncatingIfNeeded: memory[number: key] ?? 0)
      packet.timestamp = first &+ change(packet.timestamp &- first)
    }
  }

  private static let clocks = [
    Defect(
      "timestamp-step-doubled", "The RTP timestamp grows by twice the samples of a packet.", source: "SIPp #512 class (C2)",
      at: [.endpoint, .persona], breaks: ["timestamp-step", "clock-pace", "timestamp-jump"], clock { $0 &* 2 }),
    Defect(
      "timestamp-step-halved", "The RTP timestamp grows by half the samples of a packet.", source: "rtpengine #209 class",
      at: [.endpoint, .persona], breaks: ["timestamp-step", "clock-pace", "timestamp-jump"], clock { $0 / 2 }),
    Defect(
      "timestamp-stands-still", "The RTP timestamp is that of the first packet for ever.", source: "SIPp #512 class (C2)",
      at: [.endpoint, .persona], breaks: ["timestamp-step", "clock-pace", "timestamp-jump"], clock { _ in 0 }),
    Defect(
      "timestamp-goes-back", "The RTP timestamp falls with each packet.", source: "pjproject #2846 class", at: [.endpoint, .persona],
      breaks: ["timestamp-step", "clock-pace", "timestamp-jump"], clock { 0 &- $0 }),
    Defect(
      "timestamp-counts-packets", "The RTP timestamp grows by one with each packet.", source: "SIPp #512 class (C2)",
      at: [.endpoint, .persona], breaks: ["timestamp-step", "clock-pace", "timestamp-jump"], clock { $0 / 160 }),
    Defect(
      "timestamp-jumps-at-reinvite", "The RTP timestamp jumps by minutes at a re-INVITE, under the same SSRC.",
      source: "pjproject #2846, rtpengine #209 (C16)", at: [.endpoint, .persona],
      breaks: ["timestamp-step", "timestamp-jump"],
      afterReinvites { packet, _, count in packet.timestamp &+= UInt32(count) &* 4_000_000 }),
  ]

  private static let sources = [
    Defect(
      "ssrc-changes-at-reinvite", "Each re-INVITE gives its RTP another SSRC.", source: "pjproject #2846, rtpengine #209 (C16)",
      at: [.endpoint, .persona], breaks: ["ssrc-change"], signs: ["with same SSRC*observed"],
      afterReinvites { packet, _, count in packet.ssrc &+= UInt32(count) }),
    Defect(
      "ssrc-changes-each-second", "Its RTP has another SSRC after each 50 packets.", source: "rtpengine #209 class",
      at: [.endpoint, .persona], breaks: ["ssrc-change"], signs: ["with same SSRC*observed"],
      .speaks { packet, _, memory in packet.ssrc &+= UInt32(memory.count("packets \(packet.ssrc)") / 50) }),
    Defect(
      "sequence-stands-still", "The RTP sequence number never grows.", source: "SIPp #512 class (C2)", at: [.endpoint, .persona],
      breaks: ["sequence-restart", "stream-quality", "sequence-still"],
      .speaks { packet, _, _ in packet.sequenceNumber = 4_711 }),
    Defect(
      "sequence-grows-by-two", "The RTP sequence number skips every second number.", source: "RFC 3550 §5.1", at: [.endpoint, .persona],
      breaks: ["stream-quality", "sequence-still"], .speaks { packet, _, _ in packet.sequenceNumber &*= 2 }),
    Defect(
      "sequence-restarts-at-reinvite", "RTP sequence numbers start over at a re-INVITE, under the same SSRC.",
      source: "rtpengine #209 class",
      at: [.endpoint, .persona], breaks: ["sequence-restart"],
      afterReinvites { packet, _, count in packet.sequenceNumber &-= UInt16(truncatingIfNeeded: count) &* 20_000 }),
    Defect(
      "marker-never-set", "The marker is never set, not even where speech begins.", source: "RFC 3551 §4.1 (D.9)",
      at: [.endpoint, .persona], breaks: ["marker", "RFC 3551 §4.1"], .speaks { packet, _, _ in packet.marker = false }),
    Defect(
      "marker-always-set", "The marker is set on every packet.", source: "RFC 3551 §4.1 (D.9)", at: [.endpoint, .persona],
      breaks: ["marker", "RFC 3551 §4.1"], .speaks { packet, _, _ in packet.marker = true }),
  ]

  private static let payloads = [
    Defect(
      "payload-type-not-agreed", "Its RTP has a payload type that nobody described.", source: "pjproject #3700 class",
      at: [.endpoint, .persona], breaks: ["rtp-payload-type", "RFC 3264 §6.1"],
      .speaks { packet, _, _ in packet.payloadType = 18 }),
    Defect(
      "pcma-written-as-pcmu", "Packets of PCMA hold mu-law.", source: "SIPp #203, #639 (C2)", at: [.endpoint, .persona],
      breaks: ["RFC 3264 §6", "RFC 3551 §4.5.14"],
      .speaks { packet, _, _ in
        if packet.payloadType == 8 { packet.payload = Bytes(packet.payload.map { G711.encode(G711.decode($0, .a), .mu) }) }
      }),
    Defect(
      "pcma-is-mu-law-both-ways", "What it writes and reads as PCMA is mu-law.", source: "SIPp #203, #639 (C2)", at: [.endpoint, .persona],
      breaks: ["RFC 3264 §6", "RFC 3551 §4.5.14"],
      .flaw(
        Flaw(
          speaks: { packet, _, _ in
            if packet.payloadType == 8 { packet.payload = Bytes(packet.payload.map { G711.encode(G711.decode($0, .a), .mu) }) }
          },
          hears: { packet, _, _ in
            if packet.payloadType == 8 { packet.payload = Bytes(packet.payload.map { G711.encode(G711.decode($0, .mu), .a) }) }
          }))),
    Defect(
      "mu-law-not-inverted", "Packets of PCMU hold mu-law without the inversion of its bits.", source: "SIPp #203 (C2)",
      at: [.endpoint, .persona], breaks: ["RFC 3264 §6", "RFC 3551 §4.5.14"],
      .speaks { packet, _, _ in if packet.payloadType == 0 { packet.payload = Bytes(packet.payload.map { ~$0 }) } }),
    Defect(
      "noise-instead-of-speech", "Its packets hold noise.", source: "rtpengine #1493 class", at: [.endpoint, .persona],
      breaks: ["RFC 3264 §6"],
      .speaks { packet, _, memory in
        var state = UInt32(memory.count("packets")) &* 747_796_405 &+ 2_891_336_453
        packet.payload = Bytes(
          packet.payload.map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return UInt8(truncatingIfNeeded: state >> 24)
          })
      }),
    Defect(
      "packets-of-ten-milliseconds", "Its packets hold 10 ms, whatever was agreed.", source: "RFC 8866 §6.4; sipsorcery #77 class",
      at: [.endpoint, .persona], breaks: ["packet-time", "RFC 8866 §6.4", "RFC 3551 §4.2"],
      .speaks { packet, passage, _ in
        let half = packet.payload.count / 2
        var second = packet
        second.payload = packet.payload[half..<packet.payload.count]
        second.timestamp &+= UInt32(half)
        second.sequenceNumber = packet.sequenceNumber &* 2 &+ 1
        second.marker = false
        packet.payload = packet.payload[0..<half]
        packet.sequenceNumber &*= 2
        passage.add(second.serialized(), after: .milliseconds(10))
      }),
    Defect(
      "empty-packets", "Its RTP packets have no payload.", source: "sip-to-ai #12 class", at: [.endpoint, .persona],
      breaks: ["packet-time", "timestamp-step", "one-way-audio"],
      .speaks { packet, _, _ in packet.payload = Bytes() }),
  ]

  private static let flows = [
    Defect(
      "rtp-stays-at-first-address", "RTP goes to the first address for ever, whatever a re-INVITE says and wherever the peer's comes from.",
      source: "rtpengine #1443, #1705 (C16)", at: [.endpoint, .persona],
      breaks: ["media-port", "media-address", "RFC 3264 §8.3.1", "rtp-to-former-address", "contract 8.5", "one-way-audio"], words: ["RTP"],
      signs: ["nobody has the address"],
      .speaks { _, passage, memory in
        guard let port = passage.port, let remote = passage.remote else { return }
        let key = "first \(port.rawValue)"
        if memory[word: key] == nil { memory[word: key] = "\(remote)" }
        passage.remote = memory[word: key].flatMap { TransportAddress($0) } ?? remote
      }),
    Defect(
      "rtp-follows-any-source", "RTP goes to whoever was the last to begin to send.", source: "livekit/sip #388 (C8); RTPbleed",
      at: [.endpoint],
      breaks: ["contract 8.5", "rtp-source", "media-port", "media-address"], words: ["RTP"],
      .flaw(
        Flaw(
          speaks: { _, passage, memory in
            guard let port = passage.port else { return }
            passage.remote = memory[word: "last \(port.rawValue)"].flatMap { TransportAddress($0) } ?? passage.remote
          },
          hears: { _, passage, memory in
            guard let port = passage.port, let remote = passage.remote else { return }
            if memory.isFirst("\(port.rawValue) \(remote)") { memory[word: "last \(port.rawValue)"] = "\(remote)" }
          }))),
    Defect(
      "rtp-from-control-port", "RTP leaves from the port of its RTCP.", source: "RFC 4961 §4; rtpengine #1443 class",
      at: [.endpoint, .persona],
      breaks: ["media-address", "rtp-source", "RFC 4961 §4"], words: ["RTP"],
      .speaks { _, passage, _ in if let port = passage.port { passage.port = PortID(port.rawValue + 1) } }),
    Defect(
      "rtp-while-held", "It sends RTP on though it answered a hold with recvonly.", source: "siphon-ai #417", at: [.endpoint, .persona],
      breaks: ["rtp-while-held", "RFC 3264 §6.1"], words: ["RTP"],
      .both(
        sends: { message, _, memory in
          guard !message.isRequest, let direction = memory[word: message.branch] else { return }
          message.mapSDP { $0 == "a=sendrecv" ? direction : $0 }
        },
        receives: { message, _, memory in
          guard message.isRequest("INVITE"), message.isInDialog, message.hasDescription else { return }
          let branch = message.branch
          message.mapSDP { line in
            guard line == "a=sendonly" || line == "a=inactive" else { return line }
            memory[word: branch] = line == "a=sendonly" ? "a=recvonly" : line
            return "a=sendrecv"
          }
        })),
    Defect(
      "rtp-never-sent", "It sends no RTP at all.", source: "sip-to-ai #12", at: [.endpoint, .persona],
      breaks: ["one-way-audio"], signs: ["sent no RTP"], .speaks { _, passage, _ in passage.fate = .lost }),
    Defect(
      "rtp-begins-late", "Its RTP begins three seconds after the answer.", source: "livekit/sip #348 class", at: [.endpoint, .persona],
      breaks: ["media-late"], signs: ["sent no RTP"],
      .speaks { packet, passage, memory in if memory.count("packets \(packet.ssrc)") < 150 { passage.fate = .lost } }),
    Defect(
      "rtp-ends-after-reinvite", "It sends no RTP any more once a re-INVITE was answered.", source: "siphon-ai #189/#190",
      at: [.endpoint, .persona], breaks: ["one-way-audio", "media-stops"], signs: ["sent no RTP"],
      afterReinvites { _, passage, _ in passage.fate = .lost }),
    Defect(
      "rtp-lost-at-the-sender", "One RTP packet in ten never leaves.", source: "rtpengine #874 class", at: [.endpoint, .persona],
      breaks: ["stream-quality", "reported-loss", "sequence-still"],
      .speaks { packet, passage, _ in if packet.sequenceNumber % 10 == 3 { passage.fate = .lost } }),
    Defect(
      "rtp-in-bursts", "Its RTP leaves in bursts of ten packets.", source: "livekit/sip #348 class", at: [.endpoint, .persona],
      breaks: ["stream-quality", "clock-pace"],
      .speaks { packet, passage, _ in
        passage.fate = .waits(.milliseconds(20 * (9 - Int(packet.sequenceNumber % 10))))
      }),
    Defect(
      "rtp-twice", "Each RTP packet leaves twice, the copy with a number of its own.", source: "RFC 3550 §5.1", at: [.endpoint, .persona],
      breaks: ["timestamp-step", "clock-pace", "packet-time"],
      .speaks { packet, passage, _ in
        var copy = packet
        copy.sequenceNumber = packet.sequenceNumber &* 2 &+ 1
        packet.sequenceNumber &*= 2
        passage.add(copy.serialized(), after: .milliseconds(1))
      }),
  ]
}
