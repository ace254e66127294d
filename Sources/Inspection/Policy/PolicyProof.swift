import SansIO

/// What observers can say at the end of a run: what was proven, over how much, and what was not.
public struct PolicyProof: Hashable, Sendable {
  public enum Standing: String, Hashable, Sendable, CaseIterable, Codable {
    case broken, proven
    /// Nothing came that could have shown it.
    case notProven = "not proven"
  }

  /// What one observer says.
  public struct Item: Hashable, Sendable {
    /// The id of the rule that it watches.
    public var rule: String
    /// The setting that arms it: `requireSRTP`; "" = it is always armed.
    public var setting: String
    public var standing: Standing
    /// `no RTP outside SRTP in 812 packets of 2 streams`; of what was not proven without its count.
    public var text: String
    /// Packets, messages or requests that were looked at.
    public var count: Int
    /// Why it was not proven; "" where it was.
    public var reason: String

    public init(rule: String, setting: String, standing: Standing, text: String, count: Int, reason: String = "") {
      (self.rule, self.setting, self.standing, self.text, self.count, self.reason) = (rule, setting, standing, text, count, reason)
    }
  }

  public var items: [Item]
  /// One end's tap alone was read, as in live runs.
  public var isOneSided: Bool

  public init(_ items: [Item], isOneSided: Bool = false) { (self.items, self.isOneSided) = (items, isOneSided) }

  /// `broken: …`, `proven: …`, `not proven: …`: one line each, as far as there is something to say.
  public var lines: [String] {
    let side = isOneSided ? ", seen from one side" : ""
    var lines: [String] = []
    for standing in [Standing.broken, .proven] {
      let texts = items.filter { $0.standing == standing }.map(\.text)
      if !texts.isEmpty { lines.append("\(standing.rawValue)\(side): \(texts.joined(separator: "; "))") }
    }
    let open = items.filter { $0.standing == .notProven }
    var reasons: [String] = []
    for item in open where !reasons.contains(item.reason) { reasons.append(item.reason) }
    let parts = reasons.map { reason in "\(open.filter { $0.reason == reason }.map(\.text).joined(separator: ", ")): \(reason)" }
    if !parts.isEmpty { lines.append("\(Standing.notProven.rawValue)\(side): \(parts.joined(separator: "; "))") }
    return lines
  }
}

extension PolicyArms {
  /// What observers are armed for by it, in words: `RTP outside SRTP (requireSRTP)`.
  public var armed: [String] {
    var list: [String] = []
    if requiresSRTP { list.append("RTP outside SRTP (requireSRTP)") }
    if refusesKeysInClear { list.append("SDES keys outside TLS (sdesOverClear: refuse)") }
    if limitsTransports { list.append("SIP over other transports than \(servedText) (\(transportSetting))") }
    if mayDrop { list.append("answers to sources off the allowlist (allowlistRefusal: drop)") }
    if let clientCertificate { list.append("SIP to TLS clients without a right certificate (\(clientCertificate.setting))") }
    if !codecs.isEmpty { list.append("codecs other than \(codecs.joined(separator: ", ")) (codecs)") }
    return list + ["media to addresses that nobody agreed on", "media ports of refused calls", "passwords and H(A1) in clear"]
  }
}
