import SIPMessage
import SansIO
import ScenarioModel

/// The packets of one host that a finding may cite: its newest signalling, and the newest media each way. Bounded.
struct PacketTrace {
  /// What is kept of a media packet, which there are many of: no reference.
  struct Media {
    var frame: UInt32
    var at: Instant
    var direction: PacketRecord.Direction
    /// The first four bytes: version, payload or packet type, sequence number or length (RFC 3550 §5.1, §6.4).
    var word: UInt32
    var fate: Fate
  }

  private static let signallingLimit = 256
  private static let citedLimit = 64

  private var ring: [PacketRecord] = []
  private var next = 0
  private(set) var received: (at: Instant, frame: UInt32)?
  private(set) var receivedMedia: Media?
  private(set) var sentRTP: Media?
  private(set) var sentRTCP: Media?
  /// Media packets that were cited; newer ones come fifty times a second.
  private var cited: [Media] = []

  /// RTP and RTCP have version 2 in their first two bits; SIP is text, TLS records begin with 20 to 23 (RFC 7983 §7).
  @inline(__always)
  static func isMedia(_ payload: Bytes) -> Bool { payload.first.map { $0 & 0xC0 == 0x80 } ?? false }

  /// RTCP packet types are where payload types of RTP with a marker would be (RFC 5761 §4).
  @inline(__always)
  static func isControl(_ payload: Bytes) -> Bool { payload.count > 1 && (192...223).contains(payload[1]) }

  mutating func takeMedia(_ packet: PacketRecord) {
    let payload = packet.payload
    var word: UInt32 = 0
    for index in 0..<min(4, payload.count) { word |= UInt32(payload[index]) << UInt32(24 - 8 * index) }
    let media = Media(frame: packet.frame, at: packet.at, direction: packet.direction, word: word, fate: packet.fate)
    if packet.direction == .received {
      receivedMedia = media
      received = (packet.at, packet.frame)
    } else if media.isRTCP {
      sentRTCP = media
    } else {
      sentRTP = media
    }
  }

  mutating func takeSignalling(_ packet: PacketRecord) {
    if packet.direction == .received { received = (packet.at, packet.frame) }
    if ring.count < Self.signallingLimit {
      ring.append(packet)
    } else {
      ring[next] = packet
      next = (next + 1) % Self.signallingLimit
    }
  }

  /// The newest signalling packet that fits.
  func newest(_ fits: (PacketRecord) -> Bool) -> PacketRecord? {
    let start = ring.count < Self.signallingLimit ? ring.count : next + Self.signallingLimit
    for offset in ring.indices {
      let packet = ring[(start - offset - 1) % ring.count]
      if fits(packet) { return packet }
    }
    return nil
  }

  /// What was sent of a kind, the newest last; at most ten.
  func sent(_ subject: Label.Subject) -> [Bytes] {
    let start = ring.count < Self.signallingLimit ? 0 : next
    let packets = ring.indices.map { ring[(start + $0) % ring.count] }
    return Array(packets.filter { $0.direction == .sent && $0.label.subject == subject }.suffix(10).map(\.payload))
  }

  /// Keeps a media packet for when a finding asks what it is.
  mutating func cite(_ media: Media) {
    if cited.count == Self.citedLimit { cited.removeFirst() }
    cited.append(media)
  }

  /// What became of a frame that is kept.
  func fate(_ citation: FrameCitation) -> String { newest { $0.frame == citation.frame }.map { MessageLine.text($0.fate) } ?? "" }

  /// What a frame is, as far as it is kept.
  func exhibit(_ citation: FrameCitation) -> Exhibit? {
    if let packet = newest({ $0.frame == citation.frame }) {
      return Exhibit(citation, at: packet.at, packet.direction == .sent ? .sent : .received, MessageLine.text(packet))
    }
    let media = (cited + [receivedMedia, sentRTP, sentRTCP].compactMap(\.self)).last { $0.frame == citation.frame }
    return media.map { Exhibit(citation, at: $0.at, $0.direction == .sent ? .sent : .received, $0.text, isMedia: true) }
  }
}

extension PacketTrace.Media {
  private var type: UInt32 { word >> 16 & 0xFF }

  /// RTCP packet types where payload types of RTP with a marker would be (RFC 5761 §4).
  var isRTCP: Bool { (192...223).contains(type) }

  var text: String {
    (isRTCP ? "RTCP, packet type \(type)" : "RTP, payload type \(type & 0x7F), sequence number \(word & 0xFFFF)") + MessageLine.text(fate)
  }
}

/// A packet as one line of text.
enum MessageLine {
  private static let limit = 120

  static func text(_ packet: PacketRecord) -> String { content(packet) + text(packet.fate) }

  private static func content(_ packet: PacketRecord) -> String {
    guard let message = try? SIPMessage.parse(packet.payload) else { return labelled(packet) }
    if let status = message.status {
      let phrase = message.reasonPhrase?.text ?? ""
      let method = (try? message.cseq().method.token).map { " to \($0)" } ?? ""
      return clipped("\(status)\(phrase.isEmpty ? "" : " \(phrase)")\(method)")
    }
    return clipped("\(message.method?.token ?? "?") \(message.requestURIBytes?.text ?? "")")
  }

  /// What TLS hides and what is not SIP: the label of whoever sent it, as far as there is one.
  private static func labelled(_ packet: PacketRecord) -> String {
    let isTLS = packet.payload.first.map { (20...23).contains($0) } ?? false
    switch packet.label.subject {
    case .request(let method): return "\(method.description)\(isTLS ? " over TLS" : "")"
    case .response(let status, let method): return "\(status) to \(method.description)\(isTLS ? " over TLS" : "")"
    case .tlsHandshake: return "TLS handshake"
    case .tlsClose: return "TLS close_notify"
    case .dtls: return "DTLS"
    case .none, .keepAlive, .rtp, .rtcp, .raw:
      let first = packet.payload.text.prefix { $0 != "\r" && $0 != "\n" && $0 != "\r\n" }
      if !isTLS, !first.isEmpty, first.utf8.allSatisfy({ $0 >= 32 && $0 < 127 }) { return clipped(String(first)) }
      return "\(CountText.of(packet.payload.count, "byte"))\(isTLS ? " of TLS" : "")"
    }
  }

  static func text(_ fate: Fate) -> String {
    switch fate {
    case .delivered, .duplicated, .heldBack, .translated, .unknown, .delayed: ""
    case .lost(let cause): ", \(cause.sentence)"
    case .corrupted: ", \(Fate.corruptedWords)"
    case .dropped: ", dropped by a fault"
    case .rewritten: ", changed by a fault"
    case .filtered(let reason): ", dropped by a NAT: \(reason)"
    case .unroutable: ", unroutable"
    }
  }

  private static func clipped(_ text: String) -> String { text.count > limit ? "\(text.prefix(limit - 1))…" : text }
}
