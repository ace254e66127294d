import KallglotPolicy

/// Step 6: the organization is active and has credits left.
enum OrganizationRule: AdmissionRule {
  static func check(_ request: AdmissionRequest, _ context: AdmissionContext) -> PolicyDecision {
    guard let account = context.account, !account.isActive else { return PolicyDecision(.organization, .passed) }
    return PolicyDecision(
      .organization, .refused(status: 403), detail: "organization of \(account.name) is inactive or has no credits")
  }
}
