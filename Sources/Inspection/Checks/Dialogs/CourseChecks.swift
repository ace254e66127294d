import Rules
import SIPMessage
import SansIO
import WireReader

/// 64·T1: how long a sender repeats a request or a 2xx before it gives up (RFC 3261 §17.1.1.2, §13.3.1.4).
let patience: Int64 = 32_000_000_000

/// Who joins in the middle cannot be blamed for what came before.
struct BeginsInTheMiddle: DialogCheck {
  var rule: Rule { .beginsInTheMiddle }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    guard story.beginsInTheMiddle else { return [] }
    return [Remark(.note, "", "the capture begins in the middle of this dialog: its beginning is not checked", story.conversation.first)]
  }
}

/// An answer that what follows proves: who does not have it in the capture cannot miss it.
struct AnswerNotCaptured: DialogCheck {
  var rule: Rule { .answerNotCaptured }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    guard let proof = story.proof else { return [] }
    let evidence =
      switch proof {
      case .acknowledgement: "ACK"
      case .request(let method, _): method.token
      case .media: "RTP of the caller"
      }
    return [
      Remark(
        .note, "", "the call was answered, as \(evidence) in frame \(proof.stamp.frame) shows; the answer is not in the capture",
        proof.stamp)
    ]
  }
}

/// An INVITE gets a final response, or Timer B ends it (RFC 3261 §17.1.1.2).
struct FinalResponse: DialogCheck {
  var rule: Rule { .noFinalResponse }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    guard case .noFinalResponse(let provisional, let waited) = story.outcome, let invite = story.decisive, let sent = invite.request else {
      return []
    }
    if let provisional {
      guard waited > 180_000_000_000 else { return [] }
      return [
        Remark(
          .warning, "RFC 3261 §13.3.1.1", "INVITE got \(provisional) and no final response for \(Words.seconds(waited))", sent)
      ]
    }
    let copies = invite.copies > 1 ? ", sent \(Words.times(invite.copies))," : ""
    // Timer A gives seven copies within Timer B.
    guard waited >= patience || invite.copies >= 7 else {
      return [
        Remark(.note, "RFC 3261 §17.1.1.2", "INVITE\(copies) has no response when the capture ends \(Words.seconds(waited)) later", sent)
      ]
    }
    return [
      Remark(
        .error, "RFC 3261 §17.1.1.2",
        "INVITE to \(invite.destination)\(copies) got no response until Timer B: "
          + "no listener, a filter on the way, or a capture of one direction only",
        sent, at: invite.destination)
    ]
  }
}

/// A 2xx wins over a CANCEL; the caller then acknowledges and hangs up (RFC 3261 §9.1, §15).
struct AnswerAfterCancel: DialogCheck {
  var rule: Rule { .answerAfterCancel }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    guard let invite = story.decisive, let cancel = invite.cancel, let success = invite.success else { return [] }
    let order = success.first.frame > cancel.frame ? "the answer arrived after CANCEL" : "CANCEL arrived after the answer"
    let severity: InspectionFinding.Severity = story.bye == nil && context.end.since(success.first) >= patience ? .error : .note
    let end = story.bye == nil ? "and no BYE ended the dialog" : "a BYE ended the dialog"
    return [Remark(severity, "RFC 3261 §9.1, §15.1.1", "\(order) (200 in frame \(success.first.frame)), \(end)", cancel)]
  }
}

/// CSeq grows within a dialog (RFC 3261 §12.2.1.1).
struct SequenceOrder: DialogCheck {
  var rule: Rule { .sequenceNotHigher }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    story.conversation.regressions.map { regression in
      let text =
        regression.from == regression.to
        ? "\(regression.method.token) has the CSeq number \(regression.to) of the request before it"
        : "CSeq went back from \(regression.from) to \(regression.to)"
      return Remark(.warning, "RFC 3261 §12.2.1.1", text, regression.stamp, by: regression.source)
    }
  }
}

/// Requests inside a dialog get a final response, or Timer F ends them (RFC 3261 §17.1.2.2).
struct UnansweredRequest: DialogCheck {
  var rule: Rule { .unansweredRequest }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    story.conversation.transactions.compactMap { transaction in
      guard let sent = transaction.request, !transaction.isComplete, transaction.method != .invite || !transaction.isInitial else {
        return nil
      }
      let waited = context.end.since(sent)
      // Timer E gives eleven copies within Timer F, Timer A seven within Timer B.
      let isGivenUp = transaction.copies >= (transaction.method == .invite ? 7 : 11)
      guard waited >= patience || isGivenUp, transaction.responses.isEmpty || transaction.method != .invite else { return nil }
      let copies = transaction.copies > 1 ? ", sent \(Words.times(transaction.copies))," : ""
      let rule = transaction.method == .invite ? "RFC 3261 §17.1.1.2" : "RFC 3261 §17.1.2.2"
      let text = "\(transaction.method.token) to \(transaction.destination)\(copies) got no final response"
      guard story.proof == nil else {
        return Remark(.note, rule, text + " in this capture, which does not have the answer to INVITE", sent)
      }
      return Remark(.error, rule, text, sent, at: transaction.destination)
    }
  }
}

/// Who takes an INVITE says so within 200 ms (RFC 3261 §17.2.1). What the way took is known at its own tap alone.
struct TryingInTime: DialogCheck {
  var rule: Rule { .tryingMissing }
  /// A busy machine is a little late.
  private static let longest: Int64 = 300_000_000

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    guard !context.own.isEmpty, !context.hasHoles else { return [] }
    let transactions = story.conversation.transactions
    return transactions.compactMap { invite in
      // Who forwards without a state says nothing of its own (§16.11).
      guard invite.method == .invite, let sent = invite.request, context.own.contains(invite.destination.address),
        !transactions.forward(invite),
        let first = invite.responses.min(by: { $0.first.frame < $1.first.frame }), first.first.since(sent) > Self.longest
      else { return nil }
      let waited = Words.seconds(first.first.since(sent))
      return Remark(
        rule, "the first response to the INVITE in frame \(sent.frame) is \(first.status), \(waited) later, and no 100 came before it",
        first.first, by: first.source)
    }
  }
}

extension [ObservedTransaction] {
  /// Whether who got a request sent it on, as proxies do: then its responses are not of its own making.
  func forward(_ request: ObservedTransaction) -> Bool {
    contains { other in
      other.method == request.method && other.key.number == request.key.number && other.fromTag == request.fromTag
        && other.key.branch != request.key.branch && other.source.address == request.destination.address
    }
  }
}
