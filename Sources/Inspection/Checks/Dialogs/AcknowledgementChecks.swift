import Rules
import SIPMessage
import SansIO
import WireReader

/// Every final response to INVITE is acknowledged: a non-2xx on its hop (RFC 3261 §17.1.1.3), a 2xx by one ACK with the dialog's tags,
/// whatever way it takes (§13.2.2.4).
struct Acknowledgement: DialogCheck {
  var rule: Rule { .successNotAcknowledged }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    var seen: Set<String> = []
    let invites = story.conversation.transactions.filter { $0.method == .invite }
    return invites.flatMap { invite -> [Remark] in
      guard invite.request != nil else { return repeated(invite) }
      guard invite.success != nil else { return refusal(invite, invites, context) }
      return invite.responses.filter { $0.isSuccess && $0.acknowledgement == nil }.compactMap { success in
        // Copies on further hops are the same 2xx.
        guard seen.insert("\(invite.key.number) \(invite.fromTag ?? "") \(success.toTag ?? "")").inserted else { return nil }
        let known = invites.flatMap { $0.responses.filter(\.isSuccess).map(\.toTag) }
        let stray = acks(of: invite, invites).first { $0.toTag != nil && !known.contains($0.toTag) }
        let detail = stray.map { ack in
          ": the ACK in frame \(ack.first.frame) from \(ack.source) has another To tag (\(ack.toTag ?? "") for \(success.toTag ?? ""))"
        }
        return remark(success, rule, detail, context, by: invite.source)
      }
    }
  }

  private func refusal(_ invite: ObservedTransaction, _ invites: [ObservedTransaction], _ context: CheckContext) -> [Remark] {
    guard let final = invite.final, invite.acknowledgement == nil else { return [] }
    let stray = acks(of: invite, invites).first { ack in
      ack.toTag == final.toTag && ack.source.address == invite.source.address && ack.destination.address == invite.destination.address
    }
    // A branch is an identifier with the magic cookie alone; RFC 2543 had none.
    if stray != nil, !invite.key.branch.hasPrefix(Via.magicCookie) { return [] }
    let detail = stray.map { ack in
      ": the ACK in frame \(ack.first.frame) from \(ack.source) has another branch than its INVITE"
    }
    return remark(final, .refusalNotAcknowledged, detail, context, by: invite.source).map { [$0] } ?? []
  }

  /// Where the capture has no beginning, repetition is proof enough: Timer G gives eleven copies until Timer H (RFC 3261 §17.2.1).
  private func repeated(_ invite: ObservedTransaction) -> [Remark] {
    guard let final = invite.final, final.copies >= 7, invite.acknowledgements.isEmpty else { return [] }
    let breach = final.isSuccess ? rule : .refusalNotAcknowledged
    let text = "\(final.status) to INVITE, sent \(Words.times(final.copies)), has no ACK in this capture"
    return [Remark(.warning, final.isSuccess ? "RFC 3261 §13.3.1.4" : "RFC 3261 §17.2.1", text, final.first, of: breach)]
  }

  private func acks(of invite: ObservedTransaction, _ invites: [ObservedTransaction]) -> [ObservedTransaction.Acknowledgement] {
    invites.filter { $0.key.number == invite.key.number && $0.fromTag == invite.fromTag }.flatMap(\.acknowledgements)
  }

  private func remark(
    _ final: ObservedTransaction.Response, _ breach: Rule, _ detail: String?, _ context: CheckContext, by blamed: TransportAddress
  ) -> Remark? {
    let section = breach == .refusalNotAcknowledged ? "RFC 3261 §17.1.1.3" : breach.section
    let waited = context.end.since(final.first)
    let copies = final.copies > 1 ? ", sent \(Words.times(final.copies))," : ""
    let text = "\(final.status) to INVITE\(copies) has no ACK in this capture"
    if waited >= patience { return Remark(.error, section, text + (detail ?? ""), final.first, of: breach, by: blamed) }
    guard waited >= 4_000_000_000 || final.copies > 1 else { return nil }
    return Remark(.note, section, text + (detail ?? ", which ends \(Words.seconds(waited)) later"), final.first, of: breach, by: blamed)
  }
}

/// A 2xx that comes again after its ACK passed here did not get that ACK (RFC 3261 §13.3.1.4).
struct RepeatedSuccess: DialogCheck {
  var rule: Rule { .acknowledgementLost }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    var seen: Set<String> = []
    let successes = story.conversation.transactions.filter { $0.method == .invite }.flatMap { invite in
      invite.responses.filter(\.isSuccess).map { (identity: "\(invite.key.number) \(invite.fromTag ?? "") \($0.toTag ?? "")", success: $0) }
    }
    // The hop that shows a 2xx first is the one of its sender; those after it forward what it repeats.
    return successes.sorted { $0.success.first.frame < $1.success.first.frame }.compactMap { identity, success in
      guard success.copiesAfterAcknowledgement > 1, let ack = success.acknowledgement, success.last.since(ack) > 500_000_000,
        seen.insert(identity).inserted
      else { return nil }
      return Remark(
        .warning, "RFC 3261 §13.3.1.4",
        "\(success.status) to INVITE is repeated after the ACK in frame \(ack.frame), the last time in frame \(success.last.frame): "
          + "the ACK does not reach \(success.source), or arrives late",
        success.last)
    }
  }
}
