import KallglotPolicy
import SIPMessage

/// Whose bindings a REGISTER would make (contract 8.2).
enum RegistrationRule {
  /// - Parameter addressOfRecord: the URI of To.
  static func check(_ request: AdmissionRequest, _ context: AdmissionContext, addressOfRecord: SIPURI) -> PolicyDecision {
    let foreign = [request.target ?? addressOfRecord, addressOfRecord].first { !context.place.isOurs($0) }
    if !context.policy.anyDomain, let foreign {
      return PolicyDecision(.domain, setting: "anyDomain", .refused(status: 404), detail: "domain \(foreign.host) is not ours")
    }
    // A username with an @ stands escaped in a URI (RFC 3261 §19.1.4).
    if context.policy.authentication == .digest, let username = context.account?.username,
      addressOfRecord.user != username, addressOfRecord.unescapedUser != username
    {
      return PolicyDecision(.domain, .refused(status: 403), detail: "the address-of-record does not match the username")
    }
    return PolicyDecision(.domain, .passed)
  }
}
