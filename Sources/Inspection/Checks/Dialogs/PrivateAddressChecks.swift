import Rules
import SDP
import SIPMessage
import SansIO
import WireReader

/// A host behind a NAT that names its own address to who is outside, as it is seen inside: where the other side does not use the addresses
/// that packets come from instead, its requests and its RTP do not arrive. Where RTP comes in, it does.
struct PrivateFromInside: DialogCheck {
  var rule: Rule { .privateFromInside }

  /// A message with what it says of its sender.
  private struct Word {
    var title: String
    var stamp: FrameStamp
    var writer: TransportAddress
    var reader: TransportAddress
    var contact: IPAddress?
    var media: IPAddress?
  }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    var seen: Set<IPAddress> = []
    return words(story).compactMap { word in
      let named = [word.contact.map { ($0, "Contact") }, word.media.map { ($0, "SDP") }].compactMap(\.self)
      let lost = named.filter { Self.isUnreachable($0.0, from: word.reader.address) }
      guard let first = lost.first, seen.insert(word.writer.address).inserted else { return nil }
      let isOutside = !word.reader.address.isPrivate
      let flow = Self.flow(of: word, story, context)
      guard flow != .arrives else { return nil }
      let places = lost.filter { $0.0 == first.0 }.map(\.1).joined(separator: " and ")
      let text =
        "\(word.title) from \(word.writer.address) to \(word.reader.address)\(isOutside ? ", which is outside its network," : "") has the "
        + "private address \(first.0) in \(places): what is sent to it does not arrive unless a NAT helper rewrites it"
      let section = first.0.privateSection ?? rule.section
      return Remark(isOutside && flow == .missing ? rule.severity : .note, section, text, word.stamp, by: word.writer)
    }
  }

  /// A private address means something in its own network: one of the same kind may be reached.
  private static func isUnreachable(_ address: IPAddress, from reader: IPAddress) -> Bool {
    guard let section = address.privateSection else { return false }
    guard reader.isPrivate else { return true }
    return reader.privateSection != section || network(reader) != network(address)
  }

  /// Which of the private networks of RFC 1918.
  private static func network(_ address: IPAddress) -> UInt32 {
    let word = UInt32(truncatingIfNeeded: address.unmapped.low)
    guard !address.unmapped.isIPv6 else { return 0 }
    return word >> 24 == 10 ? 10 : word >> 20 == 0xAC1 ? 172 : word >> 16 == 0xC0A8 ? 192 : 0
  }

  private enum Flow { case arrives, missing, unknown }

  /// Whether RTP comes to who named the address.
  private static func flow(of word: Word, _ story: DialogStory, _ context: CheckContext) -> Flow {
    let periods = AudioPeriods.of(story, context)
    guard !periods.isEmpty else { return .unknown }
    for one in periods {
      let isOfferer = one.period.agreement.offer.owner.address == word.writer.address
      let (incoming, outgoing) = isOfferer ? (one.toOfferer, one.toAnswerer) : (one.toAnswerer, one.toOfferer)
      if incoming.packets > 5 { return .arrives }
      if outgoing.packets >= 25 { return .missing }
    }
    return .unknown
  }

  private func words(_ story: DialogStory) -> [Word] {
    story.conversation.transactions.flatMap { invite -> [Word] in
      guard invite.method == .invite, let sent = invite.request, invite.source.address != invite.destination.address else { return [] }
      var words: [Word] = []
      if invite.source.address.isPrivate {
        words.append(
          Word(
            title: "INVITE", stamp: sent, writer: invite.source, reader: invite.destination, contact: Self.address(invite.contact),
            media: Self.media(invite.description)))
      }
      for response in invite.responses where response.status > 100 && response.status < 300 && response.source.address.isPrivate {
        words.append(
          Word(
            title: "\(response.status)", stamp: response.first, writer: response.source, reader: invite.source,
            contact: Self.address(response.contact), media: Self.media(response.description)))
      }
      return words
    }
  }

  private static func address(_ contact: String?) -> IPAddress? {
    contact.flatMap { try? SIPURI(parsing: $0).host.address }
  }

  /// With ICE the address is one of several (RFC 8839 §4.2.1).
  private static func media(_ description: ObservedDescription?) -> IPAddress? {
    guard let audio = description?.audio, audio.port != 0, !audio.hasICE else { return nil }
    return audio.address?.address
  }
}
