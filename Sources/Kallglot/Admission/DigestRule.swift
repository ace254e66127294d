import KallglotPolicy
import SIPMessage
import SIPUserAgent

/// Step 5: the request has credentials of an account (contract 8.2). No credentials and old nonces are challenged, wrong ones refused.
enum DigestRule: AdmissionRule {
  static func check(_ request: AdmissionRequest, _ context: AdmissionContext) -> PolicyDecision {
    guard case .verdict(let verdict, let account) = context.proof else {
      return PolicyDecision(.authentication, setting: "authentication", .passed, detail: "no authentication is required")
    }
    switch verdict {
    case .accepted(_, let foreignURI):
      guard let account else { return wrong("unknown username") }
      return PolicyDecision(.authentication, .passed, detail: "account \(account.name)\(note(foreignURI, request))")
    case .wrongCredentials(let why): return wrong(why.rawValue)
    case .noCredentials: return challenged(context.policy, "no credentials for realm \(context.place.domain)")
    case .staleNonce: return challenged(context.policy, isStale: true, "nonce is older than 300 s")
    case .unknownNonce: return challenged(context.policy, isStale: true, "nonce was not issued here")
    case .replayed: return challenged(context.policy, isStale: true, "nonce count was used before")
    }
  }

  /// What the log says of a digest over another URI, which is no failure (RFC 3261 §22.4 item 4).
  private static func note(_ foreignURI: String?, _ request: AdmissionRequest) -> String {
    guard let foreignURI else { return "" }
    let target = request.targetText.prefix(128).text
    return "; its digest is over \(foreignURI.prefix(128)), the Request-URI is \(target) (RFC 3261 §22.4: a proxy may have rewritten it)"
  }

  private static func wrong(_ detail: String) -> PolicyDecision {
    PolicyDecision(.authentication, setting: "authentication", .refused(status: 403), detail: detail)
  }

  private static func challenged(_ policy: Policy, isStale: Bool = false, _ detail: String) -> PolicyDecision {
    let algorithms = policy.digestAlgorithms.map(\.rawValue).joined(separator: ", ")
    return PolicyDecision(
      .authentication, setting: "digestAlgorithms", .challenged, detail: "\(detail); offered \(algorithms)\(isStale ? ", stale" : "")")
  }
}

extension DigestVerdict {
  /// Whether a challenge says that the nonce was the reason, so that a client need not ask for its password again (RFC 7616 §3.3).
  var isStale: Bool {
    switch self {
    case .staleNonce, .unknownNonce, .replayed: true
    case .accepted, .wrongCredentials, .noCredentials: false
    }
  }
}
