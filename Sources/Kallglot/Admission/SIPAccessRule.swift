import KallglotPolicy

/// Step 4: the portal's toggle.
enum SIPAccessRule: AdmissionRule {
  static func check(_ request: AdmissionRequest, _ context: AdmissionContext) -> PolicyDecision {
    guard !context.policy.sipAccess else { return PolicyDecision(.sipAccess, setting: "sipAccess", .passed) }
    return PolicyDecision(.sipAccess, setting: "sipAccess", .refused(status: 403), detail: "SIP access is switched off")
  }
}
