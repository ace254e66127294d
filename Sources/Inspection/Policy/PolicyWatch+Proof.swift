import Rules
import SansIO
import WireReader

extension PolicyWatch {
  /// What was proven so far.
  ///
  /// - Parameter media: what the streams of the tap had.
  func proof(_ media: MediaCounts) -> PolicyProof {
    PolicyProof(
      [secrecy(media), keys(), transports(), clients(), strangers(), codecs(media), ways(media), refusals(), passwords()].compactMap(\.self)
    )
  }

  private func item(
    _ rule: Rule, _ setting: String, broken: Int, of count: Int, _ promise: String, _ seen: String, without reason: String
  ) -> PolicyProof.Item {
    if broken > 0 {
      let what = promise.hasPrefix("no ") ? String(promise.dropFirst(3)) : promise
      return PolicyProof.Item(
        rule: rule.id, setting: setting, standing: .broken, text: "\(what): \(Words.times(broken)) in \(seen)", count: count)
    }
    guard count > 0 else {
      return PolicyProof.Item(rule: rule.id, setting: setting, standing: .notProven, text: promise, count: 0, reason: reason)
    }
    return PolicyProof.Item(rule: rule.id, setting: setting, standing: .proven, text: "\(promise) in \(seen)", count: count)
  }

  private func packets(_ packets: Int, _ streams: Int) -> String {
    "\(Words.count(packets, "packet")) of \(Words.count(streams, "stream"))"
  }

  private func secrecy(_ media: MediaCounts) -> PolicyProof.Item? {
    guard ledger.history.contains(where: \.requiresSRTP) else { return nil }
    let verified = media.secretPackets - media.unverified
    var item = item(
      .mediaInClear, "requireSRTP", broken: media.clearPackets, of: verified, "no RTP outside SRTP",
      packets(media.secretPackets, media.secretStreams),
      without: media.secretPackets > 0 ? "no packet could be verified with a key of the capture" : "no RTP was seen under requireSRTP")
    if item.standing == .proven, media.unverified > 0 {
      item.text += ", of which \(media.unverified) could not be verified with a key of the capture"
    }
    return item
  }

  private func keys() -> PolicyProof.Item? {
    guard ledger.history.contains(where: \.refusesKeysInClear) else { return nil }
    return item(
      .keysInClear, "sdesOverClear", broken: counts.keysInClear, of: counts.keyed, "no SDES key outside TLS",
      "\(Words.count(counts.keyed, "description")) with keys", without: "no SDES key was seen")
  }

  private func transports() -> PolicyProof.Item? {
    guard let arms = ledger.history.first(where: \.limitsTransports) else { return nil }
    return item(
      .signallingTransport, arms.transportSetting, broken: counts.wrongTransports, of: counts.limited,
      "no SIP served over a transport that is not allowed", Words.count(counts.limited, "message"), without: "no SIP was seen")
  }

  private func clients() -> PolicyProof.Item? {
    guard ledger.history.contains(where: { $0.clientCertificate != nil }) else { return nil }
    return item(
      .clientUnproven, "clientCertificate", broken: counts.unprovenAnswers, of: counts.clients,
      "no SIP to TLS clients without a right certificate",
      "\(Words.count(counts.clientMessages, "message")) on \(Words.count(counts.clients, "connection"))",
      without: "no handshake of a client came to its end")
  }

  private func strangers() -> PolicyProof.Item? {
    guard ledger.history.contains(where: \.mayDrop) else { return nil }
    return item(
      .strangerAnswered, "allowlistRefusal", broken: counts.answers, of: counts.strangers, "no answer to a source that is to be dropped",
      Words.count(counts.strangers, "attempt"), without: "no such source was seen")
  }

  private func codecs(_ media: MediaCounts) -> PolicyProof.Item? {
    guard ledger.history.contains(where: { !$0.codecs.isEmpty }) else { return nil }
    let names = media.codecs.isEmpty ? "" : " (\(media.codecs.joined(separator: ", ")))"
    return item(
      .codecOffList, "codecs", broken: media.offList + counts.codecsOffList, of: media.packets, "no codec off the list",
      packets(media.packets, media.streams) + names, without: "no RTP was seen")
  }

  private func ways(_ media: MediaCounts) -> PolicyProof.Item {
    item(
      .mediaToStranger, "", broken: media.astray, of: media.sent, "no RTP to an address that nobody agreed on",
      "\(Words.count(media.sent, "packet")) that were sent", without: media.packets > 0 ? "no RTP was sent" : "no RTP was seen")
  }

  private func refusals() -> PolicyProof.Item? {
    guard counts.refusals > 0 else { return nil }
    return item(
      .refusedCallsPort, "", broken: counts.portsOfRefusals, of: counts.refusals, "no media port of a refused call",
      Words.count(counts.refusals, "refusal"), without: "")
  }

  private func passwords() -> PolicyProof.Item {
    let short = ledger.secrets.tooShort > 0 ? " (passwords shorter than \(SecretList.shortest) characters are not looked for)" : ""
    let isAllTLS = counts.messages > 0 && counts.inClear == 0
    return item(
      .passwordInClear, "", broken: counts.passwords, of: counts.messages, "no password or H(A1) in clear",
      Words.count(counts.messages, "message") + (isAllTLS ? ", all over TLS" : ", \(counts.inClear) of them outside TLS") + short,
      without: "no SIP was seen")
  }
}
