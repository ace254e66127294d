import Codecs
import RTP
import SansIO

/// Audio that arrives and is not what was said.
extension DefectCatalogue {
  static let audio = [
    Defect(
      "silence-instead-of-speech", "Its packets of G.711 hold silence.", source: "Gossipper lab (MED-09)", at: [.endpoint, .persona],
      breaks: ["RFC 3264 §6"], signs: ["heard silence"],
      .speaks { packet, _, _ in change(&packet) { for index in $0.indices { $0[index] = 0 } } }),
    Defect(
      "speech-clipped", "Its speech is eight times as loud as it was, and cut at full scale.", source: "Gossipper lab (MED-09)",
      at: [.endpoint, .persona], breaks: ["RFC 3264 §6"], signs: ["mark clipped"],
      .speaks { packet, _, _ in change(&packet) { for index in $0.indices { $0[index] = Int16(clamping: Int($0[index]) * 8) } } }),
    Defect(
      "speech-at-half-its-rate", "Samples of 16 kHz are sent as if they were of 8 kHz: its speech is twice as slow.",
      source: "Gossipper lab (MED-09)", at: [.endpoint, .persona], breaks: ["RFC 3264 §6"], signs: ["wrong rate"],
      .speaks { packet, _, memory in
        // What was said and has not been sent, an octet a character.
        let key = "said \(packet.ssrc)"
        let said = (memory[word: key] ?? "").unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) } + packet.payload.array
        let used = packet.payload.count / 2
        memory[word: key] = String(String.UnicodeScalarView(said.dropFirst(used).map { Unicode.Scalar($0) }))
        packet.payload = Bytes(said.prefix(used).flatMap { [$0, $0] })
      }),
    Defect(
      "legs-swapped", "What is meant for the one call is sent into the other.", source: "Gossipper lab (MED-09)", at: [.endpoint],
      breaks: ["RFC 3264 §6"], signs: ["wrong leg", "the mark of"],
      .speaks { packet, _, memory in
        let own = String(String.UnicodeScalarView(packet.payload.map { Unicode.Scalar($0) }))
        memory[word: "said \(packet.ssrc)"] = own
        if memory[number: "first"] == nil { memory[number: "first"] = Int(packet.ssrc) }
        if memory[number: "first"] != Int(packet.ssrc) { memory[number: "second"] = Int(packet.ssrc) }
        guard let first = memory[number: "first"], let second = memory[number: "second"] else { return }
        let other = Int(packet.ssrc) == first ? second : first
        guard let said = memory[word: "said \(other)"] else { return }
        packet.payload = Bytes(said.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) })
      }),
    Defect(
      "echo", "What it hears comes back in what it says, 12 dB weaker.", source: "Gossipper lab (MED-09)", at: [.endpoint, .persona],
      breaks: ["RFC 3264 §6"], signs: ["echo"],
      .flaw(
        Flaw(
          speaks: { packet, _, memory in
            guard let law = law(packet), let heard = memory[word: "heard"] else { return }
            let back = heard.unicodeScalars.map { G711.decode(UInt8(truncatingIfNeeded: $0.value), law) }
            change(&packet) { samples in
              for index in samples.indices where index < back.count {
                samples[index] = Int16(clamping: Int(samples[index]) + Int(back[index]) / 4)
              }
            }
          },
          hears: { packet, _, memory in
            memory[word: "heard"] = String(String.UnicodeScalarView(packet.payload.map { Unicode.Scalar($0) }))
          }))),
  ]

  private static func law(_ packet: RTPPacket) -> G711.Law? { packet.payloadType == 0 ? .mu : packet.payloadType == 8 ? .a : nil }

  /// Changes the samples of a packet of G.711; other packets stay.
  private static func change(_ packet: inout RTPPacket, _ body: (inout [Int16]) -> Void) {
    guard let law = law(packet) else { return }
    var samples: [Int16] = []
    G711.decode(packet.payload, law, into: &samples)
    body(&samples)
    var payload: [UInt8] = []
    G711.encode(samples, law, into: &payload)
    packet.payload = Bytes(payload)
  }
}
