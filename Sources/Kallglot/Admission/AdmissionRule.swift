import KallglotPolicy

/// One step of the policy (contract 8.1): a question to a request and to what is known beside it, without any effect.
protocol AdmissionRule: SendableMetatype {
  static func check(_ request: AdmissionRequest, _ context: AdmissionContext) -> PolicyDecision
}

/// The order of the steps, which is that of contract 8.1: the first that does not pass answers.
enum AdmissionOrder {
  /// Steps 1 to 4: what can be judged before anyone proves who they are.
  static let access: [any AdmissionRule.Type] = [TransportRule.self, RequireTLSRule.self, AllowlistRule.self, SIPAccessRule.self]

  /// Steps 6 to 8, for an INVITE whose account is known.
  static let call: [any AdmissionRule.Type] = [OrganizationRule.self, SessionRule.self, ConcurrencyRule.self]

  /// Steps 8a and 9, once it was tried to take the call in.
  static let reception: [any AdmissionRule.Type] = [MediaPortRule.self, DescriptionRule.self]
}

extension [any AdmissionRule.Type] {
  /// The first decision that is not a pass; nil when all pass.
  func firstFailure(_ request: AdmissionRequest, _ context: AdmissionContext) -> PolicyDecision? {
    for rule in self {
      let decision = rule.check(request, context)
      if decision.verdict != .passed { return decision }
    }
    return nil
  }
}
