import SIPMessage
import SansIO
import ScenarioModel
import WireReader

/// The newest SIP messages of one host, read from its packets: what an event of the host may speak of, and a finding may cite. Bounded.
struct MessageTrace {
  struct Entry {
    var frame: UInt32
    var at: Instant
    var isSent: Bool
    /// The request's, or that of the request it answers.
    var method: SIPMethod
    var status: Int?
    var callID: String
    /// The message in one line.
    var text: String
  }

  private static let limit = 256
  private static let longest = 120

  private var ring: [Entry] = []
  private var next = 0

  mutating func take(_ message: SIPMessage, _ observed: ObservedMessage?, isSent: Bool, frame: UInt32, at now: Instant) {
    let method = observed?.method ?? message.method ?? .other("?")
    let entry = Entry(
      frame: frame, at: now, isSent: isSent, method: method, status: message.status, callID: observed?.callID ?? "",
      text: Self.text(message, method, isTLS: observed?.transport == .tls))
    if ring.count < Self.limit {
      ring.append(entry)
    } else {
      ring[next] = entry
      next = (next + 1) % Self.limit
    }
  }

  /// The newest that fits.
  func newest(_ fits: (Entry) -> Bool) -> Entry? {
    let start = ring.count < Self.limit ? ring.count : next + Self.limit
    for offset in ring.indices {
      let entry = ring[(start - offset - 1) % ring.count]
      if fits(entry) { return entry }
    }
    return nil
  }

  private static func text(_ message: SIPMessage, _ method: SIPMethod, isTLS: Bool) -> String {
    let tail = isTLS ? " over TLS" : ""
    guard let status = message.status else { return clipped("\(method.token) \(message.requestURIBytes?.text ?? "")") + tail }
    let phrase = message.reasonPhrase?.text ?? ""
    return clipped("\(status)\(phrase.isEmpty ? "" : " \(phrase)") to \(method.token)") + tail
  }

  private static func clipped(_ text: String) -> String { text.count > longest ? "\(text.prefix(longest - 1))…" : text }
}
