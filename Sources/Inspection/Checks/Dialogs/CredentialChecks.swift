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

/// A challenge that nobody answers says nothing of a password (RFC 3261 §22.2).
struct CredentialsSent: DialogCheck {
  var rule: Rule { .credentialsNeverSent }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    let old = story.challenges.filter { $0.use == .oldNonce }.map(\.response)
    if old.count > 2, story.success == nil, let first = old.first {
      return [
        Remark(
          .warning, Rule.oldNonce.section,
          "INVITE was challenged \(Words.times(old.count)) because the caller repeats credentials for an old nonce", first.first,
          of: .oldNonce, by: story.caller)
      ]
    }
    guard case .challenged = story.outcome, let first = story.challenges.first?.response, !story.attempts.contains(where: \.hasCredentials)
    else { return [] }
    let times = story.challenges.count
    guard times > 1 || context.end.since(first.first) >= patience else { return [] }
    let who = story.caller.map { "\($0)" } ?? "the caller"
    return [
      Remark(
        times > 1 ? .warning : .note, rule.section, "INVITE was challenged \(Words.times(times)), and \(who) never sent credentials",
        first.first, by: story.caller)
    ]
  }
}

/// Credentials answer the challenge before them: they are for its realm, by its algorithm, and for their own request (RFC 7616 §3.4,
/// RFC 3261 §22.1).
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
      let own = transaction.credentials.filter { $0.status == challenge.status }
      guard
        let (kind, text) = Self.realm(own, challenge) ?? Self.algorithm(own, challenge, transaction)
          ?? Self.target(own, transaction, transactions) ?? Self.username(own, transaction, transactions),
        seen.insert("\(transaction.source.address) \(text)").inserted
      else { return nil }
      return Remark(
        kind, kind == .error ? rule.section : "RFC 3261 §22.1",
        "\(transaction.method.token) from \(transaction.source) has credentials \(text)", sent, by: transaction.source)
    }
  }

  private typealias Misfit = (InspectionFinding.Severity, String)

  private static func realm(_ own: [ObservedCredentials], _ challenge: ObservedTransaction.Response) -> Misfit? {
    let (realms, named) = (challenge.challenge.compactMap(\.realm), own.compactMap(\.realm))
    guard let realm = named.first, let wanted = realms.first, !named.contains(where: realms.contains) else { return nil }
    return (.error, "for the realm '\(realm)', the challenge in frame \(challenge.first.frame) is for '\(wanted)'")
  }

  /// Challenged again by who they are for, and not because of the nonce's age, or forbidden: what else differs is why.
  private static func isRefused(_ transaction: ObservedTransaction, _ own: [ObservedCredentials]) -> Bool {
    guard let final = transaction.final else { return false }
    guard final.status == 401 || final.status == 407 else { return final.status == 403 }
    return !final.challenge.contains(where: \.isStale)
      && own.contains { one in one.status == final.status && final.challenge.contains { $0.realm == one.realm } }
  }

  private static func algorithm(
    _ own: [ObservedCredentials], _ challenge: ObservedTransaction.Response, _ transaction: ObservedTransaction
  ) -> Misfit? {
    let offered = challenge.challenge.map { ($0.algorithm ?? "MD5").uppercased() }
    guard isRefused(transaction, own), let wanted = offered.first, let one = own.first(where: { $0.nonce != nil }),
      !offered.contains((one.algorithm ?? "MD5").uppercased())
    else { return nil }
    return (.error, "by \(one.algorithm ?? "MD5"), the challenge in frame \(challenge.first.frame) asks for \(wanted)")
  }

  private static func target(
    _ own: [ObservedCredentials], _ transaction: ObservedTransaction, _ transactions: [ObservedTransaction]
  ) -> Misfit? {
    let alike = transactions.filter { $0.source.address == transaction.source.address && $0.hasCredentials }
    guard isRefused(transaction, own), !alike.contains(where: { $0.success != nil }),
      alike.count(where: { isRefused($0, $0.credentials) }) > 1,
      let named = own.lazy.compactMap(\.uri).first, named != transaction.requestURI,
      let one = try? SIPURI(parsing: named), let asked = try? SIPURI(parsing: transaction.requestURI), !one.isEquivalent(to: asked)
    else { return nil }
    // It is not necessarily why (RFC 3261 §22.4).
    return (.note, "for <\(named)>, its Request-URI is <\(transaction.requestURI)>")
  }

  private static func username(
    _ own: [ObservedCredentials], _ transaction: ObservedTransaction, _ transactions: [ObservedTransaction]
  ) -> Misfit? {
    guard isRefused(transaction, own), let one = own.first(where: { $0.username != nil }), let name = one.username else { return nil }
    let taken = transactions.lazy.filter { $0.source.address == transaction.source.address && $0.success != nil }.flatMap(\.credentials)
    guard let other = taken.first(where: { $0.realm == one.realm && $0.username != nil && $0.username != name })?.username else {
      return nil
    }
    return (.warning, "for the username '\(name)', those of '\(other)' were accepted")
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
