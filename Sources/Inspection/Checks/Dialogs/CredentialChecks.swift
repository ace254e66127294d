import Rules
import SIPMessage
import SansIO
import WireReader

/// Credentials that are refused again and again (RFC 3261 §22.2).
struct ChallengeLoop: DialogCheck {
  var rule: Rule { .challengeLoop }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    let refused = story.challenges.filter { $0.use == .refused }.map(\.response)
    // Credentials that were taken in the end are right.
    guard let first = refused.first, refused.count > 1 || story.success == nil else { return [] }
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

/// A nonce that had expired: `stale=true` says that the password is not in doubt (RFC 7616 §3.3).
struct NonceExpired: DialogCheck {
  var rule: Rule { .nonceExpired }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    story.challenges.compactMap { response, use in
      guard case .expired(let age, let isSaid) = use else { return nil }
      let expiry = CredentialHistory.Expiry(
        stamp: response.first, age: age, isSaid: isSaid, status: response.status, phrase: response.phrase)
      let text = "INVITE: \(Self.text(expiry, server: response.source))"
      return Remark(story.success == nil ? .warning : .note, "RFC 7616 §3.3", text, response.first)
    }
  }

  /// What happened, without the name of whose request it was.
  static func text(_ expiry: CredentialHistory.Expiry, server: TransportAddress) -> String {
    let late = expiry.age.map { " \(Words.seconds($0)) after it gave their nonce" } ?? ""
    let answer = "\(server) challenges credentials again\(late) with \(expiry.status) \(expiry.phrase)".trimmingSpaces
    return "\(answer), without stale=true: the nonce \(expiry.isSaid ? "had" : "has probably") expired"
  }
}

/// Credentials answer the challenge before them: they are for its realm (RFC 7616 §3.4, RFC 3261 §22.1).
struct CredentialsFit: DialogCheck {
  var rule: Rule { .credentials }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    let transactions = story.conversation.transactions
    guard transactions.contains(where: \.hasCredentials) else { return [] }
    var seen: Set<String> = []
    return transactions.compactMap { transaction in
      guard let sent = transaction.request, transaction.hasCredentials,
        let challenge = Self.challenge(before: transaction, sent, transactions)
      else { return nil }
      let realms = challenge.challenge.compactMap(\.realm)
      let own = transaction.credentials.filter { $0.status == challenge.status }.compactMap(\.realm)
      guard let realm = own.first, let wanted = realms.first, !own.contains(where: realms.contains),
        seen.insert("\(transaction.source.address) \(realm)").inserted
      else { return nil }
      return Remark(
        rule,
        "\(transaction.method.token) from \(transaction.source) has credentials for the realm '\(realm)', the challenge in frame "
          + "\(challenge.first.frame) is for '\(wanted)'", sent, by: transaction.source)
    }
  }

  /// The 401 or 407 that the request before it got on the same way.
  private static func challenge(
    before transaction: ObservedTransaction, _ sent: FrameStamp, _ transactions: [ObservedTransaction]
  ) -> ObservedTransaction.Response? {
    let before = transactions.last { other in
      other.method == transaction.method && other.source.address == transaction.source.address
        && other.destination.address == transaction.destination.address && other.key.number < transaction.key.number
        && other.final.map { $0.first.frame < sent.frame } ?? false
    }
    return before?.final.flatMap { $0.challenge.isEmpty ? nil : $0 }
  }
}

extension DialogStory {
  /// The challenges of the attempts, and what the credentials before them were worth.
  fileprivate var challenges: [(response: ObservedTransaction.Response, use: CredentialUse)] {
    var memory = ChallengeMemory()
    return attempts.compactMap { attempt in
      guard let final = attempt.final, final.status == 401 || final.status == 407 else { return nil }
      let use = memory.take(
        final.status, phrase: final.phrase, final.challenge, to: attempt.credentials, request: attempt.request, final.first)
      return (final, use)
    }
  }
}
