import SIPMessage
import SansIO

/// `Session-Expires` of an INVITE, an UPDATE or their 2xx (RFC 4028 §4).
public struct SessionTimer: Hashable, Sendable {
  /// Who sends the refreshes, seen from the transaction that agreed on it (RFC 4028 §4).
  public enum Refresher: String, Hashable, Sendable { case uac, uas }

  /// Seconds.
  public var interval: Int
  /// nil where it is not named.
  public var refresher: Refresher?

  /// Nil where there is none, or none that can be read.
  init?(_ message: SIPMessage) {
    guard message.has(.sessionExpires), let value = try? message.parameterizedValue(.sessionExpires),
      let interval = UInt32(value.value.trimmingSpaces)
    else { return nil }
    self.interval = Int(interval)
    refresher = value.parameters["refresher"].flatMap { Refresher(rawValue: $0.lowercased()) }
  }
}

/// What PRACK acknowledges: `RAck: 776656 1 INVITE` (RFC 3262 §7.2).
public struct ObservedRAck: Hashable, Sendable {
  public var response: UInt32
  public var number: UInt32

  init?(_ message: SIPMessage) {
    guard let words = message.first(HeaderName(.rack))?.text.split(whereSeparator: { $0 == " " || $0 == "\t" }), words.count == 3,
      let response = UInt32(words[0]), let number = UInt32(words[1])
    else { return nil }
    (self.response, self.number) = (response, number)
  }
}

extension SIPMessage {
  /// `RSeq` of a provisional response that is sent reliably (RFC 3262 §3); nil for any other.
  var reliableNumber: UInt32? {
    guard has(.rseq), has(.require), requires("100rel") else { return nil }
    return first(HeaderName(.rseq)).flatMap { UInt32($0.text.trimmingSpaces) }
  }

  private func requires(_ option: String) -> Bool { tokens(.require).contains { $0.lowercased() == option } }

  /// Whether responses to this request may be reliable (RFC 3262 §3).
  var takesReliability: Bool {
    has(.supported) && tokens(.supported).contains { $0.lowercased() == "100rel" } || has(.require) && requires("100rel")
  }
}
