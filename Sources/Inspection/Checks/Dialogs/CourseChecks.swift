import SIPMessage
import SansIO
import WireReader

/// 64·T1: how long a sender repeats a request or a 2xx before it gives up (RFC 3261 §17.1.1.2, §13.3.1.4).
let patience: Int64 = 32_000_000_000

/// Who joins in the middle cannot be blamed for what came before.
struct BeginsInTheMiddle: DialogCheck {
  let name = "begins-in-the-middle"

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    guard story.beginsInTheMiddle else { return [] }
    return [Remark(.note, "", "the capture begins in the middle of this dialog: its beginning is not checked", story.conversation.first)]
  }
}

/// An INVITE gets a final response, or Timer B ends it (RFC 3261 §17.1.1.2).
struct FinalResponse: DialogCheck {
  let name = "no-final-response"
  let judgesAbsence = true

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
        sent)
    ]
  }
}

/// Every final response to INVITE is acknowledged (RFC 3261 §13.2.2.4, §17.1.1.3).
struct Acknowledgement: DialogCheck {
  let name = "no-ack"
  let judgesAbsence = true

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    story.conversation.transactions.compactMap { transaction in
      guard transaction.method == .invite, transaction.request != nil, let final = transaction.final, transaction.acknowledgement == nil
      else {
        return nil
      }
      let waited = context.end.since(final.first)
      let rule = final.status < 300 ? "RFC 3261 §13.2.2.4" : "RFC 3261 §17.1.1.3"
      let copies = final.copies > 1 ? ", sent \(Words.times(final.copies))," : ""
      let text = "\(final.status) to INVITE\(copies) has no ACK in this capture"
      if waited >= patience { return Remark(.error, rule, text, final.first) }
      guard waited >= 4_000_000_000 || final.copies > 1 else { return nil }
      return Remark(.note, rule, text + ", which ends \(Words.seconds(waited)) later", final.first)
    }
  }
}

/// A 2xx that comes again after its ACK passed here did not get that ACK (RFC 3261 §13.3.1.4).
struct RepeatedSuccess: DialogCheck {
  let name = "ack-lost"

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    story.conversation.transactions.compactMap { transaction in
      guard transaction.method == .invite, let success = transaction.success, success.copiesAfterAcknowledgement > 1,
        let ack = transaction.acknowledgement, success.last.since(ack) > 500_000_000
      else { return nil }
      return Remark(
        .warning, "RFC 3261 §13.3.1.4",
        "\(success.status) to INVITE is repeated after the ACK in frame \(ack.frame), the last time in frame \(success.last.frame): "
          + "the ACK does not reach \(success.source), or arrives late",
        success.last)
    }
  }
}

/// A 2xx wins over a CANCEL; the caller then acknowledges and hangs up (RFC 3261 §9.1, §15).
struct AnswerAfterCancel: DialogCheck {
  let name = "answer-after-cancel"
  let judgesAbsence = true

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    guard let invite = story.decisive, let cancel = invite.cancel, let success = invite.success else { return [] }
    let order = success.first.frame > cancel.frame ? "the answer arrived after CANCEL" : "CANCEL arrived after the answer"
    let severity: InspectionFinding.Severity = story.bye == nil && context.end.since(success.first) >= patience ? .error : .note
    let end = story.bye == nil ? "and no BYE ended the dialog" : "a BYE ended the dialog"
    return [Remark(severity, "RFC 3261 §9.1, §15.1.1", "\(order) (200 in frame \(success.first.frame)), \(end)", cancel)]
  }
}

/// Credentials that are refused again and again (RFC 3261 §22.2).
struct ChallengeLoop: DialogCheck {
  let name = "challenge-loop"

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    let refused = story.attempts.filter { attempt in
      attempt.hasCredentials
        && attempt.final.map { ($0.status == 401 || $0.status == 407) && !$0.challenge.contains { $0.isStale } } == true
    }
    guard let first = refused.first?.final else { return [] }
    guard refused.count > 1 else {
      return [
        Remark(
          .warning, "RFC 3261 §22.2",
          "INVITE with credentials is challenged again with \(first.status): wrong username, password or realm", first.first)
      ]
    }
    return [
      Remark(
        .error, "RFC 3261 §22.2",
        "INVITE with credentials is challenged again \(Words.times(refused.count)): the caller repeats credentials that were refused",
        first.first)
    ]
  }
}

/// CSeq grows within a dialog (RFC 3261 §12.2.1.1).
struct SequenceOrder: DialogCheck {
  let name = "cseq-order"

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    story.conversation.regressions.map { regression in
      Remark(.warning, "RFC 3261 §12.2.1.1", "CSeq went back from \(regression.from) to \(regression.to)", regression.stamp)
    }
  }
}

/// Requests inside a dialog get a final response, or Timer F ends them (RFC 3261 §17.1.2.2).
struct UnansweredRequest: DialogCheck {
  let name = "unanswered-request"
  let judgesAbsence = true

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    story.conversation.transactions.compactMap { transaction in
      guard let sent = transaction.request, !transaction.isComplete, transaction.method != .invite || !transaction.isInitial else {
        return nil
      }
      let waited = context.end.since(sent)
      guard waited >= patience, transaction.responses.isEmpty || transaction.method != .invite else { return nil }
      let copies = transaction.copies > 1 ? ", sent \(Words.times(transaction.copies))," : ""
      return Remark(
        .error, transaction.method == .invite ? "RFC 3261 §17.1.1.2" : "RFC 3261 §17.1.2.2",
        "\(transaction.method.token) to \(transaction.destination)\(copies) got no final response", sent)
    }
  }
}

/// Requests inside a dialog that were refused.
struct RefusedRequest: DialogCheck {
  let name = "refused-in-dialog"

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    story.conversation.transactions.compactMap { transaction in
      guard !transaction.isInitial, let final = transaction.final, final.status >= 400, ![401, 407, 487].contains(final.status) else {
        return nil
      }
      let because = final.explanation.map { ": \($0)" } ?? ""
      switch final.status {
      case 481:
        return Remark(
          .warning, "RFC 3261 §12.2.2", "\(transaction.method.token) got 481: \(final.source) does not (or no longer) know this dialog",
          final.first)
      case 491:
        return Remark(
          .note, "RFC 3261 §14.1", "\(transaction.method.token) got 491: both sides sent a request at once (glare)", final.first)
      default:
        let what = "\(transaction.method.token) within the dialog got \(final.status) \(final.phrase)".trimmingSpaces
        return Remark(.note, "RFC 3261 §14.1", what + because, final.first)
      }
    }
  }
}
