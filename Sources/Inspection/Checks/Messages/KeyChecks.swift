import Rules
import SRTP
import SansIO
import WireReader

/// The keys of SRTP that a description has (RFC 4568). No finding shows one.
struct KeyLines: MessageCheck {
  var rule: Rule { .cryptoAttribute }

  func check(_ message: ObservedMessage, _ request: ObservedTransaction?) -> [Remark] {
    guard let description = message.description else { return [] }
    var remarks: [Remark] = []
    for media in description.media where media.port != 0 && media.isRTP {
      for case .failure(let refusal) in media.keys.lines where refusal.isViolation {
        remarks.append(
          Remark(
            rule.severity, refusal.section, "\(message.title) has a crypto attribute that cannot be used: \(refusal)", message.stamp,
            by: message.source))
      }
      if media.isSecure, media.cryptoLines.isEmpty, !media.hasOtherKeying {
        remarks.append(
          Remark(
            .cryptoMissing, "\(message.title) has m=\(media.kind) over \(media.profile) without a key", message.stamp, by: message.source))
      }
      if !message.transport.isSecure, media.hasKeys {
        // Whether a policy refuses them an observer says, which knows it.
        remarks.append(
          Remark(
            .note, Rule.keysInClear.section,
            "\(message.title) has keys of SRTP over \(message.transport.rawValue): whoever reads them hears the call", message.stamp,
            of: .keysInClear, by: message.source))
      }
    }
    return remarks
  }
}

/// An answer takes one line of the offer, with its tag and its suite, and brings a key of its own (RFC 4568 §5.1.3).
struct AnswerTakesKey: DialogCheck {
  var rule: Rule { .cryptoAnswer }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    story.agreements.flatMap { agreement in
      zip(agreement.offer.media, agreement.answer.media).compactMap { offer, answer in
        guard answer.port != 0, offer.port != 0, !offer.cryptoLines.isEmpty, let failure = Self.failure(offer, answer) else { return nil }
        return Remark(rule.severity, failure.section, "\(failure)", agreement.answer.stamp, by: agreement.answer.owner)
      }
    }
  }

  /// nil where the answer is right, declines RTP/AVP with keys (RFC 8643), takes a line that is not read here, or the capture has its keys
  /// no more.
  private static func failure(_ offer: ObservedMedia, _ answer: ObservedMedia) -> CryptoAnswerFailure? {
    guard !offer.hasRemovedKeys, !answer.hasRemovedKeys else { return nil }
    guard !answer.cryptoLines.isEmpty || answer.isSecure && !answer.hasOtherKeying else { return nil }
    do throws(CryptoAnswerFailure) {
      _ = try CryptoOffer(offer.crypto).accept(answer: answer.cryptoLines)
      return nil
    } catch {
      switch error {
      case .unusable: return nil
      case .unknownTag(let tag): return offer.cryptoLines.contains { $0.text.hasPrefix("\(tag) ") } ? nil : error
      case .noLine, .severalLines, .otherSuite, .ourKey: return error
      }
    }
  }
}

/// Packets of a stream for which both sides have keys are verified by one of them (RFC 3711 §3.3).
struct PacketsVerified: StreamCheck {
  var rule: Rule { .srtpUnverified }

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    guard let receiver = stream.receiver, let sender = stream.sender, !receiver.media.crypto.isEmpty, !sender.media.crypto.isEmpty else {
      return []
    }
    // Of an address that several dialogs name nobody knows whose keys hold.
    guard receiver.conversations.count == 1, sender.conversations.count == 1 else { return [] }
    let packets = stream.statistics.packets - stream.order.duplicates
    let closed = packets - stream.openedPackets
    guard closed >= 10, closed * 20 > packets else { return [] }
    // Another key may have been agreed in what the capture does not have.
    let severity: InspectionFinding.Severity = context.hasHoles ? .note : context.own.isEmpty ? .warning : .error
    let which =
      stream.openedPackets == 0 ? "none of \(Words.count(packets, "packet"))" : "\(packets - closed) of \(Words.count(packets, "packet"))"
    return [
      Remark(
        severity, rule.section, "\(stream.way) has keys on both sides, and \(which) can be verified with one", stream.first,
        by: stream.key.source)
    ]
  }
}
